//! Resources: those that authors make, and the sources of tools.

use std::sync::Arc;

use app::conversation::Silent;
use app::identity::{Caller, Scopes, Who};
use app::tools::{self, Changes, Kind};
use app::{Error, approvals, resources, sources};
use serde_json::{Value, json};

use super::{GREETING, NOTE, TEMPLATE, caller, field, is_unknown, on_both, value};

#[test]
fn a_resource_is_read_under_its_uri_or_what_matches_its_template() {
    on_both(async |world| {
        let revision =
            world.live(world.written("note", Kind::Resource, Some(TEMPLATE), NOTE)).await;
        let code = "async def main() -> bytes:\n    return b'GIF89a'\n";
        let one =
            world.live(world.written("logo", Kind::Resource, Some("notes://logo/1"), code)).await;
        assert_eq!(revision.output_schema, None, "only tools promise results");

        let report = world.read("notes://to%20day/7").await.expect("it runs");
        let text = json!({"day": "to day", "line": 7});
        let contents = &value(&report)["contents"][0];
        assert_eq!(contents["uri"], "notes://to%20day/7");
        let read: Value =
            serde_json::from_str(contents["text"].as_str().expect("text")).expect("JSON");
        assert_eq!(read, text);
        let lenient = value(&world.read("notes://a!b/7").await.expect("it runs"));
        assert_eq!(lenient["contents"][0]["uri"], "notes://a!b/7", "as it was asked for");
        let wrong = world.read("notes://today/x").await.expect("it runs");
        assert!(wrong.text_of_failure().contains("line must be an integer"));
        let logo = value(&world.read("notes://logo/1").await.expect("it runs"));
        assert_eq!(logo["contents"][0]["mimeType"], "image/gif", "what says most is read");

        for uri in ["notes://today", "notes://a/b/c", "", "notes://\0/1", "x://a", "notes://%FF/1"]
        {
            assert!(is_unknown(&world.read(uri).await), "{uri}");
        }
        assert!(is_unknown(&world.call("weather__note", json!({})).await));
        let off = Changes { enabled: Some(false), ..Changes::default() };
        world.update(one.tool_id, off).await.expect("switched off");
        let report = world.read("notes://logo/1").await.expect("the template has it now");
        assert_eq!(report.tool_name, "weather__note");
        let nobody = Caller { scopes: Scopes { call: false, author: true }, ..caller() };
        let refused = resources::read(&world.app, &nobody, "notes://a/1", Arc::new(Silent)).await;
        assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    });
}

#[test]
fn no_two_live_resources_are_read_under_the_same() {
    on_both(async |world| {
        let first = world.live(world.written("note", Kind::Resource, Some(TEMPLATE), NOTE)).await;
        let code = NOTE.replace("day", "other");
        let same = world.written("same", Kind::Resource, Some("notes://{other}/{line}"), &code);
        let second = world.create(same).await.expect("a draft may");
        let refused = world.approve(second.tool_id).await.expect_err("the same shape");
        assert!(
            matches!(&refused, Error::Conflict(text) if text.contains("weather__note")),
            "{refused}"
        );
        let detail = tools::get(&world.app, second.tool_id).await.expect("read");
        assert!(detail.live.is_none(), "nothing of it was done");
        let away = Changes { uri: Some("old://{day}/{line}".to_owned()), ..Changes::default() };
        world.update(first.tool_id, away).await.expect("another URI");
        assert!(world.approve(second.tool_id).await.is_err(), "the live one is still there");
        world.approve(first.tool_id).await.expect("now it is away");
        world.approve(second.tool_id).await.expect("free now");
        // Back to where another one is now.
        let person = Who::from(world.admin.clone());
        let rolled = approvals::rollback(&world.app, &person, first.tool_id, 1).await;
        let refused = rolled.expect_err("taken meanwhile");
        assert!(matches!(refused, Error::Conflict(_)), "{refused}");
        let live = tools::get(&world.app, first.tool_id).await.expect("read").live.expect("live");
        assert_eq!(live.uri.as_deref(), Some("old://{day}/{line}"));
    });
}

#[test]
fn authors_read_the_source_of_each_tool_as_a_resource() {
    on_both(async |world| {
        let revision = world.live(world.written("greet", Kind::Prompt, None, GREETING)).await;
        let newer = format!("{GREETING}\n# newer\n");
        let changes = Changes { python_code: Some(newer.clone()), ..Changes::default() };
        world.update(revision.tool_id, changes).await.expect("changed");
        let listed = sources::list(&world.app, &caller(), None, 10).await.expect("list");
        assert_eq!(listed.len(), 1);
        let behind = sources::list(&world.app, &caller(), Some(&listed[0].name), 10).await;
        assert_eq!(behind.expect("list"), []);
        for wrong in ["", "weather", "weather/\0"] {
            let refused = sources::list(&world.app, &caller(), Some(wrong), 10).await;
            assert_eq!(field(refused), "name", "{wrong:?}");
        }
        let uri = &listed[0].uri;
        assert_eq!(uri, "mcpbox://tools/weather/greet/source");
        let read = async |query: &str| {
            let uri = format!("{uri}{query}");
            sources::read(&world.app, &caller(), &uri).await.map(|found| found.text)
        };
        assert_eq!(read("").await.expect("read"), newer);
        assert_eq!(read("?version=live").await.expect("read"), GREETING);
        assert_eq!(read("?version=1").await.expect("read"), GREETING);
        assert!(is_unknown(&read("?version=9").await));
        assert_eq!(field(read("?version=x").await), "uri");
        for other in ["mcpbox://tools/weather/x/source", "mcpbox://tools/\0/x/source", "a:b"] {
            assert!(is_unknown(&sources::read(&world.app, &caller(), other).await), "{other}");
        }
        let nobody = Caller { scopes: Scopes { call: true, author: false }, ..caller() };
        for refused in [
            sources::read(&world.app, &nobody, uri).await.map(drop),
            sources::list(&world.app, &nobody, None, 10).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        }
    });
}
