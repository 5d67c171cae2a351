//! Which sources are asked for their tools now, and which wait for their turn.

use std::collections::{HashSet, VecDeque};

use uuid::Uuid;

/// How many sources are asked at once.
const AT_ONCE: usize = 8;

/// The sources that are to be asked.
#[derive(Default)]
pub(super) struct Asking {
    under_way: HashSet<Uuid>,
    waiting: VecDeque<Uuid>,
}

impl Asking {
    /// A source said that its tools are other ones; where it is being asked, it is asked once more.
    pub(super) fn told(&mut self, id: Uuid) {
        if !self.waiting.contains(&id) {
            self.waiting.push_back(id);
        }
    }

    /// It is time to ask a source, where nobody does.
    pub(super) fn due(&mut self, id: Uuid) {
        if !self.under_way.contains(&id) {
            self.told(id);
        }
    }

    /// The next that can be asked, which is under way with that.
    pub(super) fn next(&mut self) -> Option<Uuid> {
        if self.under_way.len() >= AT_ONCE {
            return None;
        }
        let index = self.waiting.iter().position(|id| !self.under_way.contains(id))?;
        let id = self.waiting.remove(index)?;
        self.under_way.insert(id);
        Some(id)
    }

    /// A source was asked.
    pub(super) fn done(&mut self, id: Uuid) {
        self.under_way.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_source_is_asked_twice_at_once() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut asking = Asking::default();
        asking.told(one);
        asking.told(one);
        assert_eq!(asking.next(), Some(one));
        assert_eq!(asking.next(), None);
        asking.due(one);
        asking.due(two);
        assert_eq!(asking.next(), Some(two));
        // What it says meanwhile may be about another list than the one that is on its way.
        asking.told(one);
        assert_eq!(asking.next(), None);
        asking.done(one);
        assert_eq!(asking.next(), Some(one));
        asking.done(one);
        assert_eq!(asking.next(), None);
    }

    #[test]
    fn so_many_are_asked_at_once_and_the_others_in_their_order() {
        let mut asking = Asking::default();
        let ids: Vec<_> = (0..=AT_ONCE as u128).map(Uuid::from_u128).collect();
        for id in &ids {
            asking.due(*id);
        }
        for id in &ids[..AT_ONCE] {
            assert_eq!(asking.next(), Some(*id));
        }
        assert_eq!(asking.next(), None, "the others wait");
        asking.done(ids[3]);
        assert_eq!(asking.next(), ids.last().copied());
    }
}
