//! What a source tells and asks while a call runs reaches the caller, in both eras, and so does the caller's leaving.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::conversation::{Abilities, AskError, Conversation, LogEntry, Progress, Question, Silent};
use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use testkit::peer::Python;

use super::place::{Place, at, caller};

/// A client whose user is called Ada.
#[derive(Default)]
struct Ada {
    progress: Mutex<Vec<f64>>,
    asked: Mutex<Vec<Question>>,
}

impl Conversation for Ada {
    fn abilities(&self) -> Abilities {
        Abilities { elicit_form: true, ..Abilities::default() }
    }

    fn progress(&self, progress: Progress) {
        self.progress.lock().expect("whole").push(progress.progress);
    }

    fn log(&self, _: LogEntry) {}

    fn ask(&self, question: Question) -> BoxFuture<'static, Result<Value, AskError>> {
        self.asked.lock().expect("whole").push(question);
        let answer = json!({"action": "accept", "content": {"name": "Ada"}});
        Box::pin(std::future::ready(Ok(answer)))
    }
}

async fn call(place: &Place, name: &str, client: Arc<dyn Conversation>) -> String {
    let report = app::calls::run(&place.app, &caller(), name, Map::new(), client).await;
    let report = report.expect("it is logged");
    match report.passed {
        Some(passed) => passed["content"][0]["text"].as_str().unwrap_or_default().to_owned(),
        None => report.outcome.expect_err("no result").message,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_questions_and_cancellation_pass() {
    let place = Place::new().await;
    let modes = [
        ("modern", &["mcp", "http"][..], "ask_by_result", "hello Ada, kept"),
        ("session", &["mcp", "http", "session"], "ask", "hello Ada"),
    ];
    for (title, mode, question, expected) in modes {
        let server = Python::start(mode);
        let source = place.added(&at(&server.url("mcp"), title)).await;
        let ask = place.import_and_approve(source.id, question).await;
        let client = Arc::new(Ada::default());
        assert_eq!(call(&place, &ask, Arc::clone(&client) as _).await, expected);
        assert_eq!(client.asked.lock().expect("whole")[0].params["message"], "who?");
        // A client that shows no forms is none that could be asked.
        let refused = call(&place, &ask, Arc::new(Silent)).await;
        assert_ne!(refused, expected);

        let steps = place.import_and_approve(source.id, "steps").await;
        assert_eq!(call(&place, &steps, Arc::clone(&client) as _).await, "done");
        let progress = client.progress.lock().expect("whole").clone();
        assert!(
            progress.windows(2).all(|two| two[0] < two[1]) && progress.len() > 1,
            "{progress:?}"
        );

        let wait = place.import_and_approve(source.id, "wait").await;
        let cancelled = place.import_and_approve(source.id, "was_cancelled").await;
        let mut told = String::new();
        for _ in 0..50 {
            let arguments = json!({"name": "one"});
            let short = Duration::from_millis(500);
            let waiting = tokio::time::timeout(short, place.call(&wait, arguments)).await;
            assert!(waiting.is_err(), "it waits for very long");
            told = call(&place, &cancelled, Arc::new(Silent)).await;
            if told.contains("one") {
                break;
            }
        }
        assert!(told.contains("one"), "{title}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_a_source_changes_is_read_again_by_itself() {
    let place = Place::new().await;
    let server = Python::start(&["mcp", "http"]);
    let source = place.added(&at(&server.url("mcp"), "moving")).await;
    let change = place.import_and_approve(source.id, "change").await;
    let count = async || {
        let detail = app::external_sources::get(&place.app, source.id).await.expect("read");
        detail.source.tool_count
    };
    let before = count().await;
    for _ in 0..100 {
        // The stream of notices may begin a moment after the first call.
        call(&place, &change, Arc::new(Silent)).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        if count().await > before {
            return;
        }
    }
    panic!("nobody listed the tools again");
}
