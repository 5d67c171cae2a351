//! What a source that is written means: the wish for it, and what has to be sealed beside it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use store::external_sources::{AuthType, ExternalSource, RefreshOwner, Transport};

use super::words::{self, Kind};
use super::written::{Written, WrittenAuth, WrittenOauth};
use super::{OauthSecrets, Registration, known};
use crate::external_sources::connections::SECRET;
use crate::external_sources::definition::sanitised;
use crate::external_sources::{
    Auth, Command, OauthGrant, OauthSettings, Wish, check_credential_stays, command_of, settings_of,
};
use crate::{Error, Result};

/// The header field of an API key, where none is named.
const API_KEY: &str = "X-API-Key";

/// The longest name that a server can have.
const SERVER_MAX: usize = 59;

/// What is written, for a new source or for one that is there already, of which the rest stays.
///
/// # Errors
/// [`Error::Invalid`] naming the field that cannot be understood; no text repeats a credential.
pub fn understand(written: &Written, before: Option<&ExternalSource>) -> Result<Registration> {
    let name = match (written.name.as_deref().map(str::trim), before) {
        (Some(name), _) if !name.is_empty() => name.to_owned(),
        (None, Some(before)) => before.name.clone(),
        _ => return Err(Error::invalid("name", "say what the source is called")),
    };
    let server = server_name(&name);
    let mut read = Registration {
        wish: Wish {
            name,
            description: text(written.description.as_ref(), before.map(|it| &it.description)),
            transport: transport(written, before)?,
            url: None,
            command: None,
            auth: before.map_or(Auth::None, auth_of),
        },
        server,
        secrets: Vec::new(),
        oauth: None,
        enabled: written.enabled,
        warnings: Vec::new(),
    };
    if read.wish.transport == Transport::Stdio {
        let command = written.command.clone().or_else(|| before.and_then(command_of));
        read.wish.command = command.map(|command| sealed(command, written, &mut read));
    } else {
        let url = written.url.clone().filter(|url| !url.trim().is_empty());
        read.wish.url = url.or_else(|| before.and_then(|before| before.url.clone()));
    }
    if let Some(auth) = &written.auth {
        read.wish.auth = read_auth(auth, &mut read)?;
    } else if let Some(before) = before {
        check_credential_stays(before, read.wish.url.as_deref(), "auth_config")?;
    }
    Ok(read)
}

fn text(written: Option<&String>, before: Option<&String>) -> String {
    written.or(before).cloned().unwrap_or_default()
}

fn transport(written: &Written, before: Option<&ExternalSource>) -> Result<Transport> {
    match (&written.transport, before) {
        (Some(word), _) => words::transport(word),
        (None, Some(before)) => Ok(before.transport),
        (None, None) if written.command.is_some() => Ok(Transport::Stdio),
        (None, None) => Ok(Transport::StreamableHttp),
    }
}

/// The name of the server that is made for a source of this name.
pub(super) fn server_name(name: &str) -> String {
    let made: String = sanitised(name).chars().take(SERVER_MAX).collect();
    made.trim_end_matches('_').to_owned()
}

