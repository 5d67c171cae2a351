//! Who has a place, who waits for one, and whose turn is next: one call of each group in turn.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

use crate::limits::Bounds;

/// Counts the calls that have a place and keeps those that wait, each with a `T` to be woken by.
pub(crate) struct Queue<T> {
    bounds: Bounds,
    running: usize,
    asking: usize,
    waiting: usize,
    tickets: u64,
    groups: HashMap<Uuid, Group<T>>,
    /// The groups with calls that wait, the next to be served first.
    turns: VecDeque<Uuid>,
}

struct Group<T> {
    running: usize,
    asking: usize,
    waiting: VecDeque<(u64, T)>,
}

impl<T> Queue<T> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let (groups, turns) = (HashMap::new(), VecDeque::new());
        Self { bounds, running: 0, asking: 0, waiting: 0, tickets: 0, groups, turns }
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// How many calls have a place.
    pub(crate) fn running(&self) -> usize {
        self.running
    }

    /// How many calls with a place wait for their client.
    pub(crate) fn asking(&self) -> usize {
        self.asking
    }

    /// How many of them are of a group.
    pub(crate) fn asking_of(&self, group: Uuid) -> usize {
        self.groups.get(&group).map_or(0, |group| group.asking)
    }

    /// Notes that a call of the group waits for its client; nothing happens where as many do as may.
    pub(crate) fn begin_asking(&mut self, group: Uuid) -> bool {
        let Bounds { asking, asking_per_group, .. } = self.bounds;
        let may = self.asking < asking && self.asking_of(group) < asking_per_group;
        if may {
            self.asking += 1;
            self.group(group).asking += 1;
        }
        may
    }

    /// Notes that a call of the group no longer waits for its client.
    pub(crate) fn end_asking(&mut self, group: Uuid) {
        self.asking = self.asking.saturating_sub(1);
        let entry = self.group(group);
        entry.asking = entry.asking.saturating_sub(1);
        self.forget_idle(group);
    }

    /// How many calls wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many calls of a group have a place.
    pub(crate) fn running_of(&self, group: Uuid) -> usize {
        self.groups.get(&group).map_or(0, |group| group.running)
    }

    /// Whether a call of the group may have a place now, those that wait not considered.
    pub(crate) fn may_begin(&self, group: Uuid) -> bool {
        self.running < self.bounds.calls && self.running_of(group) < self.bounds.calls_per_group
    }

    /// Notes that a call of the group has got a place.
    pub(crate) fn begin(&mut self, group: Uuid) {
        self.running += 1;
        self.group(group).running += 1;
    }

    /// Notes that a call of the group has left its place.
    pub(crate) fn end(&mut self, group: Uuid) {
        self.running = self.running.saturating_sub(1);
        let entry = self.group(group);
        entry.running = entry.running.saturating_sub(1);
        self.forget_idle(group);
    }

    /// Lets a call wait, and returns the ticket to leave with; `None` where too many wait already.
    pub(crate) fn wait(&mut self, group: Uuid, waker: T) -> Option<u64> {
        if self.waiting >= self.bounds.waiting {
            return None;
        }
        self.waiting += 1;
        self.tickets += 1;
        let ticket = self.tickets;
        let entry = self.group(group);
        entry.waiting.push_back((ticket, waker));
        if entry.waiting.len() == 1 {
            self.turns.push_back(group);
        }
        Some(ticket)
    }

    /// Takes out a call that no longer waits; nothing happens where it has been served.
    pub(crate) fn leave(&mut self, group: Uuid, ticket: u64) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        let before = entry.waiting.len();
        entry.waiting.retain(|(waiting, _)| *waiting != ticket);
        self.waiting -= before - entry.waiting.len();
        if before > 0 && entry.waiting.is_empty() {
            self.turns.retain(|waiting| *waiting != group);
        }
        self.forget_idle(group);
    }

    /// The group whose turn it is, among those that wait and may have a place.
    pub(crate) fn next_group(&mut self) -> Option<Uuid> {
        for _ in 0..self.turns.len() {
            let group = *self.turns.front()?;
            if self.may_begin(group) {
                return Some(group);
            }
            self.turns.rotate_left(1);
        }
        None
    }

    /// Takes the call of the group that has waited longest, and gives the turn to the next group.
    pub(crate) fn take(&mut self, group: Uuid) -> Option<T> {
        self.turns.retain(|waiting| *waiting != group);
        let entry = self.groups.get_mut(&group)?;
        let (_, waker) = entry.waiting.pop_front()?;
        self.waiting -= 1;
        if !entry.waiting.is_empty() {
            self.turns.push_back(group);
        }
        self.forget_idle(group);
        Some(waker)
    }

    /// Sends away all that wait.
    pub(crate) fn clear(&mut self) {
        self.turns.clear();
        self.waiting = 0;
        for group in self.groups.values_mut() {
            group.waiting.clear();
        }
    }

    fn group(&mut self, group: Uuid) -> &mut Group<T> {
        let idle = || Group { running: 0, asking: 0, waiting: VecDeque::new() };
        self.groups.entry(group).or_insert_with(idle)
    }

    fn forget_idle(&mut self, group: Uuid) {
        let idle =
            |group: &Group<T>| group.running == 0 && group.asking == 0 && group.waiting.is_empty();
        if self.groups.get(&group).is_some_and(idle) {
            self.groups.remove(&group);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::Queue;
    use crate::limits::Bounds;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);

    fn queue(calls: usize, calls_per_group: usize, waiting: usize) -> Queue<u32> {
        Queue::new(Bounds { calls, calls_per_group, waiting, ..Bounds::default() })
    }

    /// Gives places while there are some, and returns who got them.
    fn served(queue: &mut Queue<u32>) -> Vec<u32> {
        let mut served = Vec::new();
        while let Some(group) = queue.next_group() {
            queue.begin(group);
            served.extend(queue.take(group));
        }
        served
    }

    #[test]
    fn groups_take_turns_however_many_calls_of_one_wait() {
        let mut queue = queue(1, 1, 1024);
        queue.begin(A);
        for number in 0..1000 {
            assert!(queue.wait(A, number).is_some());
        }
        assert!(queue.wait(B, 5000).is_some());
        let mut order = Vec::new();
        for last in [A, A, B, A] {
            queue.end(last);
            order.extend(served(&mut queue));
        }
        assert_eq!(order, [0, 5000, 1, 2]);
        assert_eq!(queue.waiting(), 997);
    }

    #[test]
    fn a_group_that_has_all_its_places_holds_back_no_other() {
        let mut queue = queue(3, 2, 10);
        for number in [1, 2, 3] {
            assert!(queue.wait(A, number).is_some());
        }
        assert_eq!(served(&mut queue), [1, 2]);
        assert!(queue.wait(B, 4).is_some());
        assert_eq!(served(&mut queue), [4]);
        assert_eq!((queue.running(), queue.running_of(A), queue.waiting()), (3, 2, 1));
        queue.end(B);
        assert!(served(&mut queue).is_empty(), "the first group is at its own bound");
        queue.end(A);
        assert_eq!(served(&mut queue), [3]);
    }

    #[test]
    fn one_too_many_is_turned_away_and_who_leaves_makes_room() {
        let mut queue = queue(1, 1, 2);
        queue.begin(A);
        let first = queue.wait(A, 1).expect("there is room");
        assert!(queue.wait(B, 2).is_some());
        assert!(queue.wait(B, 3).is_none());
        queue.leave(A, first);
        queue.leave(A, first);
        assert!(queue.wait(B, 4).is_some());
        queue.end(A);
        assert_eq!(served(&mut queue), [2]);
        queue.clear();
        queue.end(B);
        assert_eq!((queue.waiting(), served(&mut queue)), (0, Vec::new()));
    }
}
