//! Assertions, verified with the public keys.

use super::*;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Value, json};

/// An RSA key that was made for these tests.
const RSA: &str = include_str!("test-rsa.pem");

fn pem(name: &str, der: &[u8]) -> Secret {
    let text = BASE64_STANDARD.encode(der);
    Secret::new(format!("-----BEGIN {name}-----\n{text}\n-----END {name}-----\n"))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// Header and claims of an assertion whose signature is right.
fn verified(
    assertion: &Secret,
    kind: &'static dyn VerificationAlgorithm,
    public: &[u8],
) -> [Value; 2] {
    let (message, signature) = assertion.expose().rsplit_once('.').unwrap();
    let key = UnparsedPublicKey::new(kind, public);
    key.verify(message.as_bytes(), &decoded(signature)).expect("a right signature");
    let (header, claims) = message.split_once('.').unwrap();
    [header, claims].map(|part| serde_json::from_slice(&decoded(part)).unwrap())
}

fn p256() -> (Secret, Vec<u8>) {
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let der = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(kind, der.as_ref(), &SystemRandom::new()).unwrap();
    (pem("PRIVATE KEY", der.as_ref()), pair.public_key().as_ref().to_vec())
}

#[test]
fn an_assertion_says_who_for_whom_and_for_how_long() {
    let (pem, public) = p256();
    let key = PrivateKey::read(&pem, None).unwrap().with_key_id(Some("key 1".to_owned()));
    let assertion = key.assertion("me", "https://a.example", now()).unwrap();
    let [header, claims] = verified(&assertion, &ECDSA_P256_SHA256_FIXED, &public);
    assert_eq!(header, json!({"typ": "JWT", "alg": "ES256", "kid": "key 1"}));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("me"), &json!("me")));
    assert_eq!(claims["aud"], "https://a.example");
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(1_800_000_000), &json!(1_800_000_060)));
    let again = key.assertion("me", "https://a.example", now()).unwrap();
    assert_ne!(verified(&again, &ECDSA_P256_SHA256_FIXED, &public)[1]["jti"], claims["jti"]);
    let other = key.with_audience(Some("https://a.example/token".to_owned()));
    let assertion = other.assertion("me", "https://a.example", now()).unwrap();
    let [_, claims] = verified(&assertion, &ECDSA_P256_SHA256_FIXED, &public);
    assert_eq!(claims["aud"], "https://a.example/token");
}

#[test]
fn other_curves_are_found_out_by_the_key() {
    let random = SystemRandom::new();
    let der = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let public = Ed25519KeyPair::from_pkcs8(der.as_ref()).unwrap().public_key().as_ref().to_vec();
    let key = PrivateKey::read(&pem("PRIVATE KEY", der.as_ref()), None).unwrap();
    assert_eq!(key.algorithm(), Algorithm::EdDSA);
    verified(&key.assertion("me", "it", now()).unwrap(), &ED25519, &public);

    let kind = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let der = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
    let public = EcdsaKeyPair::from_pkcs8(kind, der.as_ref(), &random).unwrap();
    let key = PrivateKey::read(&pem("PRIVATE KEY", der.as_ref()), None).unwrap();
    assert_eq!(key.algorithm(), Algorithm::ES384);
    let assertion = key.assertion("me", "it", now()).unwrap();
    verified(&assertion, &ECDSA_P384_SHA384_FIXED, public.public_key().as_ref());
}

#[test]
fn rsa_keys_sign_in_each_way_from_both_forms() {
    let der = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap().as_bytes().to_vec();
    let public = RsaKeyPair::from_der(&der).unwrap().public().as_ref().to_vec();
    for form in [Secret::new(format!("\n {RSA} ")), pem("RSA PRIVATE KEY", &der)] {
        let ways: [(Option<&str>, &'static dyn VerificationAlgorithm); 3] = [
            (None, &RSA_PKCS1_2048_8192_SHA256),
            (Some("RS512"), &RSA_PKCS1_2048_8192_SHA512),
            (Some("PS256"), &RSA_PSS_2048_8192_SHA256),
        ];
        for (algorithm, kind) in ways {
            let key = PrivateKey::read(&form, algorithm).unwrap();
            verified(&key.assertion("me", "it", now()).unwrap(), kind, &public);
        }
    }
}

#[test]
fn what_cannot_sign_is_refused_when_it_is_given() {
    let refused =
        |pem: &str, algorithm| PrivateKey::read(&Secret::new(pem), algorithm).unwrap_err();
    for text in ["", "abc", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        assert_eq!(refused(text, None), KeyError::Unreadable);
    }
    assert_eq!(refused(RSA, Some("ES256")), KeyError::Algorithm(Algorithm::ES256));
    assert_eq!(refused(p256().0.expose(), Some("RS256")), KeyError::Algorithm(Algorithm::RS256));
    assert_eq!(refused(RSA, Some("none")), KeyError::UnknownAlgorithm("none".to_owned()));
    assert_eq!(refused(RSA, Some("HS256")), KeyError::UnknownAlgorithm("HS256".to_owned()));
}

#[test]
fn a_kept_key_signs_again_and_is_not_printed() {
    let (pem, public) = p256();
    let key = PrivateKey::read(&pem, Some("ES256")).unwrap();
    assert!(!format!("{key:?}").contains("BEGIN"));
    let kept: PrivateKey = serde_json::from_str(&serde_json::to_string(&key).unwrap()).unwrap();
    verified(&kept.assertion("me", "it", now()).unwrap(), &ECDSA_P256_SHA256_FIXED, &public);
}
