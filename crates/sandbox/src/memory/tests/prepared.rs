//! Memories that begin with what another instance left on purpose, and nothing else of it.

use std::sync::Arc;

use super::guest::{Guest, Machine};
use super::{IMAGE, kit, pattern, settings, under_every_recipe};
use crate::memory::delta::{Delta, prepared, recorded};
use crate::memory::{MemoryError, Settings, WASM_PAGE};

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// What a memory holds after `prepare`, and the delta that says so.
fn record(machine: &Machine, prepare: impl FnOnce(&mut Guest)) -> (Vec<u8>, Arc<Delta>) {
    let (mut guest, recording) = run(recorded(async { machine.guest() }));
    prepare(&mut guest);
    let bytes = guest.bytes().to_vec();
    (bytes, Arc::new(recording.finish(guest.store).unwrap()))
}

fn begin(machine: &Machine, delta: &Arc<Delta>) -> wasmtime::Result<Guest> {
    run(prepared(Arc::clone(delta), async { machine.try_guest() }))
}

/// Writes to both parts, so that pages differ, are written with the same bytes, and stay zero.
fn load(guest: &mut Guest) {
    assert!(guest.grow(5));
    guest.poke(4096 * 3 + 17, 201).unwrap();
    guest.fill(4096 * 100, 202, 9000).unwrap();
    guest.copy(4096 * 200, 4096 * 200, 4096).unwrap();
    guest.fill(IMAGE + 4096 * 5, 203, 4096 * 2).unwrap();
    guest.fill(IMAGE + 4096 * 9, 0, 4096).unwrap();
}

#[test]
fn an_instance_begins_with_what_was_recorded_and_the_next_one_with_the_snapshot() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let (machine, image) = (Machine::new(&kit), pattern(IMAGE));
        let (bytes, delta) = record(&machine, load);
        assert_eq!((delta.memory_bytes(), delta.len()), (IMAGE + 5 * WASM_PAGE, 6 * 4096));
        for round in 0..5 {
            let mut guest = begin(&machine, &delta).unwrap();
            assert!(guest.bytes() == bytes, "round {round}");
            assert!(guest.peek(bytes.len()).is_err(), "its size is the one recorded");
            assert!(guest.grow(3));
            assert!(guest.bytes()[bytes.len()..].iter().all(|byte| *byte == 0));
            guest.fill(round * 50_000, 255, 100_000).unwrap();
            drop(guest);
            machine.guest().assert_new(&image);
        }
        let statistics = kit.memories.statistics();
        assert_eq!((statistics.resets, statistics.discarded), (statistics.verified, 0));
        assert_eq!(kit.doubt.reason(), None);
    });
}

#[test]
fn instances_of_several_preparations_live_side_by_side() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        let nothing = record(&machine, |_| {});
        assert_eq!((nothing.1.memory_bytes(), nothing.1.len()), (IMAGE, 0));
        let loaded = record(&machine, load);
        let large = record(&machine, |guest| {
            assert!(guest.grow(40));
            guest.fill(1, 77, IMAGE + 30 * WASM_PAGE).unwrap();
        });
        let preparations = [nothing, loaded, large];
        let mut guests = Vec::new();
        for number in 0..12 {
            let (bytes, delta) = &preparations[number * 7 % 3];
            let guest = begin(&machine, delta).unwrap();
            assert!(guest.bytes() == bytes);
            guests.push((guest, bytes));
            if number % 4 == 3 {
                drop(guests.swap_remove(number % guests.len()));
            }
        }
        assert!(guests.iter().all(|(guest, bytes)| guest.bytes() == *bytes));
    });
}

#[test]
fn a_prepared_instance_can_be_recorded_again() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        let (_, first) = record(&machine, load);
        let (mut guest, recording) = run(recorded(async { begin_within(&machine, &first).await }));
        guest.poke(9, 9).unwrap();
        let bytes = guest.bytes().to_vec();
        let second = Arc::new(recording.finish(guest.store).unwrap());
        assert_eq!(second.len(), first.len() + 4096);
        assert!(begin(&machine, &second).unwrap().bytes() == bytes);
    });
}

async fn begin_within(machine: &Machine, delta: &Arc<Delta>) -> Guest {
    prepared(Arc::clone(delta), async { machine.guest() }).await
}

#[test]
fn a_delta_fits_the_memories_it_was_made_from_only() {
    under_every_recipe(|recipe| {
        let kit_of_one = kit(recipe, settings());
        let kit_of_other = kit(recipe, settings());
        let machine = Machine::new(&kit_of_one);
        let (_, delta) = record(&machine, load);
        let refused = begin(&Machine::new(&kit_of_other), &delta).err().unwrap();
        assert!(format!("{refused:#}").contains("does not fit"), "{refused:#}");
        assert!(begin(&machine, &delta).is_ok());
    });
}

#[test]
fn what_is_not_finished_with_its_own_store_is_not_recorded() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { idle_max: 4, ..settings() });
        let machine = Machine::new(&kit);
        let (guest, recording) = run(recorded(async { machine.guest() }));
        let other = machine.guest();
        assert!(matches!(recording.finish(other.store), Err(MemoryError::NotRecorded)));
        drop(guest);
        let (guest, recording) = run(recorded(async { machine.guest() }));
        drop(guest);
        let later = machine.guest();
        assert!(matches!(recording.finish(later.store), Err(MemoryError::NotRecorded)));
        let (guest, recording) = run(recorded(async { machine.guest() }));
        assert!(recording.finish(guest.store).is_ok());
    });
}
