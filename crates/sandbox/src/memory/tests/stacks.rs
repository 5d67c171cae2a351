//! Stacks: nothing of the store before is left on one, and nothing below one can be touched.
#![expect(unsafe_code, reason = "reads and writes stacks as wasmtime does")]

use std::ops::Range;

use wasmtime::{StackCreator, StackMemory};

use super::guest::Machine;
use super::{kit, settings, under_every_recipe};
use crate::memory::{Kit, Settings};

const SIZE: usize = 1 << 20;

fn new_stack(kit: &Kit) -> Box<dyn StackMemory> {
    kit.stacks.new_stack(SIZE, true).unwrap()
}

fn bytes(stack: &mut dyn StackMemory) -> &mut [u8] {
    let Range { start, end } = stack.range();
    // SAFETY: the stack belongs to the test, and nothing runs on it.
    unsafe {
        std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(start), end - start)
    }
}

fn is_zero(stack: &mut dyn StackMemory) -> bool {
    bytes(stack).iter().all(|byte| *byte == 0)
}

#[test]
fn a_stack_that_is_used_again_is_zero() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let mut places = Vec::new();
        // One page, a little at the top, pages here and there, more than the budget.
        let used = [(0..SIZE, SIZE), (SIZE - 9000..SIZE, 1), (0..SIZE, 50_000), (0..SIZE, 1)];
        for (part, step) in used {
            let mut stack = new_stack(&kit);
            assert!(is_zero(&mut *stack));
            bytes(&mut *stack)[part].iter_mut().step_by(step).for_each(|byte| *byte = 0xEE);
            places.push(stack.range());
            drop(stack);
            assert!(kit.stacks.idle().1 <= settings().stack_kept);
        }
        assert!(is_zero(&mut *new_stack(&kit)));
        assert!(places.iter().all(|place| *place == places[0]), "the same stack each time");
        assert_eq!(kit.doubt.reason(), None);
    });
}

#[test]
fn a_guest_leaves_nothing_on_its_stack() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, settings());
        let machine = Machine::new(&kit);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut guest = machine.guest_on_stack().await;
            assert_eq!(guest.deep(2000).await.unwrap(), 2000 * 2001 / 2 + 1);
            let mut endless = machine.guest_on_stack().await;
            let trap = endless.deep(i64::MAX).await.unwrap_err();
            assert!(matches!(trap.downcast_ref(), Some(wasmtime::Trap::StackOverflow)));
        });
        assert_eq!(kit.stacks.idle().0, 2);
        let mut stacks = [new_stack(&kit), new_stack(&kit)];
        assert_eq!(kit.stacks.idle().0, 0);
        assert!(stacks.iter_mut().all(|stack| is_zero(&mut **stack)));
    });
}

#[test]
fn below_a_stack_lies_memory_that_nobody_can_access() {
    under_every_recipe(|recipe| {
        let kit = kit(recipe, Settings { idle_max: 1, ..settings() });
        let stacks = [new_stack(&kit), new_stack(&kit)];
        for stack in &stacks {
            let (range, guard) = (stack.range(), stack.guard_range());
            assert_eq!(guard.end.addr(), range.start);
            assert_eq!((stack.top().addr(), range.len()), (range.end, SIZE));
            assert!(guard.end.addr() - guard.start.addr() >= 4096);
            assert_eq!(access(guard.start.addr()), "---p");
            assert_eq!(access(guard.end.addr() - 1), "---p");
            assert_eq!(access(range.start), "rw-p");
            assert_eq!(access(range.end - 1), "rw-p");
        }
        drop(stacks);
        assert_eq!(kit.stacks.idle().0, 1, "one is more than is kept");
    });
}

/// The access that this process has to an address.
fn access(address: usize) -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let found = maps.lines().find(|line| {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let number = |digits| usize::from_str_radix(digits, 16).unwrap();
        (number(start)..number(end)).contains(&address)
    });
    found.unwrap().split_whitespace().nth(1).unwrap().to_owned()
}
