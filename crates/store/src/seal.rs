//! Sealing: AES-256-GCM over what nobody else may read, bound to the place where it is kept.

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{AeadInOut as _, Nonce},
};
use rand::Rng as _;
use zeroize::{Zeroize as _, Zeroizing};

/// The bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// The bytes before the ciphertext, made anew for each sealing.
const NONCE_BYTES: usize = 12;

/// A key of 256 bits. It leaves memory with its owner, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Zeroizing<[u8; KEY_BYTES]>);

/// What is sealed does not open: it was changed, was sealed for another place, or with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is sealed does not open with its key at its place")]
pub struct Unsealable;

impl Key {
    pub(crate) fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// A key that nobody can guess.
    pub(crate) fn random() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::rng().fill_bytes(bytes.as_mut_slice());
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Nonce, ciphertext and tag of `plain`, to be opened at `place` alone.
    pub(crate) fn seal(&self, plain: &[u8], place: &str) -> Result<Vec<u8>, Unsealable> {
        let mut nonce = [0; NONCE_BYTES];
        rand::rng().fill_bytes(&mut nonce);
        let mut text = Zeroizing::new(plain.to_vec());
        // Room for the tag, so that growing leaves no copy of the text behind.
        text.reserve_exact(16);
        self.cipher()
            .encrypt_in_place(&Nonce::<Aes256Gcm>::from(nonce), place.as_bytes(), &mut *text)
            .map_err(|_too_long| Unsealable)?;
        let mut sealed = nonce.to_vec();
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }

    /// What was sealed with this key for this place.
    pub(crate) fn unseal(
        &self,
        sealed: &[u8],
        place: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(Unsealable)?;
        let mut text = Zeroizing::new(text.to_vec());
        self.cipher()
            .decrypt_in_place(&Nonce::<Aes256Gcm>::from(*nonce), place.as_bytes(), &mut *text)
            .map_err(|_forged| Unsealable)?;
        Ok(text)
    }

    /// The key that was sealed like any other bytes.
    pub(crate) fn unseal_key(&self, sealed: &[u8], place: &str) -> Result<Self, Unsealable> {
        let mut plain = self.unseal(sealed, place)?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let found = <&[u8; KEY_BYTES]>::try_from(plain.as_slice()).map_err(|_length| Unsealable)?;
        bytes.copy_from_slice(found);
        plain.zeroize();
        Ok(Self(bytes))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_at_its_place_and_nowhere_else() {
        let (key, other) = (Key::random(), Key::random());
        let sealed = key.seal(b"hunter2", "here").unwrap();
        assert_eq!(key.unseal(&sealed, "here").unwrap().as_slice(), b"hunter2");
        assert_eq!(key.unseal(&sealed, "there"), Err(Unsealable));
        assert_eq!(other.unseal(&sealed, "here"), Err(Unsealable));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.unseal(&changed, "here"), Err(Unsealable), "byte {at}");
        }
        for length in 0..sealed.len() {
            assert_eq!(key.unseal(&sealed[..length], "here"), Err(Unsealable), "{length} bytes");
        }
    }

    #[test]
    fn sealed_twice_it_looks_different_and_has_nonce_and_tag() {
        let key = Key::random();
        let sealed = [(); 2].map(|()| key.seal(b"hunter2", "here").unwrap());
        assert_ne!(sealed[0], sealed[1]);
        assert_eq!(sealed[0].len(), NONCE_BYTES + "hunter2".len() + 16);
        assert!(key.unseal(&key.seal(b"", "here").unwrap(), "here").unwrap().is_empty());
    }

    #[test]
    fn a_known_answer_is_opened() {
        // Test case 16 of the specification of GCM.
        let hex = |text: &str| hex::decode(text).unwrap();
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let digits = "feffe9928665731c6d6a8f9467308308".repeat(2);
        hex::decode_to_slice(digits, bytes.as_mut_slice()).unwrap();
        let cipher = Aes256Gcm::new((&*bytes).into());
        let mut text = hex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let nonce: [u8; NONCE_BYTES] = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let place = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        cipher.encrypt_in_place(&Nonce::<Aes256Gcm>::from(nonce), &place, &mut text).unwrap();
        let expected = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662";
        assert_eq!(hex::encode(&text), format!("{expected}76fc6ece0f4e1768cddf8853bb2d551b"));
    }

    #[test]
    fn a_key_can_be_sealed_with_another() {
        let (master, key) = (Key::random(), Key::random());
        let sealed = master.seal(key.bytes(), "data_key:1").unwrap();
        assert!(master.unseal_key(&sealed, "data_key:1").unwrap() == key);
        assert!(master.unseal_key(&sealed, "data_key:2").is_err());
        let short = master.seal(b"no key", "data_key:1").unwrap();
        assert!(master.unseal_key(&short, "data_key:1").is_err());
    }
}
