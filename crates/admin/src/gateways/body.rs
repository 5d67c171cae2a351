//! The body of a registration, in the spellings that clients of gateways use: snake and camel case, with an
//! `auth_config` or with the fields of a gateway's own (`auth_type`, `auth_token`, `oauth_config`, …).
//!
//! It is read by hand: what a deserializer says of a wrong value repeats it, and the value may be a credential.

use std::collections::BTreeMap;

use app::external_sources::Command;
use app::external_sources::registration::written::{
    Credential, Written, WrittenAuth, WrittenOauth, WrittenTokens,
};
use serde_json::{Map, Value};

use crate::errors::Problem;

/// Fields that say how a gateway's own form of registration authenticates.
const OWN_AUTH: [&str; 8] = [
    "auth_type",
    "auth_username",
    "auth_password",
    "auth_token",
    "auth_header_key",
    "auth_header_value",
    "auth_headers",
    "oauth_config",
];

/// The fields of an object that were not read yet, in snake case.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(body: Value, field: &'static str) -> Result<Self, Problem> {
        let Value::Object(fields) = body else {
            return Err(Problem::invalid(field, "expected an object"));
        };
        Ok(Self(fields.into_iter().map(|(name, value)| (snake(&name), value)).collect()))
    }

    /// The first of these that is there and not null.
    fn take(&mut self, names: &[&'static str]) -> Option<(&'static str, Value)> {
        let mut found = None;
        for name in names {
            let value = self.0.remove(*name).filter(|value| !value.is_null());
            found = found.or(value.map(|value| (*name, value)));
        }
        found
    }

    /// A text; an empty one counts as absent.
    fn text(&mut self, names: &[&'static str]) -> Result<Option<String>, Problem> {
        match self.take(names) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some((name, _)) => Err(Problem::invalid(name, "expected a text")),
        }
    }

    /// A text, a number or a boolean as text.
    fn word(&mut self, names: &[&'static str]) -> Result<Option<String>, Problem> {
        match self.take(names) {
            Some((_, value @ (Value::Number(_) | Value::Bool(_)))) => Ok(Some(value.to_string())),
            Some((name, value)) => {
                self.0.insert(name.to_owned(), value);
                self.text(&[name])
            }
            None => Ok(None),
        }
    }

    fn flag(&mut self, names: &[&'static str]) -> Result<Option<bool>, Problem> {
        match self.take(names) {
            None => Ok(None),
            Some((_, Value::Bool(flag))) => Ok(Some(flag)),
            Some((name, _)) => Err(Problem::invalid(name, "expected true or false")),
        }
    }

    fn number(&mut self, names: &[&'static str]) -> Result<Option<i64>, Problem> {
        match self.take(names) {
            None => Ok(None),
            Some((name, value)) => {
                let number = value.as_i64().map(Some);
                number.ok_or_else(|| Problem::invalid(name, "expected a whole number"))
            }
        }
    }

    /// A list of texts, or one text with spaces between.
    fn texts(&mut self, names: &[&'static str]) -> Result<Vec<String>, Problem> {
        let Some((name, value)) = self.take(names) else { return Ok(Vec::new()) };
        let texts = match value {
            Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
            Value::Array(items) => {
                let text = |item: Value| item.as_str().map(str::to_owned);
                let texts: Option<Vec<_>> = items.into_iter().map(text).collect();
                texts.ok_or_else(|| Problem::invalid(name, "expected a list of texts"))?
            }
            _ => return Err(Problem::invalid(name, "expected a list of texts")),
        };
        Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
    }

    fn object(&mut self, name: &'static str) -> Result<Option<Self>, Problem> {
        self.take(&[name]).map(|(name, value)| Self::of(value, name)).transpose()
    }

    /// The names of what nobody read.
    fn left(&self, within: &str) -> Vec<String> {
        self.0.keys().map(|name| format!("{within}{name}")).collect()
    }
}

/// `authConfig` as `auth_config`.
fn snake(name: &str) -> String {
    let mut made = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !made.is_empty() {
            made.push('_');
        }
        made.push(letter.to_ascii_lowercase());
    }
    made
}

/// What a body says, and the names of its fields that mean nothing here.
pub(super) fn read(body: Value) -> Result<(Written, Vec<String>), Problem> {
    let mut fields = Fields::of(body, "body")?;
    let (auth, mut ignored) = read_auth(&mut fields)?;
    let written = Written {
        name: fields.text(&["name"])?,
        description: fields.text(&["description"])?,
        url: fields.text(&["url"])?,
        transport: fields.text(&["transport"])?,
        command: read_command(&mut fields)?,
        sealed_env: BTreeMap::new(),
        enabled: fields.flag(&["enabled", "is_active"])?,
        auth,
    };
    ignored.extend(fields.left(""));
    Ok((written, ignored))
}

fn read_command(fields: &mut Fields) -> Result<Option<Command>, Problem> {
    let (args, env) = (fields.texts(&["args"])?, fields.object("env")?);
    let cwd = fields.text(&["cwd"])?;
    let Some(command) = fields.text(&["command"])? else { return Ok(None) };
    let mut variables = BTreeMap::new();
    for (name, value) in env.map(|env| env.0).unwrap_or_default() {
        let Value::String(value) = value else {
            return Err(Problem::invalid("env", "expected texts"));
        };
        variables.insert(name, value);
    }
    Ok(Some(Command { command, args, env: variables, cwd }))
}

fn read_auth(fields: &mut Fields) -> Result<(Option<WrittenAuth>, Vec<String>), Problem> {
    if let Some(mut auth) = fields.object("auth_config")? {
        let refresh_owner = fields.text(&["refresh_owner"])?;
        let kind = auth.word(&["type", "auth_type"])?;
        let kind = kind.ok_or_else(|| {
            Problem::invalid(
                "auth_config",
                "say the `type`: oauth2.1, bearer, basic, api_key or none",
            )
        })?;
        let mut read = of_config(kind, &mut auth)?;
        read.oauth.refresh_owner = read.oauth.refresh_owner.or(refresh_owner);
        return Ok((Some(read), auth.left("auth_config.")));
    }
    if !OWN_AUTH.iter().any(|name| fields.0.get(*name).is_some_and(|value| !value.is_null())) {
        return Ok((None, Vec::new()));
    }
    read_own_auth(fields)
}

fn of_config(kind: String, auth: &mut Fields) -> Result<WrittenAuth, Problem> {
    let value = ["token", "value", "api_key", "key"];
    Ok(WrittenAuth {
        kind,
        username: auth.text(&["username"])?,
        password: auth.text(&["password"])?.map(Into::into),
        value: auth.text(&value)?.map(Into::into),
        header: auth.text(&["header", "header_name", "key_name"])?,
        oauth: read_oauth(auth)?,
    })
}

/// The form of a gateway's own: flat fields, and an `oauth_config`.
fn read_own_auth(fields: &mut Fields) -> Result<(Option<WrittenAuth>, Vec<String>), Problem> {
    let config = fields.object("oauth_config")?;
    let kind = match fields.text(&["auth_type"])? {
        Some(kind) => kind,
        None if config.is_some() => "oauth".to_owned(),
        None => return Err(Problem::invalid("auth_type", "say how the gateway authenticates")),
    };
    let (header, value) = read_header(fields)?;
    let token = fields.text(&["auth_token"])?.map(Into::into);
    let mut auth = WrittenAuth {
        kind,
        username: fields.text(&["auth_username"])?,
        password: fields.text(&["auth_password"])?.map(Into::into),
        value: token.or(value),
        header,
        oauth: WrittenOauth::default(),
    };
    let mut ignored = Vec::new();
    if let Some(mut config) = config {
        auth.oauth = read_oauth(&mut config)?;
        ignored = config.left("oauth_config.");
    }
    let refresh_owner = fields.text(&["refresh_owner"])?;
    auth.oauth.refresh_owner = auth.oauth.refresh_owner.or(refresh_owner);
    Ok((Some(auth), ignored))
}

/// One header field: named by two fields, or the only one of a list.
fn read_header(fields: &mut Fields) -> Result<(Option<String>, Option<Credential>), Problem> {
    let mut header = fields.text(&["auth_header_key"])?;
    let mut value = fields.text(&["auth_header_value"])?;
    if let Some((name, listed)) = fields.take(&["auth_headers"]) {
        let Value::Array(mut listed) = listed else {
            return Err(Problem::invalid(name, "expected a list of {key, value}"));
        };
        if listed.len() > 1 {
            return Err(Problem::invalid(
                name,
                "two or more header fields cannot be sent; give the one that holds the credential",
            ));
        }
        if let Some(only) = listed.pop() {
            let mut only = Fields::of(only, name)?;
            (header, value) = (only.text(&["key"])?, only.text(&["value"])?);
        }
    }
    Ok((header, value.map(Into::into)))
}

fn read_oauth(auth: &mut Fields) -> Result<WrittenOauth, Problem> {
    let pkce = ["pkce_required", "pkce_enabled", "pkce", "code_challenge_method"];
    let scope = auth.0.get("scope").and_then(Value::as_str).map(str::to_owned);
    Ok(WrittenOauth {
        grant_type: auth.text(&["grant_type"])?,
        client_id: auth.text(&["client_id"])?,
        client_secret: auth.text(&["client_secret"])?.map(Into::into),
        issuer: auth.text(&["issuer", "authorization_server"])?,
        authorization_url: auth.text(&[
            "authorization_url",
            "auth_url",
            "authorization_endpoint",
        ])?,
        token_url: auth.text(&["token_url", "token_endpoint"])?,
        revoke_url: auth.text(&["revoke_url", "revocation_url", "revocation_endpoint"])?,
        redirect_uri: auth.text(&["redirect_uri"])?,
        resource: only(auth.texts(&["resource"])?)?,
        token_endpoint_auth_method: auth.text(&["token_endpoint_auth_method"])?,
        pkce: auth.word(&pkce)?,
        token_refresh: auth.flag(&["token_refresh"])?,
        refresh_owner: auth.text(&["refresh_owner"])?,
        tokens: read_tokens(auth, scope)?,
        scopes: auth.texts(&["scopes", "scope"])?,
    })
}

/// The only one of a list.
fn only(mut resources: Vec<String>) -> Result<Option<String>, Problem> {
    let last = resources.pop();
    if resources.is_empty() {
        return Ok(last);
    }
    Err(Problem::invalid("resource", "a token can be asked for one resource; give one"))
}

fn read_tokens(
    fields: &mut Fields,
    scope: Option<String>,
) -> Result<Option<WrittenTokens>, Problem> {
    let refresh_token = fields.text(&["refresh_token"])?.map(Into::into);
    let token_type = fields.text(&["token_type"])?;
    let (expires_at, expires_in) = (fields.word(&["expires_at"])?, fields.number(&["expires_in"])?);
    let Some(access_token) = fields.text(&["access_token"])? else { return Ok(None) };
    let access_token = access_token.into();
    Ok(Some(WrittenTokens {
        access_token,
        refresh_token,
        token_type,
        expires_at,
        expires_in,
        scope,
    }))
}

/// The tokens that a client has renewed.
pub(super) fn renewed(body: Value) -> Result<WrittenTokens, Problem> {
    let mut fields = Fields::of(body, "body")?;
    let scope = fields.texts(&["scope"])?.join(" ");
    let tokens = read_tokens(&mut fields, Some(scope))?;
    tokens.ok_or_else(|| Problem::invalid("access_token", "give the new token"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn snake_and_camel_case_say_the_same() {
        let snake_case = json!({"name": "box", "auth_config": {"type": "oauth2.1", "access_token": "a", "expires_at": "x"}});
        let camel_case = json!({"name": "box", "authConfig": {"type": "oauth2.1", "accessToken": "a", "expiresAt": "x"}});
        for body in [snake_case, camel_case] {
            let (written, ignored) = read(body).unwrap();
            let auth = written.auth.unwrap();
            assert_eq!((auth.kind.as_str(), ignored), ("oauth2.1", vec![]));
            assert_eq!(auth.oauth.tokens.unwrap().expires_at.as_deref(), Some("x"));
        }
    }

    #[test]
    fn the_own_form_of_gateways_is_understood() {
        let body = json!({
            "name": "x", "url": "https://x.example", "transport": "STREAMABLEHTTP", "authType": "oauth",
            "oauthConfig": {"grant_type": "client_credentials", "client_id": "i", "scopes": "a b", "issuer": "https://x", "resource": ["https://x.example"], "token_endpoint_auth_method": "client_secret_post"},
            "visibility": "team",
        });
        let (written, ignored) = read(body).unwrap();
        let oauth = written.auth.unwrap().oauth;
        assert_eq!(oauth.grant_type.as_deref(), Some("client_credentials"));
        assert_eq!(oauth.scopes, ["a", "b"]);
        assert_eq!(oauth.issuer.as_deref(), Some("https://x"));
        assert_eq!(oauth.resource.as_deref(), Some("https://x.example"));
        assert_eq!(oauth.token_endpoint_auth_method.as_deref(), Some("client_secret_post"));
        assert_eq!(ignored, ["visibility"]);
        let (written, _) = read(
            json!({"auth_type": "authheaders", "auth_headers": [{"key": "X-K", "value": "v"}]}),
        )
        .unwrap();
        assert_eq!(written.auth.unwrap().header.as_deref(), Some("X-K"));
        let two = json!({"auth_type": "authheaders", "auth_headers": [{"key": "a"}, {"key": "b"}]});
        assert!(read(two).is_err());
    }

    #[test]
    fn what_is_said_of_a_wrong_value_does_not_repeat_it() {
        let wrong = json!({"auth_config": {"type": "bearer", "token": ["very secret"]}});
        let said = format!("{:?}", read(wrong).unwrap_err());
        assert!(said.contains("token") && !said.contains("very secret"), "{said}");
        assert!(renewed(json!({"expires_at": "x"})).is_err(), "without a token");
        assert!(renewed(json!({"access_token": "a", "scope": ""})).is_ok());
    }
}
