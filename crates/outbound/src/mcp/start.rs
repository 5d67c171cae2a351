//! How a connection begins: which era a source is of is found by asking it.

use super::error::Error;
use serde_json::Value;

/// The revision without sessions.
pub(crate) const MODERN: &str = "2026-07-28";

/// The revisions with sessions, newest first.
pub(crate) const SESSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// Which of the two ways of the protocol a source speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Era {
    /// Revision 2026-07-28: every request stands alone.
    Modern,
    /// An older revision: requests are made within a session.
    Session(&'static str),
}

impl Era {
    /// The revision.
    pub fn version(&self) -> &'static str {
        match self {
            Self::Modern => MODERN,
            Self::Session(version) => version,
        }
    }
}

/// What a source said of itself.
#[derive(Debug, Clone)]
pub struct Started {
    /// The way that it speaks.
    pub era: Era,
    /// What it answered to `server/discover` or to `initialize`, as it came: its name, what it is capable of,
    /// its instructions.
    pub said: Value,
}

/// What the answer to `server/discover` shows.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is of the modern era, and said this of itself.
    Modern(Value),
    /// It is of the modern era, and wants to be asked again with the version that it named.
    Again,
    /// It has sessions, or nothing shows that it is of the modern era.
    Session,
    /// Neither is worth trying.
    Failed(Error),
}

/// Judges the answer to `server/discover`.
pub(crate) fn judge(outcome: Result<Value, Error>) -> Verdict {
    let error = match outcome {
        Ok(said) => {
            return match names(said.get("supportedVersions")) {
                Named::Modern => Verdict::Modern(said),
                Named::Session | Named::Nothing => Verdict::Session,
                Named::Others(names) => Verdict::Failed(no_common(&names)),
            };
        }
        Err(error) => error,
    };
    match &error {
        Error::Rpc(told) if told.code == -32022 => {
            let supported = told.data.as_ref().and_then(|data| data.get("supported"));
            match names(supported) {
                Named::Modern => Verdict::Again,
                Named::Session | Named::Nothing => Verdict::Session,
                Named::Others(names) => Verdict::Failed(no_common(&names)),
            }
        }
        // The codes of the modern era: it knows what it refuses.
        Error::Rpc(told) if matches!(told.code, -32021 | -32020) => Verdict::Failed(error),
        Error::Rpc(_)
        | Error::NotMcp(_)
        | Error::Timeout(_)
        | Error::Broken(_)
        | Error::NoAnswer
        | Error::SessionLost => Verdict::Session,
        Error::Status { status, .. }
            if (400..500).contains(status) || matches!(status, 500 | 501) =>
        {
            Verdict::Session
        }
        _ => Verdict::Failed(error),
    }
}

/// Whether a refusal to begin a session shows that the source is of the modern era after all: it was slow
/// to say so.
pub(crate) fn shows_modern(refused: &Error) -> bool {
    let Error::Rpc(told) = refused else { return false };
    let supported = told.data.as_ref().and_then(|data| data.get("supported"));
    told.code == -32022 && matches!(names(supported), Named::Modern)
}

enum Named {
    Modern,
    Session,
    Others(String),
    Nothing,
}

/// Which of the versions that a source names are known here.
fn names(supported: Option<&Value>) -> Named {
    let Some(names) = supported.and_then(Value::as_array) else { return Named::Nothing };
    let names: Vec<_> = names.iter().filter_map(Value::as_str).collect();
    if names.contains(&MODERN) {
        Named::Modern
    } else if names.iter().any(|name| SESSIONS.contains(name)) {
        Named::Session
    } else if names.is_empty() {
        Named::Nothing
    } else {
        Named::Others(names.join(", "))
    }
}

fn no_common(names: &str) -> Error {
    let names: String = names.chars().take(super::limits::QUOTE).collect();
    Error::NotMcp(format!("it speaks revisions of MCP that are not known here ({names})"))
}

/// The revision that the answer to `initialize` settles on.
pub(crate) fn negotiated(said: &Value) -> Result<Era, Error> {
    let named = said.get("protocolVersion").and_then(Value::as_str).ok_or_else(|| {
        Error::NotMcp("its answer to `initialize` names no revision of the protocol".to_owned())
    })?;
    let known = SESSIONS.into_iter().find(|known| *known == named);
    known.map(Era::Session).ok_or_else(|| no_common(named))
}

#[cfg(test)]
mod tests {
    use super::{Era, Verdict, judge, negotiated};
    use crate::mcp::{Error, RpcError};
    use serde_json::{Value, json};

    fn rpc(code: i64, data: Value) -> Error {
        Error::Rpc(RpcError { data: Some(data), ..RpcError::new(code, "no") })
    }

    fn status(status: u16) -> Error {
        Error::Status { status, text: String::new(), within: None }
    }

    #[test]
    fn a_source_is_of_the_era_that_its_answer_shows() {
        let modern = json!({"supportedVersions": ["2026-07-28", "2025-11-25"]});
        assert!(matches!(judge(Ok(modern)), Verdict::Modern(_)));
        assert!(matches!(
            judge(Err(rpc(-32022, json!({"supported": ["2026-07-28"]})))),
            Verdict::Again
        ));
        for old in [
            Ok(json!({"supportedVersions": ["2025-06-18"]})),
            Ok(json!({})),
            Err(rpc(-32601, json!(null))),
            Err(rpc(-32000, json!(null))),
            Err(rpc(-32022, json!({"supported": ["2025-11-25"]}))),
            Err(rpc(-32022, json!(null))),
            Err(status(400)),
            Err(status(404)),
            Err(status(405)),
            Err(status(500)),
        ] {
            let shown = format!("{old:?}");
            assert!(matches!(judge(old), Verdict::Session), "{shown}");
        }
        for bad in [
            Ok(json!({"supportedVersions": ["2031-01-01"]})),
            Err(rpc(-32022, json!({"supported": ["2031-01-01"]}))),
            Err(rpc(-32021, json!(null))),
            Err(status(502)),
            Err(Error::BotChallenge),
        ] {
            let shown = format!("{bad:?}");
            assert!(matches!(judge(bad), Verdict::Failed(_)), "{shown}");
        }
    }

    #[test]
    fn a_session_is_of_a_revision_that_is_known() {
        let era = negotiated(&json!({"protocolVersion": "2025-06-18"})).unwrap();
        assert_eq!(era, Era::Session("2025-06-18"));
        for said in
            [json!({}), json!({"protocolVersion": "2026-07-28"}), json!({"protocolVersion": 1})]
        {
            assert!(negotiated(&said).is_err(), "{said}");
        }
    }
}
