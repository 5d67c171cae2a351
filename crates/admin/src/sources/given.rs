//! What a request or a form says about a source, put over what the source is.

use std::collections::BTreeMap;

use app::external_sources::{
    Command, ExternalSource, NamedAuth, OauthSettings, Transport, Wish, check_credential_stays,
    command_of, settings_of,
};
use serde::Deserialize;

use crate::errors::Problem;

/// The fields of a source; those that are left out stay as they are.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Given {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    #[serde(alias = "transport")]
    pub(crate) transport_type: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) args: Option<Vec<String>>,
    pub(crate) env: Option<BTreeMap<String, String>>,
    pub(crate) cwd: Option<String>,
    pub(crate) auth_type: Option<String>,
    pub(crate) auth_secret_name: Option<String>,
    pub(crate) auth_header_name: Option<String>,
    pub(crate) oauth: Option<OauthSettings>,
    /// `client_id` of `oauth`, for itself.
    pub(crate) oauth_client_id: Option<String>,
    /// Whether it may be used; whoever reads this sees to it.
    pub(crate) enabled: Option<bool>,
}

impl Given {
    /// The whole of what is wished, over what there is.
    pub(crate) fn wish(self, before: Option<&ExternalSource>) -> Result<Wish, Problem> {
        let transport = match self.transport_type.as_deref() {
            Some(name) => name.parse().map_err(|_unknown| {
                Problem::invalid("transport_type", "expected streamable_http, sse or stdio")
            })?,
            None => before.map_or(Transport::StreamableHttp, |source| source.transport),
        };
        let is_process = transport == Transport::Stdio;
        let was_process = before.is_some_and(|source| source.transport == Transport::Stdio);
        let url = self.url.clone().or_else(|| {
            let kept = before.filter(|_| !is_process);
            kept.and_then(|source| source.url.clone())
        });
        if let Some(before) = before.filter(|_| !self.names_credential()) {
            check_credential_stays(before, url.as_deref(), "auth_secret_name")?;
        }
        let command = self.command(before.filter(|_| is_process && was_process))?;
        Ok(Wish {
            transport,
            url,
            command,
            auth: self.auth(before.filter(|_| is_process == was_process))?.try_into()?,
            name: self
                .name
                .or_else(|| before.map(|source| source.name.clone()))
                .unwrap_or_default(),
            description: self
                .description
                .or_else(|| before.map(|source| source.description.clone()))
                .unwrap_or_default(),
        })
    }

    /// Whether it says what the source is shown, or that it is shown nothing.
    fn names_credential(&self) -> bool {
        let is_other = |kind: &str| !matches!(kind, "bearer" | "header");
        self.auth_secret_name.is_some() || self.auth_type.as_deref().is_some_and(is_other)
    }

    fn command(&self, before: Option<&ExternalSource>) -> Result<Option<Command>, Problem> {
        let kept = before.and_then(command_of);
        let says = self.command.is_some()
            || self.args.is_some()
            || self.env.is_some()
            || self.cwd.is_some();
        if !says {
            return Ok(kept);
        }
        let kept = kept.unwrap_or_default();
        let command = self.command.clone().unwrap_or(kept.command);
        if command.is_empty() {
            return Err(Problem::invalid("command", "name the program to run"));
        }
        Ok(Some(Command {
            command,
            args: self.args.clone().unwrap_or(kept.args),
            env: self.env.clone().unwrap_or(kept.env),
            cwd: self.cwd.clone().or(kept.cwd).filter(|cwd| !cwd.is_empty()),
        }))
    }

    /// Credentials of another kind begin anew.
    fn auth(&self, before: Option<&ExternalSource>) -> Result<NamedAuth, Problem> {
        let kind = |source: &ExternalSource| source.auth_type.to_string();
        let auth_type = self.auth_type.clone().or_else(|| before.map(kind));
        let same = before.filter(|source| Some(kind(source)) == auth_type);
        let oauth = same.and_then(|source| source.oauth.as_ref().map(|_| settings_of(source)));
        let mut oauth = self.oauth.clone().or(oauth);
        if let Some(id) = &self.oauth_client_id {
            if auth_type.as_deref() != Some("oauth") {
                return Err(Problem::invalid(
                    "oauth_client_id",
                    "has an effect with auth_type `oauth` alone",
                ));
            }
            let of_both = self.oauth.as_ref().and_then(|oauth| oauth.client_id.as_ref());
            if of_both.is_some_and(|other| other != id) {
                return Err(Problem::invalid(
                    "oauth_client_id",
                    "differs from `client_id` in `oauth`: give one",
                ));
            }
            oauth.get_or_insert_default().client_id = Some(id.clone()).filter(|id| !id.is_empty());
        }
        Ok(NamedAuth {
            auth_type,
            secret: self
                .auth_secret_name
                .clone()
                .or_else(|| same.and_then(|source| source.auth_secret_name.clone())),
            header: self
                .auth_header_name
                .clone()
                .or_else(|| same.and_then(|source| source.auth_header_name.clone())),
            oauth,
        })
    }
}

#[cfg(test)]
mod tests {
    use app::external_sources::Auth;

    use super::*;
    use crate::sources::tests::source;

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        let before = source();
        let renamed = Given { name: Some("other".to_owned()), ..Given::default() };
        let wish = renamed.wish(Some(&before)).unwrap();
        assert_eq!((wish.name.as_str(), &wish.url), ("other", &before.url));
        assert_eq!(wish.auth, Auth::Bearer { secret: "API_KEY".to_owned() });
        let open = Given { auth_type: Some("none".to_owned()), ..Given::default() };
        assert_eq!(open.wish(Some(&before)).unwrap().auth, Auth::None);
    }

    #[test]
    fn a_credential_goes_to_another_origin_only_where_it_is_named() {
        let before = source();
        let beside = format!("{}/other", before.url.as_deref().unwrap());
        let moved = |url: &str, secret: Option<&str>, auth_type: Option<&str>| {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let (auth_secret_name, auth_type) = (text(secret), text(auth_type));
            let given = Given {
                url: Some(url.to_owned()),
                auth_secret_name,
                auth_type,
                ..Given::default()
            };
            given.wish(Some(&before)).map(|wish| wish.auth)
        };
        let elsewhere = "https://elsewhere.example/mcp";
        assert!(moved(elsewhere, None, None).is_err());
        assert!(moved(elsewhere, None, Some("bearer")).is_err(), "which secret is not said");
        assert!(moved(elsewhere, Some("API_KEY"), None).is_ok());
        assert_eq!(moved(elsewhere, None, Some("none")).unwrap(), Auth::None);
        assert!(moved(&beside, None, None).is_ok(), "it is the same origin");
    }

    #[test]
    fn a_process_has_no_address_and_no_credentials_of_its_past() {
        let process = Given {
            transport_type: Some("stdio".to_owned()),
            command: Some("python3".to_owned()),
            ..Given::default()
        };
        let wish = process.wish(Some(&source())).unwrap();
        assert_eq!((wish.url, wish.auth), (None, Auth::None));
        assert_eq!(wish.command.unwrap().command, "python3");
        let nothing = Given { args: Some(Vec::new()), ..Given::default() };
        assert!(nothing.wish(None).is_err(), "arguments of no program");
    }
}
