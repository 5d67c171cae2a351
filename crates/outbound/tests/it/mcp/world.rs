//! Servers to call, and what the tests hear of them.

use futures::future::{BoxFuture, FutureExt as _};
use outbound::mcp::{Access, AccessError, Call, Listener, Open, Place, Refused, RpcError, Setup};
use outbound::mcp::{Source, Web};
use outbound::{Client, Policy, Settings};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) use testkit::peer::{Python, python, script};

/// Longer than anything takes that works.
pub(crate) const LONG: Duration = Duration::from_mins(1);

/// What was heard, and what to answer.
#[derive(Default)]
pub(crate) struct Ear {
    heard: Mutex<Vec<(String, Value)>>,
    answers: Mutex<VecDeque<Value>>,
}

impl Ear {
    pub(crate) fn answering(answers: &[Value]) -> Arc<Self> {
        let answers = Mutex::new(answers.iter().cloned().collect());
        Arc::new(Self { answers, ..Self::default() })
    }

    /// The parameters of what was heard under this name.
    pub(crate) fn heard(&self, method: &str) -> Vec<Value> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(name, _)| name == method).map(|(_, params)| params.clone()).collect()
    }
}

impl Listener for Ear {
    fn notified(&self, method: &str, params: &Value) {
        self.heard.lock().unwrap().push((method.to_owned(), params.clone()));
    }

    fn asked<'a>(
        &'a self,
        method: &'a str,
        params: &'a Value,
    ) -> BoxFuture<'a, Result<Value, RpcError>> {
        self.notified(method, params);
        let answer = self.answers.lock().unwrap().pop_front();
        let answer = answer.ok_or_else(|| RpcError::unknown_method(method));
        futures::future::ready(answer).boxed()
    }
}

/// Credentials that are replaced once they were refused.
#[derive(Default)]
pub(crate) struct Tokens {
    pub(crate) refused: Mutex<Vec<Refused>>,
    /// Whether there is another.
    pub(crate) renew: bool,
}

impl Access for Tokens {
    fn headers(&self) -> BoxFuture<'_, Result<Vec<(String, String)>, AccessError>> {
        let number = self.refused.lock().unwrap().len();
        let field = ("Authorization".to_owned(), format!("Bearer token{number}"));
        futures::future::ready(Ok(vec![field])).boxed()
    }

    fn refused<'a>(
        &'a self,
        _sent: &'a [(String, String)],
        refused: &'a Refused,
    ) -> BoxFuture<'a, bool> {
        self.refused.lock().unwrap().push(refused.clone());
        futures::future::ready(self.renew).boxed()
    }
}

/// An address on this machine, which was allowed, with these credentials.
pub(crate) fn web(url: &str, access: Arc<dyn Access>) -> Web {
    let grants = vec!["127.0.0.1".parse().unwrap()];
    let policy = Policy::Source { grants, allow_loopback: true };
    let client = Client::new(&Settings::default()).unwrap();
    Web { url: url.to_owned(), client, caller: "source".to_owned(), policy, access }
}

pub(crate) fn setup(place: Place, observer: Arc<dyn Listener>) -> Setup {
    Setup {
        place,
        info: json!({"name": "mcpbox", "version": "1"}),
        capabilities: json!({"elicitation": {}}),
        log_level: None,
        observer,
    }
}

/// A source at this address.
pub(crate) fn at(url: &str) -> Source {
    Source::new(setup(Place::Http(web(url, Arc::new(Open))), Arc::new(()))).unwrap()
}

/// A call of a tool, that nobody listens to.
pub(crate) fn call(name: &str, arguments: &Value) -> Call {
    let arguments = arguments.as_object().cloned().expect("arguments are an object");
    let meta = serde_json::Map::new();
    Call { name: name.to_owned(), arguments, meta, schema: None, timeout: LONG, listener: None }
}

/// The same with somebody who listens.
pub(crate) fn heard(name: &str, arguments: &Value, ear: &Arc<Ear>) -> Call {
    Call { listener: Some(Arc::clone(ear) as Arc<dyn Listener>), ..call(name, arguments) }
}

/// The text of a result.
pub(crate) fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap_or_default()
}

/// Waits until something is so.
pub(crate) async fn until(mut so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("it never became so");
}
