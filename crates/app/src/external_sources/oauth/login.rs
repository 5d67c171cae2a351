//! A person connects a source: the way there, and the way back.

use chrono::TimeDelta;
use oauth::login::{self, Wish};
use oauth::{
    AuthorizationServer, Callback, CallbackError, Endpoint, Known as KnownScopes, LoginError,
    Scopes, Tokens, tokens,
};
use store::external_sources::{AuthType, ExternalSource, RefreshOwner, Transport};
use uuid::Uuid;

use super::client::{self, Need};
use super::kept::{self, Held, Known, Registered, ShownTo, Waiting, Wanted};
use super::way::{Attempt, Stop, Way, upstream};
use super::{Begin, Begun, Finished, discovery, leaving, storing};
use crate::external_sources::{
    OauthGrant, OauthSettings, credentials, find, grant_hosts, not_granted, settings_of,
};
use crate::identity::{Actor, Admin};
use crate::{App, Error, Result, clock};

/// Whose tokens they are: all callers share them.
pub(super) const OWNER: &str = "server";

/// Who acts where no person is signed in.
const COMMAND_LINE: &str = "command line";

/// So long a login may wait, and a little more.
const LOGIN_LIFE: TimeDelta = TimeDelta::minutes(11);

/// Begins to connect a source. `admin` is the person who does so; nobody is the command line.
///
/// # Errors
/// [`Error::Conflict`] for a source that nobody allowed and where an administrator has to give a client
/// id first, [`Error::Upstream`] for what is wrong at the other end.
pub async fn begin(
    app: &App,
    admin: Option<&Admin>,
    source_id: Uuid,
    begin: Begin,
) -> Result<Begun> {
    let mut source = find(app.store(), source_id).await?;
    check(app, &source)?;
    if !begin.hosts.is_empty() {
        source = grant_hosts(app, actor(admin), source_id, &begin.hosts).await?;
    }
    let way = Way { app, source: &source };
    let begun = match settings_of(&source).grant {
        OauthGrant::AuthorizationCode => send(way, admin, &begin).await,
        OauthGrant::ClientCredentials => connect_alone(way, actor(admin)).await,
    };
    match begun {
        Err(Stop::Hosts(hosts)) => Ok(Begun::Grant { hosts }),
        Err(Stop::Failed(error)) => Err(error),
        Ok(begun) => Ok(begun),
    }
}

/// Who acts.
fn actor(admin: Option<&Admin>) -> Actor {
    admin.map_or_else(|| Actor::local(COMMAND_LINE), Actor::from)
}

/// Refuses a source that has nothing to be connected to.
pub(super) fn check(app: &App, source: &ExternalSource) -> Result<()> {
    if source.auth_type != AuthType::Oauth || source.transport == Transport::Stdio {
        return Err(Error::Conflict(format!(
            "source `{}` does not use OAuth: change its credentials to oauth first",
            source.name
        )));
    }
    if source.granted_at.is_none() {
        return Err(not_granted(app, source));
    }
    Ok(())
}

/// Finds where a person logs in.
async fn send(way: Way<'_>, admin: Option<&Admin>, begin: &Begin) -> Attempt<Begun> {
    let Way { app, source } = way;
    let settings = settings_of(source);
    let found = discovery::find(way).await?;
    let server = &found.server;
    let endpoint = server.login_endpoint().map_err(|error| upstream(source, error))?;
    // Nobody's browser is sent to what no source can be allowed.
    way.host(endpoint.url())?;
    let registers = settings.client_id.is_none();
    need(way, server, server.registration_endpoint.as_ref().filter(|_| registers))?;

    let wanted: Wanted = kept::read(app, source.id, kept::WANTED).await?.unwrap_or_default();
    let scopes = scopes(&settings, &found).union(&wanted.scopes);
    let redirect_uri = settings.redirect_uri.as_deref().unwrap_or(&begin.callback);
    let need = Need { redirect_uri, scopes: &scopes };
    let client = client::find(way, server, need).await?;
    let wish =
        Wish { resource: Some(&found.resource), scopes: &scopes, redirect_uri, owner: OWNER };
    let begun = login::begin(server, &client.client, wish, clock::now());
    let begun = begun.map_err(|error| of_login(source, &error))?;
    let waiting = Waiting {
        source_id: source.id,
        url: source.url.clone(),
        login: begun.login,
        server: found.kept,
        client: client.known,
        user_id: admin.map(Admin::user_id),
    };
    let digest = login::digest(begun.state.expose());
    wait(app, source, &digest, (&waiting, client.registered.as_ref())).await?;
    let [url, state] = [&begun.url, &begun.state].map(|secret| secret.expose().to_owned());
    Ok(Begun::Visit { url, state })
}

