//! A source that wants tokens, and the authorization server that gives them, both on this machine.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use url::{Url, form_urlencoded};

use crate::external_sources::server::read;

/// What both do, and what they were asked.
#[derive(Default)]
pub(super) struct State {
    /// Fields of the metadata in the place of the usual ones; null leaves one out.
    pub(super) metadata: HashMap<&'static str, Value>,
    /// How long access tokens hold, where that is said.
    pub(super) expires_in: Option<i64>,
    /// What renewals are answered with in the place of a token; `REFRESH` in it is what was sent, `ESCAPED` the same as JSON
    /// may have it.
    pub(super) refusal: Option<(u16, Value)>,
    /// Whether the token endpoint keeps its answers for the moment.
    pub(super) holds: bool,
    /// How long the token endpoint takes.
    pub(super) delay: Duration,
    /// The scope that calls of tools need.
    pub(super) needs: Option<&'static str>,
    /// The authorization server that the source names in the place of this one.
    pub(super) moved: Option<String>,
    /// Whether the source keeps calls for the moment.
    pub(super) keeps: bool,
    /// The `Authorization` of everything that came to the source.
    pub(super) seen: Vec<String>,
    /// How many requests came to the source, and to the authorization server.
    pub(super) heard: [usize; 2],
    /// The requests to the token endpoint, and the other endpoints' names.
    pub(super) asked: Vec<HashMap<String, String>>,
    pub(super) registered: Vec<Value>,
    pub(super) revoked: Vec<String>,
    /// What was given, by what it is good for.
    codes: HashMap<String, HashMap<String, String>>,
    pub(super) access: HashMap<String, String>,
    pub(super) refresh: HashSet<String>,
    /// Everything secret that was given.
    pub(super) secrets: Vec<String>,
    /// The tokens that calls of tools came with.
    pub(super) shown: Vec<String>,
    count: usize,
}

/// The source and its authorization server; clones are the same.
#[derive(Clone)]
pub(super) struct Issuer {
    /// Where the source is.
    pub(super) url: String,
    /// Who gives the tokens.
    pub(super) address: String,
    state: Arc<Mutex<State>>,
}

