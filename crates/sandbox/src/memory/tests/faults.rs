//! Resets that fail: the slot is thrown away, doubt is raised where there is doubt, the next memory is right.

use std::fs::File;
use std::process::{Command, Stdio};

use super::guest::Machine;
use super::{IMAGE, kit, kit_with, pattern, settings, under_every_recipe};
use crate::memory::page_map::PageMap;
use crate::memory::probe::check;
use crate::memory::tracking::Tracking;
use crate::memory::userfault::Userfault;
use crate::memory::{Kit, MemoryError, Settings, WASM_PAGE};

/// Dirties memories until one has been reset, or not; then nothing may be left of them.
fn assert_discards_and_stays_right(kit: &Kit, discarded: u64) {
    let image = pattern(IMAGE);
    let machine = Machine::new(kit);
    for _ in 0..3 {
        let mut guest = machine.guest();
        guest.assert_new(&image);
        guest.fill(4096, 77, IMAGE / 8).unwrap();
        guest.fill(IMAGE, 78, WASM_PAGE).unwrap();
    }
    assert_eq!(kit.memories.statistics().discarded, discarded);
    assert_eq!(kit.doubt.reason().is_some(), discarded > 0, "{:?}", kit.doubt.reason());
}

#[test]
fn a_reset_that_works_leaves_no_doubt() {
    under_every_recipe(|recipe| assert_discards_and_stays_right(&kit(recipe, settings()), 0));
}

#[test]
fn without_a_page_map_every_slot_is_thrown_away() {
    for tracking in [Tracking::Scanned(PageMap::broken()), Tracking::Listed(PageMap::broken())] {
        assert!(matches!(check(&tracking), Err(MemoryError::Tracking { .. })));
        assert_discards_and_stays_right(&kit_with(tracking, settings()), 3);
    }
    if let Ok(faults) = Userfault::open() {
        let tracking = Tracking::Tracked(faults, PageMap::broken());
        assert_discards_and_stays_right(&kit_with(tracking, settings()), 3);
    }
}

#[test]
fn a_userfaultfd_that_was_closed_is_noticed() {
    let Ok(faults) = Userfault::open() else {
        println!("NOT TESTED: there is no userfaultfd");
        return;
    };
    let number = faults.number();
    let tracking = Tracking::Tracked(faults, PageMap::open().unwrap());
    let kit = kit_with(tracking, settings());
    let machine = Machine::new(&kit);
    let mut guest = machine.guest();
    guest.poke(5, 5).unwrap();
    replace(number, &File::open("/dev/null").unwrap());
    drop(guest);
    assert_eq!(kit.memories.statistics().discarded, 1);
    assert!(kit.doubt.reason().is_some());
    // A new slot cannot be watched any more, and is refused.
    assert!(machine.try_guest().is_err());
}

#[test]
fn a_page_map_that_lies_is_found_out_by_comparing() {
    let mut other = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
    let path = format!("/proc/{}/pagemap", other.id());
    let tracking = || Tracking::Listed(PageMap::from_file(File::open(&path).unwrap()));
    assert_discards_and_stays_right(&kit_with(tracking(), settings()), 3);
    assert!(matches!(check(&tracking()), Err(MemoryError::Differs(_))));
    // Nobody would have noticed without.
    let unchecked = Settings { verify_every: 0, ..settings() };
    let kit = kit_with(tracking(), unchecked);
    let machine = Machine::new(&kit);
    machine.guest().poke(5, 99).unwrap();
    assert_eq!(machine.guest().peek(5).unwrap(), 99);
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn a_module_of_another_build_gets_no_memory() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        for pages in [IMAGE / WASM_PAGE - 1, IMAGE / WASM_PAGE + 1] {
            let refused = Machine::with_pages(&kit, pages).try_guest().err().unwrap();
            assert!(format!("{refused:#}").contains("different builds"), "{refused:#}");
        }
        assert!(Machine::new(&kit).try_guest().is_ok());
        assert!(kit.doubt.reason().is_none());
    });
}

#[expect(unsafe_code, reason = "replaces a descriptor that another thread's test does not use")]
fn replace(number: i32, by: &File) {
    use std::os::fd::AsRawFd;
    // SAFETY: the number is that of an open descriptor of this test alone, and stays open.
    assert!(unsafe { libc::dup2(by.as_raw_fd(), number) } >= 0);
}
