//! The client's requests that run in a session, by their ids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio_util::sync::CancellationToken;

use super::lock;
use crate::rpc::Id;

/// Those of one session.
#[derive(Default)]
pub(super) struct Requests {
    running: Mutex<HashMap<Id, Entry>>,
    next_number: AtomicU64,
}

struct Entry {
    /// Tells it from others that had the same id.
    number: u64,
    stop: CancellationToken,
}

impl Requests {
    /// Lists a request for as long as what is returned is kept. A second one with the same id takes
    /// its place.
    pub(super) fn list(self: &Arc<Self>, id: &Id, stop: &CancellationToken) -> Listed {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        lock(&self.running).insert(id.clone(), Entry { number, stop: stop.clone() });
        Listed { requests: Arc::clone(self), id: id.clone(), number }
    }

    /// Ends a request.
    pub(super) fn cancel(&self, id: &Id) {
        let stop = lock(&self.running).get(id).map(|entry| entry.stop.clone());
        if let Some(stop) = stop {
            stop.cancel();
        }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.running).is_empty()
    }
}

/// A request that is listed as running.
pub(crate) struct Listed {
    requests: Arc<Requests>,
    id: Id,
    number: u64,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut running = lock(&self.requests.running);
        if running.get(&self.id).is_some_and(|entry| entry.number == self.number) {
            running.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_cancelled_by_its_id_until_it_ends() {
        let requests = Arc::new(Requests::default());
        let (id, stop) = (Id::text("a"), CancellationToken::new());
        let listed = requests.list(&id, &stop);
        requests.cancel(&Id::text("b"));
        assert!(!stop.is_cancelled(), "it is another one");
        drop(listed);
        requests.cancel(&id);
        assert!(!stop.is_cancelled() && requests.is_empty(), "it has ended");
        let _listed = requests.list(&id, &stop);
        requests.cancel(&id);
        assert!(stop.is_cancelled());
    }

    #[test]
    fn the_end_of_a_request_leaves_the_one_that_took_its_place() {
        let requests = Arc::new(Requests::default());
        let (id, first, second) =
            (Id::text("a"), CancellationToken::new(), CancellationToken::new());
        let (old, new) = (requests.list(&id, &first), requests.list(&id, &second));
        drop(old);
        requests.cancel(&id);
        assert!(second.is_cancelled() && !first.is_cancelled());
        drop(new);
        assert!(requests.is_empty());
    }
}
