//! What the doors tell of sources, and read: credentials by their names, hosts, lists by how they stand.

use store::external_sources::{AuthType, ExternalSource, Transport};
use store::revisions::Imported;
use uuid::Uuid;

use super::{Auth, Detail, OauthSettings, Status, command_of, place, with_tokens};
use crate::{App, Error, Listed, Page, Result};

/// Credentials as a form or a request names them.
#[derive(Debug, Clone, Default)]
pub struct NamedAuth {
    /// `none`, `bearer`, `header` or `oauth`; nothing is `none`.
    pub auth_type: Option<String>,
    /// The secret of the server that holds the credential.
    pub secret: Option<String>,
    /// The header field that it stands in.
    pub header: Option<String>,
    /// What is set for OAuth.
    pub oauth: Option<OauthSettings>,
}

impl TryFrom<NamedAuth> for Auth {
    type Error = Error;

    /// # Errors
    /// [`Error::Invalid`] for a kind that there is not, and for what has no effect with this one.
    fn try_from(named: NamedAuth) -> Result<Self> {
        let kind = match named.auth_type.as_deref() {
            None => AuthType::None,
            Some(kind) => kind.parse().map_err(|_unknown| {
                Error::invalid("auth_type", "expected none, bearer, header or oauth")
            })?,
        };
        let has_secret = matches!(kind, AuthType::Bearer | AuthType::Header);
        if !has_secret && named.secret.is_some() {
            let reason =
                format!("has no effect with auth_type `{kind}`; expected bearer or header");
            return Err(Error::invalid("auth_secret_name", reason));
        }
        if kind != AuthType::Header && named.header.is_some() {
            let reason = format!("has no effect with auth_type `{kind}`; expected header");
            return Err(Error::invalid("auth_header_name", reason));
        }
        if kind != AuthType::Oauth && named.oauth.is_some() {
            let reason = format!("has no effect with auth_type `{kind}`; expected oauth");
            return Err(Error::invalid("oauth", reason));
        }
        let secret = named.secret.unwrap_or_default();
        Ok(match kind {
            AuthType::None => Self::None,
            AuthType::Bearer => Self::Bearer { secret },
            AuthType::Header => Self::Header { field: named.header, secret },
            AuthType::Oauth => Self::Oauth(Box::new(named.oauth.unwrap_or_default())),
        })
    }
}

/// The host that a source needs, as `host:port`; none for a process.
///
/// # Errors
/// [`Error::Invalid`] where nobody may allow that host.
pub fn host_of(app: &App, source: &ExternalSource) -> Result<Option<String>> {
    place::of(app, source.transport, source.url.as_deref())
}

/// Where a person sees to a source, as a sentence goes on with it.
pub(super) fn page(app: &App, source_id: Uuid) -> String {
    match app.pages() {
        Some(address) => format!("at {address}/sources/{source_id}"),
        None => "on its admin page".to_owned(),
    }
}

/// The sources of all servers that stand so, in the order they were added.
pub async fn of_status(app: &App, status: Status, page: Page) -> Result<Listed<Detail>> {
    let all = with_tokens(app, store::external_sources::all(app.store()).await?).await?;
    let found: Vec<Detail> = all.into_iter().filter(|one| one.status() == status).collect();
    let total = found.len() as u64;
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let before = usize::try_from(page.number.saturating_sub(1)).unwrap_or(usize::MAX);
    let items = found.into_iter().skip(before.saturating_mul(size)).take(size).collect();
    Ok(Listed { items, total })
}

/// What an imported tool does with its arguments, in one plain line.
pub(crate) async fn risk(app: &App, imported: &Imported) -> Result<String> {
    let source = store::external_sources::find(app.store(), imported.source_id).await?;
    Ok(match source {
        Some(source) => {
            format!("Sends its arguments to {} and gives back what that says", at(&source))
        }
        None => "Its source is removed, so that it answers no more".to_owned(),
    })
}

/// The address of a source as models are told it: without what may be a key.
pub fn address_of(source: &ExternalSource) -> Option<String> {
    source.url.as_deref().map(place::told)
}

/// Where a source is, for people.
fn at(source: &ExternalSource) -> String {
    if source.transport == Transport::Stdio {
        let command = command_of(source).unwrap_or_default().command;
        return format!("the process `{command}` of this machine");
    }
    let url = source.url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    host.map_or_else(
        || format!("source `{}`", source.name),
        |(host, port)| match port {
            443 => host.to_owned(),
            _ => format!("{host}:{port}"),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(auth_type: &str, secret: Option<&str>, header: Option<&str>) -> Result<Auth> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        NamedAuth {
            auth_type: Some(auth_type.to_owned()),
            secret: text(secret),
            header: text(header),
            oauth: None,
        }
        .try_into()
    }

    #[test]
    fn credentials_are_read_by_their_names_and_what_has_no_effect_is_refused() {
        assert_eq!(Auth::try_from(NamedAuth::default()).unwrap(), Auth::None);
        let bearer = Auth::Bearer { secret: "KEY".to_owned() };
        assert_eq!(read("bearer", Some("KEY"), None).unwrap(), bearer);
        let header = read("header", Some("KEY"), Some("X-Key")).unwrap();
        assert!(matches!(header, Auth::Header { field: Some(field), .. } if field == "X-Key"));
        assert!(matches!(read("oauth", None, None).unwrap(), Auth::Oauth(_)));
        for (kind, secret, header, field) in [
            ("none", Some("KEY"), None, "auth_secret_name"),
            ("oauth", Some("KEY"), None, "auth_secret_name"),
            ("bearer", Some("KEY"), Some("X-Key"), "auth_header_name"),
            ("basic", None, None, "auth_type"),
        ] {
            let error = read(kind, secret, header).unwrap_err();
            assert!(
                matches!(error, Error::Invalid { field: wrong, .. } if wrong == field),
                "{error}"
            );
        }
    }
}
