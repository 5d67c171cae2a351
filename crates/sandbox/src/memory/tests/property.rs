//! Whatever guests did, the next one finds the snapshot, byte for byte, and zeros above it.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::guest::{Guest, Machine};
use super::{IMAGE, LARGEST, kit, pattern, settings, under_every_recipe};
use crate::memory::WASM_PAGE;

/// Instances alive at the same time, in each thread.
const ALIVE: usize = 6;

#[test]
fn every_memory_is_the_snapshot_again_whatever_was_done_to_the_one_before() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        drive(&machine, 1, 400);
        let statistics = kit.memories.statistics();
        println!("{statistics:?}");
        assert_eq!(statistics.resets, statistics.verified);
        assert_eq!((kit.doubt.reason(), statistics.discarded), (None, 0));
        assert!(statistics.made < statistics.resets / 4, "slots are used again");
        assert!(statistics.dropped > 0, "budgets are exceeded now and then");
    });
}

#[test]
fn memories_of_several_threads_do_not_disturb_each_other() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        std::thread::scope(|scope| {
            for seed in 10..14 {
                let machine = &machine;
                scope.spawn(move || drive(machine, seed, 100));
            }
        });
        let statistics = kit.memories.statistics();
        assert!(statistics.resets >= 400);
        assert_eq!(statistics.resets, statistics.verified);
        assert_eq!((kit.doubt.reason(), statistics.discarded), (None, 0));
    });
}

/// A guest and what its memory must hold.
struct Tenant {
    guest: Guest,
    model: Vec<u8>,
}

/// Makes `rounds` guests, lets them act in random order, and ends them in random order.
fn drive(machine: &Machine, seed: u64, rounds: usize) {
    let image = pattern(IMAGE);
    let random = &mut StdRng::seed_from_u64(seed);
    let mut tenants: Vec<Tenant> = Vec::new();
    for round in 0..rounds {
        let mut guest = machine.guest();
        assert!(guest.bytes() == image, "round {round} of seed {seed}: not the snapshot");
        if random.random_bool(0.1) {
            guest.assert_new(&image);
        }
        let model = guest.bytes().to_vec();
        tenants.push(Tenant { guest, model });
        for _ in 0..random.random_range(1..30) {
            let chosen = random.random_range(0..tenants.len());
            tenants[chosen].act(random);
        }
        while tenants.len() > random.random_range(0..=ALIVE) {
            let leaving = tenants.swap_remove(random.random_range(0..tenants.len()));
            assert!(leaving.guest.bytes() == leaving.model, "round {round}: others wrote here");
        }
    }
}

impl Tenant {
    fn act(&mut self, random: &mut StdRng) {
        let size = self.model.len();
        let (guest, model) = (&mut self.guest, &mut self.model);
        match random.random_range(0..12) {
            0..=4 => {
                let (address, byte) = (random.random_range(0..size), random.random());
                guest.poke(address, byte).unwrap();
                model[address] = byte;
            }
            5 | 6 => {
                let (start, byte) = (random.random_range(0..size), random.random());
                let longest = if random.random_bool(0.05) { size } else { 40_000 };
                let length = random.random_range(0..=longest).min(size - start);
                guest.fill(start, byte, length).unwrap();
                model[start..start + length].fill(byte);
            }
            7 => {
                let length = random.random_range(0..20_000);
                let from = random.random_range(0..size - length);
                let to = random.random_range(0..size - length);
                guest.copy(to, from, length).unwrap();
                model.copy_within(from..from + length, to);
            }
            8 | 9 => {
                let pages = random.random_range(0..12);
                let possible = size + pages * WASM_PAGE <= LARGEST;
                assert_eq!(guest.grow(pages), possible);
                model.resize(if possible { size + pages * WASM_PAGE } else { size }, 0);
            }
            10 => assert!(guest.fail().is_err()),
            _ => ends_where_it_should(guest, size),
        }
        assert_eq!(self.guest.bytes().len(), self.model.len());
    }
}

/// The last byte can be read; everything after it, up to the end of what can be named, is a trap.
fn ends_where_it_should(guest: &mut Guest, size: usize) {
    assert!(guest.peek(size - 1).is_ok());
    let outside = [size, size + 1, size + 4096, LARGEST, u32::MAX as usize];
    for address in outside {
        assert!(guest.peek(address).is_err(), "{address:#x} of {size:#x} can be read");
        assert!(guest.poke(address, 1).is_err(), "{address:#x} of {size:#x} can be written");
    }
    assert!(guest.peek_far(0).is_err());
    assert!(guest.peek_far(u32::MAX as usize).is_err());
    assert!(guest.fill(size - 1, 0, 2).is_err());
}