/// Refuses to go on before a person allowed the hosts of the endpoints that are used.
pub(super) fn need(
    way: Way<'_>,
    server: &AuthorizationServer,
    registration: Option<&Endpoint>,
) -> Attempt<()> {
    let endpoints =
        [Some(&server.token_endpoint), registration, server.revocation_endpoint.as_ref()];
    let urls: Vec<_> = endpoints.into_iter().flatten().map(Endpoint::url).collect();
    way.need(&urls)
}

/// What to ask for.
fn scopes(settings: &OauthSettings, found: &discovery::Found) -> Scopes {
    let configured: Scopes = settings.scopes.iter().map(String::as_str).collect();
    Scopes::choose(KnownScopes {
        configured: &configured,
        challenged: &found.challenged,
        resource: &found.scopes,
        server: &found.server.scopes_supported,
    })
}

/// Keeps a login until its person comes back, and forgets those of whom nobody did.
async fn wait(
    app: &App,
    source: &ExternalSource,
    digest: &str,
    (waiting, registered): (&Waiting, Option<&Registered>),
) -> Result<()> {
    let transaction = app.store().begin().await?;
    let old = Some((kept::LOGINS, clock::now() - LOGIN_LIFE));
    kept::write(app, &transaction, source, (&kept::login(digest), waiting)).await?;
    store::secrets::delete_of_source(&transaction, source.id, old).await?;
    let issuer = &waiting.server.issuer;
    if let Some(registered) = registered {
        let key = kept::registration(issuer);
        kept::write(app, &transaction, source, (&key, registered)).await?;
    }
    if let Known::Given { id } = &waiting.client {
        let shown = ShownTo { issuer: issuer.clone(), client_id: id.clone() };
        kept::write(app, &transaction, source, (kept::SHOWN_TO, &shown)).await?;
    }
    Ok(transaction.commit().await?)
}

/// Takes what a person's browser brought back: the query of the callback's address.
///
/// # Errors
/// [`Error::Conflict`] for a state that nobody waits for, [`Error::Denied`] for one of another person,
/// [`Error::Upstream`] where the authorization server gives no token.
pub async fn finish(app: &App, admin: Option<&Admin>, callback_query: &str) -> Result<Finished> {
    let query = callback_query.strip_prefix('?').unwrap_or(callback_query);
    let unusable = |error: CallbackError| Error::Conflict(error.to_string());
    let callback = Callback::read(query).map_err(unusable)?;
    let digest = callback.digest();
    let waiting = taken(app, &digest).await?.ok_or_else(|| unusable(CallbackError::Unknown))?;
    let source = find(app.store(), waiting.source_id).await?;
    check(app, &source)?;
    if let (Some(admin), Some(user_id)) = (admin, waiting.user_id)
        && admin.user_id() != user_id
    {
        return Err(Error::Denied(
            "somebody else began this login: begin it yourself, from the page of the source"
                .to_owned(),
        ));
    }
    let code = waiting.login.accept(&callback, clock::now()).map_err(|error| match error {
        CallbackError::Unreadable | CallbackError::Unknown | CallbackError::Expired => {
            unusable(error)
        }
        error => upstream(&source, error),
    })?;
    if waiting.url != source.url {
        return Err(of_login(&source, &LoginError::Changed));
    }
    let Waiting { login, server: kept, client: known, .. } = waiting;
    let server = discovery::as_written(&source, kept.clone())?;
    let client = client::again(app, &source, &server, &known).await?;
    let now = clock::now();
    let post = login.exchange(&server, &client, &code, now);
    let post = post.map_err(|error| of_login(&source, &error))?;
    let way = Way { app, source: &source };
    let answered = way.post(&post).await.map_err(|stop| stop.unattended(app, &source))?;
    let tokens = Tokens::read(answered.answer(), &login.scopes, None, clock::now());
    let tokens = tokens.map_err(|error| way.upstream(error))?;
    let resource = login.resource.unwrap_or_default();
    let held = Held { version: 0, tokens, resource, server: Some(kept), client: Some(known) };
    connected(app, actor(admin), &source, held).await
}

