//! Texts that must not be printed: tokens, client secrets, verifiers, states, private keys.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;

/// A text that does not print and is overwritten when it is dropped.
///
/// Its `serde` form is the text itself, so that the records of this crate can be sealed as a whole:
/// what is serialized goes to a cipher and nowhere else.
#[derive(Clone)]
pub struct Secret(SecretString);

/// The system gave no randomness.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the operating system gave no random bytes: try again, and look at its log if that does not help"
)]
pub struct RandomError;

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text, to send or to seal it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether it is this text, in a time that says nothing of where they differ.
    pub fn is(&self, text: &str) -> bool {
        self.expose().as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// 256 bits of the system's randomness, as 43 characters that stand in a URL as they are.
    pub(crate) fn random() -> Result<Self, RandomError> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| RandomError)?;
        Ok(Self::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl From<SecretString> for Secret {
    fn from(text: SecretString) -> Self {
        Self(text)
    }
}

impl From<Secret> for SecretString {
    fn from(secret: Secret) -> Self {
        secret.0
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_printed_and_comes_back_from_its_sealed_form() {
        let secret = Secret::new("s3cret");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)).matches("s3cret").count(), 0);
        let sealed = serde_json::to_string(&secret).unwrap();
        let opened: Secret = serde_json::from_str(&sealed).unwrap();
        assert!(opened.is("s3cret") && !opened.is("s3cre") && !opened.is("S3cret"));
    }

    #[test]
    fn random_ones_differ_and_fit_a_verifier() {
        let [one, other] = [Secret::random().unwrap(), Secret::random().unwrap()];
        assert!(!one.is(other.expose()));
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!(one.expose().len() == 43 && one.expose().bytes().all(unreserved));
    }
}
