//! Memories and stacks under every recipe. The tests need nothing but this program and a kernel, so
//! that it can be taken to another machine: `sandbox-… memory::`.

mod faults;
mod guest;
mod keeping;
mod prepared;
mod property;
mod stacks;
mod swap;

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::probe::Probe;
use super::tracking::Tracking;
use super::{Image, Kit, Recipe, Settings, WASM_PAGE};

/// The length of the images that these tests use.
const IMAGE: usize = 32 * WASM_PAGE;

/// What their memories may grow to.
const LARGEST: usize = 160 * WASM_PAGE;

/// Bytes in which no page is like another or all zeros.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|byte| (byte / 253 + byte / 4096 + 1).to_le_bytes()[0] | 1).collect()
}

/// Every reset is checked, and budgets are small enough to be exceeded now and then.
fn settings() -> Settings {
    Settings {
        memory_max: LARGEST,
        image_kept: IMAGE / 4,
        grown_kept: 8 * WASM_PAGE,
        idle_max: 16,
        verify_every: 1,
        ..Settings::default()
    }
}

/// Runs `test` under each of our recipes that works here, and says which do not.
fn under_every_recipe(test: impl Fn(Recipe)) {
    let demanded = std::env::var_os("MCPBOX_REQUIRE_RECIPES").is_some();
    for recipe in Recipe::OWN {
        let probe = Probe::first_of(&[recipe]);
        if probe.recipe() == recipe {
            println!("{recipe}:");
            test(recipe);
            continue;
        }
        println!("{recipe}: NOT TESTED, {:?}", probe.skipped());
        assert!(!demanded, "{recipe} does not work here: {:?}", probe.skipped());
    }
}

fn kit(recipe: Recipe, settings: Settings) -> Kit {
    kit_with(Tracking::open(recipe).unwrap(), settings)
}

fn kit_with(tracking: Tracking, settings: Settings) -> Kit {
    let image = Arc::new(Image::new(&pattern(IMAGE)).unwrap());
    Kit::with(image, Arc::new(tracking), settings)
}

/// What `/proc/self/pagemap` says about a page.
struct PageEntry {
    present: bool,
    swapped: bool,
    /// Not a page of a file, and not a mere note that a page is write-protected.
    own: bool,
}

fn page_entries(addresses: &Range<usize>) -> impl Iterator<Item = PageEntry> {
    let page = rustix::param::page_size();
    let mut entries = vec![0; addresses.len() / page * 8];
    let map = File::open("/proc/self/pagemap").unwrap();
    map.read_exact_at(&mut entries, (addresses.start / page * 8) as u64).unwrap();
    let entries: Vec<_> =
        entries.chunks(8).map(|entry| u64::from_ne_bytes(entry.try_into().unwrap())).collect();
    entries.into_iter().map(|entry| {
        let bit = |number: u32| entry >> number & 1 == 1;
        PageEntry { present: bit(63), swapped: bit(62), own: !bit(61) && !bit(57) }
    })
}

#[test]
fn the_probe_takes_the_first_allowed_recipe_that_works() {
    let probe = Probe::first_of(&Recipe::OWN);
    assert_ne!(probe.recipe(), Recipe::Pool, "mapping anew works everywhere");
    println!("{} is used, skipped are {:?}", probe.recipe(), probe.skipped());
    assert_eq!(Probe::first_of(&[Recipe::Dropped]).recipe(), Recipe::Dropped);
    let none = Probe::first_of(&[]);
    assert_eq!((none.recipe(), none.skipped().len()), (Recipe::Pool, 0));
    let image = Arc::new(Image::new(&pattern(IMAGE)).unwrap());
    assert!(Kit::new(Arc::clone(&image), &none, settings()).is_none());
    assert!(Kit::new(image, &probe, settings()).is_some());
}
