//! Sources whose answers all come on one stream: processes, and streams of events.

use super::python::{is_cancelled, is_served};
use super::scripted::{Act, Scripted, accepted, event, stream};
use super::world::{Ear, LONG, Python, call, heard, python, script, setup, text, until, web};
use futures::future::join_all;
use outbound::mcp::{Call, Era, Error, Listener, Open, Place, Program, Source};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn of(place: Place) -> Source {
    Source::new(setup(place, Arc::new(()))).unwrap()
}

/// A process that runs this in a shell.
fn shell(text: &str) -> Source {
    let arguments = vec!["-c".to_owned(), text.to_owned()];
    of(Place::Process(program("/bin/sh", arguments)))
}

fn program(command: impl AsRef<Path>, arguments: Vec<String>) -> Program {
    let environment = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    Program { command: command.as_ref().to_owned(), arguments, environment, directory: None }
}

fn of_python(package: &str) -> Source {
    let script = script().canonicalize().unwrap().to_str().unwrap().to_owned();
    let python = std::path::absolute(python()).unwrap();
    of(Place::Process(program(python, vec![script, package.to_owned(), "stdio".to_owned()])))
}

#[tokio::test]
async fn a_process_of_python() {
    let source = of_python("mcp");
    assert_eq!(source.start().await.unwrap().era, Era::Modern);
    is_served(&source, 128).await;
    is_cancelled(&source).await;
    let ear = Ear::answering(&[json!({"action": "accept", "content": {"name": "Ada"}})]);
    let answered = source.call_tool(heard("ask_by_result", &json!({}), &ear)).await.unwrap();
    assert_eq!(text(&answered), "hello Ada, kept");
    source.call_tool(heard("steps", &json!({}), &ear)).await.unwrap();
    assert_eq!(ear.heard("notifications/progress").len(), 3);
    let sums = join_all((0..50).map(|a| source.call_tool(call("add", &json!({"a": a, "b": 1})))));
    for (a, sum) in sums.await.into_iter().enumerate() {
        assert_eq!(text(&sum.unwrap()), (a + 1).to_string());
    }
    is_served(&of_python("fastmcp"), 4).await;
}

#[tokio::test]
async fn a_stream_of_events_of_python() {
    for (package, tools) in [("mcp", 128), ("fastmcp", 4)] {
        let server = Python::start(&[package, "sse"]);
        // It is found out, too, where the address is taken for one of a newer kind.
        let place = if package == "mcp" { Place::EventStream } else { Place::Http };
        let source = of(place(web(&server.url("sse"), Arc::new(Open))));
        assert!(matches!(source.start().await.unwrap().era, Era::Session(_)));
        is_served(&source, tools).await;
        is_cancelled(&source).await;
        if package == "mcp" {
            let ear = Ear::answering(&[json!({"action": "accept", "content": {"name": "Ada"}})]);
            let answered = source.call_tool(heard("ask", &json!({}), &ear)).await.unwrap();
            assert_eq!(text(&answered), "hello Ada");
        }
        source.close().await;
        is_served(&source, tools).await;
    }
}

/// A shell that begins a session with whoever writes to it, and then does this for each call.
fn session(then: &str) -> String {
    let begun = r#"{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":"2025-06-18"}}"#;
    format!(
        r#"echo greetings; while read -r line; do
        id=$(echo "$line" | sed 's/.*"id":\([0-9]*\).*/\1/'); case "$line" in
        *server/discover*) echo '{{"jsonrpc":"2.0","id":'$id',"error":{{"code":-32601,"message":"no"}}}}';;
        *'"initialize"'*) echo '{begun}';;
        *tools/call*) {then};;
        esac; done"#
    )
}

#[tokio::test]
async fn a_process_has_the_environment_that_it_was_given_and_no_other() {
    let answer = r#"{"jsonrpc":"2.0","id":'$id',"result":{"content":[{"type":"text","text":"'"$(env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | tr '\n' ' ')"'"}]}}"#;
    let source = shell(&session(&format!("echo '{answer}'")));
    let answered = source.call_tool(call("a", &json!({}))).await.unwrap();
    assert_eq!(text(&answered).trim(), "PATH=/usr/bin:/bin");
}

#[tokio::test]
async fn a_process_that_ends_says_why() {
    let source = shell("echo it is \\\n broken >&2; exit 3");
    let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
    assert!(error.is_certainly_not_carried_out(), "{error:?}");
    assert!(error.to_string().contains("it is broken"), "{error}");

    let source = shell(&session("echo crashed >&2; exit 1"));
    let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
    assert!(matches!(&error, Error::Ended { words, sent: true } if words == "crashed"));
    assert!(!error.is_certainly_not_carried_out());
    let missing = of(Place::Process(program("/does/not/exist", Vec::new())));
    assert!(matches!(missing.start().await, Err(Error::NotStarted(_))));
}

