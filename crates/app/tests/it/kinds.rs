//! Prompts, resources and schemas that authors give, from saving to running, on both databases.

mod resources;
mod schemas;

use std::sync::Arc;

use app::approvals::{self, Action, Decided, Decision};
use app::completions::{self, Reference};
use app::conversation::Silent;
use app::identity::{Admin, Caller, Scopes, Who};
use app::tools::{self, Changes, Kind, New, Revision};
use app::{App, Error, Location, Page, accounts, calls, capabilities, drafts, prompts, servers};
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
        app::resources::read(&self.app, &caller(), uri, Arc::new(Silent)).await
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
fn who_types_an_address_of_mcpboxs_own_is_told_what_there_is() {
    on_both(async |world| {
        world.create(world.written("greet", Kind::Prompt, None, GREETING)).await.expect("saved");
        let of = async |caller: &Caller, uri, argument, so_far| {
            completions::of(&world.app, caller, Reference::Resource(uri), argument, so_far).await
        };
        let all = caller();
        let source = app::sources::TEMPLATE;
        for (variable, so_far, expected) in [
            ("server", "Wea", &["weather"][..]),
            ("tool", "", &["greet"]),
            ("tool", "x", &[]),
            ("version", "", &["live"]),
        ] {
            let found = of(&all, source, variable, so_far).await.expect("known");
            assert_eq!(found, expected, "{variable}");
        }
        let one = "mcpbox://tools/weather/greet/source";
        assert_eq!(of(&all, one, "server", "").await.expect("known"), ["weather"]);
        assert_eq!(field(of(&all, source, "vresion", "").await), "argument");
        for variable in ["id", "offset", "length"] {
            let found = of(&all, app::artifacts::TEMPLATE, variable, "").await.expect("known");
            assert_eq!(found, [""; 0], "{variable}");
        }
        let scopes = Scopes { author: false, ..Scopes::ALL };
        let stranger = Caller { scopes, ..caller() };
        assert!(matches!(of(&stranger, source, "tool", "").await, Err(Error::Denied(_))));
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
fn what_is_asked_of_the_caller_is_told_to_who_reviews_it() {
    on_both(async |world| {
        let risk = async |code: &str, name: &str| {
            let new = New { name: name.to_owned(), ..world.written("one", Kind::Tool, None, code) };
            let (tool, revision) = tools::create(&world.app, &model(), new).await.expect("saved");
            let standing = capabilities::standing(&world.app, tool.server_id, &revision).await;
            (standing.expect("it is read").risk, revision.remarks)
        };
        let code =
            "async def main():\n    return await ctx.elicit_url('x', 'https://a.example/')\n";
        let (asking, remarks) = risk(code, "asking").await;
        assert_eq!(
            asking,
            "Can send the caller's user to an address and reaches nothing else outside the sandbox"
        );
        assert_eq!(remarks, ["line 2: it can send the caller's user to an address"]);
        let (silent, remarks) = risk("async def main():\n    ctx.log(1)\n", "silent").await;
        assert_eq!(silent, "Reaches nothing outside the sandbox");
        assert!(remarks.is_empty(), "{remarks:?}");
    });
}

#[test]
fn a_prompt_that_is_an_error_fails_with_what_it_returned() {
    on_both(async |world| {
        let code = "async def main():\n    ctx.is_error = True\n    return 'no such topic'\n";
        world.live(world.written("greet", Kind::Prompt, None, code)).await;
        let report = world.get("weather__greet", json!({})).await.expect("it runs");
        assert_eq!((report.error_kind(), report.succeeded()), (Some("reported"), false));
        assert_eq!(report.text_of_failure(), "no such topic");
    });
}
