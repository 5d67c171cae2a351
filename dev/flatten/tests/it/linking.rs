//! What the merged modules share, and in which order they come to be.

use anyhow::Result;

use crate::components::{items, modules, refusal, same_answers};

const DATA: u8 = 11;

/// A library that is loaded at a place that another module chooses, as dynamic linking does it.
const SHARED: &str = r#"(component
  (core module $main
    (memory (export "memory") 2)
    (table (export "table") 8 funcref)
    (global (export "stack") (mut i32) (i32.const 65536))
    (global (export "memory_base") i32 (i32.const 1024))
    (global (export "table_base") i32 (i32.const 3))
    (type $unary (func (param i32) (result i32)))
    (func $double (type $unary) (i32.mul (local.get 0) (i32.const 2)))
    (elem (i32.const 1) func $double)
    (data (i32.const 8) "\05\00\00\00")
    (func (export "apply") (param i32 i32) (result i32)
      (call_indirect (type $unary) (local.get 0) (local.get 1))))
  (core module $library
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 2 funcref))
    (import "env" "stack" (global $stack (mut i32)))
    (import "env" "memory_base" (global $memory_base i32))
    (import "env" "table_base" (global $table_base i32))
    (import "env" "apply" (func $apply (param i32 i32) (result i32)))
    (type $unary (func (param i32) (result i32)))
    (func $add (type $unary) (i32.add (local.get 0) (i32.load (i32.const 8))))
    (func $push (type $unary)
      (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
      (i32.sub (global.get $stack) (local.get 0)))
    (elem (offset (i32.add (global.get $table_base) (i32.const 1))) func $add $push)
    (data (global.get $memory_base) "\64\00\00\00")
    (func (export "run") (param i32) (result i32)
      (local $sum i32)
      (local.set $sum (call $apply (local.get 0) (i32.const 1)))
      (local.set $sum (i32.add (local.get $sum)
        (call $apply (local.get 0) (i32.add (global.get $table_base) (i32.const 1)))))
      (local.set $sum (i32.add (local.get $sum) (call $apply (local.get 0) (i32.const 5))))
      (i32.add (local.get $sum) (i32.load (global.get $memory_base)))))
  (core instance $main (instantiate $main))
  (core instance $library (instantiate $library (with "env" (instance $main))))
  (func (export "run") (param "number" s32) (result s32)
    (canon lift (core func $library "run"))))"#;

#[test]
fn modules_that_share_memory_table_and_globals_compute_the_same() -> Result<()> {
    // 2n + (n + 5) + (stack − n) + 100, and the stack goes down by 16 in each call.
    let flattened = same_answers(SHARED, &[1, 1, 10], &[65_627, 65_611, 65_613])?;
    assert_eq!(modules(&flattened.merged)?.len(), 1);
    Ok(())
}

#[test]
fn the_image_holds_the_memory_and_the_stripped_component_all_but_that() -> Result<()> {
    let flattened = same_answers(SHARED, &[1], &[65_627])?;
    assert_eq!(flattened.image.len(), 2 * 65_536);
    let mut expected = vec![0; 2 * 65_536];
    expected[8] = 5;
    expected[1024] = 100;
    assert_eq!(flattened.image, expected);

    let [merged, stripped] = [modules(&flattened.merged)?, modules(&flattened.stripped)?];
    let without_data: Vec<Vec<_>> = merged
        .into_iter()
        .map(|sections| sections.into_iter().filter(|(id, _)| *id != DATA).collect())
        .collect();
    assert_eq!(stripped, without_data);
    assert_eq!(items(&flattened.merged, DATA)?, 1);
    Ok(())
}