#[tokio::test]
async fn a_process_that_ended_between_calls_is_started_again() {
    let answer = r#"{"jsonrpc":"2.0","id":'$id',"result":{"content":[]}}"#;
    let source = shell(&session(&format!("echo '{answer}'; exit 0")));
    for _call in 0..3 {
        source.call_tool(call("a", &json!({}))).await.unwrap();
        // The end may be noticed by the next call alone.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_process_that_ends_soon_is_started_again_after_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("started");
    let started = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    let source = Arc::new(shell(&format!("echo x >> {}; echo no key >&2; exit 1", file.display())));
    let listening = tokio::spawn({
        let source = Arc::clone(&source);
        async move { while let Ok(()) | Err(Error::Ended { .. }) = source.listen().await {} }
    });
    source.call_tool(call("a", &json!({}))).await.unwrap_err();
    // One start to ask which era it is of, and one to begin a session.
    assert_eq!(started(), 2);
    for _attempt in 0..4 {
        let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
        assert!(error.is_certainly_not_carried_out(), "{error:?}");
        let told = error.to_string();
        assert!(told.contains("started again in 1 s") && told.contains("no key"), "{told}");
    }
    assert_eq!(started(), 2, "neither calls nor notices start it");
    let again = async || {
        let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
        !matches!(error, Error::Resting { .. })
    };
    until(again).await;
    assert_eq!(started(), 4);
    let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
    assert!(error.to_string().contains("started again in 2 s"), "{error}");
    listening.abort();
}

#[tokio::test]
async fn a_process_that_takes_long_to_start_is_started_once_however_short_its_callers_wait() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("started");
    let started = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    let done = r#"echo '{"jsonrpc":"2.0","id":'$id',"result":{"content":[]}}'"#;
    let go = folder.path().join("go");
    let waits = format!("while [ ! -e {} ]; do sleep 0.1; done; ", go.display());
    let text = format!("echo x >> {}; ", file.display()) + &waits + &session(done);
    let source = shell(&text);
    let short = Duration::from_millis(500);
    for _attempt in 0..2 {
        let impatient = Call { timeout: short, ..call("a", &json!({})) };
        let error = source.call_tool(impatient).await.unwrap_err();
        assert!(error.is_certainly_not_carried_out(), "{error:?}");
        // One that is dropped ends nothing either.
        let dropped = source.call_tool(call("a", &json!({})));
        assert!(tokio::time::timeout(short, dropped).await.is_err());
    }
    std::fs::write(&go, "").unwrap();
    source.call_tool(call("a", &json!({}))).await.unwrap();
    assert_eq!(started(), 1);

    // What nobody needs any more is not started to its end.
    std::fs::remove_file(&go).unwrap();
    let source = shell(&text);
    assert!(tokio::time::timeout(short, source.start()).await.is_err());
    until(async || started() == 2).await;
    source.close().await;
    std::fs::write(&go, "").unwrap();
    source.start().await.expect("the next use begins another");
    assert_eq!(started(), 3);
}

#[tokio::test]
async fn notices_of_a_process_are_heard_once_it_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("started");
    let notice = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
    let then = format!("echo '{notice}'");
    let text = format!("echo x >> {}; ", file.display()) + &session(&then);
    let ear = Arc::new(Ear::default());
    let place = Place::Process(program("/bin/sh", vec!["-c".to_owned(), text]));
    let observer = Arc::clone(&ear) as Arc<dyn Listener>;
    let source = Arc::new(Source::new(setup(place, observer)).unwrap());
    let listening = tokio::spawn({
        let source = Arc::clone(&source);
        async move { source.listen().await }
    });
    let impatient = Call { timeout: Duration::from_secs(1), ..call("a", &json!({})) };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!file.exists(), "nobody needs it");
    drop(source.call_tool(impatient).await);
    until(async || !ear.heard("notifications/tools/list_changed").is_empty()).await;
    assert!(!listening.is_finished());
    source.stop().await;
    assert!(matches!(listening.await.unwrap(), Err(Error::Retired { .. })));
    assert!(matches!(source.start().await, Err(Error::Retired { sent: false })));
}

#[tokio::test]
async fn a_process_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    // Neither the end of its input nor being asked ends it.
    let stubborn = format!(
        "trap '' TERM; (trap '' TERM; echo $$ $PPID; sleep 1000) & sh -c 'echo $PPID' > {0}; ",
        file.display()
    );
    let source =
        shell(&(stubborn + &session("true").replace("echo greetings;", "") + "; sleep 1000"));
    source.start().await.unwrap();
    let pid = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    let alive = async || {
        let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let stats = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        stats.filter(|stat| is_running_in(stat, &pid)).count()
    };
    assert!(alive().await >= 2);
    drop(source);
    until(async || alive().await == 0).await;
}

