//! Who gives the tokens of a source: what it says when it is asked without one, its metadata, and that of its
//! authorization server.

use std::sync::Arc;
use std::time::Duration;

use oauth::{
    AuthorizationServer, BearerChallenge, Endpoint, Issuer, PlainHttp, ProtectedResource, Scopes,
};
use outbound::mcp::{self, Open, Place, Refused, Setup, Source, Web};
use serde_json::json;
use store::external_sources::{ExternalSource, Transport};
use url::Url;

use super::way::{Answered, Attempt, Way, upstream};
use crate::external_sources::{OauthGrant, OauthSettings, connections, settings_of};
use crate::{App, Error, Result};

/// How long a source may take to say that it wants a token.
const CHALLENGE_TIME: Duration = Duration::from_secs(20);

/// How long a source may take to say who takes its tokens back.
const REVOCATION_TIME: Duration = Duration::from_secs(4);

/// The guard decides which addresses are asked at all; a private network may do without certificates.
const PLAIN: PlainHttp = PlainHttp::Network;

/// Who gives the tokens, and for what.
#[derive(Debug)]
pub(super) struct Found {
    /// The name of the source as a protected resource.
    pub(super) resource: String,
    /// The authorization server, with what people wrote down in the place of what it says.
    pub(super) server: AuthorizationServer,
    /// The same as it is kept: what people write is put over it whenever it is used.
    pub(super) kept: AuthorizationServer,
    /// The scopes of the source's challenge.
    pub(super) challenged: Scopes,
    /// The scopes that it knows.
    pub(super) scopes: Scopes,
}

/// Finds the authorization server of a source.
pub(super) async fn find(way: Way<'_>) -> Attempt<Found> {
    let url = address(way.source)?;
    let settings = settings_of(way.source);
    let written = Written::read(way.source, &settings)?;
    let challenge = Box::pin(challenge(way.app, way.source)).await?;
    let mut resource = match resource(way, &url, challenge.as_ref()).await {
        // Where people wrote down all that is needed, what cannot be asked is no hindrance.
        Err(_) if written.is_complete() || written.issuer.is_some() => {
            without_metadata(way.source, &url)?
        }
        found => found?,
    };
    if let Some(issuer) = &written.issuer {
        resource.authorization_servers = vec![issuer.clone()];
    }
    let kept = match server(way, &url, &resource).await {
        Err(stop) => written.alone(&resource).ok_or(stop)?,
        Ok(server) => server,
    };
    Ok(Found {
        resource: settings.resource.clone().unwrap_or(resource.resource),
        server: written.over(way.source, kept.clone()),
        kept,
        challenged: challenge.map(|challenge| challenge.scopes).unwrap_or_default(),
        scopes: resource.scopes_supported,
    })
}

/// An authorization server that is known, with what is written down now in the place of what it says.
pub(super) fn as_written(
    source: &ExternalSource,
    server: AuthorizationServer,
) -> Result<AuthorizationServer> {
    Ok(Written::read(source, &settings_of(source))?.over(source, server))
}

/// Who takes tokens back that somebody brought. Where the source does not say so soon, it is the place alone that is
/// written down.
pub(super) async fn for_revocation(way: Way<'_>) -> Attempt<AuthorizationServer> {
    let written = Written::read(way.source, &settings_of(way.source))?;
    let asked = tokio::time::timeout(REVOCATION_TIME, find(way)).await;
    let endpoint = match (asked, written.revocation) {
        (Ok(Ok(found)), _) if found.server.revocation_endpoint.is_some() => {
            return Ok(found.server);
        }
        (_, Some(endpoint)) => endpoint,
        (Ok(Err(stop)), None) => return Err(stop),
        (Ok(Ok(_)) | Err(_), None) => {
            return Err(upstream(way.source, "nothing says where its tokens are given back").into());
        }
    };
    let issuer = Issuer::of_origin(endpoint.url(), PLAIN);
    let issuer = issuer.map_err(|error| upstream(way.source, error))?;
    let given = AuthorizationServer::given(issuer, None, endpoint.clone());
    Ok(AuthorizationServer { revocation_endpoint: Some(endpoint), ..given })
}

