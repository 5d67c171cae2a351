//! Prompts and resources, and schemas that authors give, from saving to running, on both databases.

use std::sync::Arc;

use app::approvals::{self, Action, Decided, Decision};
use app::completions::{self, Reference};
use app::conversation::Silent;
use app::identity::{Admin, Caller, Scopes, Who};
use app::tools::{self, Changes, Kind, New, Revision};
use app::{
    App, Error, Location, Page, accounts, calls, drafts, prompts, resources, servers, sources,
};
use serde_json::{Map, Value, json};
use throwaway_postgres::Database;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::sandboxed;

const GREETING: &str = "
from typing import Literal

async def main(name: str, times: int = 1, tone: Literal['warm', 'cool', 'Wry'] = 'warm'):
    '''Greets.

    Args:
        name: Whom.
    '''
    return {'description': tone, 'messages': [f'Hello {name}'] * times}
";

const NOTE: &str = "
async def main(day: str, line: int):
    return {'day': day, 'line': line}
";

const TEMPLATE: &str = "notes://{day}/{line}";

struct World {
    app: App,
    admin: Admin,
    server_id: Uuid,
}

fn on_both(test: impl AsyncFn(World)) {
    let folder = tempfile::tempdir().expect("a folder");
    let database = Database::create().expect("a database");
    for location in [
        Location::Sqlite(folder.path().join("mcpbox.db")),
        Location::Postgres(database.url().to_owned()),
    ] {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let app = sandboxed::open(folder.path(), &location).await;
            let admin = accounts::setup(&app, "grace", "a long enough password").await;
            let admin = admin.expect("the account is made");
            let server = servers::create(&app, &model(), "weather", "").await.expect("a server");
            test(World { app, admin, server_id: server.id }).await;
        });
    }
}

fn caller() -> Caller {
    Caller { token: Some("claude".to_owned()), client: None, address: None, scopes: Scopes::ALL }
}

