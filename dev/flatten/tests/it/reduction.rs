//! What is left out, what is folded, and what has to stay.

use anyhow::Result;

use crate::components::{items, same_answers};

const TYPES: u8 = 1;
const FUNCTIONS: u8 = 3;
const TABLES: u8 = 4;
const GLOBALS: u8 = 6;
const ELEMENTS: u8 = 9;

fn component(main: &str) -> String {
    format!(
        r#"(component
          (core module $main (memory (export "memory") 1) {main})
          (core instance $main (instantiate $main))
          (func (export "run") (param "number" s32) (result s32)
            (canon lift (core func $main "run"))))"#
    )
}

#[test]
fn functions_that_nothing_reaches_go_with_their_types_and_tables() -> Result<()> {
    let flattened = same_answers(
        &component(
            r#"(table 1 funcref)
            (elem (i32.const 0) func $unused)
            (func $unused (param f64) (result i32) (call $also))
            (func $also (result i32) (call_indirect (result i32) (i32.const 0)))
            (func $helper (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
            (func (export "unused") (param f32) (result f32) (local.get 0))
            (func (export "run") (param i32) (result i32) (call $helper (local.get 0)))"#,
        ),
        &[1, 41],
        &[2, 42],
    )?;
    assert_eq!((flattened.functions_before, flattened.functions_after), (5, 2));
    let counts = [TYPES, FUNCTIONS, TABLES, ELEMENTS].map(|id| items(&flattened.merged, id).ok());
    assert_eq!(counts, [Some(1), Some(2), Some(0), Some(0)]);
    Ok(())
}

#[test]
fn functions_that_only_a_table_reaches_stay() -> Result<()> {
    let flattened = same_answers(
        &component(
            r#"(table 3 funcref)
            (elem (i32.const 1) func $one $two)
            (func $one (result i32) (i32.const 1))
            (func $two (result i32) (call $helper))
            (func $helper (result i32) (i32.const 2))
            (func (export "run") (param i32) (result i32)
              (call_indirect (result i32) (local.get 0)))"#,
        ),
        &[1, 2],
        &[1, 2],
    )?;
    assert_eq!((flattened.functions_before, flattened.functions_after), (4, 4));
    Ok(())
}

#[test]
fn a_global_that_reachable_code_sets_stays_and_the_others_become_constants() -> Result<()> {
    let flattened = same_answers(
        &component(
            r#"(global $set (mut i32) (i32.const 5))
            (global $never_set (mut i32) (i32.const -7))
            (global $long i64 (i64.const 4294967296))
            (global $float f64 (f64.const 0.5))
            (func (export "unused") (global.set $never_set (i32.const 0)))
            (func (export "run") (param i32) (result i32)
              (global.set $set (i32.add (global.get $set) (local.get 0)))
              (i32.add (global.get $set)
                (i32.add (global.get $never_set)
                  (i32.add (i32.wrap_i64 (i64.shr_u (global.get $long) (i64.const 32)))
                    (i32.trunc_f64_s (f64.mul (global.get $float) (f64.const 200)))))))"#,
        ),
        &[1, 1],
        &[100, 101],
    )?;
    assert_eq!(items(&flattened.merged, GLOBALS)?, 1);
    Ok(())
}

#[test]
fn functions_whose_address_is_taken_are_declared() -> Result<()> {
    let flattened = same_answers(
        &component(
            r#"(table $calls 1 funcref)
            (table $unused 1 funcref)
            (elem declare func $by_code)
            (global $by_global funcref (ref.func $held))
            (func $by_code (result i32) (i32.const 10))
            (func $held (result i32) (i32.const 20))
            (func (export "run") (param i32) (result i32)
              (table.set $calls (i32.const 0)
                (select (result funcref)
                  (ref.func $by_code) (global.get $by_global) (local.get 0)))
              (call_indirect $calls (result i32) (i32.const 0)))"#,
        ),
        &[1, 0],
        &[10, 20],
    )?;
    assert_eq!(items(&flattened.merged, TABLES)?, 1);
    assert_eq!(items(&flattened.merged, GLOBALS)?, 1);
    Ok(())
}

#[test]
fn every_instruction_with_an_index_leads_to_the_same_item() -> Result<()> {
    // The unused items in front give each kind of index another value than it had.
    same_answers(
        &component(
            r#"(type $unused (func (param f32 f32)))
            (table $unused 1 funcref)
            (global $unused i32 (i32.const 1))
            (func $unused_function (type $unused) nop)
            (type $pair (func (param i32) (result i32 i32)))
            (type $unary (func (param i32) (result i32)))
            (table $left 4 funcref)
            (table $right 4 funcref)
            (table $third 4 funcref)
            (elem (table $left) (i32.const 0) func $square $tail)
            (func $square (type $unary) (i32.mul (local.get 0) (local.get 0)))
            (func $tail (type $unary) (return_call $square (i32.add (local.get 0) (i32.const 1))))
            (func $indirect (type $unary)
              (return_call_indirect $third (type $unary) (local.get 0) (i32.const 3)))
            (func (export "run") (param i32) (result i32)
              (table.copy $third $left (i32.const 2) (i32.const 0) (i32.const 2))
              (table.fill $right (i32.const 0) (ref.null func) (i32.const 2))
              (drop (table.grow $right (ref.null func) (i32.const 5)))
              (table.set $left (i32.const 3) (table.get $third (i32.const 3)))
              (local.get 0)
              (block (param i32) (result i32 i32) (local.tee 0) (call $indirect (local.get 0)))
              (loop (param i32 i32) (result i32) i32.add)
              (if (param i32) (result i32) (i32.const 1) (then (i32.const 1000) i32.add))
              (i32.add (table.size $right))
              (i32.add (call_indirect $left (type $unary) (i32.const 2) (i32.const 3))))"#,
        ),
        // n + (n + 1)² + 1000 + the grown size + 9
        &[1, 2],
        &[1023, 1034],
    )?;
    Ok(())
}
