//! An entry of the file: its values with the variables in them, and where each field stands.

use std::collections::BTreeMap;

use anyhow::anyhow;
use app::external_sources::Command;
use app::external_sources::registration::written::{Written, WrittenAuth, WrittenOauth};

use super::file::{Auth, Server, Text};
use super::variables::{expand, only_variable};

/// Where the fields of an entry stand in the file, by the names that errors give them.
pub(super) type Lines = BTreeMap<&'static str, u64>;

/// Reads the values of an entry.
pub(super) struct Reader<'a, L> {
    /// How the file is named in errors.
    pub(super) file: &'a str,
    pub(super) lookup: L,
    pub(super) lines: Lines,
}

impl<L: Fn(&str) -> Option<String>> Reader<'_, L> {
    /// A value with the variables in it.
    fn value(&self, text: &Text) -> anyhow::Result<String> {
        let line = text.referenced.line();
        expand(&text.value, &self.lookup).map_err(|fault| anyhow!("{}:{line}: {fault}", self.file))
    }

    /// The value of a field that may be absent, or empty, which is the same.
    fn field(&mut self, name: &'static str, text: Option<&Text>) -> anyhow::Result<Option<String>> {
        let Some(text) = text else { return Ok(None) };
        self.lines.insert(name, text.referenced.line());
        Ok(Some(self.value(text)?).filter(|value| !value.is_empty()))
    }

    /// What is written under this key.
    pub(super) fn written(&mut self, key: &str, server: &Server) -> anyhow::Result<Written> {
        let title = self.field("name", server.name.as_ref())?;
        let description = self.field("description", server.description.as_ref())?;
        let mut written = Written {
            name: Some(key.to_owned()),
            description: description.or(title),
            url: self.field("url", server.url.as_ref())?,
            transport: self.field("transport", server.transport.as_ref())?,
            enabled: server.enabled,
            ..Written::default()
        };
        self.command(server, &mut written)?;
        // An entry that says nothing of it has none.
        written.auth = match &server.auth {
            Some(auth) => Some(self.auth(auth)?),
            None => None,
        };
        Ok(written)
    }

    /// The process. Variables of it that are taken from this program's environment are kept as secrets.
    fn command(&mut self, server: &Server, written: &mut Written) -> anyhow::Result<()> {
        let Some(command) = self.field("command", server.command.as_ref())? else { return Ok(()) };
        let mut made = Command { command, ..Command::default() };
        for text in &server.args {
            made.args.push(self.value(text)?);
        }
        for (name, text) in &server.env {
            let value = self.value(text)?;
            if value == text.value || value.is_empty() {
                made.env.insert(name.clone(), value);
            } else {
                written.sealed_env.insert(name.clone(), value.into());
            }
        }
        made.cwd = self.field("cwd", server.cwd.as_ref())?;
        written.command = Some(made);
        Ok(())
    }

    fn auth(&mut self, auth: &Auth) -> anyhow::Result<WrittenAuth> {
        Ok(WrittenAuth {
            kind: self.field("auth_type", Some(&auth.kind))?.unwrap_or_default(),
            username: self.field("username", auth.username.as_ref())?,
            password: self.field("password", auth.password.as_ref())?.map(Into::into),
            value: self.field("token", auth.token.as_ref())?.map(Into::into),
            header: self.field("auth_header_name", auth.header.as_ref())?,
            oauth: self.oauth(auth)?,
        })
    }

    fn oauth(&mut self, auth: &Auth) -> anyhow::Result<WrittenOauth> {
        let scopes: anyhow::Result<Vec<_>> =
            auth.scopes.iter().map(|text| self.value(text)).collect();
        let redirect_uri = self.field("redirect_uri", auth.redirect_uri.as_ref())?;
        Ok(WrittenOauth {
            grant_type: self.field("grant_type", auth.grant_type.as_ref())?,
            client_id: self.field("client_id", auth.client_id.as_ref())?,
            client_secret: self
                .field("client_secret", auth.client_secret.as_ref())?
                .map(Into::into),
            issuer: self.field("issuer", auth.issuer.as_ref())?,
            authorization_url: self.field("authorization_url", auth.authorization_url.as_ref())?,
            token_url: self.field("token_url", auth.token_url.as_ref())?,
            revoke_url: self.field("revoke_url", auth.revoke_url.as_ref())?,
            redirect_uri: redirect_uri.or_else(|| self.usual_redirect(auth)),
            scopes: scopes?,
            resource: self.field("resource", auth.resource.as_ref())?,
            token_endpoint_auth_method: self
                .field("token_endpoint_auth_method", auth.token_endpoint_auth_method.as_ref())?,
            pkce: self.field("pkce_required", auth.pkce_required.as_ref())?,
            token_refresh: auth.token_refresh,
            refresh_owner: self.field("refresh_owner", auth.refresh_owner.as_ref())?,
            tokens: None,
        })
    }

    /// The variable beside that of the client id: `BOX_REDIRECT_URI` beside `BOX_CLIENT_ID`.
    fn usual_redirect(&self, auth: &Auth) -> Option<String> {
        let name = only_variable(&auth.client_id.as_ref()?.value)?.strip_suffix("_CLIENT_ID")?;
        (self.lookup)(&format!("{name}_REDIRECT_URI")).filter(|address| !address.is_empty())
    }
}
