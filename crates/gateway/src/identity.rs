//! Who calls: the bearer token that was shown, and what it allows.

use std::net::{IpAddr, SocketAddr};

use app::identity::{Caller, Scopes};
use app::limits::Counted;
use app::{App, tokens};
use axum::extract::ConnectInfo;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap};
use uuid::Uuid;

use crate::problem::Problem;

/// Who sent a request.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    token: Option<Shown>,
    address: Option<IpAddr>,
    scopes: Scopes,
}

/// The token that was shown.
#[derive(Debug, Clone)]
struct Shown {
    id: Uuid,
    name: String,
}

impl Identity {
    /// The token, which owns the sessions opened with it; none on an open door.
    pub(crate) fn token(&self) -> Option<Uuid> {
        self.token.as_ref().map(|token| token.id)
    }

    /// Whether the token is still good; without one there is nothing that could end.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn is_still_good(&self, app: &App) -> app::Result<bool> {
        match self.token() {
            Some(id) => tokens::is_active(app, id).await,
            None => Ok(true),
        }
    }

    /// Who is counted where callers may ask so often.
    pub(crate) fn counted(&self) -> Counted {
        self.token().map_or_else(|| Counted::address(self.address), Counted::Known)
    }

    /// The caller as the verbs know it; `client` is what the client calls itself.
    pub(crate) fn caller(&self, client: Option<String>) -> Caller {
        Caller {
            token: self.token.as_ref().map(|token| token.name.clone()),
            client,
            address: self.address,
            scopes: self.scopes,
        }
    }
}

/// The address that a request came from.
pub(crate) fn address(extensions: &Extensions) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map(|peer| peer.0.ip().to_canonical())
}

/// Finds out who sent a request with these headers and extensions.
///
/// # Errors
/// 401 when a token is required and missing, and whenever the one shown is not good.
pub(crate) async fn of(
    app: &App,
    require_token: bool,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Identity, Problem> {
    let address = address(extensions);
    let Some(shown) = headers.get(AUTHORIZATION) else {
        if require_token {
            return Err(Problem::unauthorized(
                "Bearer realm=\"mcpbox\"",
                "send `Authorization: Bearer TOKEN`; a person makes tokens on the account page or with `mcpbox tokens create`",
            ));
        }
        return Ok(Identity { token: None, address, scopes: Scopes::ALL });
    };
    let bearer = shown.to_str().ok().and_then(bearer);
    let token = match bearer {
        Some(bearer) => tokens::authenticate(app, bearer).await?,
        None => None,
    };
    let token = token.ok_or_else(|| {
        Problem::unauthorized(
            "Bearer realm=\"mcpbox\", error=\"invalid_token\"",
            "this token is unknown, expired or revoked; have a new one made on the account page or with `mcpbox tokens create`",
        )
    })?;
    let scopes = Scopes { call: token.can_call, author: token.can_author };
    Ok(Identity { token: Some(Shown { id: token.id, name: token.name }), address, scopes })
}

/// The token in an `Authorization` header, whose scheme is written in any case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_found_and_other_schemes_are_not() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for header in ["", "Bearer", "Bearer ", "Basic abc", "abc"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }
}