/// Whether a line of `/proc/*/stat` is of a process in this group that has not ended.
fn is_running_in(stat: &str, group: &str) -> bool {
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[2] == group && fields[0] != "Z"
}

#[tokio::test]
async fn a_line_of_a_process_has_an_end() {
    let source = shell(&session("head -c 11000000 /dev/zero; sleep 1000"));
    let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
    assert!(matches!(&error, Error::Ended { words, .. } if words.contains("a line of more than")));
}

#[tokio::test]
async fn a_process_that_does_not_answer_is_given_up_on() {
    let source = shell(&session("true"));
    source.start().await.unwrap();
    let impatient = Call { timeout: Duration::from_millis(1500), ..call("a", &json!({})) };
    let error = source.call_tool(impatient).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn so_many_calls_are_under_way_at_once_and_the_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls");
    // What was called is answered with the next sign of life.
    let text = session(&format!("echo $id >> {}", file.display())).replace(
        "esac; done",
        &format!(
            r#"*'"ping"'*) for one in $(cat {0}); do echo '{{"jsonrpc":"2.0","id":'$one',"result":{{}}}}'; done
            echo '{{"jsonrpc":"2.0","id":'$id',"result":{{}}}}';; esac; done"#,
            file.display()
        ),
    );
    let called = || std::fs::read_to_string(&file).unwrap_or_default().lines().count();
    let source = Arc::new(shell(&text));
    let calls = (0..150).map(|_| {
        let source = Arc::clone(&source);
        tokio::spawn(async move { source.call_tool(call("a", &json!({}))).await })
    });
    let calls: Vec<_> = calls.collect();
    until(async || called() == 128).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(called(), 128, "the others wait");
    source.ping(LONG).await.expect("it waits for no call");
    until(async || called() == 150).await;
    source.ping(LONG).await.unwrap();
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

/// A server with a stream of events whose first names this address.
async fn naming(endpoint: &str) -> Scripted {
    let first = format!("event: endpoint\ndata: {endpoint}\n\n");
    let began = json!({"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2024-11-05"}});
    let events = first + &event(&began);
    Scripted::new(
        move |request, _message: &Value| {
            if request.starts_with("GET") { Act::Hang(stream(&events)) } else { accepted() }
        },
    )
    .await
}

#[tokio::test]
async fn requests_go_to_no_other_origin_than_the_stream_came_from() {
    let other = naming("/other").await;
    let server = naming(&other.url).await;
    let error = of(Place::EventStream(web(&server.url, Arc::new(Open)))).start().await.unwrap_err();
    assert!(error.to_string().contains("elsewhere"), "{error}");
    assert!(other.seen("").is_empty());
}

#[tokio::test]
async fn a_stream_of_events_that_is_none_is_told_as_that() {
    let server = Scripted::new(|_request, _message| accepted()).await;
    let source = of(Place::EventStream(web(&server.url, Arc::new(Open))));
    let error = source.call_tool(call("a", &json!({}))).await.unwrap_err();
    assert!(matches!(&error, Error::Start(error) if matches!(**error, Error::NotMcp(_))));
    assert!(error.is_certainly_not_carried_out());
    assert!(source.list_tools(LONG).await.is_err());
}

#[tokio::test]
async fn a_process_that_had_sessions_may_have_learnt_to_do_without() {
    let folder = tempfile::tempdir().unwrap();
    let began = folder.path().join("began");
    let refused = r#"{"jsonrpc":"2.0","id":'$id',"error":{"code":-32022,"message":"no","data":{"supported":["2026-07-28"]}}}"#;
    let said = r#"{"jsonrpc":"2.0","id":'$id',"result":{"supportedVersions":["2026-07-28"]}}"#;
    let modern = session("true").replace(
        "in\n",
        &format!("in\n*server/discover*) echo '{said}';; *'\"initialize\"'*) echo '{refused}';;\n"),
    );
    let old = session("exit 0");
    let file = began.display();
    let source = shell(&format!("if [ -e {file} ]; then {modern}; else touch {file}; {old}; fi"));
    assert_eq!(source.start().await.unwrap().era, Era::Session("2025-06-18"));
    assert!(source.call_tool(call("a", &json!({}))).await.is_err(), "it ends");
    until(async || source.start().await.is_ok()).await;
    assert_eq!(source.start().await.unwrap().era, Era::Modern);
}
