//! Capabilities: what a revision declares to use. What it may use is that, as far as it is granted.

use serde::{Deserialize, Serialize};

/// What a revision declares, each list in order and without repetition. A part of its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// Modules beside those that every tool may import, as `import` names them.
    pub modules: Vec<String>,
    /// Packages, as `name==version`.
    pub packages: Vec<String>,
    /// Hosts, as `host` or `host:port`; `*` stands for every host that is granted.
    pub hosts: Vec<String>,
    /// Secrets of its server, by name.
    pub secrets: Vec<String>,
    /// Other tools that it calls, by the names that clients use.
    pub tools: Vec<String>,
}
