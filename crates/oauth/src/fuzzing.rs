//! What the targets of `fuzz/` call: the readers of what servers and browsers send, with what must hold.
//!
//! Each function returns how much of its input was understood, so that a corpus which has fallen
//! behind the code is noticed.

use chrono::{DateTime, Utc};
use url::Url;

use crate::challenge::LONGEST;
use crate::document::Document;
use crate::registration::registered;
use crate::text::shown;
use crate::{
    Answer, AuthorizationServer, BearerChallenge, Callback, Challenge, Endpoint, Issuer, PlainHttp,
    ProtectedResource, Scopes, TokenError, Tokens, metadata_urls,
};

#[cfg(test)]
mod tests;

/// Reads bytes as a `WWW-Authenticate` field; returns how many challenges and parameters it has.
pub fn challenges(bytes: &[u8]) -> usize {
    let field = String::from_utf8_lossy(bytes);
    let read = Challenge::read(&field);
    let written: Vec<String> = read.iter().map(write).collect();
    let written = written.join(", ");
    if written.len() <= LONGEST {
        assert_eq!(Challenge::read(&written), read, "{written:?}");
    }
    for challenge in &read {
        assert!(!challenge.scheme.is_empty() && !challenge.scheme.contains(char::is_uppercase));
    }
    let bearer = BearerChallenge::find([bytes]);
    assert_eq!(bearer.is_some(), read.iter().any(|challenge| challenge.scheme == "bearer"));
    if let (Some(bearer), Ok(server)) = (&bearer, Url::parse("https://a.example/mcp")) {
        let texts = [&bearer.error, &bearer.error_description].into_iter().flatten();
        texts.for_each(|text| assert_eq!(shown(text), *text));
        assert_eq!(Scopes::read(&bearer.scopes.to_string()), bearer.scopes);
        let urls = metadata_urls(&server, Some(bearer), PlainHttp::Refused);
        assert!(urls.iter().all(|url| url.scheme() == "https"), "{urls:?}");
    }
    read.iter().map(|challenge| 1 + challenge.parameters.len()).sum()
}

/// A challenge as it should have been written.
fn write(challenge: &Challenge) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let parameters = challenge.parameters.iter();
    let parameters: Vec<String> =
        parameters.map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
    format!("{} {}", challenge.scheme, parameters.join(", "))
}

/// Reads what servers of `https://a.example` say in each kind of document and, from the first zero byte on, the query
/// that a browser brings back. Returns how many of the readers took it.
pub fn authorizations(bytes: &[u8]) -> usize {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let [body, query] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let taken = [resource(body), server(body), client(body), tokens(body), callback(query)];
    taken.into_iter().flatten().count()
}

fn resource(body: &[u8]) -> Option<()> {
    let server = Url::parse("https://a.example/v1/mcp").ok()?;
    let read = ProtectedResource::read(body, &server, PlainHttp::Refused).ok()?;
    let named = Url::parse(&read.resource);
    assert_eq!(named.map(|url| url.origin()), Ok(server.origin()), "{read:?}");
    assert!(!read.authorization_servers.is_empty());
    let urls = read.authorization_servers.iter().flat_map(Issuer::metadata_urls);
    urls.for_each(|url| assert_eq!(url.scheme(), "https", "{url}"));
    Some(())
}

fn asked() -> Option<(AuthorizationServer, Issuer)> {
    let issuer = Issuer::read("https://a.example", PlainHttp::Refused).ok()?;
    let token = Endpoint::read("token", "https://a.example/token", PlainHttp::Refused).ok()?;
    Some((AuthorizationServer::given(issuer.clone(), None, token), issuer))
}

fn server(body: &[u8]) -> Option<()> {
    let (_, issuer) = asked()?;
    let read = AuthorizationServer::read(body, &issuer, PlainHttp::Refused).ok()?;
    assert_eq!(read.issuer.as_str().trim_end_matches('/'), issuer.as_str());
    let optional =
        [&read.authorization_endpoint, &read.registration_endpoint, &read.revocation_endpoint];
    let endpoints = optional.into_iter().flatten().chain([&read.token_endpoint]);
    endpoints.for_each(|endpoint| assert_eq!(endpoint.url().scheme(), "https", "{endpoint}"));
    let kept = serde_json::to_vec(&read).ok()?;
    assert_eq!(serde_json::from_slice::<AuthorizationServer>(&kept).ok(), Some(read));
    Some(())
}

fn client(body: &[u8]) -> Option<()> {
    let (server, issuer) = asked()?;
    let read = registered(&server, Answer::new(201, body)).ok()?;
    assert!(!read.id.is_empty() && read.issuer == issuer);
    Some(())
}

fn tokens(body: &[u8]) -> Option<()> {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let read = match Tokens::read(Answer::new(200, body), &Scopes::default(), None, now) {
        Ok(read) => read,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "{error:?}");
            let named =
                Document::read(body).is_some_and(|document| document.text("error").is_some());
            return (named && !matches!(error, TokenError::Unreadable { .. })).then_some(());
        }
    };
    assert!(read.access.expose().bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(read.expires_at > now && (now..=read.expires_at).contains(&read.due_at()));
    Some(())
}

fn callback(query: &[u8]) -> Option<()> {
    let read = Callback::read(&String::from_utf8_lossy(query)).ok()?;
    assert_eq!(read.digest().len(), 64);
    Some(())
}
