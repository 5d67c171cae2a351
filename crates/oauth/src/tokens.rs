//! Tokens: how they are asked for, what comes back, when to ask anew and how they are given back
//! (RFC 6749 §4.4, §5, §6, RFC 7009).

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::client::{Client, ClientError};
use crate::document::Document;
use crate::refusal::TokenError;
use crate::request::{Answer, Form, Post};
use crate::scope::Scopes;
use crate::secret::Secret;
use crate::server::AuthorizationServer;

/// How long a token holds whose server does not say (RFC 6749 §5.1 leaves it open).
const USUAL_LIFE: TimeDelta = TimeDelta::hours(1);

/// No token holds longer for us: it is asked for anew then.
const LONGEST_LIFE: TimeDelta = TimeDelta::days(366);

/// How long before its end a token is renewed, at most half of its life.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// The tokens for one resource and owner. The record holds secrets: it is kept sealed, under issuer, resource and owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tokens {
    /// What requests to the resource bear, and no others.
    pub access: Secret,
    /// With what it is renewed.
    pub refresh: Option<Secret>,
    /// What was granted; what was asked for where the server did not say.
    pub scopes: Scopes,
    /// When it came.
    pub obtained_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// What to do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Use it.
    Fresh,
    /// Use it, and renew it meanwhile.
    Due,
    /// Renew it first.
    Over,
}

impl Tokens {
    /// Reads the answer to a request for tokens. `asked` is what was asked for, `previous` what is renewed: its refresh
    /// token stays where the server gives no new one (RFC 6749 §6). Fields like Box's `restricted_to` are ignored.
    ///
    /// What comes back has to be kept before it is used: the server may have ended the previous refresh token.
    pub fn read(
        answer: Answer<'_>,
        asked: &Scopes,
        previous: Option<&Self>,
        now: DateTime<Utc>,
    ) -> Result<Self, TokenError> {
        let document = Document::read(answer.body);
        // Some servers send errors with the status 200.
        let granted = document.as_ref().filter(|_document| answer.succeeded());
        let access = granted.and_then(|document| document.text("access_token"));
        let (Some(document), Some(access)) = (granted, access) else {
            return Err(TokenError::of(answer, document.as_ref()));
        };
        if !is_token(access) {
            return Err(TokenError::Unreadable { status: answer.status });
        }
        match document.shown("token_type") {
            Some(kind) if !kind.eq_ignore_ascii_case("bearer") => {
                return Err(TokenError::OtherKind(kind));
            }
            _ => {}
        }
        let granted = document.scopes("scope");
        let before = previous.map_or(asked, |previous| &previous.scopes);
        let refresh = document.text("refresh_token").map(Secret::new);
        Ok(Self {
            access: Secret::new(access),
            refresh: refresh.or_else(|| previous?.refresh.clone()),
            scopes: if granted.is_empty() { before.clone() } else { granted },
            obtained_at: now,
            expires_at: now + life(document),
        })
    }

    /// `Authorization` of requests to the resource (RFC 6750 §2.1).
    pub fn authorization(&self) -> Secret {
        Secret::new(format!("Bearer {}", self.access.expose()))
    }

    /// When to renew it: five minutes before it ends, or in the middle of a short life.
    pub fn due_at(&self) -> DateTime<Utc> {
        let life = (self.expires_at - self.obtained_at).max(TimeDelta::zero());
        self.expires_at - AHEAD.min(life / 2)
    }

    /// Whether to renew it.
    pub fn age(&self, now: DateTime<Utc>) -> Age {
        match now {
            now if now >= self.expires_at => Age::Over,
            now if now >= self.due_at() => Age::Due,
            _ => Age::Fresh,
        }
    }

    /// Asks for new ones (RFC 6749 §6), for the same resource (RFC 8707 §2.2). Nothing where there is no refresh token.
    /// One request at a time: the server may end a refresh token at its first use, and all of them at its second.
    pub fn renewal(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        resource: Option<&str>,
        now: DateTime<Utc>,
    ) -> Option<Result<Post, ClientError>> {
        let refresh = self.refresh.as_ref()?;
        let form = Form::new()
            .with("grant_type", "refresh_token")
            .with("refresh_token", refresh.expose())
            .with_some("resource", resource);
        let signed = client.sign(form, server, now);
        Some(signed.map(|form| form.to(&server.token_endpoint)))
    }

    /// Gives them back (RFC 7009 §2.1): the refresh token, with which the server ends the access token too, else the
    /// access token. Nothing where the server has no place for that.
    pub fn revocation(
        &self,
        server: &AuthorizationServer,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Option<Result<Post, ClientError>> {
        let endpoint = server.revocation_endpoint.as_ref()?;
        let (token, hint) = match &self.refresh {
            Some(refresh) => (refresh, "refresh_token"),
            None => (&self.access, "access_token"),
        };
        let form = Form::new().with("token", token.expose()).with("token_type_hint", hint);
        Some(client.sign(form, server, now).map(|form| form.to(endpoint)))
    }
}

/// What a client asks for itself, without a person.
#[derive(Debug, Clone, Copy)]
pub struct OwnWish<'a> {
    /// The name of the protected resource (RFC 8707); nothing where a server cannot bear it.
    pub resource: Option<&'a str>,
    /// What to ask for; nothing leaves it to the server.
    pub scopes: &'a Scopes,
    /// Fields that a server wants beside those, such as Box's `box_subject_type`.
    pub extra: &'a [(String, String)],
}

/// Asks for a token for the client itself (RFC 6749 §4.4.2). It is not renewed: another is asked for.
pub fn client_credentials(
    server: &AuthorizationServer,
    client: &Client,
    wish: OwnWish<'_>,
    now: DateTime<Utc>,
) -> Result<Post, ClientError> {
    let scope = wish.scopes.to_string();
    let form = Form::new()
        .with("grant_type", "client_credentials")
        .with_some("scope", Some(scope.as_str()).filter(|scope| !scope.is_empty()))
        .with_some("resource", wish.resource);
    let form = wish.extra.iter().fold(form, |form, (name, value)| form.with(name, value));
    Ok(client.sign(form, server, now)?.to(&server.token_endpoint))
}

/// Reads the answer to a revocation. A token that the server does not know is as good as given back (RFC 7009 §2.2).
pub fn revoked(answer: Answer<'_>) -> Result<(), TokenError> {
    if answer.succeeded() {
        return Ok(());
    }
    match TokenError::of(answer, Document::read(answer.body).as_ref()) {
        TokenError::Ended(_) => Ok(()),
        other => Err(other),
    }
}

/// Whether it can stand in a header (`b64token` of RFC 6750 §2.1, with what servers use beside that).
fn is_token(text: &str) -> bool {
    text.len() <= 64 * 1024 && text.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
}

/// How long a token holds. Zero and less are no life: the resource will tell.
fn life(document: &Document) -> TimeDelta {
    let seconds = document.number("expires_in").filter(|seconds| *seconds >= 1.0);
    #[expect(clippy::cast_possible_truncation, reason = "a number too large becomes the largest")]
    let life = seconds.map(|seconds| TimeDelta::try_seconds(seconds as i64));
    life.map_or(USUAL_LIFE, |life| life.unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE))
}

#[cfg(test)]
mod tests;
