//! The revisions of the protocol, and which of them a message belongs to.

use http::HeaderMap;
use serde_json::{Map, Value};

/// The header that names the revision.
pub(crate) const HEADER: &str = "mcp-protocol-version";

/// Where a message without a session names its revision.
pub(crate) const META: &str = "io.modelcontextprotocol/protocolVersion";

/// A revision of the protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// 2025-03-26
    March2025,
    /// 2025-06-18
    June2025,
    /// 2025-11-25
    November2025,
    /// 2026-07-28: every request stands alone.
    July2026,
}

impl Version {
    /// All of them, newest first.
    pub(crate) const ALL: [Self; 4] =
        [Self::July2026, Self::November2025, Self::June2025, Self::March2025];

    /// The newest that begins with `initialize`.
    pub(crate) const NEWEST_WITH_SESSIONS: Self = Self::November2025;

    /// The dates that name them.
    pub(crate) fn names() -> [&'static str; 4] {
        Self::ALL.map(Self::as_str)
    }

    /// The date that names it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::March2025 => "2025-03-26",
            Self::June2025 => "2025-06-18",
            Self::November2025 => "2025-11-25",
            Self::July2026 => "2026-07-28",
        }
    }

    /// The revision of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// Whether its requests stand alone.
    pub(crate) fn is_modern(self) -> bool {
        self == Self::July2026
    }

    /// What `initialize` is answered: the revision that was asked for where it has sessions.
    pub(crate) fn negotiated(asked: &str) -> Self {
        Self::named(asked)
            .filter(|version| !version.is_modern())
            .unwrap_or(Self::NEWEST_WITH_SESSIONS)
    }
}

/// What the header says, if it is text; the first where there are several.
pub(crate) fn named_by(headers: &HeaderMap) -> Option<&str> {
    headers.get(HEADER).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// Whether the header names a revision whose requests stand alone, known or not. Revisions are
/// dates, which compare as texts.
pub(crate) fn is_modern_header(headers: &HeaderMap) -> bool {
    named_by(headers).is_some_and(|name| name >= Version::July2026.as_str())
}

/// Whether a request stands alone: it says so itself, or its header does, or it has a method that
/// only those have. What begins a session never does.
pub(crate) fn stands_alone(headers: &HeaderMap, method: &str, params: &Map<String, Value>) -> bool {
    if method == "initialize" && params.contains_key("protocolVersion") {
        return false;
    }
    let says_so = params.get("_meta").is_some_and(|meta| meta.get(META).is_some());
    says_so || is_modern_header(headers) || method == "server/discover"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn alone(header: Option<&'static str>, method: &str, params: &Value) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(HEADER, http::HeaderValue::from_static(value));
        }
        stands_alone(&headers, method, params.as_object().expect("an object"))
    }

    #[test]
    fn a_request_is_told_to_stand_alone_by_itself_its_header_or_its_method() {
        let meta = json!({"_meta": {(META): "2026-07-28"}});
        assert!(alone(None, "tools/list", &meta));
        assert!(alone(Some("2026-07-28"), "tools/list", &json!({})));
        assert!(alone(Some("2027-01-01"), "tools/list", &json!({})));
        assert!(alone(None, "server/discover", &json!({})));
        assert!(alone(None, "initialize", &meta), "it names no version of its own");
        assert!(!alone(None, "tools/list", &json!({"_meta": {"progressToken": 1}})));
        assert!(!alone(Some("2025-11-25"), "tools/list", &json!({})));
        let both = json!({"protocolVersion": "2025-11-25", "_meta": {(META): "2026-07-28"}});
        assert!(!alone(Some("2026-07-28"), "initialize", &both));
    }

    #[test]
    fn sessions_begin_with_what_was_asked_for_or_the_newest_that_has_them() {
        for (asked, answered) in [
            ("2025-06-18", "2025-06-18"),
            ("2025-03-26", "2025-03-26"),
            ("2026-07-28", "2025-11-25"),
            ("1999-01-01", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            assert_eq!(Version::negotiated(asked).as_str(), answered, "{asked}");
        }
    }
}
