//! By what means tokens are renewed, and the request for others.

use oauth::Tokens;
use oauth::tokens::{OwnWish, client_credentials};
use store::external_sources::{ExternalSource, RefreshOwner};

use super::kept::{Held, Known};
use super::way::{Way, upstream};
use super::{client, discovery, following};
use crate::external_sources::told::page;
use crate::external_sources::{OauthGrant, settings_of};
use crate::{App, Result, clock};

/// How tokens are renewed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// With the refresh token.
    Refresh,
    /// The client asks for itself.
    Alone,
    /// Whoever brought them brings others.
    ByClient,
    /// Not at all.
    Never,
}

impl Means {
    /// Those of a source and the tokens that are held for it.
    pub(super) fn of(source: &ExternalSource, held: &Held) -> Self {
        if source.refresh_owner == RefreshOwner::Client {
            Self::ByClient
        } else if settings_of(source).grant == OauthGrant::ClientCredentials {
            Self::Alone
        } else if held.tokens.refresh.is_some() {
            Self::Refresh
        } else {
            Self::Never
        }
    }

    /// Asks the authorization server for other tokens than those that are held.
    pub(super) async fn ask(
        self,
        app: &App,
        source: &ExternalSource,
        held: &Held,
    ) -> Result<std::result::Result<Held, oauth::TokenError>> {
        let followed;
        let source = if held.server.is_none() {
            followed = following::unattended(app, source).await?;
            &followed
        } else {
            source
        };
        let way = Way { app, source };
        let kept = match &held.server {
            Some(server) => server.clone(),
            None => discovery::find(way).await.map_err(|stop| stop.unattended(app, source))?.kept,
        };
        let server = discovery::as_written(source, kept.clone())?;
        let known = match (&held.client, settings_of(source).client_id) {
            (Some(known), _) => known.clone(),
            (None, Some(id)) => Known::Given { id },
            (None, None) => {
                let reason = format!(
                    "it has no client id, without which its token cannot be renewed: a person has to set it {}",
                    page(app, source.id)
                );
                return Err(upstream(source, reason));
            }
        };
        let client = match (&held.server, &known) {
            // Nobody has shown it to anyone yet, so that whom it belongs to is known from elsewhere.
            (None, Known::Given { id }) => client::brought(app, source, &server, id).await?,
            _ => client::again(app, source, &server, &known).await?,
        };
        let resource = Some(held.resource.as_str());
        let scopes = &held.tokens.scopes;
        let post = match self {
            Self::Alone => {
                let wish = OwnWish { resource, scopes, extra: &[] };
                Some(client_credentials(&server, &client, wish, clock::now()))
            }
            _ => held.tokens.renewal(&server, &client, resource, clock::now()),
        };
        let post =
            post.ok_or_else(|| upstream(source, "there is nothing to renew its token with"))?;
        let post = post.map_err(|error| upstream(source, error))?;
        let answered = way.post(&post).await.map_err(|stop| stop.unattended(app, source))?;
        let tokens = Tokens::read(answered.answer(), scopes, Some(&held.tokens), clock::now());
        Ok(tokens.map(|tokens| Held {
            version: held.version,
            tokens,
            resource: held.resource.clone(),
            server: Some(kept),
            client: Some(known),
        }))
    }
}