type Answer = (u16, Vec<(&'static str, String)>, String);

impl Issuer {
    pub(super) async fn start() -> Self {
        Self::start_at(["127.0.0.1:0"; 2]).await
    }

    /// The source and the authorization server at these addresses.
    pub(super) async fn start_at(addresses: [&str; 2]) -> Self {
        let mut listeners = Vec::new();
        for address in addresses {
            listeners.push(TcpListener::bind(address).await.expect("a port"));
        }
        let at =
            |index: usize| format!("http://{}", listeners[index].local_addr().expect("an address"));
        let issuer = Self { url: format!("{}/mcp", at(0)), address: at(1), state: Arc::default() };
        for (index, listener) in listeners.into_iter().enumerate() {
            let issuer = issuer.clone();
            tokio::spawn(listen(listener, move |head, body| {
                let issuer = issuer.clone();
                issuer.state().heard[index] += 1;
                async move {
                    match index {
                        0 => {
                            issuer.keep(&body).await;
                            issuer.source(&head, &body)
                        }
                        _ => issuer.authorization(&head, &body).await,
                    }
                }
            }));
        }
        issuer
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("whole")
    }

    /// The host of the authorization server.
    pub(super) fn host(&self) -> String {
        self.address.trim_start_matches("http://").to_owned()
    }

    /// The requests to the token endpoint with this grant.
    pub(super) fn asked(&self, grant: &str) -> Vec<HashMap<String, String>> {
        let asked = self.state().asked.clone();
        asked.into_iter().filter(|form| form["grant_type"] == grant).collect()
    }

    /// All access tokens end.
    pub(super) fn forget_access(&self) {
        self.state().access.clear();
    }

    /// A person visits the address and agrees; gives the query that their browser comes back with.
    pub(super) fn agree(&self, url: &str) -> String {
        let url = Url::parse(url).expect("a URL");
        assert_eq!(url.origin().ascii_serialization(), self.address);
        let asked: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["resource"], self.url);
        let state = asked["state"].clone();
        let code = self.state().secret("code");
        self.state().codes.insert(code.clone(), asked);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &code).append_pair("state", &state);
        query.append_pair("iss", &self.address);
        query.finish()
    }

    async fn keep(&self, body: &[u8]) {
        let is_call = String::from_utf8_lossy(body).contains("tools/call");
        while is_call && self.state().keeps {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn source(&self, head: &str, body: &[u8]) -> Answer {
        let path = path(head);
        if path == "/.well-known/oauth-protected-resource/mcp" {
            return (200, Vec::new(), json!({
                "resource": self.url,
                "authorization_servers": [self.state().moved.clone().unwrap_or_else(|| self.address.clone())],
                "scopes_supported": ["read"],
            }).to_string());
        }
        if path != "/mcp" {
            return (404, Vec::new(), String::new());
        }
        let mut state = self.state();
        let shown = header(head, "authorization");
        state.seen.extend(shown.clone());
        let token = shown.as_deref().and_then(|value| value.strip_prefix("Bearer "));
        let challenge = |more: &str| {
            let place = self.url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
            vec![("www-authenticate", format!("Bearer resource_metadata=\"{place}\"{more}"))]
        };
        let scope = token.and_then(|token| state.access.get(token)).cloned();
        let Some(scope) = scope else { return (401, challenge(""), String::new()) };
        let message: Value = serde_json::from_slice(body).unwrap_or_default();
        let result = match message["method"].as_str().unwrap_or_default() {
            "server/discover" => json!({
                "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "guarded", "version": "1"},
            }),
            "tools/list" => json!({
                "tools": [{"name": "look", "inputSchema": {"type": "object"}}],
                "ttlMs": 0,
                "cacheScope": "private",
            }),
            "tools/call" => {
                if let Some(needed) =
                    state.needs.filter(|needed| !scope.split(' ').any(|own| own == *needed))
                {
                    let more = format!(", error=\"insufficient_scope\", scope=\"{needed}\"");
                    return (403, challenge(&more), String::new());
                }
                let token = token.unwrap_or_default().to_owned();
                let text = format!("seen by {token}");
                state.shown.push(token);
                json!({"content": [{"type": "text", "text": text}]})
            }
            _ => return (404, Vec::new(), String::new()),
        };
        let mut result = result;
        result["resultType"] = json!("complete");
        let id = &message["id"];
        (200, Vec::new(), json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string())
    }

    async fn authorization(&self, head: &str, body: &[u8]) -> Answer {
        match path(head).as_str() {
            "/.well-known/oauth-authorization-server" => {
                (200, Vec::new(), self.metadata().to_string())
            }
            "/register" => {
                let mut state = self.state();
                let asked: Value = serde_json::from_slice(body).expect("JSON");
                state.registered.push(asked);
                let id = format!("client-{}", state.registered.len());
                let secret = state.secret("client-secret");
                let client = json!({"client_id": id, "client_secret": secret});
                (201, Vec::new(), client.to_string())
            }
            "/revoke" => {
                let form: HashMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
                self.state().revoked.push(form["token"].clone());
                (200, Vec::new(), String::new())
            }
            "/token" => {
                let mut form: HashMap<String, String> =
                    form_urlencoded::parse(body).into_owned().collect();
                if let Some(shown) = header(head, "authorization") {
                    let encoded = shown.strip_prefix("Basic ").expect("basic");
                    let pair = BASE64_STANDARD.decode(encoded).expect("base64");
                    form.insert("basic".to_owned(), String::from_utf8(pair).expect("text"));
                }
                let delay = self.state().delay;
                let answer = self.state().token(&form);
                tokio::time::sleep(delay).await;
                while self.state().holds {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                answer
            }
            _ => (404, Vec::new(), String::new()),
        }
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.address);
        let mut metadata = json!({
            "issuer": self.address,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "revocation_endpoint": at("/revoke"),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        for (name, value) in &self.state().metadata {
            metadata[*name] = value.clone();
        }
        metadata
    }
}

impl State {
    /// A new text that nobody else may read.
    fn secret(&mut self, kind: &str) -> String {
        self.count += 1;
        let secret = format!("{kind}-0123456789-{}", self.count);
        self.secrets.push(secret.clone());
        secret
    }

    fn token(&mut self, form: &HashMap<String, String>) -> Answer {
        self.asked.push(form.clone());
        let refused = |code: &str| (400, Vec::new(), json!({"error": code}).to_string());
        let scope = match form["grant_type"].as_str() {
            "authorization_code" => {
                // Used once.
                let Some(asked) = self.codes.remove(&form["code"]) else {
                    return refused("invalid_grant");
                };
                let challenge =
                    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
                assert_eq!(asked["code_challenge"], challenge);
                assert_eq!(asked["redirect_uri"], form["redirect_uri"]);
                asked.get("scope").cloned()
            }
            "refresh_token" => {
                if let Some((status, body)) = &self.refusal {
                    let sent = &form["refresh_token"];
                    let escaped: Vec<_> =
                        sent.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
                    let body = body.to_string().replace("REFRESH", sent);
                    return (*status, Vec::new(), body.replace("ESCAPED", &escaped.concat()));
                }
                if !self.refresh.remove(&form["refresh_token"]) {
                    // A second use ends the login.
                    self.refresh.clear();
                    return refused("invalid_grant");
                }
                None
            }
            "client_credentials" => form.get("scope").cloned(),
            _ => return refused("unsupported_grant_type"),
        };
        let (access, refresh) = (self.secret("access"), self.secret("refresh"));
        self.access.insert(access.clone(), scope.clone().unwrap_or_default());
        let mut given = json!({"access_token": access, "token_type": "bearer"});
        if let Some(scope) = scope {
            given["scope"] = json!(scope);
        }
        if form["grant_type"] != "client_credentials" {
            self.refresh.insert(refresh.clone());
            given["refresh_token"] = json!(refresh);
        }
        if let Some(seconds) = self.expires_in {
            given["expires_in"] = json!(seconds);
        }
        (200, Vec::new(), given.to_string())
    }
}

async fn listen<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(String, Vec<u8>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send,
{
    while let Ok((mut connection, _)) = listener.accept().await {
        let answer = answer.clone();
        tokio::spawn(async move {
            while let Some((head, body)) = read(&mut connection).await {
                let (status, fields, body) = answer(head, body).await;
                let mut text =
                    format!("HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\n");
                for (name, value) in fields {
                    text = format!("{text}{name}: {value}\r\n");
                }
                let length = body.len();
                text = format!("{text}content-length: {length}\r\n\r\n{body}");
                if connection.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

fn path(head: &str) -> String {
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(own, _)| own.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.to_owned())
}
