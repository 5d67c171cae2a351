//! How many calls of one caller may wait for their client at once, so that others can ask theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sandbox::Bounds;
use uuid::Uuid;

use crate::identity::{Caller, Who};
use crate::limits::Counted;

/// The calls of each caller that wait for their client.
pub(crate) struct Shares {
    most: usize,
    held: Mutex<HashMap<Asker, usize>>,
}

/// Who is told apart: those with a token by it, callers without one by their address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Asker {
    Person(Uuid),
    Token(String),
    At(Counted),
}

/// What one caller may have of them.
pub(crate) struct Share {
    shares: Arc<Shares>,
    asker: Asker,
}

/// A call that waits for its client, until it is dropped.
pub(super) struct Place {
    shares: Arc<Shares>,
    asker: Asker,
}

impl Shares {
    pub(crate) fn new(bounds: &Bounds) -> Self {
        Self { most: most(bounds), held: Mutex::default() }
    }

    /// The share of who makes a call.
    pub(crate) fn of(self: &Arc<Self>, who: &Who) -> Share {
        let asker = match who {
            Who::Admin(admin) => Asker::Person(admin.user_id),
            Who::Caller(Caller { token: Some(token), .. }) => Asker::Token(token.clone()),
            Who::Caller(Caller { address, .. }) => Asker::At(Counted::address(*address)),
        };
        Share { shares: Arc::clone(self), asker }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Asker, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An eighth of the calls that may wait, and two where that leaves one to somebody else; never all
/// that may wait of one server.
fn most(bounds: &Bounds) -> usize {
    let all = bounds.asking.min(bounds.asking_per_group);
    (bounds.asking / 8).max(2).min(all.saturating_sub(1)).max(1)
}

impl Share {
    /// Counts a call among those that wait, or says why it cannot be.
    pub(super) fn begin(&self) -> Result<Place, String> {
        let most = self.shares.most;
        let mut held = self.shares.held();
        let count = held.entry(self.asker.clone()).or_default();
        if *count >= most {
            return Err(format!(
                "the client cannot be asked now: {most} calls of the same caller wait for an answer already, which is as many as may: answer or cancel one of those, then call again"
            ));
        }
        *count += 1;
        Ok(Place { shares: Arc::clone(&self.shares), asker: self.asker.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.shares.held();
        if let Some(count) = held.get_mut(&self.asker) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.remove(&self.asker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::identity::Scopes;

    fn bounds(asking: usize, asking_per_group: usize) -> Bounds {
        Bounds { asking, asking_per_group, ..Bounds::default() }
    }

    fn caller(token: Option<&str>, address: [u8; 4]) -> Who {
        let address = Some(IpAddr::from(address));
        let token = token.map(str::to_owned);
        Who::Caller(Caller { token, client: None, address, scopes: Scopes::ALL })
    }

    #[test]
    fn a_caller_has_an_eighth_and_leaves_room_wherever_there_is_some() {
        let of = |asking, of_server| most(&bounds(asking, of_server));
        assert_eq!((of(128, 64), of(32, 16)), (16, 4));
        assert_eq!((of(8, 4), of(3, 3)), (2, 2));
        assert_eq!((of(8, 2), of(2, 1), of(1, 1)), (1, 1, 1));
        assert_eq!(of(128, 8), 7, "the tools of one server can be all that there are");
    }

    #[test]
    fn who_has_taken_its_share_is_refused_and_others_are_not() {
        let shares = Arc::new(Shares::new(&bounds(3, 3)));
        let own = shares.of(&caller(Some("claude"), [192, 0, 2, 1]));
        let mut places = vec![own.begin().unwrap(), own.begin().unwrap()];
        let same = shares.of(&caller(Some("claude"), [192, 0, 2, 2]));
        let refused = same.begin().err().unwrap();
        assert!(refused.contains("2 calls of the same caller"), "{refused}");
        for other in [caller(Some("other"), [192, 0, 2, 1]), caller(None, [192, 0, 2, 1])] {
            assert!(shares.of(&other).begin().is_ok(), "{other}");
        }
        places.pop();
        assert!(same.begin().is_ok(), "one has its answer");
        places.clear();
        assert!(shares.held().is_empty(), "nothing is kept of who waits no more");
    }

    #[test]
    fn callers_without_a_token_are_told_apart_by_address() {
        let shares = Arc::new(Shares::new(&bounds(1, 1)));
        let one = shares.of(&caller(None, [192, 0, 2, 1]));
        let _place = one.begin().unwrap();
        assert!(one.begin().is_err());
        assert!(shares.of(&caller(None, [192, 0, 2, 2])).begin().is_ok());
    }
}
