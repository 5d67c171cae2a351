//! Keys: a new master key and a new data key take the place of the old ones while everything runs.

use std::path::Path;

pub use store::installation::{Binding, Role};
use store::key::{Found, KeyError, KeySource, MasterKey};
use store::keyring::Keyring;
use store::rotation::{self, Step};
use store::{Location, Store};
use uuid::Uuid;

use crate::audit::{self, Event};
use crate::identity::Actor;
use crate::{Error, Result, clock, key_unavailable, settings};

/// Who the audit log names.
const BY: &str = "command line";

/// The database and its keys, for the commands that replace them.
pub struct Keys {
    store: Store,
    source: KeySource,
    keyring: Keyring,
}

/// How the keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the master key comes from.
    pub source: String,
    /// Whether that is a file.
    pub is_file: bool,
    /// What the key of that source is to the database.
    pub role: Option<Role>,
    /// Whether a new master key is on its way in.
    pub is_rotating: bool,
    /// The generation of the data key that seals what is new.
    pub generation: i32,
    /// How many values are sealed.
    pub values: u64,
    /// How many of them with a data key of an older generation.
    pub older: u64,
}

/// What a rotation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many values it sealed anew.
    pub resealed: u64,
    /// Those that do not open, as `key of server id`. They are as they were.
    pub damaged: Vec<String>,
    /// Whether the old master key opens nothing any more.
    pub is_finished: bool,
}

/// The steps of a rotation. Whatever ends it between two of them, running it again goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// The new master key is not known yet.
    Begin,
    /// Values are sealed anew, behind this one.
    Reseal(Option<Uuid>),
    /// All values are sealed anew.
    Finish,
    /// The database is used with the new key.
    Adopt,
    /// There is nothing left to do.
    Done,
}

/// A rotation on its way.
pub(crate) struct Rotation<'a> {
    keys: &'a Keys,
    /// The new key where somebody else keeps it; it stays beside the old one until they say so.
    given: Option<MasterKey>,
    pub(crate) state: State,
    pub(crate) rotated: Rotated,
}

impl Keys {
    /// Opens the database and the keys that it is used with.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when one of them cannot be opened.
    pub async fn open(
        data_dir: &Path,
        database_url: Option<&str>,
        encryption_key: Option<&str>,
    ) -> Result<Self> {
        let location = settings::location(data_dir, database_url)?;
        Self::open_at(&location, settings::key_source(data_dir, encryption_key)).await
    }

    pub(crate) async fn open_at(location: &Location, source: KeySource) -> Result<Self> {
        let opened = Store::open(location).await;
        let store = opened.map_err(|source| Error::unavailable("the database", source))?;
        let keyring =
            Keyring::open(&store, &source, clock::now()).await.map_err(key_unavailable)?;
        Ok(Self { store, source, keyring })
    }

    /// How the keys are.
    pub async fn status(&self) -> Result<Status> {
        let found = self.source.read().map_err(key_unavailable)?;
        let progress = rotation::progress(&self.store).await.map_err(key_unavailable)?;
        let progress = progress.ok_or_else(|| key_unavailable(KeyError::Mismatch))?;
        let role = found.key.or(found.next).and_then(|key| progress.binding.role(&key));
        Ok(Status {
            source: self.source.to_string(),
            is_file: self.source.is_file(),
            role,
            is_rotating: progress.binding.is_rotating(),
            generation: progress.generation,
            values: progress.values,
            older: progress.older,
        })
    }

    /// Replaces master key and data key, or goes on with that. The new master key is `new`, 64
    /// hexadecimal digits, which then stays beside the old one until [`finish`](Self::finish); or
    /// else it is made, and takes the place of the old one in its file.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `new` is missing or no key; [`Error::Conflict`] when another
    /// rotation is on its way.
    pub async fn rotate(&self, new: Option<&str>) -> Result<Rotated> {
        let mut rotation = self.rotation(new)?;
        while rotation.state != State::Done {
            rotation.step().await?;
        }
        Ok(rotation.rotated)
    }

