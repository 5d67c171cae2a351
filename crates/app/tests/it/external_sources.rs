//! External sources: allowed by people, imported, pinned, called.

mod calls;
mod drift;
mod ending;
mod lan;
mod listing;
mod oauth;
mod place;
mod process;
mod server;
mod talk;

use std::time::{Duration, Instant};

use app::external_sources::{self, Auth, Choice, Command, Status, Transport, Wish};
use app::tools::State;
use app::{App, Error, Location};
use place::{Place, at, author};
use serde_json::json;
use server::{Server, tool};
use testkit::peer::{Node, Python};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_connected_to_before_a_person_has_allowed_it() {
    let (place, server) = (Place::new().await, Server::start(&[tool("add")]).await);
    let source = place.add_as_author(&server.wish("sums")).await.expect("it waits");
    let refused = external_sources::discover(&place.app, &author(), source.id).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let health = external_sources::health(&place.app, source.id).await.expect("read");
    assert!(health.error.is_some());
    assert_eq!(server.connections(), 0);
    assert_eq!(place.status(source.id).await, Status::Pending);

    let other = Some("elsewhere.example:443");
    let refused = external_sources::grant(&place.app, &place.admin, source.id, other).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "it is not what was shown: {refused:?}");
    let shown = external_sources::host_of(&place.app, &source).expect("a host");
    let allowed = external_sources::grant(&place.app, &place.admin, source.id, shown.as_deref());
    allowed.await.expect("allowed");
    let found = external_sources::discover(&place.app, &author(), source.id).await;
    let found = found.expect("it is listed");
    assert_eq!(found.tools.len(), 1);
    assert_eq!(place.status(source.id).await, Status::Active);
    assert!(external_sources::health(&place.app, source.id).await.expect("read").error.is_none());

    let reason = "not needed";
    external_sources::reject(&place.app, &place.admin, source.id, reason).await.expect("refused");
    let before = server.connections();
    let refused = external_sources::discover(&place.app, &author(), source.id).await;
    assert!(refused.is_err_and(|error| error.to_string().contains(reason)));
    assert_eq!(server.connections(), before);
    assert_eq!(place.status(source.id).await, Status::Rejected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_adds_no_command_and_nobody_adds_what_is_no_source() {
    let place = Place::new().await;
    let command = Wish {
        transport: Transport::Stdio,
        url: None,
        command: Some(Command { command: "true".to_owned(), ..Command::default() }),
        ..at("http://127.0.0.1:1/mcp", "command")
    };
    let refused = place.add_as_author(&command).await;
    assert!(matches!(refused, Err(Error::Denied(_))), "{refused:?}");
    place.add(&command).await.expect("a person may");
    let env = [("TOKEN".to_owned(), "in-the-open-1234".to_owned())].into();
    let spoken =
        Command { command: "true".to_owned(), args: ["--all".to_owned()].into(), env, cwd: None };
    place
        .add(&Wish { name: "spoken".to_owned(), command: Some(spoken), ..command })
        .await
        .expect("with an environment");
    let written = format!("{:?}", app::audit::after(&place.app, 0).await.expect("read"));
    assert!(written.contains("TOKEN") && written.contains("--all"), "{written}");
    assert!(!written.contains("in-the-open-1234"), "what a variable holds is nobody's to read");

    let ok = at("https://mcp.example.com/mcp", "ok");
    place.add_as_author(&ok).await.expect("an ordinary one");
    let bearer = |secret: &str| Auth::Bearer { secret: secret.to_owned() };
    let header =
        |field: &str| Auth::Header { field: Some(field.to_owned()), secret: "KEY".to_owned() };
    for (what, wish) in [
        ("a name that is taken", ok.clone()),
        ("no name", Wish { name: String::new(), ..ok.clone() }),
        ("no address", Wish { url: None, ..at("", "a") }),
        ("another scheme", at("ftp://example.com", "b")),
        ("credentials in it", at("https://user:secret@example.com", "c")),
        ("metadata", at("http://169.254.169.254/mcp", "d")),
        (
            "an open way for credentials",
            Wish { auth: bearer("KEY"), ..at("http://example.com/mcp", "e") },
        ),
        (
            "a field of the protocol",
            Wish { auth: header("Mcp-Session-Id"), ..at("https://example.com", "f") },
        ),
        ("no field", Wish { auth: header("a b"), ..at("https://example.com", "g") }),
    ] {
        assert!(place.add(&wish).await.is_err(), "{what} was taken");
    }
    let local = Wish { auth: bearer("KEY"), ..at("http://nas:8080/mcp", "h") };
    place.add(&local).await.expect("in one's own network");
    place
        .add(&Wish { auth: header("X-API-Key"), ..at("https://example.com", "i") })
        .await
        .expect("it");
}

#[tokio::test]
async fn this_machine_is_refused_where_the_operator_did_not_switch_it_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = Location::Sqlite(folder.path().join("mcpbox.db"));
    let app = App::open_without_sandbox(&location).await.expect("it opens");
    let admin = app::accounts::setup(&app, "grace", "a long enough password").await.expect("made");
    let who = admin.clone().into();
    let server = app::servers::create(&app, &who, "files", "").await.expect("a server");
    for address in ["http://127.0.0.1:9000/mcp", "http://localhost/mcp", "http://[::1]/mcp"] {
        let refused = external_sources::add(&app, &who, server.id, &at(address, "a")).await;
        let error = refused.expect_err("refused").to_string();
        assert!(error.contains("--allow-loopback-sources"), "{error}");
    }
    let lan = at("http://192.168.7.1:9000/mcp", "a");
    external_sources::add(&app, &who, server.id, &lan).await.expect("a person may allow that");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tools_are_chosen_and_imported_under_names_of_their_own() {
    let place = Place::new().await;
    let broken = json!({"name": "broken", "inputSchema": {"type": "object", "properties": {"a": {"$ref": "http://x/y"}}}});
    let server = Server::start(&[tool("add"), tool("Sub Tract"), tool("sub-tract"), broken]).await;
    let source = place.added(&server.wish("My Sums")).await;
    let names = ["add", "Sub Tract", "sub-tract", "broken", "other"].map(str::to_owned);
    let choice = Choice::Named(names.to_vec());
    let early =
        external_sources::import(&place.app, &author(), source.id, choice.clone(), false).await;
    assert!(matches!(early, Err(Error::Conflict(_))), "nothing was discovered");
    external_sources::discover(&place.app, &author(), source.id).await.expect("listed");
    let imports =
        external_sources::import(&place.app, &author(), source.id, choice.clone(), false).await;
    let imports = imports.expect("imported");
    let made: Vec<_> = imports.created.iter().map(|(tool, _)| tool.name.as_str()).collect();
    assert_eq!(made, ["my_sums_add", "my_sums_sub_tract"]);
    let skipped: Vec<_> =
        imports.skipped.iter().map(|one| (one.name.as_str(), one.status)).collect();
    assert_eq!(
        skipped,
        [
            ("other", "skipped_not_found"),
            ("sub-tract", "skipped_conflict"),
            ("broken", "skipped_invalid")
        ]
    );
    let again = external_sources::import(&place.app, &author(), source.id, choice, false).await;
    assert!(again.expect("nothing new").created.is_empty());
    let mut task = tool("research");
    task["execution"] = json!({"taskSupport": "required"});
    let mut maybe = tool("maybe");
    maybe["execution"] = json!({"taskSupport": "optional"});
    server.lists(&[tool("add"), task, maybe]);
    let found = external_sources::discover(&place.app, &author(), source.id).await.expect("listed");
    let names: Vec<_> = found.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["add", "maybe"], "what can only be called as a task cannot be called");
    assert!(found.left_out.iter().any(|(name, why)| name == "research" && why.contains("task")));
    server.lists(&[tool("add"), tool("Sub Tract"), tool("sub-tract")]);
    external_sources::discover(&place.app, &author(), source.id).await.expect("listed");
    let (_, revision) = &imports.created[0];
    assert_eq!(revision.input_schema, tool("add")["inputSchema"]);
    let found = external_sources::discovered(&place.app, source.id).await.expect("kept");
    assert_eq!(found.tools[0].imported_as, Some(imports.created[0].0.id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_deletes_no_server_with_a_source_that_a_person_allowed() {
    let place = Place::new().await;
    let source = place.add_as_author(&at("https://mcp.example.com/mcp", "far")).await;
    let source = source.expect("it waits");
    external_sources::grant(&place.app, &place.admin, source.id, None).await.expect("allowed");
    let refused = app::servers::delete(&place.app, &author(), place.server).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let who = place.admin.clone().into();
    app::servers::delete(&place.app, &who, place.server).await.expect("a person may");
    // One that only waits is the model's own.
    let server = app::servers::create(&place.app, &author(), "own", "").await.expect("made").id;
    let wish = at("https://mcp.example.com/mcp", "far");
    external_sources::add(&place.app, &author(), server, &wish).await.expect("it waits");
    app::servers::delete(&place.app, &author(), server).await.expect("it is the model's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_interrupted_is_brought_to_its_end() {
    let place = Place::new().await;
    let tools: Vec<_> = (0..40).map(|number| tool(&format!("tool{number}"))).collect();
    let server = Server::start(&tools).await;
    let source = place.added(&server.wish("sums")).await;
    place.discover(source.id).await;
    let who = place.admin.clone().into();
    let waiting = async || {
        let page = app::Page { number: 1, size: 100 };
        app::approvals::queue(&place.app, State::PendingReview, page).await.expect("read").total
    };
    // As a program that ended between the two left it.
    let choice = Choice::Named(vec!["tool0".to_owned()]);
    let left = external_sources::import(&place.app, &who, source.id, choice, false);
    assert_eq!(left.await.expect("imported").created.len(), 1);
    assert_eq!(waiting().await, 0);
    {
        // Whoever waits for it goes at once.
        let importing = external_sources::import(&place.app, &who, source.id, Choice::All, true);
        let gone = tokio::time::timeout(Duration::from_millis(1), importing).await;
        assert!(gone.is_err(), "it takes longer");
    }
    let began = Instant::now();
    while waiting().await < 40 {
        assert!(began.elapsed() < Duration::from_mins(1), "only {} wait", waiting().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_servers_are_imported_from_over_every_transport() {
    let place = Place::new().await;
    let (http, sse) = (Python::start(&["mcp", "http"]), Python::start(&["mcp", "sse"]));
    let (fast, server) = (Python::start(&["fastmcp", "http"]), Node::everything());
    let process = Command {
        command: testkit::peer::python().to_string_lossy().into_owned(),
        args: [testkit::peer::script().to_string_lossy().as_ref(), "mcp", "stdio"]
            .map(str::to_owned)
            .into(),
        ..Command::default()
    };
    let everything = format!("http://127.0.0.1:{}/mcp", server.ports[0]);
    let node = Command {
        command: testkit::peer::node_folder().join("node").to_string_lossy().into_owned(),
        args: vec![testkit::peer::everything().to_string_lossy().into_owned(), "stdio".to_owned()],
        ..Command::default()
    };
    let everything_as_process = Wish {
        transport: Transport::Stdio,
        url: None,
        command: Some(node),
        ..at("", "everything_stdio")
    };
    for wish in [
        at(&http.url("mcp"), "http"),
        at(&fast.url("mcp"), "fastmcp"),
        Wish { transport: Transport::Sse, ..at(&sse.url("sse"), "sse") },
        Wish { transport: Transport::Stdio, url: None, command: Some(process), ..at("", "stdio") },
    ] {
        let source = place.added(&wish).await;
        let name = place.import_and_approve(source.id, "add").await;
        let report = place.call(&name, json!({"a": 20, "b": 22})).await.expect("it ran");
        let passed = report.passed.expect("as it came");
        assert_eq!(passed["content"][0]["text"], "42", "{}: {passed}", wish.name);
    }
    for wish in [at(&everything, "everything"), everything_as_process] {
        let source = place.added(&wish).await;
        let name = place.import_and_approve(source.id, "get-sum").await;
        let report = place.call(&name, json!({"a": 20, "b": 22})).await.expect("it ran");
        let passed = report.passed.expect("as it came");
        let text = passed["content"][0]["text"].as_str().unwrap_or_default();
        assert!(text.contains("42"), "{}: {passed}", wish.name);
        let name = place.import_and_approve(source.id, "get-tiny-image").await;
        let report = place.call(&name, json!({})).await.expect("it ran");
        let passed = report.passed.expect("as it came").to_string();
        assert!(passed.contains("image/png"), "{}: {passed}", wish.name);
    }
    place.app.close().await;
}