/// Whether a browser that comes back with this query may have been sent from here: false where it brings the state
/// of a login that nobody waits for.
pub async fn is_own(app: &App, callback_query: &str) -> Result<bool> {
    match Callback::read(callback_query) {
        Ok(callback) => Ok(source_of(app, &kept::login(&callback.digest())).await?.is_some()),
        Err(_) => Ok(true),
    }
}

/// The source whose login is kept under that key.
async fn source_of(app: &App, key: &str) -> Result<Option<Uuid>> {
    let beginning = format!("{key}:");
    let row = store::secrets::find_of_any_source(app.store(), &beginning).await?;
    Ok(row.and_then(|row| row.source_id))
}

/// The login of a state, for the first who comes with it.
async fn taken(app: &App, digest: &str) -> Result<Option<Waiting>> {
    let key = kept::login(digest);
    let Some(source_id) = source_of(app, &key).await? else { return Ok(None) };
    let taken = credentials::take(app, source_id, &key).await?;
    taken.map(|taken| kept::parsed(secrecy::ExposeSecret::expose_secret(&taken))).transpose()
}

/// Keeps what was granted.
async fn connected(
    app: &App,
    actor: Actor,
    source: &ExternalSource,
    held: Held,
) -> Result<Finished> {
    let scope = held.tokens.scopes.to_string();
    let scope = Some(scope).filter(|scope| !scope.is_empty());
    let refresh_owner = RefreshOwner::Gateway;
    let by = storing::By { actor, action: "source.connected", refresh_owner };
    if let Err(error) = storing::replace(app, source, held.clone(), by).await {
        leaving::give_back_late(app, source, held).await;
        return Err(error);
    }
    let source = find(app.store(), source.id).await?;
    Ok(Finished { source, scope })
}

/// Connects a source whose client asks for itself.
pub(super) async fn connect_alone(way: Way<'_>, actor: Actor) -> Attempt<Begun> {
    let Way { app, source } = way;
    let settings = settings_of(source);
    let id = settings.client_id.clone().ok_or_else(|| {
        Error::Conflict(format!(
            "source `{}` has no client id: set it with its secret or private key, as the authorization server gave them",
            source.name
        ))
    })?;
    let found = discovery::find(way).await?;
    let server = found.server.clone();
    need(way, &server, None)?;
    let wanted: Wanted = kept::read(app, source.id, kept::WANTED).await?.unwrap_or_default();
    let scopes = scopes(&settings, &found).union(&wanted.scopes);
    let need = Need { redirect_uri: "", scopes: &scopes };
    let client = client::find(way, &server, need).await?;
    let wish = tokens::OwnWish { resource: Some(&found.resource), scopes: &scopes, extra: &[] };
    let post = tokens::client_credentials(&server, &client.client, wish, clock::now());
    let post = post.map_err(|error| upstream(source, error))?;
    let answered = way.post(&post).await?;
    let tokens = Tokens::read(answered.answer(), &scopes, None, clock::now());
    let tokens = tokens.map_err(|error| way.upstream(error))?;
    let known = Known::Given { id };
    let held = Held {
        version: 0,
        tokens,
        resource: found.resource,
        server: Some(found.kept),
        client: Some(known),
    };
    connected(app, actor, source, held).await?;
    Ok(Begun::Connected)
}

fn of_login(source: &ExternalSource, error: &LoginError) -> Error {
    match error {
        LoginError::Changed => Error::Conflict(format!("source `{}`: {error}", source.name)),
        error => upstream(source, error),
    }
}
