//! Pages that went to swap before the reset. On a machine without swap these tests show less; with
//! `MCPBOX_REQUIRE_SWAP` set they fail there.
#![expect(unsafe_code, reason = "asks the kernel to move pages to swap")]

use std::ops::Range;

use wasmtime::StackCreator;

use super::guest::Machine;
use super::{IMAGE, kit, page_entries, pattern, settings, under_every_recipe};
use crate::memory::{Recipe, WASM_PAGE};

/// Moves pages to swap and returns how many of them are there.
fn swap_out(addresses: &Range<usize>) -> usize {
    let start = std::ptr::with_exposed_provenance_mut(addresses.start);
    // SAFETY: the advice does not change what the pages hold; the addresses are mapped.
    let refused = unsafe { libc::madvise(start, addresses.len(), libc::MADV_PAGEOUT) };
    assert_eq!(refused, 0, "{}", std::io::Error::last_os_error());
    page_entries(addresses).filter(|entry| entry.own && entry.swapped).count()
}

fn assert_swapped(pages: usize, what: &str) {
    println!("{pages} pages of {what} were in swap");
    let demanded = std::env::var_os("MCPBOX_REQUIRE_SWAP").is_some();
    assert!(pages > 0 || !demanded, "no page of {what} was swapped out");
}

#[test]
fn pages_in_swap_are_reset_as_well() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        let image = pattern(IMAGE);
        // Twice: pages of a slot that is used again have been in swap before.
        for round in 0..4 {
            let mut guest = machine.guest();
            assert!(guest.bytes() == image, "round {round}");
            assert!(guest.grow(4));
            for page in (0..IMAGE / 4096).step_by(5) {
                guest.poke(page * 4096 + 9, 0xEE).unwrap();
            }
            guest.fill(IMAGE + WASM_PAGE, 0xEF, 2 * WASM_PAGE).unwrap();
            let addresses = guest.addresses().start..guest.addresses().start + IMAGE;
            assert_swapped(swap_out(&addresses), "the image");
            let grown = addresses.end..addresses.end + 4 * WASM_PAGE;
            assert_swapped(swap_out(&grown), "the part above it");
            if round % 2 == 1 {
                // Some come back by being read, some by being written.
                assert_eq!(guest.peek(9).unwrap(), 0xEE);
                guest.poke(5 * 4096 + 10, 0xEF).unwrap();
                assert_eq!(guest.peek(IMAGE + WASM_PAGE).unwrap(), 0xEF);
            }
        }
        // And pages of a slot that waits; mapped anew, it has none.
        let addresses = machine.guest().addresses();
        let pages = swap_out(&(addresses.start..addresses.start + IMAGE));
        if recipe == Recipe::Dropped {
            assert_eq!(pages, 0);
        } else {
            assert_swapped(pages, "an idle slot");
        }
        machine.guest().assert_new(&image);
        machine.guest().assert_new(&image);
        let statistics = kit.memories.statistics();
        assert_eq!((statistics.discarded, kit.doubt.reason()), (0, None));
        assert_eq!(statistics.resets, statistics.verified);
    });
}

#[test]
fn the_image_itself_may_go_to_swap() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        let image = pattern(IMAGE);
        for _ in 0..3 {
            let mut guest = machine.guest();
            guest.assert_new(&image);
            guest.fill(0, 1, 5 * 4096).unwrap();
            // Pages never written are pages of the image's file; they leave the mapping.
            let addresses = guest.addresses();
            swap_out(&(addresses.start..addresses.start + IMAGE));
            assert_eq!(guest.peek(7 * 4096).unwrap(), i32::from(image[7 * 4096]));
            guest.poke(8 * 4096, 2).unwrap();
        }
        machine.guest().assert_new(&image);
        assert_eq!((kit.memories.statistics().discarded, kit.doubt.reason()), (0, None));
    });
}

#[test]
fn a_stack_in_swap_is_zeroed_as_well() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let stack = kit.stacks.new_stack(1 << 20, true).unwrap();
        let place = stack.range();
        let start = std::ptr::with_exposed_provenance_mut::<u8>(place.end - 8 * 4096);
        // SAFETY: the stack belongs to this test.
        unsafe { start.write_bytes(0xEE, 8 * 4096) };
        assert_swapped(swap_out(&place), "a stack");
        drop(stack);
        let stack = kit.stacks.new_stack(1 << 20, true).unwrap();
        assert_eq!(stack.range(), place);
        // SAFETY: the stack belongs to this test.
        let bytes = unsafe { std::slice::from_raw_parts(start, 8 * 4096) };
        assert!(bytes.iter().all(|byte| *byte == 0));
    });
}