/// The key of a secret of the server: capital letters, digits and underscores.
fn key(server: &str, end: &str) -> String {
    let whole = format!("{server}_{end}");
    whole
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

/// The process, whose sealed variables name secrets of the server.
fn sealed(mut command: Command, written: &Written, read: &mut Registration) -> Command {
    for (name, value) in &written.sealed_env {
        let key = key(&read.server, name);
        command.env.insert(name.clone(), format!("{SECRET}{key}"));
        read.secrets.push((key, value.clone()));
    }
    command
}

/// How a source that is there is authenticated at.
fn auth_of(source: &ExternalSource) -> Auth {
    let secret = source.auth_secret_name.clone().unwrap_or_default();
    match source.auth_type {
        AuthType::None => Auth::None,
        AuthType::Bearer => Auth::Bearer { secret },
        AuthType::Header => Auth::Header { field: source.auth_header_name.clone(), secret },
        AuthType::Oauth => Auth::Oauth(Box::new(settings_of(source))),
    }
}

fn read_auth(written: &WrittenAuth, read: &mut Registration) -> Result<Auth> {
    let secret = key(&read.server, "token");
    let missing = |field, what: &str| Error::invalid(field, format!("give {what}"));
    let (auth, value) = match words::kind(&written.kind)? {
        Kind::None => return Ok(Auth::None),
        Kind::Oauth => return read_oauth(&written.oauth, read),
        Kind::Bearer => {
            let value = written.value.clone().or_else(|| access_token(&written.oauth));
            (
                Auth::Bearer { secret: secret.clone() },
                value.ok_or_else(|| missing("token", "the token"))?,
            )
        }
        Kind::Basic => {
            let (Some(name), Some(password)) = (&written.username, &written.password) else {
                return Err(missing("username", "username and password"));
            };
            let pair = format!("{name}:{}", password.expose_secret());
            let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
            (Auth::Header { field: None, secret: secret.clone() }, value.into())
        }
        Kind::ApiKey => {
            let field = written.header.clone().or_else(|| Some(API_KEY.to_owned()));
            let value = written.value.clone().ok_or_else(|| missing("value", "the key"))?;
            (Auth::Header { field, secret: secret.clone() }, value)
        }
    };
    read.secrets.push((secret, value));
    Ok(auth)
}

fn access_token(oauth: &WrittenOauth) -> Option<SecretString> {
    oauth.tokens.as_ref().map(|tokens| tokens.access_token.clone())
}

fn read_oauth(written: &WrittenOauth, read: &mut Registration) -> Result<Auth> {
    words::check_pkce(written.pkce.as_deref())?;
    let settings = OauthSettings {
        grant: words::grant(written.grant_type.as_deref())?,
        client_id: written.client_id.clone(),
        issuer: written.issuer.clone(),
        authorization_url: written.authorization_url.clone(),
        token_url: written.token_url.clone(),
        revoke_url: written.revoke_url.clone(),
        scopes: written.scopes.clone(),
        redirect_uri: written.redirect_uri.clone(),
        resource: written.resource.clone(),
        token_endpoint_auth_method: written.token_endpoint_auth_method.clone(),
        follows_metadata: true,
    };
    read.warnings.extend(known::warnings(&settings));
    let tokens = match &written.tokens {
        Some(tokens) => Some(words::tokens(tokens, &mut read.warnings)?),
        None => None,
    };
    let refresh_owner = refresh_owner(written, settings.grant)?;
    if refresh_owner == RefreshOwner::Gateway && tokens.is_some() && settings.client_id.is_none() {
        return Err(Error::invalid(
            "refresh_owner",
            "tokens can be renewed here only with the client that they were given to: send client_id, or let `client` renew them",
        ));
    }
    let client_secret = written.client_secret.clone();
    read.oauth = Some(OauthSecrets { client_secret, tokens, refresh_owner });
    Ok(Auth::Oauth(Box::new(settings)))
}

/// Who renews the tokens of a source, so that it is never two: refresh tokens are used up by that.
fn refresh_owner(written: &WrittenOauth, grant: OauthGrant) -> Result<RefreshOwner> {
    if let Some(word) = &written.refresh_owner {
        return words::refresh_owner(word);
    }
    let has_client = written.client_id.is_some() && written.client_secret.is_some();
    let renews = written.token_refresh.unwrap_or_else(|| {
        has_client || grant == OauthGrant::ClientCredentials || written.tokens.is_none()
    });
    Ok(if renews { RefreshOwner::Gateway } else { RefreshOwner::Client })
}

#[cfg(test)]
mod tests {
    use super::super::written::WrittenTokens;
    use super::*;

    fn named(name: &str, auth: WrittenAuth) -> Written {
        Written {
            name: Some(name.to_owned()),
            url: Some("https://mcp.example/mcp".to_owned()),
            auth: Some(auth),
            ..Written::default()
        }
    }

    fn oauth(oauth: WrittenOauth) -> Result<Registration> {
        let auth = WrittenAuth { kind: "oauth2.1".to_owned(), oauth, ..WrittenAuth::default() };
        understand(&named("box", auth), None)
    }

    fn brought() -> WrittenTokens {
        WrittenTokens {
            access_token: "at-1".into(),
            refresh_token: Some("rt-1".into()),
            token_type: Some("bearer".to_owned()),
            expires_at: None,
            expires_in: Some(3600),
            scope: None,
        }
    }

    fn owner(read: Result<Registration>) -> RefreshOwner {
        read.unwrap().oauth.unwrap().refresh_owner
    }

    #[test]
    fn the_server_of_a_source_is_named_after_it() {
        for (name, server) in
            [("box", "box"), ("Box Content Management", "box_content_management"), ("3d!", "t_3d")]
        {
            assert_eq!(
                understand(&named(name, WrittenAuth::default()), None).unwrap().server,
                server
            );
        }
        assert_eq!(server_name(&"a".repeat(100)).len(), 59);
        assert!(understand(&Written::default(), None).is_err(), "without a name");
    }

    #[test]
    fn credentials_become_secrets_of_the_server() {
        let auth = |kind: &str| WrittenAuth {
            kind: kind.to_owned(),
            value: Some("k-1".into()),
            username: Some("ann".to_owned()),
            password: Some("pw".into()),
            ..WrittenAuth::default()
        };
        for (kind, value) in [("bearer", "k-1"), ("basic", "Basic YW5uOnB3"), ("api_key", "k-1")] {
            let read = understand(&named("my box", auth(kind)), None).unwrap();
            let [(key, sealed)] = &read.secrets[..] else { panic!("{kind}") };
            assert_eq!((key.as_str(), sealed.expose_secret()), ("MY_BOX_TOKEN", value), "{kind}");
        }
        for kind in ["bearer", "basic", "api_key"] {
            let bare = WrittenAuth { kind: kind.to_owned(), ..WrittenAuth::default() };
            assert!(understand(&named("box", bare), None).is_err(), "{kind} without a credential");
        }
    }

    #[test]
    fn whoever_has_the_client_renews_the_tokens() {
        let with_client = WrittenOauth {
            client_id: Some("id".to_owned()),
            client_secret: Some("secret".into()),
            tokens: Some(brought()),
            ..WrittenOauth::default()
        };
        assert_eq!(owner(oauth(with_client.clone())), RefreshOwner::Gateway);
        let without = WrittenOauth { tokens: Some(brought()), ..WrittenOauth::default() };
        assert_eq!(owner(oauth(without.clone())), RefreshOwner::Client);
        assert_eq!(
            owner(oauth(WrittenOauth::default())),
            RefreshOwner::Gateway,
            "who logs in here"
        );
        let told = |owner: &str, written: &WrittenOauth| {
            oauth(WrittenOauth { refresh_owner: Some(owner.to_owned()), ..written.clone() })
        };
        assert_eq!(owner(told("client", &with_client)), RefreshOwner::Client);
        assert!(told("gateway", &without).is_err(), "it could not");
        assert!(told("both", &with_client).is_err());
    }

    #[test]
    fn variables_that_are_sealed_name_secrets() {
        let written = Written {
            name: Some("files".to_owned()),
            command: Some(Command { command: "/bin/files".to_owned(), ..Command::default() }),
            sealed_env: [("api-key".to_owned(), "v-1".into())].into(),
            ..Written::default()
        };
        let read = understand(&written, None).unwrap();
        assert_eq!(read.wish.transport, Transport::Stdio);
        let env = &read.wish.command.as_ref().unwrap().env;
        assert_eq!(env.get("api-key").map(String::as_str), Some("secret:FILES_API_KEY"));
        assert_eq!(read.secrets[0].0, "FILES_API_KEY");
    }
}
