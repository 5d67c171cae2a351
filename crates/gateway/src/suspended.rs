//! Calls that wait for their client to answer (revision 2026-07-28): kept by this process, and found again by a state that the client cannot make up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::rpc::Error;
use crate::running::Running;

/// How long a client can take to answer. A tool gives up a little earlier.
const PATIENCE: Duration = Duration::from_mins(11);

/// How often those whose client never came back are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Whose request a run belongs to, and what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Binding {
    owner: Option<Uuid>,
    digest: [u8; 32],
}

impl Binding {
    /// Of a request: what names it and what it was given, but not what belongs to one round alone.
    pub(crate) fn of(owner: Option<Uuid>, method: &str, params: &Map<String, Value>) -> Self {
        let mut asked = Value::Object(
            ["name", "uri", "arguments"]
                .into_iter()
                .filter_map(|key| Some((key.to_owned(), params.get(key)?.clone())))
                .filter(|(_, value)| !value.as_object().is_some_and(Map::is_empty))
                .collect(),
        );
        asked.sort_all_objects();
        let digest = Sha256::digest(format!("{method}\n{asked}"));
        Self { owner, digest: digest.into() }
    }
}

/// All calls of this process that wait.
pub(crate) struct Suspended {
    key: [u8; 64],
    /// Tells the states of one process from those of others.
    process: Uuid,
    waiting: Mutex<HashMap<Uuid, Waiting>>,
}

struct Waiting {
    running: Running,
    until: Instant,
}

impl Suspended {
    pub(crate) fn new() -> Self {
        let key = rand::random();
        Self { key, process: Uuid::now_v7(), waiting: Mutex::default() }
    }

    /// Keeps a run; the state with which its client finds it again, once.
    pub(crate) fn keep(&self, mut running: Running, binding: &Binding) -> String {
        running.round += 1;
        let id = Uuid::now_v7();
        let body = format!("{}.{}.{}", self.process.simple(), id.simple(), running.round);
        let state = format!("{body}.{}", self.seal(&body, binding));
        let until = Instant::now() + PATIENCE;
        self.waiting().insert(id, Waiting { running, until });
        state
    }

    /// The run that a state names. It goes on for the request that began it alone.
    ///
    /// # Errors
    /// -32602 for a state that this process did not make for this request, or that was used.
    pub(crate) fn take(&self, state: &str, binding: &Binding) -> Result<Running, Error> {
        let (body, seal) = state.rsplit_once('.').ok_or_else(altered)?;
        let mut parts = body.split('.').map(|part| part.parse::<Uuid>().ok());
        let (Some(Some(process)), Some(Some(id))) = (parts.next(), parts.next()) else {
            return Err(altered());
        };
        if process != self.process {
            return Err(Error::invalid_params(
                "`requestState` is of a process that has ended, or of another one; nothing was run again: call again without it",
            ));
        }
        let bytes = decoded(seal).ok_or_else(altered)?;
        self.mac(body, binding).verify_slice(&bytes).map_err(|_differs| altered())?;
        let found = self.waiting().remove(&id);
        let waiting = found.filter(|waiting| waiting.until > Instant::now());
        waiting.map(|waiting| waiting.running).ok_or_else(|| {
            Error::invalid_params(
                "`requestState` was used already, or its time is over; nothing was run again: call again without it",
            )
        })
    }

    /// Ends those whose client did not come back, until `stop`.
    pub(crate) async fn sweep(&self, stop: &CancellationToken) {
        let mut rounds = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = rounds.tick() => {
                    let now = Instant::now();
                    let over: Vec<_> = {
                        let mut waiting = self.waiting();
                        waiting.extract_if(|_, waiting| waiting.until <= now).collect()
                    };
                    drop(over);
                }
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Uuid, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mac(&self, body: &str, binding: &Binding) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&self.key.into());
        mac.update(body.as_bytes());
        mac.update(binding.owner.unwrap_or_default().as_bytes());
        mac.update(&binding.digest);
        mac
    }

    fn seal(&self, body: &str, binding: &Binding) -> String {
        hex::encode(self.mac(body, binding).finalize().into_bytes())
    }
}

/// The bytes of a seal, which is written in one way only.
fn decoded(seal: &str) -> Option<Vec<u8>> {
    hex::decode(seal).ok().filter(|bytes| hex::encode(bytes) == seal)
}

fn altered() -> Error {
    Error::invalid_params(
        "`requestState` is not what this server gave for this request; send it back unchanged, with the same name and arguments, or call again without it",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::samples;

    fn binding(owner: u128, arguments: &Value) -> Binding {
        let params = json!({"name": "a", "arguments": arguments});
        Binding::of(Some(Uuid::from_u128(owner)), "tools/call", params.as_object().unwrap())
    }

    #[tokio::test]
    async fn a_state_finds_its_run_once() {
        let suspended = Suspended::new();
        let own = binding(1, &json!({"b": 1, "a": 2}));
        let state = suspended.keep(samples::running(), &own);
        let again = binding(1, &json!({"a": 2, "b": 1}));
        let running = suspended.take(&state, &again).unwrap();
        assert_eq!(running.round, 1);
        assert!(suspended.take(&state, &again).is_err(), "a state is used once");
        let next = suspended.keep(running, &again);
        assert_ne!(next, state);
        assert!(suspended.take(&state, &again).is_err(), "the state of a round before");
        assert_eq!(suspended.take(&next, &again).unwrap().round, 2);
    }

    #[tokio::test]
    async fn nobody_else_and_nothing_else_goes_on_with_it() {
        let suspended = Suspended::new();
        let own = binding(1, &json!({"a": 1}));
        let state = suspended.keep(samples::running(), &own);
        for (state, binding) in [
            (state.clone(), binding(2, &json!({"a": 1}))),
            (state.clone(), binding(1, &json!({"a": 2}))),
            (format!("{state}-TAMPERED"), own.clone()),
            (format!("{state}0"), own.clone()),
            (state.to_uppercase(), own.clone()),
            (state.replacen(".1.", ".2.", 1), own.clone()),
            (String::new(), own.clone()),
            ("a.b.c".to_owned(), own.clone()),
        ] {
            let refused = suspended.take(&state, &binding).err().expect("refused");
            assert_eq!(refused.code, -32602, "{state}");
        }
        let elsewhere = Suspended::new().take(&state, &own).err().expect("refused");
        assert!(elsewhere.message.contains("another one"), "{}", elsewhere.message);
        assert!(suspended.take(&state, &own).is_ok());
    }

    #[test]
    fn no_arguments_and_empty_ones_are_the_same_request() {
        let of = |params: Value| Binding::of(None, "tools/call", params.as_object().unwrap());
        assert_eq!(of(json!({"name": "a"})), of(json!({"name": "a", "arguments": {}})));
        let round = json!({"name": "a", "requestState": "x", "inputResponses": {}, "_meta": {}});
        assert_eq!(of(json!({"name": "a"})), of(round));
        assert_ne!(of(json!({"name": "a"})), of(json!({"name": "b"})));
    }
}
