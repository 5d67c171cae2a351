//! A host that answers `http.request` by the path of the URL, and keeps what it was asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sandbox::{Host, Operation};
use serde_json::{Value, json};

/// Answers requests; what it saw can be read afterwards.
#[derive(Default)]
pub(super) struct WebHost {
    seen: Mutex<Vec<Value>>,
    open: Arc<Open>,
}

/// How many requests are under way, were at most, and were given up.
#[derive(Default)]
struct Open {
    now: AtomicUsize,
    most: AtomicUsize,
    given_up: AtomicUsize,
}

impl Open {
    /// Waits until so many requests are, or once were, under way at the same time.
    async fn reach(&self, requests: usize) {
        while self.most.load(Ordering::SeqCst) < requests {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// One request under way.
struct Counted {
    open: Arc<Open>,
    answered: bool,
}

impl Counted {
    fn new(open: &Arc<Open>) -> Self {
        let now = open.now.fetch_add(1, Ordering::SeqCst) + 1;
        open.most.fetch_max(now, Ordering::SeqCst);
        Self { open: Arc::clone(open), answered: false }
    }

    fn finish(mut self) {
        self.answered = true;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.now.fetch_sub(1, Ordering::SeqCst);
        if !self.answered {
            self.open.given_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl WebHost {
    /// The heads of all requests, each with its body as `body`.
    pub(super) fn seen(&self) -> Vec<Value> {
        self.seen.lock().expect("no test panics here").clone()
    }

    /// How many requests were under way at the same time.
    pub(super) fn most(&self) -> usize {
        self.open.most.load(Ordering::SeqCst)
    }

    /// How many requests nobody waited for to the end.
    pub(super) fn given_up(&self) -> usize {
        self.open.given_up.load(Ordering::SeqCst)
    }
}

impl Host for WebHost {
    fn start(&self, operation: &str, payload: Vec<u8>) -> Operation {
        assert_eq!(operation, "http.request");
        let (mut head, body) = split(&payload);
        head["body"] = json!(String::from_utf8_lossy(&body));
        self.seen.lock().expect("no test panics here").push(head.clone());
        let (counted, open) = (Counted::new(&self.open), Arc::clone(&self.open));
        Box::pin(async move {
            let url = Target::of(&head);
            match url.path.as_str() {
                "/never" => std::future::pending().await,
                "/together" => open.reach(url.queried("of").parse().expect("a number")).await,
                _ => {}
            }
            counted.finish();
            answer(&url, &head)
        })
    }
}

fn split(message: &[u8]) -> (Value, Vec<u8>) {
    let (length, rest) = message.split_first_chunk::<4>().expect("a length");
    let length = usize::try_from(u32::from_be_bytes(*length)).expect("a length");
    let (head, body) = rest.split_at(length);
    (serde_json::from_slice(head).expect("a head"), body.to_vec())
}

fn joined(head: &Value, body: &[u8]) -> Vec<u8> {
    let head = serde_json::to_vec(head).expect("JSON");
    let length = u32::try_from(head.len()).expect("a short head");
    [&length.to_be_bytes(), head.as_slice(), body].concat()
}

/// What a URL asks for.
struct Target {
    path: String,
    query: Vec<(String, String)>,
}

impl Target {
    fn of(head: &Value) -> Self {
        let url = head["url"].as_str().expect("a text");
        let (_, after) = url.split_once("://").expect("a scheme");
        let (place, query) = after.split_once('?').unwrap_or((after, ""));
        let path = place.find('/').map_or("/", |at| place.split_at(at).1);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect();
        Self { path: path.to_owned(), query }
    }

    fn queried(&self, name: &str) -> String {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("a code"));
        bytes.extend(rest.replace('+', " ").into_bytes());
    }
    String::from_utf8(bytes).expect("a text")
}

fn answer(url: &Target, head: &Value) -> Result<Vec<u8>, String> {
    let queried = |name: &str| url.queried(name);
    let respond = |status: u16, headers: Value, body: &[u8]| {
        let head = json!({
            "status": status, "reason": queried("reason"), "http_version": "HTTP/2",
            "url": head["url"], "headers": headers, "elapsed": 0.25, "history": [],
        });
        Ok(joined(&head, body))
    };
    match url.path.as_str() {
        "/refused" => Err("the host refuses the operation".to_owned()),
        "/broken" => Ok(b"\0\0\0\x05{nope".to_vec()),
        "/error" => {
            let error = json!({ "kind": queried("kind"), "message": queried("message") });
            Ok(joined(&json!({ "error": error }), b""))
        }
        "/redirect" => {
            let status = queried("status").parse().unwrap_or(302);
            let headers = json!([["location", queried("to")], ["set-cookie", "step=1; Path=/"]]);
            respond(status, headers, b"moved")
        }
        "/loop" => respond(302, json!([["location", "/loop"]]), b""),
        "/cookies" => {
            respond(200, json!([["Set-Cookie", "a=1; Path=/"], ["Set-Cookie", "b=2"]]), b"")
        }
        "/status" => {
            let status = queried("code").parse().expect("a status");
            respond(status, json!([["content-type", "text/plain"]]), b"no such thing")
        }
        "/latin" => respond(
            200,
            json!([["content-type", "text/plain; charset=iso-8859-1"], ["x-name", "J\u{fc}rgen"]]),
            b"caf\xe9",
        ),
        "/lines" => respond(
            200,
            json!([["content-type", "text/plain"]]),
            "one\r\ntwo\nthr\u{e9}e".as_bytes(),
        ),
        "/links" => {
            respond(200, json!([["Link", "<https://api.example/?page=2>; rel=\"next\""]]), b"[]")
        }
        "/digest" => digest(head, &respond),
        _ => {
            let told = serde_json::to_vec(head).expect("JSON");
            respond(
                200,
                json!([["Content-Type", "application/json"], ["X-A", "1"], ["x-a", "2"]]),
                &told,
            )
        }
    }
}

/// Asks for credentials until there are some.
fn digest(
    head: &Value,
    respond: &impl Fn(u16, Value, &[u8]) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let headers = head["headers"].as_array().expect("headers");
    let given = headers.iter().find(|pair| pair[0] == "Authorization");
    if let Some(pair) = given {
        return respond(200, json!([]), pair[1].as_str().expect("a text").as_bytes());
    }
    let asked = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
    respond(401, json!([["WWW-Authenticate", asked]]), b"")
}
