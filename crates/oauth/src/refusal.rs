//! Why a server gives no token, and what helps (RFC 6749 §5.2, RFC 8707 §2, RFC 7009 §2.2.1).

use chrono::TimeDelta;

use crate::document::Document;
use crate::request::Answer;

/// The longest that a server's `Retry-After` is followed.
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(1);

/// Why there is no token. [`TokenError::remedy`] says who can help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// `invalid_grant`: the code was used or is too old, the refresh token has ended, or somebody withdrew it. A client that
    /// asked for itself has no login: its admin has to look.
    #[error("the login at the authorization server has ended{}: connect the source anew", told(.0.as_deref()))]
    Ended(Option<String>),
    /// `invalid_client`, `unauthorized_client`.
    #[error(
        "the authorization server does not take this client{}: correct client id and secret of the source, \
         or let it register anew", told(.0.as_deref())
    )]
    Client(Option<String>),
    /// `invalid_scope`, `insufficient_scope`.
    #[error(
        "the authorization server does not give these scopes{}: correct the scopes of the source, then connect it \
         anew", told(.0.as_deref())
    )]
    Scope(Option<String>),
    /// `invalid_target`.
    #[error(
        "the authorization server does not give tokens for this resource{}: check the address of the source", told(.0.as_deref())
    )]
    Resource(Option<String>),
    /// `temporarily_unavailable`, `server_error`, `slow_down`, or a status that says so.
    #[error(
        "the authorization server cannot answer now (status {status}): it is asked again later"
    )]
    Later {
        /// The status.
        status: u16,
        /// How long it wants to be left alone.
        wait: Option<TimeDelta>,
    },
    /// Any other error.
    #[error(
        "the authorization server answered `{code}`{}: look for that in its documentation, and check the settings of \
         the source",
        told(description.as_deref())
    )]
    Refused {
        /// The error's code, fit to be shown.
        code: String,
        /// What the server says of it, fit to be shown.
        description: Option<String>,
    },
    /// Neither a token nor an error.
    #[error(
        "the authorization server's answer (status {status}) has neither a token nor an error in it: check the \
         token endpoint of the source"
    )]
    Unreadable {
        /// The status.
        status: u16,
    },
    /// A token that is not used as a bearer token.
    #[error(
        "the authorization server gave a token of the kind `{0}`, which is not known: let it give bearer tokens"
    )]
    OtherKind(String),
}

/// Who can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Time: what was kept is still good.
    Wait,
    /// A person who logs in again.
    Login,
    /// An admin who corrects the client. One that registered itself is forgotten and registers anew.
    Client,
    /// An admin who corrects something else.
    Settings,
}

impl TokenError {
    /// Who can help.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Later { .. } => Remedy::Wait,
            Self::Ended(_) => Remedy::Login,
            Self::Client(_) => Remedy::Client,
            Self::Scope(_)
            | Self::Resource(_)
            | Self::Refused { .. }
            | Self::Unreadable { .. }
            | Self::OtherKind(_) => Remedy::Settings,
        }
    }

    /// Reads an answer that has no token.
    pub(crate) fn of(answer: Answer<'_>, document: Option<&Document>) -> Self {
        // First the status: a server that is broken must not send a person to log in again.
        if answer.is_for_later() {
            return Self::Later { status: answer.status, wait: wait(answer.retry_after) };
        }
        let code = document.and_then(|document| document.shown("error"));
        let Some(code) = code else { return Self::Unreadable { status: answer.status } };
        let description = document.and_then(|document| document.shown("error_description"));
        match code.as_str() {
            // The last two are GitHub's names.
            "invalid_grant" | "bad_refresh_token" | "bad_verification_code" => {
                Self::Ended(description)
            }
            "invalid_client" | "unauthorized_client" | "incorrect_client_credentials" => {
                Self::Client(description)
            }
            "invalid_scope" | "insufficient_scope" => Self::Scope(description),
            "invalid_target" => Self::Resource(description),
            "temporarily_unavailable" | "server_error" | "slow_down" => {
                Self::Later { status: answer.status, wait: wait(answer.retry_after) }
            }
            _ => Self::Refused { code, description },
        }
    }
}

/// Seconds of `Retry-After` (RFC 9110 §10.2.3); a date is as if absent.
fn wait(retry_after: Option<&str>) -> Option<TimeDelta> {
    let seconds: u32 = retry_after?.trim().parse().ok()?;
    Some(TimeDelta::seconds(seconds.into()).min(LONGEST_WAIT))
}

/// What a server said, in brackets.
fn told(description: Option<&str>) -> String {
    description.map(|text| format!(" ({text})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> TokenError {
        TokenError::of(
            Answer::new(status, body.as_bytes()),
            Document::read(body.as_bytes()).as_ref(),
        )
    }

    #[test]
    fn each_error_has_its_remedy() {
        for (code, remedy) in [
            ("invalid_grant", Remedy::Login),
            ("bad_refresh_token", Remedy::Login),
            ("invalid_client", Remedy::Client),
            ("unauthorized_client", Remedy::Client),
            ("invalid_scope", Remedy::Settings),
            ("invalid_target", Remedy::Settings),
            ("unsupported_grant_type", Remedy::Settings),
            ("redirect_uri_mismatch", Remedy::Settings),
            ("temporarily_unavailable", Remedy::Wait),
        ] {
            for status in [200, 400, 401] {
                let error = read(status, &format!("{{\"error\": \"{code}\"}}"));
                assert_eq!(error.remedy(), remedy, "{error}");
            }
        }
    }

    #[test]
    fn a_broken_server_is_asked_again_whatever_it_says() {
        for status in [408, 429, 500, 503] {
            for body in ["", "<html>", r#"{"error": "invalid_grant"}"#] {
                assert_eq!(read(status, body).remedy(), Remedy::Wait, "{status} {body}");
            }
        }
    }

    #[test]
    fn the_server_says_how_long_within_an_hour() {
        let wait = |text| wait(Some(text)).map(|wait| wait.num_seconds());
        assert_eq!((wait("30"), wait(" 7200 ")), (Some(30), Some(3600)));
        assert_eq!(
            (wait("-1"), wait("Sun, 06 Nov 1994 08:49:37 GMT"), wait("")),
            (None, None, None)
        );
    }

    #[test]
    fn other_bodies_are_unreadable() {
        for body in ["", "<html>", "null", "{}", r#"{"error": {"code": 3}}"#, r#"{"error": ""}"#] {
            assert_eq!(read(400, body), TokenError::Unreadable { status: 400 });
        }
    }

    #[test]
    fn what_the_server_says_is_told_with_what_to_do() {
        let error = read(
            400,
            r#"{"error": "invalid_grant", "error_description": "Refresh token has\nexpired"}"#,
        );
        let told = "the login at the authorization server has ended (Refresh token has expired): connect the source anew";
        assert_eq!(error.to_string(), told);
        assert_eq!(
            TokenError::Ended(None).to_string(),
            told.replace(" (Refresh token has expired)", "")
        );
    }
}
