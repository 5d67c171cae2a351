//! Tokens are given back to who gave them (RFC 7009), and forgotten.

use std::time::Duration;

use oauth::{Post, tokens};
use store::external_sources::{AuthType, ExternalSource};
use store::source_tokens;
use uuid::Uuid;

use super::kept::{self, Held};
use super::way::{Way, upstream};
use super::{client, discovery, storing};
use crate::audit;
use crate::external_sources::{credentials, find, settings_of};
use crate::identity::Actor;
use crate::{App, Error, Result, clock};

/// How long giving tokens back may take.
const REVOCATION: Duration = Duration::from_secs(10);

/// Gives the tokens of a source back to their issuer, as far as it takes them, and removes them; whether it took
/// them. The client that registered itself stays.
pub async fn disconnect(app: &App, actor: impl Into<Actor>, source_id: Uuid) -> Result<bool> {
    let source = find(app.store(), source_id).await?;
    let slot = app.connections().tokens.slot(source_id);
    // Whoever renews them at a server that does not answer is not waited for without end: what it gets is not kept.
    let _renewing = tokio::time::timeout(REVOCATION, slot.renewing.lock()).await;
    let Some(row) = source_tokens::find(app.store(), source_id).await? else { return Ok(true) };
    let revoked = match take_leave(app, &source).await {
        Some(leave) => leave.send(app, &source).await,
        None => false,
    };
    let actor = actor.into();
    let transaction = audit::begin(app).await?;
    source_tokens::delete(&transaction, source_id).await?;
    for key in [kept::TOKENS, kept::WANTED] {
        credentials::remove(&transaction, source_id, key).await?;
    }
    let logins = Some((kept::LOGINS, clock::now()));
    store::secrets::delete_of_source(&transaction, source_id, logins).await?;
    tracing::info!(source = %source.name, by = %actor.name, revoked, "source.disconnected");
    let event = storing::about("source.disconnected", &source, &row).with("revoked", revoked);
    audit::record(&transaction, actor, event).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    slot.forget();
    Ok(revoked)
}

/// Gives the tokens of a source that is removed back, as far as its issuer takes them in time.
pub(in super::super) async fn give_back(app: &App, actor: Actor, source: &ExternalSource) {
    if source.auth_type != AuthType::Oauth {
        return;
    }
    if let Err(error) = disconnect(app, actor, source.id).await {
        not_given_back(source, &error);
    }
}

/// What gives the tokens of a source back. It is made while they are there, and sent when they are forgotten.
pub(in super::super) struct Leave(Post);

/// What gives the tokens of a source back, where it has some and they can be.
pub(in super::super) async fn take_leave(app: &App, source: &ExternalSource) -> Option<Leave> {
    let held = kept::read(app, source.id, kept::TOKENS).await;
    let held = held.unwrap_or_else(|error| {
        not_given_back(source, &error);
        None
    })?;
    leave(app, source, held).await
}

/// Gives tokens back that came too late to be kept.
pub(super) async fn give_back_late(app: &App, source: &ExternalSource, held: Held) {
    if let Some(leave) = leave(app, source, held).await {
        leave.send(app, source).await;
    }
}

fn not_given_back(source: &ExternalSource, error: &Error) {
    tracing::warn!(source = %source.name, %error, "the tokens were not given back");
}

async fn leave(app: &App, source: &ExternalSource, held: Held) -> Option<Leave> {
    revocation(app, source, held).await.unwrap_or_else(|error| {
        not_given_back(source, &error);
        None
    })
}

async fn revocation(app: &App, source: &ExternalSource, held: Held) -> Result<Option<Leave>> {
    let (server, client) = if let (Some(server), Some(known)) = (held.server, held.client) {
        let server = discovery::as_written(source, server)?;
        let client = client::again(app, source, &server, &known).await?;
        (server, client)
    } else {
        // Somebody brought them.
        let settings = settings_of(source);
        let Some(id) = settings.client_id else { return Ok(None) };
        let server = discovery::for_revocation(Way { app, source }).await;
        let server = server.map_err(|stop| stop.unattended(app, source))?;
        // A person says where it goes, or else it is the one that it was shown to.
        let client = match settings.revoke_url {
            Some(_) => client::given(app, source, &server, &id).await?,
            None => client::brought(app, source, &server, &id).await?,
        };
        (server, client)
    };
    let post = held.tokens.revocation(&server, &client, clock::now()).transpose();
    Ok(post.map_err(|error| upstream(source, error))?.map(Leave))
}

impl Leave {
    /// Whether the issuer took the tokens back.
    pub(in super::super) async fn send(self, app: &App, source: &ExternalSource) -> bool {
        let sending = async {
            let way = Way { app, source };
            let answered = way.post(&self.0).await;
            let answered = answered.map_err(|stop| stop.unattended(app, source))?;
            tokens::revoked(answered.answer()).map_err(|error| way.upstream(error))
        };
        match tokio::time::timeout(REVOCATION, sending).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                not_given_back(source, &error);
                false
            }
            Err(_elapsed) => false,
        }
    }
}
