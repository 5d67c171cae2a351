//! What is sent to an authorization server: requests as data, and the answers to them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, parse};

use crate::address::Endpoint;
use crate::secret::Secret;

/// What stands before id and secret in `Authorization`.
pub(crate) const BASIC: &str = "Basic ";

const FORM: &str = "application/x-www-form-urlencoded";

/// The fields of a form that are for its addressee alone.
const CREDENTIALS: [&str; 6] =
    ["client_assertion", "client_secret", "code", "code_verifier", "refresh_token", "token"];

/// A `POST` to send as it is, without following redirects: what is in it is for this URL alone.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where to.
    pub url: Url,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// `Authorization`, if there is one.
    pub authorization: Option<Secret>,
    /// The body.
    pub body: Secret,
}

impl Post {
    /// `Accept` of every request: some servers answer with a form without it.
    pub const ACCEPT: &'static str = "application/json";

    /// A JSON body.
    pub(crate) fn json(to: &Endpoint, body: &Value) -> Self {
        Self {
            url: to.url().clone(),
            content_type: "application/json",
            authorization: None,
            body: Secret::new(body.to_string()),
        }
    }

    /// What in it is for its addressee alone, by the names that the fields have in a form. Servers repeat in their
    /// errors what they were sent.
    pub fn credentials(&self) -> Vec<(String, Secret)> {
        let is_form = self.content_type == FORM;
        let body = if is_form { self.body.expose() } else { "" };
        let fields = parse(body.as_bytes());
        let fields = fields.filter(|(name, _)| CREDENTIALS.contains(&name.as_ref()));
        let mut found: Vec<_> =
            fields.map(|(name, value)| (name.into_owned(), Secret::new(value))).collect();
        let basic =
            self.authorization.as_ref().and_then(|shown| shown.expose().strip_prefix(BASIC));
        if let Some(basic) = basic {
            let password = password(basic);
            found.extend(password.map(|password| ("client_secret".to_owned(), password)));
            found.push(("authorization".to_owned(), Secret::new(basic)));
        }
        found
    }
}

/// The secret in what `client_secret_basic` sends (RFC 6749 §2.3.1).
fn password(basic: &str) -> Option<Secret> {
    let joined = BASE64_STANDARD.decode(basic).ok()?;
    let at = joined.iter().position(|byte| *byte == b':')?;
    let encoded = [b"=", joined.get(at + 1..)?].concat();
    parse(&encoded).next().map(|(_, password)| Secret::new(password))
}

/// What came back.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it was sent.
    pub retry_after: Option<&'a str>,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// An answer without `Retry-After`.
    pub fn new(status: u16, body: &'a [u8]) -> Self {
        Self { status, retry_after: None, body }
    }

    pub(crate) fn succeeded(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server is too busy or broken.
    pub(crate) fn is_for_later(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500..)
    }
}

/// Fields of a form (RFC 6749, appendix B) and the `Authorization` that goes with them.
pub(crate) struct Form {
    fields: Serializer<'static, String>,
    authorization: Option<Secret>,
}

impl Form {
    pub(crate) fn new() -> Self {
        Self { fields: Serializer::new(String::new()), authorization: None }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.append_pair(name, value);
        self
    }

    pub(crate) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn authorized(self, authorization: Secret) -> Self {
        Self { authorization: Some(authorization), ..self }
    }

    pub(crate) fn to(mut self, endpoint: &Endpoint) -> Post {
        Post {
            url: endpoint.url().clone(),
            content_type: FORM,
            authorization: self.authorization,
            body: Secret::new(self.fields.finish()),
        }
    }
}

/// A text as in a form: what `client_secret_basic` joins with a colon (RFC 6749 §2.3.1).
pub(crate) fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
