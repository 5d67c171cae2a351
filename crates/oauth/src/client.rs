//! Who we are to an authorization server, and how requests show it (RFC 6749 §2.3, RFC 7523 §2.2).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::Display;

use crate::issuer::Issuer;
use crate::key::{KeyError, PrivateKey};
use crate::request::{BASIC, Form, form_encoded};
use crate::secret::Secret;
use crate::server::AuthorizationServer;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client of one authorization server. The record holds secrets: it is kept sealed, under its issuer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Client {
    /// The server that knows it. It is shown to no other.
    pub issuer: Issuer,
    /// `client_id`.
    pub id: String,
    /// How it shows that it is the one.
    pub credential: Credential,
    /// How it came to be.
    pub origin: Origin,
    /// When the server forgets its secret.
    pub expires_at: Option<DateTime<Utc>>,
}

/// How a client shows at the token endpoint who it is. Displayed as in metadata (RFC 8414 §2).
#[derive(Debug, Clone, Display, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Credential {
    /// By PKCE alone.
    None,
    /// A secret in `Authorization`.
    ClientSecretBasic {
        /// The secret.
        secret: Secret,
    },
    /// A secret in the body.
    ClientSecretPost {
        /// The secret.
        secret: Secret,
    },
    /// A signature (RFC 7523 §2.2).
    PrivateKeyJwt {
        /// The key.
        key: Box<PrivateKey>,
    },
}

/// How a client came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// An admin registered it and wrote it down.
    Given,
    /// Its id is the URL of its own metadata.
    Document,
    /// It registered itself.
    Registered,
}

/// Why a request is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The client belongs to another server.
    #[error(
        "the source's authorization server is now `{server}`, the client that is kept belongs to \
         `{own}`: check that this is meant to be, then connect the source anew"
    )]
    OtherIssuer {
        /// Whose client it is.
        own: Issuer,
        /// Who would have got its credentials.
        server: Issuer,
    },
    /// The key does not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Client {
    /// A client that an admin wrote down; a secret is sent in the way that the server takes.
    pub fn given(server: &AuthorizationServer, id: &str, secret: Option<Secret>) -> Self {
        let credential = secret.map_or(Credential::None, |secret| Credential::of(server, secret));
        Self::new(server, id, credential, Origin::Given)
    }

    /// A client that an admin wrote down, with a private key.
    pub fn with_key(server: &AuthorizationServer, id: &str, key: PrivateKey) -> Self {
        let credential = Credential::PrivateKeyJwt { key: Box::new(key) };
        Self::new(server, id, credential, Origin::Given)
    }

    pub(crate) fn new(
        server: &AuthorizationServer,
        id: &str,
        credential: Credential,
        origin: Origin,
    ) -> Self {
        let issuer = server.issuer.clone();
        Self { issuer, id: id.to_owned(), credential, origin, expires_at: None }
    }

    /// Whether it can be used with this server and its secret holds (RFC 7591 §3.2.1).
    pub fn is_good(&self, server: &AuthorizationServer, now: DateTime<Utc>) -> bool {
        self.issuer == server.issuer && self.expires_at.is_none_or(|end| now < end)
    }

    /// Adds to a form who asks.
    pub(crate) fn sign(
        &self,
        form: Form,
        server: &AuthorizationServer,
        now: DateTime<Utc>,
    ) -> Result<Form, ClientError> {
        if self.issuer != server.issuer {
            let [own, server] = [&self.issuer, &server.issuer].map(Clone::clone);
            return Err(ClientError::OtherIssuer { own, server });
        }
        Ok(match &self.credential {
            Credential::None => form.with("client_id", &self.id),
            Credential::ClientSecretBasic { secret } => form.authorized(basic(&self.id, secret)),
            Credential::ClientSecretPost { secret } => {
                form.with("client_id", &self.id).with("client_secret", secret.expose())
            }
            Credential::PrivateKeyJwt { key } => {
                let assertion = key.assertion(&self.id, server.issuer.as_str(), now)?;
                form.with("client_id", &self.id)
                    .with("client_assertion_type", ASSERTION_TYPE)
                    .with("client_assertion", assertion.expose())
            }
        })
    }
}

impl Credential {
    /// The way in which a server takes a secret. `client_secret_basic` is what every server has to know.
    pub(crate) fn of(server: &AuthorizationServer, secret: Secret) -> Self {
        let only_post = !server.takes_method("client_secret_basic");
        if only_post && server.takes_method("client_secret_post") {
            return Self::ClientSecretPost { secret };
        }
        Self::ClientSecretBasic { secret }
    }
}