fn model() -> Who {
    caller().into()
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

impl World {
    fn written(&self, name: &str, kind: Kind, uri: Option<&str>, code: &str) -> New {
        let (server_id, uri) = (self.server_id, uri.map(str::to_owned));
        let (name, python_code) = (name.to_owned(), code.to_owned());
        New { server_id, name, kind, uri, python_code, ..New::default() }
    }

    async fn create(&self, new: New) -> app::Result<Revision> {
        Ok(tools::create(&self.app, &model(), new).await?.1)
    }

    async fn approve(&self, tool_id: Uuid) -> app::Result<Decided> {
        let digest = Some(tools::get(&self.app, tool_id).await.expect("read").newest.digest);
        let decision = Decision { action: Action::Approve, digest, reason: None };
        approvals::decide(&self.app, &self.admin, tool_id, decision).await
    }

    async fn live(&self, new: New) -> Revision {
        let revision = self.create(new).await.expect("it is saved");
        self.approve(revision.tool_id).await.expect("it is approved");
        revision
    }

    async fn update(&self, id: Uuid, changes: Changes) -> app::Result<Revision> {
        Ok(tools::update(&self.app, &model(), id, changes).await?.revision)
    }

    async fn get(&self, name: &str, arguments: Value) -> app::Result<calls::Report> {
        let arguments = object(arguments);
        prompts::get(&self.app, &caller(), name, arguments, Arc::new(Silent)).await
    }

    async fn read(&self, uri: &str) -> app::Result<calls::Report> {
        resources::read(&self.app, &caller(), uri, Arc::new(Silent)).await
    }

    async fn call(&self, name: &str, arguments: Value) -> app::Result<calls::Report> {
        calls::run(&self.app, &caller(), name, object(arguments), Arc::new(Silent)).await
    }
}

fn value(report: &calls::Report) -> Value {
    serde_json::from_str(report.outcome.as_ref().expect("a result")).expect("JSON")
}

fn is_unknown<T: std::fmt::Debug>(result: &app::Result<T>) -> bool {
    matches!(*result, Err(Error::NotFound { .. }))
}

fn field<T: std::fmt::Debug>(result: app::Result<T>) -> &'static str {
    match result {
        Err(Error::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prompt_is_got_by_its_name_and_is_no_tool() {
    on_both(async |world| {
        let revision = world.live(world.written("greet", Kind::Prompt, None, GREETING)).await;
        let report = world.get("weather__greet", json!({"name": "Ada", "times": "2"})).await;
        let report = report.expect("it runs");
        let message = json!({"role": "user", "content": {"type": "text", "text": "Hello Ada"}});
        let expected = json!({"description": "warm", "messages": [message, message]});
        assert_eq!(value(&report), expected);
        let wrong = world.get("weather__greet", json!({"times": "x"})).await.expect("it runs");
        assert!(wrong.text_of_failure().contains("missing argument 'name'"));

        assert!(is_unknown(&world.get("weather__other", json!({})).await));
        assert!(is_unknown(&world.get("weather__greet\0", json!({})).await));
        assert!(is_unknown(&world.call("weather__greet", json!({"name": "Ada"})).await));
        assert!(tools::callable(&world.app).await.expect("list").is_empty());
        let names = tools::live_names(&world.app).await.expect("list");
        assert_eq!((names.len(), names[0].revision_id), (1, revision.id));
        let all = tools::live_of(&world.app, &[revision.tool_id]).await.expect("read");
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].revision.kind, Kind::Prompt);

        let arguments = prompts::arguments(&all[0].revision);
        let told: Vec<_> = arguments.iter().map(|one| (one.name.as_str(), one.required)).collect();
        assert_eq!(told, [("name", true), ("times", false), ("tone", false)]);
        assert_eq!(arguments[0].description.as_deref(), Some("Whom."));

        let (all, page) = (calls::Filter::default(), Page { number: 1, size: 9 });
        let logged = calls::logs(&world.app, &all, page).await.expect("read").items;
        assert_eq!(logged.len(), 2);
        assert!(logged.iter().all(|call| call.kind == Kind::Prompt && !call.is_test));
    });
}

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
fn what_does_not_fit_its_kind_is_not_saved() {
    on_both(async |world| {
        let new = |kind, uri, code: &str| world.written("one", kind, uri, code);
        let none = "async def main():\n    return 'x'\n";
        assert_eq!(field(world.create(new(Kind::Resource, None, none)).await), "uri");
        assert_eq!(field(world.create(new(Kind::Tool, Some("a:b"), none)).await), "uri");
        assert_eq!(field(world.create(new(Kind::Prompt, Some("a:b"), none)).await), "uri");
        for wrong in ["mcpbox://a", "notes", "notes://{day}", "a\0:b", "notes://{+day}"] {
            let refused = world.create(new(Kind::Resource, Some(wrong), none)).await;
            assert_eq!(field(refused), "uri", "{wrong}");
        }
        let saved =
            world.create(new(Kind::Resource, Some("notes://a"), none)).await.expect("saved");
        let refused = world
            .update(
                saved.tool_id,
                Changes { uri: Some("notes://{b}".to_owned()), ..Changes::default() },
            )
            .await;
        assert_eq!(field(refused), "uri");
        let both = Changes {
            uri: Some("notes://{b}".to_owned()),
            python_code: Some("async def main(b):\n    return b\n".to_owned()),
            ..Changes::default()
        };
        let changed = world.update(saved.tool_id, both).await.expect("it fits");
        assert_eq!((changed.number, changed.uri.as_deref()), (2, Some("notes://{b}")));
        assert_eq!(tools::differing(&saved, &changed), ["uri", "code", "input schema"]);
        assert_ne!(saved.digest, changed.digest);
        let moved = Changes { uri: Some("notes://c/{b}".to_owned()), ..Changes::default() };
        let moved = world.update(saved.tool_id, moved).await.expect("the URI alone");
        assert_eq!(tools::differing(&changed, &moved), ["uri"]);
        assert_ne!(moved.digest, changed.digest);
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
fn a_given_schema_is_kept_as_it_is_and_checked_at_the_call() {
    on_both(async |world| {
        let text = r##"{"type":"object","title":"Z","properties":{"b":{"$ref":"#n"},"a":{"enum":["x"]}},
            "$defs":{"N":{"$anchor":"n","type":"integer","maximum":123456789012345678901234567890}},
            "if":{"required":["a"]},"then":{"required":["b"]},"additionalProperties":false}"##;
        let schema: Value = serde_json::from_str(text).expect("JSON");
        let code = "async def main(b=0):\n    return [b, arguments.get('a')]\n";
        let new = world.written("count", Kind::Tool, None, code);
        let revision = world.live(New { input_schema: Some(schema.clone()), ..new }).await;
        let kept = tools::version(&world.app, revision.tool_id, 1).await.expect("read");
        assert!(kept.schema_given);
        assert_eq!(kept.input_schema.to_string(), schema.to_string(), "order and digits");
        assert!(kept.input_schema.to_string().contains("123456789012345678901234567890"));
        assert_eq!(tools::digest_of(&kept), kept.digest);

        let called =
            async |arguments| world.call("weather__count", arguments).await.expect("it runs");
        assert_eq!(value(&called(json!({"a": "x", "b": 2})).await), json!([2, "x"]));
        for (wrong, part) in [
            (json!({"b": "2"}), "b must be an integer"),
            (json!({"a": "x"}), "with 'b'"),
            (json!({"c": 1}), "without 'c'"),
        ] {
            let text = called(wrong).await.text_of_failure();
            assert!(text.contains(part), "{text}");
        }
        let back = Changes { input_schema: Some(Value::Null), ..Changes::default() };
        let made = world.update(revision.tool_id, back.clone()).await.expect("that of main");
        assert!(!made.schema_given && made.input_schema["properties"].get("a").is_none());
        let again =
            tools::update(&world.app, &model(), revision.tool_id, back).await.expect("read");
        assert!(!again.new_revision, "nothing changed");
        let same = Changes { input_schema: Some(made.input_schema.clone()), ..Changes::default() };
        let given = world.update(revision.tool_id, same).await.expect("the same, given");
        assert!(given.schema_given && given.digest != made.digest);
        let other = Changes {
            python_code: Some("async def main(c):\n    return c\n".to_owned()),
            ..Changes::default()
        };
        assert_eq!(field(world.update(revision.tool_id, other).await), "input_schema");
    });
}

#[test]
fn a_schema_that_some_client_would_choke_on_never_gets_into_a_list() {
    on_both(async |world| {
        let open = "async def main(**values):\n    return 1\n";
        for wrong in [
            json!(1),
            json!({}),
            json!({"type": "object", "properties": {"a": true}}),
            json!({"type": "object", "properties": {"a": {"$ref": "https://a.example"}}}),
            json!({"type": "object", "properties": {"a": {"type": "text"}}}),
        ] {
            let new = world.written("one", Kind::Tool, None, open);
            let refused = world.create(New { input_schema: Some(wrong.clone()), ..new }).await;
            assert_eq!(field(refused), "input_schema", "{wrong}");
        }
        let needs = world.written("one", Kind::Tool, None, "async def main(a):\n    return a\n");
        let unknown = Some(json!({"type": "object", "properties": {"b": {}}}));
        let refused = world.create(New { input_schema: unknown, ..needs.clone() }).await;
        assert_eq!(field(refused), "input_schema");
        let known = Some(json!({"type": "object", "properties": {"a": {}}}));
        world.create(New { input_schema: known, ..needs }).await.expect("it knows `a`");
    });
}

#[test]
fn who_types_an_argument_is_told_what_it_can_be() {
    on_both(async |world| {
        world.live(world.written("greet", Kind::Prompt, None, GREETING)).await;
        let code = "
from typing import Literal
async def main(day: Literal['monday', 'mayday'], line: int):
    return day
";
        world.live(world.written("note", Kind::Resource, Some(TEMPLATE), code)).await;
        let of = async |reference, argument, so_far| {
            completions::of(&world.app, &caller(), reference, argument, so_far).await
        };
        let greet = Reference::Prompt("weather__greet");
        assert_eq!(of(greet, "tone", "w").await.expect("known"), ["warm", "Wry"]);
        assert_eq!(of(greet, "tone", "x").await.expect("known"), [""; 0]);
        assert_eq!(of(greet, "name", "A").await.expect("any text"), [""; 0]);
        assert_eq!(field(of(greet, "nme", "").await), "argument");
        assert!(is_unknown(&of(Reference::Prompt("weather__note"), "day", "").await));
        for uri in [TEMPLATE, "notes://x/1"] {
            let found = of(Reference::Resource(uri), "day", "mo").await.expect("known");
            assert_eq!(found, ["monday"], "{uri}");
        }
        assert!(is_unknown(&of(Reference::Resource("x://y"), "day", "").await));
    });
}

#[test]
fn a_draft_is_tested_as_what_it_is() {
    on_both(async |world| {
        let new = world.written("note", Kind::Resource, Some(TEMPLATE), NOTE);
        let draft = world.create(new).await.expect("saved");
        let tested = async |arguments| {
            drafts::test(&world.app, &model(), draft.tool_id, object(arguments), Arc::new(Silent))
                .await
        };
        let report = tested(json!({"day": "to day", "line": "3"})).await.expect("it runs");
        assert_eq!(value(&report)["contents"][0]["uri"], "notes://to%20day/3");
        let report = tested(json!({"day": "x"})).await.expect("it runs");
        assert!(report.text_of_failure().contains("missing argument 'line'"));
        assert!(is_unknown(&world.read("notes://x/1").await), "nobody else reads it");
        let logged = calls::find(&world.app, report.call_id).await.expect("read");
        assert!(logged.is_test && logged.kind == Kind::Resource);
    });
}

#[test]
fn authors_read_the_source_of_each_tool_as_a_resource() {
    on_both(async |world| {
        let revision = world.live(world.written("greet", Kind::Prompt, None, GREETING)).await;
        let newer = format!("{GREETING}\n# newer\n");
        let changes = Changes { python_code: Some(newer.clone()), ..Changes::default() };
        world.update(revision.tool_id, changes).await.expect("changed");
        let page = Page { number: 1, size: 10 };
        let listed = sources::list(&world.app, &caller(), page).await.expect("list");
        assert_eq!(listed.total, 1);
        let uri = &listed.items[0].uri;
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
            sources::list(&world.app, &nobody, page).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
        }
    });
}