/// The address of a source.
pub(super) fn address(source: &ExternalSource) -> Result<Url> {
    let url = source.url.as_deref().and_then(|url| Url::parse(url).ok());
    url.ok_or_else(|| upstream(source, "it has no address"))
}

fn without_metadata(source: &ExternalSource, url: &Url) -> Result<ProtectedResource> {
    ProtectedResource::without_metadata(url, PLAIN).map_err(|error| upstream(source, error))
}

/// The authorization server and its endpoints as people wrote them down.
struct Written {
    issuer: Option<Issuer>,
    authorization: Option<Endpoint>,
    token: Option<Endpoint>,
    revocation: Option<Endpoint>,
    /// How the client shows who it is.
    method: Option<String>,
    /// Whether nobody has to log in.
    alone: bool,
}

impl Written {
    fn read(source: &ExternalSource, settings: &OauthSettings) -> Result<Self> {
        let endpoint = |what, text: &Option<String>| {
            let read = text.as_deref().map(|text| Endpoint::read(what, text, PLAIN));
            read.transpose().map_err(|error| upstream(source, error))
        };
        let issuer = settings.issuer.as_deref().map(|text| Issuer::read(text, PLAIN));
        Ok(Self {
            issuer: issuer.transpose().map_err(|error| upstream(source, error))?,
            authorization: endpoint("authorization_url", &settings.authorization_url)?,
            token: endpoint("token_url", &settings.token_url)?,
            revocation: endpoint("revoke_url", &settings.revoke_url)?,
            method: settings.token_endpoint_auth_method.clone(),
            alone: settings.grant == OauthGrant::ClientCredentials,
        })
    }

    fn is_complete(&self) -> bool {
        self.token.is_some() && (self.authorization.is_some() || self.alone)
    }

    /// Whether one of these endpoints is where an authorization server is, by its name.
    fn is_of(&self, issuer: &Issuer) -> bool {
        Url::parse(&issuer.to_string()).is_ok_and(|url| self.is_at(&url))
    }

    /// Whether one of these endpoints is where a server takes tokens back.
    fn has_origin_of(&self, server: &AuthorizationServer) -> bool {
        server.revocation_endpoint.as_ref().is_some_and(|endpoint| self.is_at(endpoint.url()))
    }

    fn is_at(&self, url: &Url) -> bool {
        let written = [&self.authorization, &self.token].into_iter().flatten();
        written.into_iter().any(|endpoint| endpoint.url().origin() == url.origin())
    }

    /// The server that they make where nothing is known of it but perhaps its name.
    fn alone(&self, resource: &ProtectedResource) -> Option<AuthorizationServer> {
        let token = self.token.clone().filter(|_token| self.is_complete())?;
        let issuer = match resource.authorization_servers.first() {
            Some(issuer) => issuer.clone(),
            None => Issuer::of_origin(token.url(), PLAIN).ok()?,
        };
        let given = AuthorizationServer::given(issuer, self.authorization.clone(), token);
        Some(AuthorizationServer { revocation_endpoint: self.revocation.clone(), ..given })
    }

    /// The server with these in the place of what it says itself.
    fn over(self, source: &ExternalSource, server: AuthorizationServer) -> AuthorizationServer {
        let told = |what: &str, written: &Option<Endpoint>, own: Option<&Endpoint>| {
            let differs = written.as_ref().zip(own).filter(|(written, own)| written != own);
            if let Some((written, own)) = differs {
                tracing::warn!(source = %source.name, %written, %own, "{what} is used as written, though the authorization server names another");
            }
        };
        told("authorization_url", &self.authorization, server.authorization_endpoint.as_ref());
        told("token_url", &self.token, Some(&server.token_endpoint));
        told("revoke_url", &self.revocation, server.revocation_endpoint.as_ref());
        // Metadata that the source names may be anybody's: it does not say who takes back what comes from elsewhere.
        let gives_back =
            self.token.is_none() || self.is_of(&server.issuer) || self.has_origin_of(&server);
        let own_revocation = server.revocation_endpoint.filter(|_| gives_back);
        AuthorizationServer {
            revocation_endpoint: self.revocation.or(own_revocation),
            authorization_endpoint: self.authorization.or(server.authorization_endpoint),
            token_endpoint: self.token.unwrap_or(server.token_endpoint),
            token_endpoint_auth_methods: match self.method {
                Some(method) => vec![method],
                None => server.token_endpoint_auth_methods,
            },
            ..server
        }
    }
}

