//! The body by which a program adds a source or changes one: every field has an effect, or is refused by its name.

use app::App;
use app::external_sources::oauth::{self, NewKey};
use app::identity::Admin;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::errors::Problem;
use crate::sources::given::Given;

/// What an answer shows of a source and follows from other things, with how it comes about.
const SHOWN: [(&str, &str); 21] = [
    ("id", "it stays"),
    ("server_id", "it stays"),
    ("status", "set `enabled`, or use /grant, /reject or /oauth/start"),
    ("managed_by", "the configuration file decides"),
    ("grants", "use /grant or /oauth/start"),
    ("granted_at", "use /grant"),
    ("granted_by", "use /grant"),
    ("rejection_reason", "use /reject"),
    ("failure", "it is what the source said last"),
    ("failed_at", "it is what the source said last"),
    ("tool_count", "use /discover"),
    ("last_discovered_at", "use /discover"),
    ("oauth_issuer", "the source names it"),
    ("oauth_authenticated", "use /oauth/start"),
    ("oauth_tokens", "use /oauth/start, or PATCH /gateways/{id}/auth"),
    ("refresh_owner", "use PATCH /gateways/{id}"),
    ("has_oauth_client_secret", "set `oauth_client_secret`"),
    ("has_oauth_private_key", "set `oauth_private_key`"),
    ("created_by", "it stays"),
    ("created_at", "it stays"),
    ("updated_at", "it follows from the change"),
];

/// The fields that say more of a private key.
const OF_KEY: [&str; 3] =
    ["oauth_private_key_id", "oauth_private_key_algorithm", "oauth_private_key_audience"];

/// Credentials of the client that a body holds. Outside is whether the field is there, inside whether it
/// is null, which takes the credential away.
#[derive(Default)]
#[expect(clippy::option_option, reason = "absent, null and a text are three things here")]
pub(super) struct Credentials {
    secret: Option<Option<SecretString>>,
    private_key: Option<Option<NewKey>>,
}

impl Credentials {
    pub(super) async fn keep(self, app: &App, admin: &Admin, id: Uuid) -> Result<(), Problem> {
        if let Some(secret) = self.secret {
            oauth::set_client_secret(app, admin, id, secret).await?;
        }
        if let Some(key) = self.private_key {
            oauth::set_private_key(app, admin, id, key).await?;
        }
        Ok(())
    }
}

/// Reads a body. What is secret is read by hand: what a deserializer says of a wrong value repeats it.
pub(super) fn read(mut body: Value) -> Result<(Given, Credentials), Problem> {
    let mut credentials = Credentials::default();
    if let Value::Object(fields) = &mut body {
        credentials.secret = taken(fields.remove("oauth_client_secret"), "oauth_client_secret")?;
        credentials.private_key = private_key(fields)?;
        if let Some((field, how)) = SHOWN.into_iter().find(|(name, _)| fields.contains_key(*name)) {
            return Err(Problem::invalid(field, &format!("is shown and cannot be set: {how}")));
        }
    }
    let given = serde_json::from_value(body).map_err(|error| {
        let said = error.to_string();
        let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", said.clone());
        let unknown = said.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`'));
        match unknown {
            Some((field, _)) => problem.member("field", field.to_owned()),
            None => problem,
        }
    })?;
    Ok((given, credentials))
}

#[expect(clippy::option_option, reason = "absent, null and a text are three things here")]
fn private_key(fields: &mut Map<String, Value>) -> Result<Option<Option<NewKey>>, Problem> {
    let pem = taken(fields.remove("oauth_private_key"), "oauth_private_key")?;
    let mut more = Vec::new();
    for name in OF_KEY {
        let text = match fields.remove(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text).filter(|text| !text.is_empty()),
            Some(_) => return Err(Problem::invalid(name, "expected a text")),
        };
        if text.is_some() && !matches!(pem, Some(Some(_))) {
            return Err(Problem::invalid(name, "has no effect without `oauth_private_key`"));
        }
        more.push(text);
    }
    let mut more = more.into_iter();
    let mut next = || more.next().flatten();
    let (key_id, algorithm, audience) = (next(), next(), next());
    Ok(pem.map(|pem| pem.map(|pem| NewKey { pem, algorithm, key_id, audience })))
}

#[expect(clippy::option_option, reason = "absent, null and a text are three things here")]
fn taken(
    value: Option<Value>,
    field: &'static str,
) -> Result<Option<Option<SecretString>>, Problem> {
    match value {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(text)) => Ok(Some(Some(text.into()))),
        Some(_) => Err(Problem::invalid(field, "expected a text, or null for none")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_comes_with_what_is_known_of_it() {
        let body = json!({"oauth_private_key": "pem", "oauth_private_key_id": "k", "oauth_private_key_algorithm": "ES256", "oauth_private_key_audience": "a"});
        let (_, credentials) = read(body).unwrap_or_else(|problem| panic!("{problem:?}"));
        let key = credentials.private_key.flatten().expect("it is read");
        let told = [key.key_id, key.algorithm, key.audience].map(Option::unwrap_or_default);
        assert_eq!(told, ["k", "ES256", "a"]);
        assert!(read(json!({"oauth_private_key_id": "k"})).is_err(), "of no key");
        assert!(read(json!({"oauth_private_key": 1})).is_err());
    }

    #[test]
    fn what_has_no_effect_is_refused_by_its_name() {
        for (body, field) in [
            (json!({"status": "disabled"}), "status"),
            (json!({"oauth_issuer": "x"}), "oauth_issuer"),
            (json!({"name": "x", "colour": "red"}), "colour"),
        ] {
            let said = format!("{:?}", read(body).err().expect("it is refused"));
            assert!(said.contains(field), "{said}");
        }
        assert!(read(json!({"name": "x", "enabled": false, "oauth_client_id": "i"})).is_ok());
    }
}
