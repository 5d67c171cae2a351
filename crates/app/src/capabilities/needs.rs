//! What a revision needs a person for, one thing at a time: what a trial run was refused, what is lacking.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, IntoStaticStr};

use super::Lacking;

/// Something that a person has to allow, or to set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// What it is.
    pub kind: NeedKind,
    /// The module, the package, the host as `host` or `host:port`, or the name of the secret.
    pub name: String,
    /// Whether the revision declares it; what it does not, it gets by no grant alone.
    #[serde(default = "declared", skip_serializing_if = "is_true")]
    pub declared: bool,
    /// Whether it is granted as it is, so that only the declaration is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub granted: bool,
}

fn declared() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_true(value: &bool) -> bool {
    *value
}

impl Need {
    /// A need that the revision declares.
    pub fn new(kind: NeedKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), declared: true, granted: false }
    }

    /// The line that declares it in the source.
    pub fn header(&self) -> String {
        format!("# mcpbox: {}s={}", self.kind, self.name)
    }
}

/// What can be needed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NeedKind {
    /// A module of Python.
    Module,
    /// A package, or a module of one.
    Package,
    /// A host.
    Host,
    /// A secret with a value.
    Secret,
}

impl Lacking {
    /// Each thing by itself.
    pub fn needs(&self) -> Vec<Need> {
        let lists = [
            (NeedKind::Module, &self.modules),
            (NeedKind::Package, &self.packages),
            (NeedKind::Host, &self.hosts),
            (NeedKind::Secret, &self.secrets),
        ];
        let each = lists
            .into_iter()
            .flat_map(|(kind, names)| names.iter().map(move |name| Need::new(kind, name)));
        each.collect()
    }
}

/// What a row of the execution log keeps of them.
pub fn needs(refused: &Value) -> Vec<Need> {
    let each = refused.as_array().into_iter().flatten();
    each.filter_map(|need| Need::deserialize(need).ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_lacking_is_written_and_read_again() {
        let names = |name: &str| vec![name.to_owned()];
        let lacking = Lacking {
            modules: names("http.cookies"),
            packages: names("jinja2"),
            hosts: names("a.example:81"),
            secrets: names("KEY"),
        };
        let written = json!(lacking.needs());
        assert_eq!(written[2], json!({"kind": "host", "name": "a.example:81"}));
        assert_eq!(needs(&written), lacking.needs());
        assert_eq!(needs(&json!([{"kind": "wish", "name": "x"}, 7])), []);
    }
}
