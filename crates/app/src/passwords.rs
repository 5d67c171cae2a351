//! Hashing passwords with Argon2id, and the rules for accounts.

use std::sync::OnceLock;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{Error, Result};

/// Length of a password, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=128;

/// Length of an account's name, in characters.
const USERNAME: std::ops::RangeInclusive<usize> = 3..=50;

/// How many passwords are hashed at once: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;

/// How long a password waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes passwords, a few at a time, off the asynchronous threads.
pub(crate) struct Hashing {
    turns: Semaphore,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE) }
    }
}

impl Hashing {
    /// Hashes a password into a PHC string.
    pub(crate) async fn hash(&self, password: String) -> Result<String> {
        self.blocking(move || {
            let hashed = Argon2::default().hash_password(password.as_bytes());
            hashed.map(|hash| hash.to_string()).map_err(|error| Error::Internal(Box::new(error)))
        })
        .await?
    }

    /// Whether the password belongs to the hash. Without a hash the same work is done for nothing,
    /// so that the time does not tell whether the account exists.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.blocking(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| dummy().to_owned());
            let parsed =
                PasswordHash::new(&hash).map_err(|error| Error::Internal(Box::new(error)))?;
            let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(fits && known)
        })
        .await?
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let Ok(Ok(_turn)) = timeout(PATIENCE, self.turns.acquire()).await else {
            return Err(Error::Busy {
                reason: "too many sign-ins at once; try again in a few seconds".to_owned(),
                retry_after_seconds: 5,
            });
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(Box::new(error)))
    }
}

/// The rules for a new account's name.
pub(crate) fn check_username(username: &str) -> Result<()> {
    let mut letters = username.chars();
    let begins = letters.next().is_some_and(|first| first.is_ascii_alphabetic());
    let goes_on = letters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if begins && goes_on && USERNAME.contains(&username.len()) {
        return Ok(());
    }
    Err(Error::invalid(
        "username",
        "expected a letter followed by letters, digits or underscores, 3 to 50 in all",
    ))
}

/// The rules for a new password.
pub(crate) fn check_password(password: &str) -> Result<()> {
    if PASSWORD.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(Error::invalid("password", "expected 12 to 128 characters"))
}

fn dummy() -> &'static str {
    static DUMMY: OnceLock<String> = OnceLock::new();
    DUMMY.get_or_init(|| {
        let hashed = Argon2::default().hash_password(b"no account has this password");
        hashed.map(|hash| hash.to_string()).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_fits_and_another_does_not() {
        let hashing = Hashing::default();
        let hashed = hashing.hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$"));
        assert!(
            hashing.verify("correct horse battery".to_owned(), Some(hashed.clone())).await.unwrap()
        );
        assert!(!hashing.verify("wrong horse battery".to_owned(), Some(hashed)).await.unwrap());
        assert!(!hashing.verify("no account has this password".to_owned(), None).await.unwrap());
    }

    #[test]
    fn names_and_passwords_have_bounds() {
        assert!(check_username("abc").is_ok() && check_username("A_1").is_ok());
        for name in ["ab", "1ab", "a b c", "a-bc", &"a".repeat(51)] {
            assert!(check_username(name).is_err(), "{name}");
        }
        assert!(check_password("twelve chars").is_ok());
        assert!(check_password("eleven char").is_err());
        assert!(check_password(&"x".repeat(129)).is_err());
    }
}