#[test]
fn a_later_segment_wins_over_an_earlier_one() -> Result<()> {
    let flattened = same_answers(
        r#"(component
          (core module $main
            (memory (export "memory") 1)
            (table (export "table") 2 funcref)
            (func $first (result i32) (i32.const 10))
            (elem (i32.const 0) func $first $first)
            (data (i32.const 0) "\01\01")
            (func (export "at") (param i32) (result i32)
              (call_indirect (result i32) (local.get 0))))
          (core module $other
            (import "main" "memory" (memory 1))
            (import "main" "table" (table 2 funcref))
            (import "main" "at" (func $at (param i32) (result i32)))
            (func $second (result i32) (i32.const 20))
            (elem (i32.const 1) func $second)
            (data (i32.const 1) "\00")
            (func (export "run") (param i32) (result i32)
              (i32.add (call $at (local.get 0)) (i32.load8_u (local.get 0)))))
          (core instance $main (instantiate $main))
          (core instance $other (instantiate $other (with "main" (instance $main))))
          (func (export "run") (param "number" s32) (result s32)
            (canon lift (core func $other "run"))))"#,
        &[0, 1],
        &[11, 20],
    )?;
    assert_eq!(flattened.image.get(..3), Some([1, 0, 0].as_slice()));
    Ok(())
}

#[test]
fn a_module_that_is_instantiated_twice_keeps_two_states() -> Result<()> {
    same_answers(
        r#"(component
          (core module $memory (memory (export "memory") 1))
          (core module $counter
            (import "base" "start" (global $start i32))
            (global $count (mut i32) (global.get $start))
            (func (export "next") (result i32)
              (global.set $count (i32.add (global.get $count) (i32.const 1)))
              (global.get $count)))
          (core module $bases
            (global (export "low") i32 (i32.const 0))
            (global (export "high") i32 (i32.const 1000)))
          (core module $main
            (import "low" "next" (func $low (result i32)))
            (import "high" "next" (func $high (result i32)))
            (func (export "run") (param i32) (result i32)
              (if (result i32) (local.get 0) (then (call $high)) (else (call $low)))))
          (core instance $memory (instantiate $memory))
          (core instance $bases (instantiate $bases))
          (alias core export $bases "low" (core global $low_start))
          (alias core export $bases "high" (core global $high_start))
          (core instance $low_base (export "start" (global $low_start)))
          (core instance $high_base (export "start" (global $high_start)))
          (core instance $low (instantiate $counter (with "base" (instance $low_base))))
          (core instance $high (instantiate $counter (with "base" (instance $high_base))))
          (core instance $main (instantiate $main
            (with "low" (instance $low)) (with "high" (instance $high))))
          (func (export "run") (param "number" s32) (result s32)
            (canon lift (core func $main "run"))))"#,
        &[0, 0, 1, 0, 1],
        &[1, 2, 1001, 3, 1002],
    )?;
    Ok(())
}

/// Two modules with start functions; `segment` belongs to the second one.
fn with_starts(segment: &str) -> String {
    format!(
        r#"(component
          (core module $main
            (memory (export "memory") 1)
            (data (i32.const 0) "\02")
            (func $start (i32.store (i32.const 0)
              (i32.mul (i32.load (i32.const 0)) (i32.const 10))))
            (start $start)
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))
          (core module $second
            (import "main" "memory" (memory 1))
            (import "main" "load" (func $load (param i32) (result i32)))
            {segment}
            (func $start (i32.store (i32.const 0)
              (i32.add (i32.load (i32.const 0)) (i32.const 3))))
            (start $start)
            (func (export "run") (param i32) (result i32) (call $load (local.get 0))))
          (core instance $main (instantiate $main))
          (core instance $second (instantiate $second (with "main" (instance $main))))
          (func (export "run") (param "number" s32) (result s32)
            (canon lift (core func $second "run"))))"#
    )
}

#[test]
fn start_functions_run_in_the_order_of_the_instances() -> Result<()> {
    same_answers(&with_starts(""), &[0], &[23])?;
    Ok(())
}

#[test]
fn a_start_function_that_precedes_a_segment_is_refused() -> Result<()> {
    let refused = refusal(&with_starts(r#"(data (i32.const 0) "\05")"#))?;
    assert!(matches!(refused, flatten::Error::StartOrder(0)), "{refused}");
    Ok(())
}
