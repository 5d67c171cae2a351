//! What is refused, each beside the same thing as it is allowed.

use anyhow::Result;
use flatten::Error;

use crate::components::{flattened, refusal, same_answers};

fn component(main: &str, rest: &str) -> String {
    format!(
        r#"(component
          (core module $main {main}
            (func (export "run") (param i32) (result i32) (local.get 0)))
          (core instance $main (instantiate $main))
          (func (export "run") (param "number" s32) (result s32)
            (canon lift (core func $main "run")))
          {rest})"#
    )
}

const MEMORY: &str = r#"(memory (export "memory") 1)"#;

fn in_main(main: &str) -> String {
    component(&format!("{MEMORY} {main}"), "")
}

#[test]
fn exactly_one_memory_is_allowed() -> Result<()> {
    same_answers(&in_main(""), &[3], &[3])?;
    let none = refusal(&component("", ""))?;
    assert!(matches!(none, Error::Memories(0)), "{none}");
    let second = r"(core module $second (memory 1)) (core instance (instantiate $second))";
    let two = refusal(&component(MEMORY, second))?;
    assert!(matches!(two, Error::Memories(2)), "{two}");
    Ok(())
}

#[test]
fn segments_must_be_active() -> Result<()> {
    same_answers(&in_main(r#"(data (i32.const 0) "x")"#), &[3], &[3])?;
    let data = refusal(&in_main(r#"(data "x")"#))?;
    assert!(matches!(data, Error::PassiveSegment), "{data}");

    let table = "(table 1 funcref) (func $f)";
    same_answers(&in_main(&format!("{table} (elem (i32.const 0) func $f)")), &[3], &[3])?;
    let elements = refusal(&in_main(&format!("{table} (elem func $f)")))?;
    assert!(matches!(elements, Error::PassiveSegment), "{elements}");
    Ok(())
}

#[test]
fn code_may_not_drop_or_repeat_a_segment() -> Result<()> {
    let used = |code: &str| {
        let main = format!(
            r#"(data $d (i32.const 0) "x") (table 1 funcref) (elem $e (i32.const 0) func $f)
            (func $f {code}) (func $start (call $f)) (start $start)"#
        );
        in_main(&main)
    };
    let none = "(i32.const 0) (i32.const 0) (i32.const 0)";
    same_answers(&used(&format!("(memory.fill {none})")), &[3], &[3])?;
    let instructions = [
        "(data.drop $d)".to_owned(),
        "(elem.drop $e)".to_owned(),
        format!("(memory.init $d {none})"),
        format!("(table.init $e {none})"),
    ];
    for instruction in instructions {
        let refused = refusal(&used(&instruction))?;
        assert!(matches!(refused, Error::PassiveSegment), "{instruction}: {refused}");
    }
    Ok(())
}

#[test]
fn segments_must_fit() -> Result<()> {
    same_answers(&in_main(r#"(data (i32.const 65535) "x")"#), &[3], &[3])?;
    let data = refusal(&in_main(r#"(data (i32.const 65535) "xy")"#))?;
    assert!(matches!(data, Error::OutOfBounds("data")), "{data}");

    let elements = |offset: &str| {
        in_main(&format!("(table 2 funcref) (func $f) (elem (i32.const {offset}) func $f)"))
    };
    same_answers(&elements("1"), &[3], &[3])?;
    for offset in ["2", "-1"] {
        let refused = refusal(&elements(offset))?;
        assert!(matches!(refused, Error::OutOfBounds("elements")), "{refused}");
    }
    Ok(())
}

#[test]
fn elements_must_be_functions() -> Result<()> {
    let elements = |item: &str| {
        in_main(&format!("(table 1 funcref) (func $f) (elem (i32.const 0) funcref ({item}))"))
    };
    same_answers(&elements("ref.func $f"), &[3], &[3])?;
    let null = refusal(&elements("ref.null func"))?;
    assert!(matches!(null, Error::Unsupported(_)), "{null}");
    Ok(())
}

#[test]
fn proposals_that_are_not_known_are_refused() -> Result<()> {
    same_answers(&in_main("(global i32 (i32.add (i32.const 1) (i32.const 2)))"), &[3], &[3])?;
    for main in
        ["(table 1 externref)", "(type (struct))", "(func (drop (i32.atomic.load (i32.const 0))))"]
    {
        let refused = refusal(&in_main(main))?;
        assert!(matches!(refused, Error::Input(_)), "{refused}");
    }
    assert!(matches!(flatten::flatten(b"not a component").err(), Some(Error::Input(_))));
    Ok(())
}

#[test]
fn core_modules_stay_inside_the_component() -> Result<()> {
    flattened(&component(MEMORY, r#"(component $inner) (export "inner" (component $inner))"#))?;
    for rest in [
        r#"(export "module" (core module $main))"#,
        r"(component (alias outer 1 0 (core module $module)))",
    ] {
        let refused = refusal(&component(MEMORY, rest))?;
        assert!(matches!(refused, Error::Unsupported(_)), "{rest}: {refused}");
    }
    Ok(())
}

#[test]
fn a_resource_may_have_no_destructor() -> Result<()> {
    flattened(&component(MEMORY, "(type (resource (rep i32)))"))?;
    let destructor = r#"(core module $end (func (export "end") (param i32)))
        (core instance $end (instantiate $end))
        (type (resource (rep i32) (dtor (core func $end "end"))))"#;
    let refused = refusal(&component(MEMORY, destructor))?;
    assert!(matches!(refused, Error::Unsupported(_)), "{refused}");
    Ok(())
}

#[test]
fn a_host_function_that_needs_the_memory_must_have_a_trampoline() -> Result<()> {
    let lowered = |options: &str| {
        let rest = format!(
            r#"(import "count" (func $count (param "number" s32)))
            (alias core export $main "memory" (core memory $memory))
            (core func $counted (canon lower (func $count) {options}))
            (core module $second (import "host" "count" (func (param i32)))
              (func (export "again") (call 0 (i32.const 1))))
            (core instance $host (export "count" (func $counted)))
            (core instance $second (instantiate $second (with "host" (instance $host))))"#
        );
        // Core functions come before the first one that is lifted.
        format!(
            r#"(component (core module $main {MEMORY}) (core instance $main (instantiate $main))
              {rest} (func (export "again") (canon lift (core func $second "again"))))"#
        )
    };
    flattened(&lowered(""))?;
    let refused = refusal(&lowered("(memory $memory)"))?;
    assert!(matches!(refused, Error::Unsupported(_)), "{refused}");
    Ok(())
}
