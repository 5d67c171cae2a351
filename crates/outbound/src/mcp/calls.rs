//! The requests of a source that are under way, and who of them hears and answers what comes beside.

use super::error::RpcError;
use super::listener::Listener;
use super::patience::Patience;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// So long after its end a source may still say something of a call, where nothing tells whose it is.
const LATE: Duration = Duration::from_mins(1);

pub(crate) type Outcome = Result<Value, RpcError>;

/// The requests of one connection that are under way.
pub(crate) struct Calls {
    under_way: Mutex<HashMap<u64, Entry>>,
    /// Whose calls ended lately, and when; each once.
    ended: Mutex<Vec<(String, Instant)>>,
    next: AtomicU64,
    /// Who hears what belongs to no call.
    observer: Arc<dyn Listener>,
}

#[derive(Clone)]
struct Party {
    listener: Arc<dyn Listener>,
    patience: Arc<Patience>,
}

struct Entry {
    party: Option<Party>,
    answer: oneshot::Sender<Outcome>,
}

/// A request that is under way until this is dropped.
pub(crate) struct Ticket {
    pub(crate) id: u64,
    /// The answer, where it comes over a stream that all share.
    pub(crate) answer: oneshot::Receiver<Outcome>,
    calls: Arc<Calls>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        drop(self.calls.remove(self.id));
    }
}

impl Calls {
    pub(crate) fn new(observer: Arc<dyn Listener>) -> Arc<Self> {
        let next = AtomicU64::new(1);
        Arc::new(Self { under_way: Mutex::default(), ended: Mutex::default(), next, observer })
    }

    fn table(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request, with an id that no other has.
    pub(crate) fn begin(
        self: &Arc<Self>,
        listener: Option<Arc<dyn Listener>>,
        patience: &Arc<Patience>,
    ) -> Ticket {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        let party = listener.map(|listener| Party { listener, patience: Arc::clone(patience) });
        self.table().insert(id, Entry { party, answer: sender });
        Ticket { id, answer, calls: Arc::clone(self) }
    }

    /// Hands an answer that came over the shared stream to who waits for it.
    pub(crate) fn answered(&self, id: u64, outcome: Outcome) {
        if let Some(entry) = self.remove(id) {
            // Who waited may have gone.
            drop(entry.answer.send(outcome));
        }
    }

    /// Takes a request out; what the source says of it later is nobody's.
    fn remove(&self, id: u64) -> Option<Entry> {
        let entry = self.table().remove(&id)?;
        if let Some(party) = &entry.party {
            let (owner, now) = (party.listener.owner(), Instant::now());
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            ended.retain(|(whose, at)| whose != owner && now - *at < LATE);
            ended.push((owner.to_owned(), now));
        }
        Some(entry)
    }

    /// Whether a call of somebody else ended so lately that the source may still speak of it.
    fn may_be_of_others(&self, owner: &str) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().any(|(whose, at)| whose != owner && at.elapsed() < LATE)
    }

    /// Lets everybody who waits know that nothing more comes.
    pub(crate) fn end(&self) {
        self.table().clear();
    }

    /// Whose a message is: of the call `own` on whose stream it came; on a shared stream of the only
    /// call that listens, for with several it could be anybody's; and of none where a call of somebody else has just
    /// ended.
    fn party(&self, own: Option<u64>) -> Option<Party> {
        let table = self.table();
        if let Some(id) = own {
            return table.get(&id)?.party.clone();
        }
        let mut all = table.values().filter_map(|entry| entry.party.as_ref());
        let only = all.next().filter(|_only| all.next().is_none())?;
        (!self.may_be_of_others(only.listener.owner())).then(|| only.clone())
    }

    /// A notification came, on the stream of the call `own` or on one that all share.
    pub(crate) fn notified(&self, own: Option<u64>, method: &str, params: &Value) {
        let party = match method {
            "notifications/progress" => {
                let token = params.get("progressToken").and_then(Value::as_u64);
                // On the stream of a call, only that call's.
                let token = token.filter(|token| own.is_none_or(|own| own == *token));
                match token.and_then(|token| self.party(Some(token))) {
                    Some(party) => Some(party),
                    None => return,
                }
            }
            "notifications/message" => self.party(own),
            _ => None,
        };
        match party {
            Some(party) => party.listener.notified(method, params),
            None => self.observer.notified(method, params),
        }
    }