/// What a source says to somebody without a token.
async fn challenge(app: &App, source: &ExternalSource) -> Result<Option<BearerChallenge>> {
    let web = Web {
        url: source.url.clone().unwrap_or_default(),
        client: app.outbound()?.clone(),
        caller: format!("source:{}", source.id),
        policy: connections::policy(app, source),
        access: Arc::new(Open),
    };
    let setup = Setup {
        place: match source.transport {
            Transport::Sse => Place::EventStream(web),
            Transport::StreamableHttp | Transport::Stdio => Place::Http(web),
        },
        info: connections::info(),
        capabilities: json!({}),
        log_level: None,
        observer: Arc::new(()),
    };
    let opened = Source::new(setup).map_err(|error| Error::invalid("url", error.to_string()))?;
    let asking = async {
        opened.start().await?;
        // Some let everybody begin, and want a token for what follows.
        opened.list_tools(CHALLENGE_TIME).await.map(drop)
    };
    let asked = tokio::time::timeout(CHALLENGE_TIME, asking).await;
    opened.close().await;
    match asked {
        Err(_elapsed) => Err(upstream(source, "it does not answer")),
        Ok(Ok(())) => Ok(None),
        Ok(Err(error)) => match refusal(&error) {
            Some(refused) => Ok(BearerChallenge::find(&refused.challenges)),
            None if is_unreached(&error) => Err(upstream(source, error)),
            None => Ok(None),
        },
    }
}

/// What a source said that wants other credentials.
pub(super) fn refusal(error: &mcp::Error) -> Option<&Refused> {
    match error {
        mcp::Error::Unauthorized(refused) | mcp::Error::Forbidden(refused) => Some(refused),
        mcp::Error::Start(inner) | mcp::Error::Begun(inner) => refusal(inner),
        _ => None,
    }
}

fn is_unreached(error: &mcp::Error) -> bool {
    match error {
        mcp::Error::NotSent(_) | mcp::Error::BotChallenge | mcp::Error::Redirected { .. } => true,
        mcp::Error::Start(inner) => is_unreached(inner),
        _ => false,
    }
}

async fn resource(
    way: Way<'_>,
    url: &Url,
    challenge: Option<&BearerChallenge>,
) -> Attempt<ProtectedResource> {
    for place in oauth::metadata_urls(url, challenge, PLAIN) {
        if let Some(answered) = metadata(way, &place).await? {
            let read = ProtectedResource::read(&answered.body, url, PLAIN);
            return Ok(read.map_err(|error| way.upstream(error))?);
        }
    }
    Ok(without_metadata(way.source, url)?)
}

async fn server(
    way: Way<'_>,
    url: &Url,
    resource: &ProtectedResource,
) -> Attempt<AuthorizationServer> {
    for issuer in &resource.authorization_servers {
        for place in issuer.metadata_urls() {
            if let Some(answered) = metadata(way, &place).await? {
                let read = AuthorizationServer::read(&answered.body, issuer, PLAIN);
                return Ok(read.map_err(|error| way.upstream(error))?);
            }
        }
        let own = Issuer::of_origin(url, PLAIN).ok();
        if let Some(own) = own.filter(|own| own.is_but_for_a_slash(issuer)) {
            let usual = AuthorizationServer::by_convention(&own, PLAIN);
            return Ok(usual.map_err(|error| way.upstream(error))?);
        }
    }
    let named: Vec<_> = resource.authorization_servers.iter().map(Issuer::to_string).collect();
    let named = named.join(", ");
    Err(way.upstream(format!("its authorization server ({named}) has no metadata: in the settings of the source give issuer, if it is another one, or authorization_url and token_url")).into())
}

/// What is at a place of metadata; nothing where there is none.
async fn metadata(way: Way<'_>, place: &Url) -> Attempt<Option<Answered>> {
    let answered = way.get(place).await?;
    match answered.status {
        200..300 => Ok(Some(answered)),
        400..500 => Ok(None),
        status => Err(way.upstream(format!("{place} answered with status {status}")).into()),
    }
}
