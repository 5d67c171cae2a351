//! What stays in memory between two calls, and what does not.

use std::collections::HashSet;
use std::ops::Range;

use super::guest::Machine;
use super::{IMAGE, kit, page_entries, pattern, settings, under_every_recipe};
use crate::memory::{Recipe, Settings, WASM_PAGE};

/// Bytes of pages of our own, in memory or in swap, at these addresses.
fn own_bytes(addresses: &Range<usize>) -> usize {
    page_entries(addresses).filter(|entry| entry.own && (entry.present || entry.swapped)).count()
        * rustix::param::page_size()
}

#[test]
fn drop_never_uses_a_page_twice_and_the_others_do() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { verify_every: 0, ..settings() });
        let machine = Machine::new(&kit);
        let mut guest = machine.guest();
        let addresses = guest.addresses();
        assert!(guest.grow(2));
        guest.fill(3 * 4096, 5, 10 * 4096).unwrap();
        guest.fill(IMAGE + WASM_PAGE, 6, 4096).unwrap();
        assert_eq!(own_bytes(&addresses), 11 * 4096);
        drop(guest);
        let kept = if recipe == Recipe::Dropped { 0 } else { 11 * 4096 };
        assert_eq!(own_bytes(&addresses), kept);
        assert_eq!(kit.memories.statistics().idle_bytes, kept as u64);
        assert_eq!(machine.guest().addresses(), addresses, "the slot itself is used again");
    });
}

#[test]
fn more_changed_pages_than_the_budget_are_given_back() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { verify_every: 0, ..settings() });
        let machine = Machine::new(&kit);
        let mut guest = machine.guest();
        let addresses = guest.addresses();
        guest.assert_new(&pattern(IMAGE));
        guest.fill(0, 5, settings().image_kept + 4096).unwrap();
        guest.fill(IMAGE, 6, settings().grown_kept + 4096).unwrap();
        drop(guest);
        assert_eq!(own_bytes(&addresses), 0);
        assert_eq!(kit.memories.statistics().dropped, 1);
        machine.guest().assert_new(&pattern(IMAGE));
    });
}

#[test]
fn pages_that_one_call_wrote_are_not_copied_for_ever() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        let mut copied = vec![0];
        for call in 0..16 {
            let mut guest = machine.guest();
            guest.fill(0, 1, if call == 0 { 100 * 4096 } else { 4096 }).unwrap();
            drop(guest);
            copied.push(kit.memories.statistics().copied_bytes);
        }
        let pages: Vec<_> = copied.windows(2).map(|pair| (pair[1] - pair[0]) / 4096).collect();
        let (heavy, light) = if recipe == Recipe::Dropped { (0, 0) } else { (100, 1) };
        assert_eq!(pages[..8], [heavy; 8]);
        assert_eq!(pages[8..], [light; 8]);
    });
}

#[test]
fn memories_that_shrink_from_call_to_call_do_not_pile_up_pages() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { verify_every: 0, ..settings() });
        let machine = Machine::new(&kit);
        let addresses = machine.guest().addresses();
        for pages in (1..=64).rev() {
            let mut guest = machine.guest();
            assert_eq!(guest.addresses(), addresses);
            assert!(guest.grow(pages));
            guest.fill(IMAGE + (pages - 1) * WASM_PAGE, 1, WASM_PAGE).unwrap();
        }
        assert!(own_bytes(&addresses) <= settings().grown_kept);
        assert_eq!(kit.memories.statistics().idle_bytes, own_bytes(&addresses) as u64);
    });
}

#[test]
fn only_so_many_slots_and_bytes_wait_for_the_next_call() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { idle_max: 3, ..settings() });
        let machine = Machine::new(&kit);
        let guests: Vec<_> = (0..10).map(|_| machine.guest()).collect();
        let places: HashSet<_> = guests.iter().map(|guest| guest.addresses().start).collect();
        assert_eq!(places.len(), 10);
        drop(guests);
        let statistics = kit.memories.statistics();
        assert_eq!((statistics.made, statistics.idle, statistics.surplus), (10, 3, 7));
        let next = machine.guest().addresses().start;
        assert!(places.contains(&next));
        assert_eq!(kit.memories.statistics().made, 10);
    });
}

#[test]
fn idle_slots_hold_no_more_bytes_than_they_may() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { idle_bytes: 10 * 4096, ..settings() });
        let machine = Machine::new(&kit);
        let mut guests: Vec<_> = (0..5).map(|_| machine.guest()).collect();
        for guest in &mut guests {
            guest.fill(0, 1, 4 * 4096).unwrap();
        }
        drop(guests);
        let statistics = kit.memories.statistics();
        let expected = if recipe == Recipe::Dropped { (5, 0) } else { (2, 8 * 4096) };
        assert_eq!((statistics.idle, statistics.idle_bytes), expected);
    });
}
