//! Whose turn it is: groups share the processor by the time they have used, calls of a group in order.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use uuid::Uuid;

/// Groups without calls are remembered for what they used, up to so many of them.
const REMEMBERED_MAX: usize = 1024;

/// The calls that can make use of the processor, in the order of their turns.
///
/// Of the groups that have such calls, the one that has used least goes next. Who comes back after
/// it had nothing to do starts level with the one that was served last: it is next, but has saved
/// nothing up.
#[derive(Default)]
pub(super) struct Turns {
    groups: HashMap<Uuid, Group>,
    line: BTreeSet<Place>,
    /// Calls that go before all others, because they only have to be ended.
    urgent: VecDeque<(Uuid, u64)>,
    /// What the group that was served last had used before.
    level: u64,
    arrivals: u64,
    runnable: usize,
}

/// What a group has used, in nanoseconds; when it came in line; which one it is.
type Place = (u64, u64, Uuid);

#[derive(Default)]
struct Group {
    used: u64,
    calls: usize,
    runnable: VecDeque<u64>,
    place: Option<Place>,
    being_served: bool,
}

impl Turns {
    /// How many calls can make use of the processor.
    pub(super) fn runnable(&self) -> usize {
        self.runnable
    }

    /// Notes that the group has one more call.
    pub(super) fn join(&mut self, group: Uuid) {
        let level = self.level;
        let fresh = || Group { used: level, ..Group::default() };
        self.groups.entry(group).or_insert_with(fresh).calls += 1;
    }

