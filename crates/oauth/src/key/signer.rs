//! The cryptography under `jsonwebtoken`: `ring`, which TLS has in the program anyway.
//!
//! What `jsonwebtoken` could bring itself is a second library in C, or an RSA whose time tells of the key
//! (RUSTSEC-2023-0071).

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature;
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Signer::new(*algorithm, key)?)),
    // Nothing is verified here: a token is for its resource alone to read.
    verifier_factory: |_algorithm, _key| Err(ErrorKind::InvalidAlgorithm.into()),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use `ring`. Where somebody was quicker, that is what is used.
pub(super) fn install() {
    let _already = PROVIDER.install_default();
}

/// A key with the way in which it signs.
pub(super) struct Signer {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
}

impl Signer {
    pub(super) fn new(algorithm: Algorithm, key: &EncodingKey) -> Result<Self, Error> {
        let der = key.as_bytes();
        let ecdsa = |kind| {
            let read = EcdsaKeyPair::from_pkcs8(kind, der, &SystemRandom::new());
            read.map(Key::Ecdsa).map_err(|_rejected| ErrorKind::InvalidEcdsaKey)
        };
        let rsa = |encoding| {
            let read = RsaKeyPair::from_der(der).map(Box::new);
            let invalid = |_rejected| ErrorKind::InvalidKeyFormat;
            read.map(|pair| Key::Rsa(pair, encoding)).map_err(invalid)
        };
        let key = match algorithm {
            Algorithm::ES256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::RS256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::RS384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::RS512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::PS256 => rsa(&RSA_PSS_SHA256),
            Algorithm::PS384 => rsa(&RSA_PSS_SHA384),
            Algorithm::PS512 => rsa(&RSA_PSS_SHA512),
            Algorithm::EdDSA => Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .map(Key::Ed25519)
                .map_err(|_rejected| ErrorKind::InvalidKeyFormat),
            _ => Err(ErrorKind::InvalidAlgorithm),
        };
        Ok(Self { algorithm, key: key? })
    }
}

impl signature::Signer<Vec<u8>> for Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let random = SystemRandom::new();
        let signed = match &self.key {
            Key::Ecdsa(pair) => pair.sign(&random, message).map(|signed| signed.as_ref().to_vec()),
            Key::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Key::Rsa(pair, encoding) => {
                let mut signed = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signed).map(|()| signed)
            }
        };
        signed.map_err(|_unspecified| signature::Error::new())
    }
}

impl JwtSigner for Signer {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