/// `Authorization` with id and secret, each encoded as in a form before they are joined (RFC 6749 §2.3.1).
fn basic(id: &str, secret: &Secret) -> Secret {
    let joined = Secret::new(format!("{}:{}", form_encoded(id), form_encoded(secret.expose())));
    Secret::new(format!("{BASIC}{}", BASE64_STANDARD.encode(joined.expose())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Endpoint, PlainHttp, Post};

    fn server(issuer: &str, methods: &[&str]) -> AuthorizationServer {
        let issuer = Issuer::read(issuer, PlainHttp::Refused).unwrap();
        let token = Endpoint::read("token", "https://a.example/token", PlainHttp::Refused).unwrap();
        let mut server = AuthorizationServer::given(issuer, None, token);
        server.token_endpoint_auth_methods = methods.iter().map(ToString::to_string).collect();
        server
    }

    fn form_of(client: &Client, form: Form, server: &AuthorizationServer) -> Post {
        client.sign(form, server, DateTime::UNIX_EPOCH).unwrap().to(&server.token_endpoint)
    }

    /// `Authorization` and body of a request of a client with this secret.
    fn sent(methods: &[&str], secret: Option<&str>) -> (Option<String>, String) {
        let server = server("https://a.example", methods);
        let client = Client::given(&server, "my id:1", secret.map(Secret::new));
        let post = form_of(&client, Form::new().with("a", "b c"), &server);
        let header = post.authorization.map(|value| value.expose().to_owned());
        (header, post.body.expose().to_owned())
    }

    #[test]
    fn a_secret_goes_where_the_server_takes_it() {
        let joined = BASE64_STANDARD.encode("my+id%3A1:p%25ss%2F%2B+%C3%A4");
        let basic = (Some(format!("Basic {joined}")), "a=b+c".to_owned());
        assert_eq!(sent(&["client_secret_post", "client_secret_basic"], Some("p%ss/+ ä")), basic);
        assert_eq!(sent(&[], Some("p%ss/+ ä")), basic);
        let body = "a=b+c&client_id=my+id%3A1&client_secret=x%26y";
        assert_eq!(sent(&["none", "client_secret_post"], Some("x&y")), (None, body.to_owned()));
        let body = "a=b+c&client_id=my+id%3A1";
        assert_eq!(sent(&["client_secret_basic"], None), (None, body.to_owned()));
    }

    #[test]
    fn what_is_for_the_server_alone_is_known_by_name() {
        let known = |methods: &[&str]| {
            let server = server("https://a.example", methods);
            let client = Client::given(&server, "me:1", Some(Secret::new("p:ss/+ ä")));
            let form = Form::new().with("refresh_token", "r&1").with("scope", "read write");
            let post = form_of(&client, form, &server);
            let known = post.credentials().into_iter();
            known.map(|(name, value)| (name, value.expose().to_owned())).collect::<Vec<_>>()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let both = [pair("refresh_token", "r&1"), pair("client_secret", "p:ss/+ ä")];
        assert_eq!(known(&["client_secret_post"]), both);
        let joined = BASE64_STANDARD.encode("me%3A1:p%3Ass%2F%2B+%C3%A4");
        let whole = pair("authorization", &joined);
        assert_eq!(known(&["client_secret_basic"]), [&both[..], &[whole]].concat());
    }

    #[test]
    fn a_client_is_shown_to_its_own_server_only() {
        let own = server("https://a.example", &[]);
        let client = Client::given(&own, "me", Some(Secret::new("secret")));
        assert!(client.sign(Form::new(), &own, DateTime::UNIX_EPOCH).is_ok());
        for other in ["https://b.example", "https://a.example/"] {
            let other = server(other, &[]);
            let refused = client.sign(Form::new(), &other, DateTime::UNIX_EPOCH).err().unwrap();
            assert!(matches!(refused, ClientError::OtherIssuer { .. }));
            assert!(!client.is_good(&other, DateTime::UNIX_EPOCH));
        }
    }

    #[test]
    fn it_is_good_until_its_secret_ends() {
        let own = server("https://a.example", &[]);
        let mut client = Client::given(&own, "me", None);
        let end = DateTime::from_timestamp(1000, 0).unwrap();
        assert!(client.is_good(&own, end));
        client.expires_at = Some(end);
        assert!(client.is_good(&own, DateTime::UNIX_EPOCH) && !client.is_good(&own, end));
    }

    #[test]
    fn a_kept_client_is_the_same_and_does_not_print() {
        let own = server("https://a.example", &[]);
        let client = Client::given(&own, "me", Some(Secret::new("s3cret")));
        assert!(!format!("{client:?}").contains("s3cret"));
        let kept = serde_json::to_value(&client).unwrap();
        assert_eq!(kept["credential"]["method"], client.credential.to_string());
        let kept: Client = serde_json::from_value(kept).unwrap();
        assert!(
            matches!(kept.credential, Credential::ClientSecretBasic { secret } if secret.is("s3cret"))
        );
    }
}