    /// Notes that a call of the group is over.
    pub(super) fn leave(&mut self, group: Uuid, call: u64) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        entry.calls = entry.calls.saturating_sub(1);
        self.take_out(group, call);
        if self.groups.len() > REMEMBERED_MAX {
            self.groups.retain(|_, group| group.calls > 0);
        }
    }

    /// Puts a call in line behind those of its group; to be said once until its turn.
    pub(super) fn put(&mut self, group: Uuid, call: u64) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        entry.runnable.push_back(call);
        self.runnable += 1;
        if entry.place.is_none() && !entry.being_served {
            self.line_up(group);
        }
    }

    /// Puts a call before all others, whether it was in line or not.
    pub(super) fn hurry(&mut self, group: Uuid, call: u64) {
        self.take_out(group, call);
        self.urgent.push_back((group, call));
        self.runnable += 1;
    }

    fn take_out(&mut self, group: Uuid, call: u64) {
        let before = self.urgent.len();
        self.urgent.retain(|(_, urgent)| *urgent != call);
        self.runnable -= before - self.urgent.len();
        let Some(entry) = self.groups.get_mut(&group) else { return };
        let before = entry.runnable.len();
        entry.runnable.retain(|runnable| *runnable != call);
        self.runnable -= before - entry.runnable.len();
        if entry.runnable.is_empty()
            && let Some(place) = entry.place.take()
        {
            self.line.remove(&place);
        }
    }

    /// The call whose turn it is, and its group. [`Turns::served`] is to follow.
    pub(super) fn next(&mut self) -> Option<(Uuid, u64)> {
        if let Some(urgent) = self.urgent.pop_front() {
            self.runnable -= 1;
            return Some(urgent);
        }
        let Some((used, _, group)) = self.line.pop_first() else {
            self.even_out();
            return None;
        };
        self.level = self.level.max(used);
        let entry = self.groups.get_mut(&group)?;
        entry.place = None;
        entry.being_served = true;
        let call = entry.runnable.pop_front()?;
        self.runnable -= 1;
        Some((group, call))
    }

    /// Notes what the turn of the group took.
    pub(super) fn served(&mut self, group: Uuid, time: Duration) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        entry.used = entry.used.saturating_add(nanoseconds.max(1));
        entry.being_served = false;
        if !entry.runnable.is_empty() && entry.place.is_none() {
            self.line_up(group);
        }
    }

    fn line_up(&mut self, group: Uuid) {
        let Some(entry) = self.groups.get_mut(&group) else { return };
        entry.used = entry.used.max(self.level);
        self.arrivals += 1;
        let place = (entry.used, self.arrivals, group);
        entry.place = Some(place);
        self.line.insert(place);
    }

    /// While nobody wants the processor, what anyone has used takes nothing from the others.
    fn even_out(&mut self) {
        self.level = self.groups.values().map(|group| group.used).fold(self.level, u64::max);
        self.groups.retain(|_, group| group.calls > 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use uuid::Uuid;

    use super::Turns;

    const A: Uuid = Uuid::from_u128(1);
    const B: Uuid = Uuid::from_u128(2);
    const C: Uuid = Uuid::from_u128(3);
    const SLICE: Duration = Duration::from_millis(5);

    fn with_loops(loops: &[(Uuid, std::ops::Range<u64>)]) -> Turns {
        let mut turns = Turns::default();
        for (group, calls) in loops {
            for call in calls.clone() {
                turns.join(*group);
                turns.put(*group, call);
            }
        }
        turns
    }

    /// Gives turns to calls that never end, and counts them by call.
    fn serve(
        turns: &mut Turns,
        count: usize,
        time: impl Fn(Uuid) -> Duration,
    ) -> HashMap<u64, usize> {
        let mut served = HashMap::new();
        for _ in 0..count {
            let (group, call) = turns.next().expect("all of them loop");
            turns.put(group, call);
            turns.served(group, time(group));
            *served.entry(call).or_default() += 1;
        }
        served
    }

    #[test]
    fn groups_get_equal_parts_and_so_do_the_calls_of_one() {
        let mut turns = with_loops(&[(A, 0..100), (B, 100..101), (C, 101..103)]);
        let served = serve(&mut turns, 1200, |_| SLICE);
        assert_eq!((served[&0], served[&50], served[&99]), (4, 4, 4));
        assert_eq!((served[&100], served[&101], served[&102]), (400, 200, 200));
        assert_eq!(turns.runnable(), 103);
    }

    #[test]
    fn short_turns_come_the_more_often() {
        let mut turns = with_loops(&[(A, 0..1), (B, 1..2)]);
        let time = |group| if group == A { SLICE } else { SLICE / 5 };
        let served = serve(&mut turns, 600, time);
        assert_eq!((served[&0], served[&1]), (100, 500));
    }

    #[test]
    fn who_comes_back_is_next_but_has_saved_nothing_up() {
        let mut turns = with_loops(&[(A, 0..100), (B, 100..101)]);
        turns.next().expect("the first group");
        turns.served(A, SLICE);
        let (group, call) = turns.next().expect("the second group");
        turns.served(group, SLICE);
        assert_eq!((group, call), (B, 100));
        serve(&mut turns, 1000, |_| SLICE);
        turns.put(B, 100);
        assert_eq!(serve(&mut turns, 1, |_| SLICE).get(&100), Some(&1), "it does not wait");
        let after = serve(&mut turns, 100, |_| SLICE);
        assert_eq!(after[&100], 50, "half of them is its part");
        turns.join(C);
        turns.put(C, 200);
        assert_eq!(serve(&mut turns, 1, |_| SLICE).get(&200), Some(&1), "nor does a new one");
    }

    #[test]
    fn what_only_has_to_be_ended_goes_first() {
        let mut turns = with_loops(&[(A, 0..100), (B, 100..101)]);
        turns.hurry(A, 70);
        turns.hurry(A, 70);
        assert_eq!((turns.next(), turns.runnable()), (Some((A, 70)), 100));
        turns.served(A, SLICE);
        turns.leave(A, 70);
        turns.hurry(B, 100);
        turns.leave(B, 100);
        let served = serve(&mut turns, 99, |_| SLICE);
        assert!(served.len() == 99 && served.values().all(|count| *count == 1), "{served:?}");
    }

    #[test]
    fn one_call_after_the_other_is_no_way_to_get_more() {
        let mut turns = with_loops(&[(A, 0..1), (B, 1..2)]);
        let mut served_short = 0;
        let mut next_call = 100;
        turns.join(C);
        turns.put(C, next_call);
        for _ in 0..300 {
            let (group, call) = turns.next().expect("someone loops");
            turns.served(group, SLICE);
            if group == C {
                served_short += 1;
                turns.leave(C, call);
                next_call += 1;
                turns.join(C);
                turns.put(C, next_call);
            } else {
                turns.put(group, call);
            }
        }
        assert!((99..=101).contains(&served_short), "{served_short}");
    }

    #[test]
    fn calls_that_leave_are_gone_and_an_idle_time_evens_out() {
        let mut turns = with_loops(&[(A, 0..2), (B, 2..3)]);
        serve(&mut turns, 9, |group| if group == A { SLICE * 100 } else { SLICE });
        for (group, call) in [(A, 0), (A, 1), (B, 2)] {
            turns.leave(group, call);
        }
        assert_eq!((turns.next(), turns.runnable()), (None, 0));
        let mut again = turns;
        for (group, call) in [(A, 10), (B, 11)] {
            again.join(group);
            again.put(group, call);
        }
        let served = serve(&mut again, 10, |_| SLICE);
        assert_eq!((served[&10], served[&11]), (5, 5));
    }
}
