//! A person coming back from an authorization server (RFC 6749 §4.1.2, RFC 9207 §2.4).

use chrono::{DateTime, Utc};
use url::form_urlencoded;

use crate::login::{Login, digest};
use crate::secret::Secret;
use crate::text::shown;

/// The longest query that is read.
const LONGEST: usize = 16 * 1024;

/// What the query of the redirect address says. Nothing of it is to be believed before [`Login::accept`].
#[derive(Debug, Clone)]
pub struct Callback {
    state: Secret,
    code: Option<Secret>,
    issuer: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Why a login came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// No state, no code, or a field twice.
    #[error(
        "this address is no answer to a login: begin the login again from the page of the source"
    )]
    Unreadable,
    /// No login is known by this state, or it was used.
    #[error(
        "no login is waiting for this answer: it was used already, or began elsewhere; begin it again \
         from the page of the source"
    )]
    Unknown,
    /// Too late.
    #[error("the login took more than ten minutes: begin it again from the page of the source")]
    Expired,
    /// `iss` is not that of the server that was asked (RFC 9207 §2.4).
    #[error(
        "the answer names the authorization server `{named}`, but `{asked}` was asked: do not try again \
         before whoever runs it has explained that, as somebody may want to get the login"
    )]
    OtherIssuer {
        /// Who was asked.
        asked: String,
        /// Who answered, fit to be shown.
        named: String,
    },
    /// `iss` is missing though the server promised it.
    #[error(
        "the answer does not name its authorization server, though `{0}` says that it always does: begin \
         the login again, and do not go on if that happens twice"
    )]
    NoIssuer(String),
    /// The person said no (`access_denied`).
    #[error(
        "access was denied at the authorization server: begin again and agree there, if that is wanted"
    )]
    Denied,
    /// Any other error (RFC 6749 §4.1.2.1).
    #[error("the authorization server answered `{code}`{}", explained(description.as_deref()))]
    Refused {
        /// The error's code, fit to be shown.
        code: String,
        /// What the server says of it, fit to be shown.
        description: Option<String>,
    },
}

/// Ends a sentence with what a server said, or with a hint.
fn explained(description: Option<&str>) -> String {
    let hint =
        "check client id, redirect address and scopes of the source, then begin the login again";
    match description {
        Some(text) => format!(" ({text}): {hint}"),
        None => format!(": {hint}"),
    }
}

impl Callback {
    /// Reads a query. A field that is there twice makes it unreadable (RFC 6749 §3.1).
    pub fn read(query: &str) -> Result<Self, CallbackError> {
        if query.len() > LONGEST {
            return Err(CallbackError::Unreadable);
        }
        let get = |name| {
            let mut all = form_urlencoded::parse(query.as_bytes()).filter(|(own, _)| own == name);
            let first = all.next().map(|(_, value)| value.into_owned());
            match all.next() {
                Some(_) => Err(CallbackError::Unreadable),
                None => Ok(first),
            }
        };
        let state = get("state")?.filter(|state| !state.is_empty());
        let callback = Self {
            state: Secret::new(state.ok_or(CallbackError::Unreadable)?),
            code: get("code")?.filter(|code| !code.is_empty()).map(Secret::new),
            issuer: get("iss")?,
            error: get("error")?.map(|code| shown(&code)),
            error_description: get("error_description")?.map(|text| shown(&text)),
        };
        let says_something = callback.code.is_some() || callback.error.is_some();
        if says_something { Ok(callback) } else { Err(CallbackError::Unreadable) }
    }

    /// Under what the login is kept: [`digest`] of the state.
    pub fn digest(&self) -> String {
        digest(self.state.expose())
    }
}

impl Login {
    /// The code, if this is the answer to this login, in time, from the server that was asked.
    ///
    /// | the server promises `iss` | it is there | |
    /// |---|---|---|
    /// | yes | yes | it has to be the issuer, byte for byte |
    /// | yes | no | refused |
    /// | no | yes | it has to be the issuer, byte for byte |
    /// | no | no | goes on |
    ///
    /// So it is with errors, too: whoever is not the server that was asked has nothing to say here (RFC 9207 §2.4).
    pub fn accept(&self, callback: &Callback, now: DateTime<Utc>) -> Result<Secret, CallbackError> {
        if !Secret::new(callback.digest()).is(&self.state) {
            return Err(CallbackError::Unknown);
        }
        if now >= self.expires_at {
            return Err(CallbackError::Expired);
        }
        match &callback.issuer {
            Some(named) if named != self.issuer.as_str() => {
                let asked = self.issuer.to_string();
                return Err(CallbackError::OtherIssuer { asked, named: shown(named) });
            }
            None if self.promises_iss => {
                return Err(CallbackError::NoIssuer(self.issuer.to_string()));
            }
            _ => {}
        }
        match (&callback.error, &callback.code) {
            (Some(code), _) if code == "access_denied" => Err(CallbackError::Denied),
            (Some(code), _) => {
                let description = callback.error_description.clone();
                Err(CallbackError::Refused { code: code.clone(), description })
            }
            (None, Some(code)) => Ok(code.clone()),
            (None, None) => Err(CallbackError::Unreadable),
        }
    }
}

#[cfg(test)]
mod tests;
