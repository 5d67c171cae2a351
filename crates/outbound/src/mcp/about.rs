//! What this client tells of itself, and how a request is put for each era of the protocol.

use super::listener::Listener;
use super::message;
use super::patience::Patience;
use super::start::Era;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The prefix of what revision 2026-07-28 defines for `_meta`.
const PREFIX: &str = "io.modelcontextprotocol/";

/// What this client tells of itself.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// Name and version, as the protocol has them (`clientInfo`).
    pub(crate) info: Value,
    /// What the source may ask of it.
    pub(crate) capabilities: Value,
    /// From which level on log messages are wanted.
    pub(crate) log_level: Option<String>,
}

/// A request that is to be sent.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: &'static str,
    pub(crate) params: Map<String, Value>,
    /// What the header `Mcp-Name` repeats.
    pub(crate) name: Option<String>,
    /// Headers that repeat arguments.
    pub(crate) mirrored: Vec<(String, String)>,
    pub(crate) listener: Option<Arc<dyn Listener>>,
    pub(crate) patience: Arc<Patience>,
}

impl Outgoing {
    pub(crate) fn new(method: &'static str, patience: Arc<Patience>) -> Self {
        let (params, mirrored) = (Map::new(), Vec::new());
        Self { method, params, name: None, mirrored, listener: None, patience }
    }
}

impl About {
    /// The message that carries a request. What the caller gave for `_meta` stays, except where the
    /// protocol has its own.
    pub(crate) fn frame(&self, era: &Era, id: u64, outgoing: &Outgoing) -> Value {
        let mut params = outgoing.params.clone();
        let mut meta = match params.remove("_meta") {
            Some(Value::Object(meta)) => meta,
            _ => Map::new(),
        };
        if outgoing.listener.is_some() {
            meta.insert("progressToken".to_owned(), json!(id));
        } else {
            meta.remove("progressToken");
        }
        if let Era::Modern = era {
            let mut insert =
                |name: &str, value: Value| meta.insert(format!("{PREFIX}{name}"), value);
            insert("protocolVersion", json!(era.version()));
            insert("clientInfo", self.info.clone());
            insert("clientCapabilities", self.capabilities.clone());
            if let Some(level) = &self.log_level
                && outgoing.listener.is_some()
            {
                insert("logLevel", json!(level));
            }
        }
        if !meta.is_empty() {
            params.insert("_meta".to_owned(), Value::Object(meta));
        }
        message::request(id, outgoing.method, &params)
    }

    /// What begins a session.
    pub(crate) fn initialize(&self, patience: Arc<Patience>) -> Outgoing {
        let params = [
            ("protocolVersion", json!(super::start::SESSIONS[0])),
            ("capabilities", self.capabilities.clone()),
            ("clientInfo", self.info.clone()),
        ];
        let params = params.map(|(name, value)| (name.to_owned(), value));
        Outgoing { params: Map::from_iter(params), ..Outgoing::new("initialize", patience) }
    }
}
