//! Prompts and resources, and where clients read the latter.

use std::collections::BTreeSet;

use store::{
    Store,
    revisions::{self, Kind, Revision},
    servers::{self, Server, Status},
    tools::{self, SourceOf},
};

use crate::{
    rows::{at, revision, stored_server, tool},
    with::{ALL, on_both},
};

/// An approved resource.
async fn resource(store: &Store, server: &Server, name: &str, uri: &str) -> Revision {
    let tool = tool(server, name);
    let (kind, uri) = (Kind::Resource, Some(uri.to_owned()));
    let schema = r#"{"b":123456789012345678901234567890,"a":{"$anchor":"x","const":1.50}}"#;
    let input_schema = serde_json::from_str(schema).expect("JSON");
    let made = Revision { kind, uri, input_schema, schema_given: true, ..revision(&tool, 1) };
    tools::insert(store, &tool).await.expect("insert a tool");
    revisions::insert(store, &made).await.expect("insert a revision");
    let set = tools::set_live(store, tool.id, None, Some(made.id), at(1)).await;
    assert!(set.expect("set live"));
    made
}

#[test]
fn a_schema_keeps_the_order_of_its_keys_and_the_digits_of_its_numbers() {
    on_both(async |store| {
        let server = stored_server(&store, "notes").await;
        let made = resource(&store, &server, "note", "notes://{day}").await;
        let read = revisions::find(&store, made.id).await.expect("find").expect("a revision");
        assert_eq!(read.input_schema.to_string(), made.input_schema.to_string());
        assert_eq!(read, made);
        let listed = tools::list(&store, server.id, ALL).await.expect("list").items;
        let newest = &listed[0].1;
        assert_eq!((newest.kind, newest.uri.as_deref()), (Kind::Resource, Some("notes://{day}")));
    });
}

#[test]
fn where_live_resources_are_read_is_told_with_whether_they_can_be() {
    on_both(async |store| {
        let server = stored_server(&store, "notes").await;
        let made = resource(&store, &server, "note", "notes://{day}").await;
        let draft = tool(&server, "draft");
        let uri = Some("notes://draft".to_owned());
        let unapproved = Revision { kind: Kind::Resource, uri, ..revision(&draft, 1) };
        tools::insert(&store, &draft).await.expect("insert");
        revisions::insert(&store, &unapproved).await.expect("insert");

        let found = tools::live_uris(&store).await.expect("read");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].uri.as_str(), found[0].name.is_callable), ("notes://{day}", false));
        let ids = [made.tool_id];
        let of = tools::live_of(&store, &ids).await.expect("read");
        assert!(of.is_empty(), "its server stands");
        let from = [Status::Imported];
        let started = servers::set_status(&store, server.id, &from, Status::Running, at(1)).await;
        assert!(started.expect("start"));
        assert!(tools::live_uris(&store).await.expect("read")[0].name.is_callable);
        let all = tools::live_of(&store, &ids).await.expect("read");
        assert_eq!(all.into_iter().map(|one| one.revision).collect::<Vec<_>>(), [made]);
    });
}

#[test]
fn sources_are_found_by_the_names_of_server_and_tool() {
    on_both(async |store| {
        let (second, first) =
            (stored_server(&store, "notes").await, stored_server(&store, "a").await);
        let note = resource(&store, &second, "note", "notes://1").await;
        let other = resource(&store, &first, "zoo", "notes://2").await;
        let names = |one: &SourceOf| format!("{}/{}", one.server_name, one.tool_name);
        let next = Revision { id: uuid::Uuid::now_v7(), number: 2, ..note.clone() };
        revisions::insert(&store, &next).await.expect("insert");
        let states = tools::source_states(&store).await.expect("list");
        let states: Vec<_> =
            states.iter().map(|one| (names(&one.source), one.newest, one.live)).collect();
        let expected = [("a/zoo", 1, Some(other.id)), ("notes/note", 2, Some(note.id))];
        assert_eq!(states, expected.map(|(name, newest, live)| (name.to_owned(), newest, live)));
        let listed = async |after: Option<(&str, &str)>, most: u64| {
            let listed = tools::sources(&store, after, most).await.expect("list");
            let names = |one: &SourceOf| format!("{}/{}", one.server_name, one.tool_name);
            listed.iter().map(names).collect::<Vec<_>>()
        };
        assert_eq!(listed(None, 9).await, ["a/zoo", "notes/note"]);
        assert_eq!(listed(None, 1).await, ["a/zoo"]);
        resource(&store, &first, "ape", "notes://3").await;
        assert_eq!(
            listed(Some(("a", "zoo")), 9).await,
            ["notes/note"],
            "none twice, none left out"
        );
        assert_eq!(listed(Some(("a", "gone")), 9).await, ["a/zoo", "notes/note"]);
        assert!(listed(Some(("notes", "note")), 9).await.is_empty());
        let find = async |server: &str, tool: &str| {
            tools::find_source(&store, server, tool).await.expect("find")
        };
        assert_eq!(find("notes", "note").await, Some(note.tool_id));
        assert_eq!(find("a", "zoo").await, Some(other.tool_id));
        let unknown = BTreeSet::from([
            find("a", "note").await,
            find("x", "zoo").await,
            find("a\0", "zoo").await,
            find("a", "").await,
        ]);
        assert_eq!(unknown, BTreeSet::from([None]));
    });
}