    /// Answers what the source asks, on the stream of the call `own` or on one that all share.
    pub(crate) async fn ask(&self, own: Option<u64>, method: &str, params: &Value) -> Outcome {
        if method == "ping" {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let Some(party) = self.party(own) else {
            return Err(RpcError::unknown_method(method));
        };
        let _pause = party.patience.pause();
        party.listener.asked(method, params).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Calls, Listener, Patience, RpcError};
    use futures::future::{BoxFuture, FutureExt as _};
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    #[derive(Default)]
    struct Ear(Mutex<Vec<String>>);

    /// Somebody of another name.
    struct Other(Arc<Ear>);

    impl Listener for Other {
        fn owner(&self) -> &'static str {
            "bob"
        }

        fn notified(&self, method: &str, params: &Value) {
            self.0.notified(method, params);
        }

        fn asked<'a>(
            &'a self,
            method: &'a str,
            params: &'a Value,
        ) -> BoxFuture<'a, Result<Value, RpcError>> {
            self.0.asked(method, params)
        }
    }

    impl Ear {
        fn heard(&self) -> Vec<String> {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Listener for Ear {
        fn notified(&self, method: &str, _params: &Value) {
            self.0.lock().unwrap().push(method.to_owned());
        }

        fn asked<'a>(
            &'a self,
            method: &'a str,
            _params: &'a Value,
        ) -> BoxFuture<'a, Result<Value, RpcError>> {
            self.0.lock().unwrap().push(method.to_owned());
            futures::future::ready(Ok(json!("answer"))).boxed()
        }
    }

    #[tokio::test]
    async fn what_comes_goes_to_the_call_that_it_is_about() {
        let (observer, first, second) = <(Arc<Ear>, Arc<Ear>, Arc<Ear>)>::default();
        let calls = Calls::new(Arc::clone(&observer) as Arc<dyn Listener>);
        let patience = Patience::new(Duration::from_secs(1));
        let one = calls.begin(Some(Arc::clone(&first) as Arc<dyn Listener>), &patience);
        assert_eq!(calls.ask(None, "elicitation/create", &json!({})).await, Ok(json!("answer")));
        assert_eq!(first.heard(), ["elicitation/create"], "nobody else is there");

        let two = calls.begin(Some(Arc::clone(&second) as Arc<dyn Listener>), &patience);
        let unclear = calls.ask(None, "elicitation/create", &json!({})).await.unwrap_err();
        assert_eq!(unclear.code, -32601, "it may be anybody's");
        assert!(calls.ask(Some(two.id), "elicitation/create", &json!({})).await.is_ok());
        assert!(calls.ask(None, "ping", &json!(null)).await.is_ok());
        assert_eq!((first.heard().len(), second.heard().len()), (0, 1));

        calls.notified(None, "notifications/progress", &json!({"progressToken": one.id}));
        calls.notified(Some(two.id), "notifications/progress", &json!({"progressToken": one.id}));
        calls.notified(Some(two.id), "notifications/message", &json!({}));
        calls.notified(Some(two.id), "notifications/tools/list_changed", &json!({}));
        assert_eq!(first.heard(), ["notifications/progress"]);
        assert_eq!(second.heard(), ["notifications/message"]);
        assert_eq!(observer.heard(), ["notifications/tools/list_changed"]);

        let id = one.id;
        drop(one);
        calls.notified(None, "notifications/progress", &json!({"progressToken": id}));
        assert!(first.heard().is_empty(), "it is over");
        assert!(observer.heard().is_empty());
    }

    #[tokio::test]
    async fn what_is_said_late_of_a_call_is_not_told_to_somebody_else() {
        let (observer, heard) = <(Arc<Ear>, Arc<Ear>)>::default();
        let calls = Calls::new(Arc::clone(&observer) as Arc<dyn Listener>);
        let patience = Patience::new(Duration::from_secs(1));
        let own = || Some(Arc::clone(&heard) as Arc<dyn Listener>);
        drop(calls.begin(own(), &patience));
        let again = calls.begin(own(), &patience);
        assert!(calls.ask(None, "elicitation/create", &json!({})).await.is_ok(), "one's own");
        drop(again);
        let bob = calls.begin(Some(Arc::new(Other(Arc::clone(&heard)))), &patience);
        let _of_before = heard.heard();
        let late = calls.ask(None, "elicitation/create", &json!({})).await.unwrap_err();
        assert_eq!(late.code, -32601);
        calls.notified(None, "notifications/message", &json!({}));
        assert!(heard.heard().is_empty());
        assert_eq!(observer.heard(), ["notifications/message"]);
        // What names the call is its own.
        calls.notified(None, "notifications/progress", &json!({"progressToken": bob.id}));
        assert_eq!(heard.heard(), ["notifications/progress"]);
    }

    #[tokio::test]
    async fn an_answer_reaches_who_waits_and_an_end_everybody() {
        let calls = Calls::new(Arc::new(()));
        let patience = Patience::new(Duration::from_secs(1));
        let (mut one, mut two) = (calls.begin(None, &patience), calls.begin(None, &patience));
        calls.answered(one.id, Ok(json!(1)));
        assert_eq!((&mut one.answer).await, Ok(Ok(json!(1))));
        calls.end();
        assert!((&mut two.answer).await.is_err());
    }
}