    pub(crate) fn rotation(&self, new: Option<&str>) -> Result<Rotation<'_>> {
        let given = new.map(MasterKey::from_new_setting).transpose().map_err(refused)?;
        if given.is_none() && !self.source.is_file() {
            return Err(Error::invalid(
                "MCPBOX_NEW_ENCRYPTION_KEY",
                "missing; the key comes from MCPBOX_ENCRYPTION_KEY, so set this one to the new key: make it with `openssl rand -hex 32`",
            ));
        }
        let mut rotated = Rotated::default();
        let mut state = State::Begin;
        if given.is_none() && self.keyring.has_adopted() {
            // An earlier run came as far as that.
            rotated.is_finished = true;
            state = State::Done;
        }
        Ok(Rotation { keys: self, given, state, rotated })
    }

    /// Ends a rotation whose new key was given: from here on the old one opens nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] while this program itself is still started with the old key.
    pub async fn finish(&self) -> Result<Rotated> {
        let progress = rotation::progress(&self.store).await.map_err(key_unavailable)?;
        let binding = progress.ok_or_else(|| key_unavailable(KeyError::Mismatch))?.binding;
        if !binding.is_rotating() {
            return Err(Error::Conflict("no rotation is on its way".to_owned()));
        }
        let Found { key, .. } = self.source.read().map_err(key_unavailable)?;
        if key.and_then(|key| binding.role(&key)) != Some(Role::Next) {
            return Err(Error::Conflict(if self.source.is_file() {
                "the key file still holds the old key; run `mcpbox keys rotate` to go on, or, where the new key was given by MCPBOX_NEW_ENCRYPTION_KEY, start everything with it as MCPBOX_ENCRYPTION_KEY first, this command too".to_owned()
            } else {
                "MCPBOX_ENCRYPTION_KEY is still the old key; set it to the new one, start everything again with it, then run this command with it".to_owned()
            }));
        }
        let state = State::Reseal(None);
        let mut rotation = Rotation { keys: self, given: None, state, rotated: Rotated::default() };
        while rotation.state != State::Adopt {
            rotation.step().await?;
        }
        Ok(Rotated { is_finished: true, ..rotation.rotated })
    }

    /// Gives a rotation up: the new master key opens nothing any more. Values that were sealed anew stay
    /// so.
    ///
    /// # Errors
    /// [`Error::Conflict`] when none is on its way.
    pub async fn cancel(&self) -> Result<()> {
        let transaction = self.store.begin().await?;
        let step = rotation::cancel(&transaction, &self.keyring).await.map_err(refused)?;
        if step == Step::TakenBefore {
            return Err(Error::Conflict("no rotation is on its way".to_owned()));
        }
        self.record(transaction, "key.rotation_cancelled", &[]).await?;
        if self.source.is_file() {
            self.source.drop_next().map_err(key_unavailable)?;
        }
        Ok(())
    }

    /// Closes the database.
    pub async fn close(self) {
        self.store.close().await;
    }

    async fn record(
        &self,
        transaction: store::Transaction,
        action: &'static str,
        damaged: &[String],
    ) -> Result<()> {
        let mut event = Event::new(action, "master key");
        if !damaged.is_empty() {
            event = event.with("damaged", damaged);
        }
        audit::record(&transaction, Actor::local(BY), event).await?;
        // Rows that calls keep name data keys that may be gone.
        store::changes::publish(&transaction).await?;
        Ok(transaction.commit().await?)
    }
}

impl Rotation<'_> {
    /// Takes the next step.
    pub(crate) async fn step(&mut self) -> Result<()> {
        self.state = match self.state {
            State::Begin => self.begin().await?,
            State::Reseal(after) => self.reseal(after).await?,
            State::Finish => self.finish().await?,
            State::Adopt => {
                // Where nothing waits beside the key, another process was faster.
                self.keys.source.adopt_next().map_err(key_unavailable)?;
                State::Done
            }
            State::Done => State::Done,
        };
        Ok(())
    }

    async fn begin(&self) -> Result<State> {
        let Keys { store, source, keyring } = self.keys;
        let next = match &self.given {
            Some(given) => given.clone(),
            // On the disk before anything is sealed with it.
            None => source.make_next().map_err(key_unavailable)?,
        };
        keyring.add(next.clone());
        let transaction = store.begin().await?;
        let step = rotation::begin(&transaction, keyring, &next, clock::now()).await;
        if step.map_err(refused)? == Step::Taken {
            self.keys.record(transaction, "key.rotation_begun", &[]).await?;
        }
        Ok(State::Reseal(None))
    }

    async fn reseal(&mut self, after: Option<Uuid>) -> Result<State> {
        let Keys { store, keyring, .. } = self.keys;
        let batch = rotation::reseal(store, keyring, after).await.map_err(key_unavailable)?;
        self.rotated.resealed += batch.resealed;
        let damaged = batch.damaged.iter();
        let told = damaged.map(|secret| format!("{} of server {}", secret.key, secret.server_id));
        self.rotated.damaged.extend(told);
        Ok(match batch.last {
            Some(last) => State::Reseal(Some(last)),
            None if self.given.is_some() => State::Done,
            None => State::Finish,
        })
    }

    async fn finish(&mut self) -> Result<State> {
        let transaction = self.keys.store.begin().await?;
        let step = rotation::finish(&transaction, &self.keys.keyring).await.map_err(refused)?;
        if step == Step::Taken {
            self.keys.record(transaction, "key.rotated", &self.rotated.damaged).await?;
        }
        self.rotated.is_finished = true;
        Ok(State::Adopt)
    }
}

/// What stands against a step, for who runs the command.
fn refused(error: KeyError) -> Error {
    match error {
        KeyError::Same | KeyError::OtherRotation => Error::Conflict(error.to_string()),
        KeyError::Setting(name) => Error::invalid(name, error.to_string()),
        KeyError::Zero(_) => Error::invalid("MCPBOX_NEW_ENCRYPTION_KEY", error.to_string()),
        error => key_unavailable(error),
    }
}

#[cfg(test)]
mod tests;
