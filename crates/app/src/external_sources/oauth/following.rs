//! The authorization server that a source names, allowed with it where whoever registered the source said so.
//!
//! It is followed once: as soon as the client of the source is known to belong to a server, any other one needs a
//! person.

use store::external_sources::ExternalSource;

use super::discovery;
use super::kept::{self, ShownTo};
use super::login::need;
use super::way::{Attempt, Stop, Way, upstream};
use crate::external_sources::told::page;
use crate::external_sources::{AuthType, RefreshOwner, allow_hosts, find, place, settings_of};
use crate::identity::Actor;
use crate::{App, Result};
use uuid::Uuid;

/// How often one place may lead on to the next.
const STEPS: usize = 4;

/// What the audit log says of hosts that are allowed so.
const REASON: &str =
    "the metadata of the source names them, and its registration allows what that names";

/// Allows a source the hosts of the authorization server that it names.
///
/// # Errors
/// [`crate::Error::Upstream`] where that cannot be found out now.
pub(in super::super) async fn follow(app: &App, actor: Actor, source_id: Uuid) -> Result<()> {
    let source = find(app.store(), source_id).await?;
    followed(app, actor, source).await.map(drop)
}

/// A source that nobody is there to be asked about, with the hosts that it may have by its registration.
pub(super) async fn unattended(app: &App, source: &ExternalSource) -> Result<ExternalSource> {
    let actor = Actor::local(&format!("source:{}", source.name));
    followed(app, actor, source.clone()).await
}

async fn followed(app: &App, actor: Actor, source: ExternalSource) -> Result<ExternalSource> {
    if !is_followed(app, &source).await? {
        return Ok(source);
    }
    let mut source = source;
    for _ in 0..STEPS {
        let way = Way { app, source: &source };
        let hosts = match named(way).await {
            Ok(found) => {
                keep(app, &source, found).await?;
                return Ok(source);
            }
            Err(Stop::Failed(error)) => return Err(error),
            Err(Stop::Hosts(hosts)) => hosts,
        };
        if let Some(private) = hosts.iter().find(|host| leads_inside(&source, host)) {
            return Err(upstream(
                &source,
                format!(
                    "its authorization server is said to be at {private}, in a private network: tell your user, a person has to connect the source {}",
                    page(app, source.id)
                ),
            ));
        }
        source = allow_hosts(app, actor.clone(), source.id, (&hosts, Some(REASON))).await?;
    }
    Err(upstream(&source, "its metadata leads from one host to the next"))
}

/// Whether the hosts that the metadata names are allowed without a person.
async fn is_followed(app: &App, source: &ExternalSource) -> Result<bool> {
    let is_said = source.auth_type == AuthType::Oauth
        && source.refresh_owner == RefreshOwner::Gateway
        && source.granted_at.is_some()
        && settings_of(source).follows_metadata;
    if !is_said {
        return Ok(false);
    }
    let shown: Option<ShownTo> = kept::read(app, source.id, kept::SHOWN_TO).await?;
    Ok(shown.is_none())
}

/// Finds what the source names, as far as its hosts are allowed.
async fn named(way: Way<'_>) -> Attempt<discovery::Found> {
    let found = discovery::find(way).await?;
    let registers = settings_of(way.source).client_id.is_none();
    let registration = found.server.registration_endpoint.as_ref().filter(|_| registers);
    need(way, &found.server, registration)?;
    Ok(found)
}

/// Remembers whom the client belongs to, so that no other server is shown it.
async fn keep(app: &App, source: &ExternalSource, found: discovery::Found) -> Result<()> {
    let Some(client_id) = settings_of(source).client_id else { return Ok(()) };
    let shown = ShownTo { issuer: found.kept.issuer, client_id };
    let transaction = app.store().begin().await?;
    kept::write(app, &transaction, source, (kept::SHOWN_TO, &shown)).await?;
    Ok(transaction.commit().await?)
}

/// Whether a source of the internet names a host of a private network: only a person knows whether it may.
fn leads_inside(source: &ExternalSource, host: &str) -> bool {
    let own = place::host_port(source.url.as_deref().unwrap_or_default());
    place::is_private(host) && !own.is_some_and(|own| place::is_private(&own))
}
