//! Private keys by which a client shows who it is, and the assertions signed with them (RFC 7521, RFC 7523).

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{EncodingKey, Header};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString};

use crate::secret::{RandomError, Secret};

mod signer;

/// How long an assertion holds. Servers take a minute at least, and some no more.
const LIFE: TimeDelta = TimeDelta::seconds(60);

/// How a signature is made (RFC 7518 §3.1, RFC 8037 §3.1), written as there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumString, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA with P-256.
    ES256,
    /// ECDSA with P-384.
    ES384,
    /// RSA (PKCS#1) with SHA-256.
    RS256,
    /// RSA (PKCS#1) with SHA-384.
    RS384,
    /// RSA (PKCS#1) with SHA-512.
    RS512,
    /// RSA (PSS) with SHA-256.
    PS256,
    /// RSA (PSS) with SHA-384.
    PS384,
    /// RSA (PSS) with SHA-512.
    PS512,
    /// Ed25519.
    EdDSA,
}

/// A private key with what is said of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PrivateKey {
    /// PKCS#8 in PEM; of an RSA key also PKCS#1.
    pem: Secret,
    algorithm: Algorithm,
    /// By which name the server knows it (`kid`).
    key_id: Option<String>,
    /// Whom assertions are for, where it is not the issuer.
    audience: Option<String>,
}

/// Why a key cannot sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No key that is understood.
    #[error(
        "the private key cannot be read: give an unencrypted PKCS#8 key in PEM (`BEGIN PRIVATE KEY`), made with \
         P-256, P-384, Ed25519 or RSA of 2048 bits or more; `openssl pkcs8 -topk8 -nocrypt` makes one of others"
    )]
    Unreadable,
    /// Another algorithm than the key is for.
    #[error(
        "the private key cannot make {0} signatures: choose the algorithm that the key was made for"
    )]
    Algorithm(Algorithm),
    /// An algorithm that is not known.
    #[error(
        "`{0}` is no signature algorithm that is known: use ES256, ES384, RS256, PS256 or EdDSA"
    )]
    UnknownAlgorithm(String),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

impl PrivateKey {
    /// Reads a key. Without an algorithm, it is the one that is usual for such a key.
    pub fn read(pem: &Secret, algorithm: Option<&str>) -> Result<Self, KeyError> {
        // `openssl` and people leave spaces around.
        let pem = Secret::new(pem.expose().trim());
        let usual = [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::RS256];
        let known = usual.into_iter().find(|algorithm| signs(&pem, *algorithm));
        let usual = known.ok_or(KeyError::Unreadable)?;
        let algorithm = match algorithm {
            Some(name) => {
                let unknown = |_error| KeyError::UnknownAlgorithm(crate::text::shown(name));
                name.parse().map_err(unknown)?
            }
            None => usual,
        };
        if !signs(&pem, algorithm) {
            return Err(KeyError::Algorithm(algorithm));
        }
        Ok(Self { pem, algorithm, key_id: None, audience: None })
    }

    /// The same with the name by which the server knows it.
    pub fn with_key_id(self, key_id: Option<String>) -> Self {
        Self { key_id, ..self }
    }

    /// The same with assertions for this audience, where a server wants another than its issuer.
    pub fn with_audience(self, audience: Option<String>) -> Self {
        Self { audience, ..self }
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Says for a minute who the client is (RFC 7523 §3). It is for the issuer, not for one of its endpoints, so that
    /// nobody else can use it (RFC 7523bis §4).
    pub fn assertion(
        &self,
        client_id: &str,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Secret, KeyError> {
        let identifier = Secret::random()?;
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: self.audience.as_deref().unwrap_or(issuer),
            jti: identifier.expose(),
            iat: now.timestamp(),
            exp: (now + LIFE).timestamp(),
        };
        let mut header = Header::new(self.algorithm.into());
        header.kid.clone_from(&self.key_id);
        let key = encoding_key(&self.pem, self.algorithm).ok_or(KeyError::Unreadable)?;
        signer::install();
        let signed = jsonwebtoken::encode(&header, &claims, &key);
        signed.map(Secret::new).map_err(|_refused| KeyError::Algorithm(self.algorithm))
    }
}

/// Whether the key can make such signatures.
fn signs(pem: &Secret, algorithm: Algorithm) -> bool {
    let key = encoding_key(pem, algorithm);
    key.is_some_and(|key| signer::Signer::new(algorithm.into(), &key).is_ok())
}

fn encoding_key(pem: &Secret, algorithm: Algorithm) -> Option<EncodingKey> {
    let pem = pem.expose().as_bytes();
    let read = match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
        _ => EncodingKey::from_rsa_pem(pem),
    };
    read.ok()
}

impl From<Algorithm> for jsonwebtoken::Algorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::ES256 => Self::ES256,
            Algorithm::ES384 => Self::ES384,
            Algorithm::RS256 => Self::RS256,
            Algorithm::RS384 => Self::RS384,
            Algorithm::RS512 => Self::RS512,
            Algorithm::PS256 => Self::PS256,
            Algorithm::PS384 => Self::PS384,
            Algorithm::PS512 => Self::PS512,
            Algorithm::EdDSA => Self::EdDSA,
        }
    }
}

#[cfg(test)]
mod tests;
