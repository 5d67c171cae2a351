//! Functions of the host, through trampolines and without.

use anyhow::Result;
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Engine, Store};

use crate::components::{flattened, modules, refusal};

/// A component as its makers write it: a shim, whose trampolines the fixup fills with functions that
/// need the guest's memory. `main` and `fixup` are more of those modules, `after` follows the fixup.
fn with_trampolines(main: &str, fixup: &str, after: &str) -> String {
    format!(
        r#"(component
          (import "log" (func $log (param "text" string)))
          (import "read" (func $read (result string)))
          (import "count" (func $count (result s32)))
          (core module $main
            (import "host" "log" (func $log (param i32 i32)))
            (import "host" "read" (func $read (param i32)))
            (import "host" "count" (func $count (result i32)))
            (memory (export "memory") 1)
            (global $top (mut i32) (i32.const 4096))
            (data (i32.const 16) "hello")
            {main}
            (func (export "realloc") (param i32 i32 i32 i32) (result i32)
              (global.get $top)
              (global.set $top (i32.add (global.get $top) (local.get 3))))
            (func (export "run") (result i32)
              (call $log (i32.const 16) (i32.const 5))
              (call $read (i32.const 32))
              (call $log (i32.load (i32.const 32)) (i32.load (i32.const 36)))
              (i32.add (call $count) (i32.load (i32.const 36)))))
          (core module $shim
            (type $log (func (param i32 i32)))
            (type $read (func (param i32)))
            (table (export "$imports") 2 2 funcref)
            (func (export "0") (type $log)
              (call_indirect (type $log) (local.get 0) (local.get 1) (i32.const 0)))
            (func (export "1") (type $read)
              (call_indirect (type $read) (local.get 0) (i32.const 1))))
          (core module $fixup
            (import "" "$imports" (table 2 2 funcref))
            (import "" "0" (func (param i32 i32)))
            (import "" "1" (func (param i32)))
            (elem (i32.const 0) func 0 1)
            {fixup})
          (core instance $shim (instantiate $shim))
          (core func $counted (canon lower (func $count)))
          (core instance $host
            (export "log" (func $shim "0"))
            (export "read" (func $shim "1"))
            (export "count" (func $counted)))
          (core instance $main (instantiate $main (with "host" (instance $host))))
          (alias core export $main "memory" (core memory $memory))
          (alias core export $main "realloc" (core func $realloc))
          (core func $logged (canon lower (func $log) (memory $memory)))
          (core func $got (canon lower (func $read) (memory $memory) (realloc $realloc)))
          (core instance $filling
            (export "$imports" (table $shim "$imports"))
            (export "0" (func $logged))
            (export "1" (func $got)))
          (core instance (instantiate $fixup (with "" (instance $filling))))
          {after}
          (func $run (result s32) (canon lift (core func $main "run")))
          (component $wrapper
            (import "inner" (func $inner (result s32)))
            (export "run" (func $inner)))
          (instance $wrapped (instantiate $wrapper (with "inner" (func $run))))
          (export "wrapped" (instance $wrapped))
          (type $again (func (result s32)))
          (func $twice (type $again) (canon lift (core func $main "run")))
          (export "run" (func $twice)))"#
    )
}

/// What `run` answers, called by itself and through the instance, and what the host was told.
fn run(component: &[u8]) -> Result<(i32, i32, Vec<String>)> {
    let engine = Engine::default();
    let component = Component::new(&engine, component)?;
    let mut linker: Linker<Vec<String>> = Linker::new(&engine);
    linker.root().func_wrap("log", |mut store, (text,): (String,)| {
        store.data_mut().push(text);
        Ok(())
    })?;
    linker.root().func_wrap("read", |_, ()| Ok(("from the host".to_owned(),)))?;
    linker.root().func_wrap("count", |_, ()| Ok((700,)))?;
    let mut store = Store::new(&engine, Vec::new());
    let instance = linker.instantiate(&mut store, &component)?;
    let direct: TypedFunc<(), (i32,)> = instance.get_typed_func(&mut store, "run")?;
    let (first,) = direct.call(&mut store, ())?;
    let exported = instance.get_export_index(&mut store, None, "wrapped");
    let inner = instance.get_export_index(&mut store, exported.as_ref(), "run");
    let inner = inner.ok_or_else(|| anyhow::anyhow!("the instance exports no `run`"))?;
    let wrapped: TypedFunc<(), (i32,)> = instance.get_typed_func(&mut store, inner)?;
    let (second,) = wrapped.call(&mut store, ())?;
    Ok((first, second, store.into_data()))
}

#[test]
fn functions_of_the_host_are_reached_with_and_without_trampolines() -> Result<()> {
    let text = with_trampolines("", "", "");
    let expected = ["hello", "from the host", "hello", "from the host"].map(str::to_owned);
    let expected = (713, 713, expected.to_vec());
    assert_eq!(run(&wat::parse_str(&text)?)?, expected);
    let flattened = flattened(&text)?;
    assert_eq!(run(&flattened.merged)?, expected);
    // The shim and the fixup stay apart.
    assert_eq!(modules(&flattened.merged)?.len(), 3);
    Ok(())
}

#[test]
fn a_start_function_may_call_what_needs_no_trampoline() -> Result<()> {
    let start = r"
        (func $start (i32.store (i32.const 16) (i32.add (i32.const 0x61616161) (call $count))))
        (start $start)";
    let text = with_trampolines(start, "", "");
    let original = run(&wat::parse_str(&text)?)?;
    assert!(original.2.first().is_some_and(|text| text != "hello"), "{original:?}");
    assert_eq!(run(&flattened(&text)?.merged)?, original);
    Ok(())
}

#[test]
fn a_fixup_that_runs_code_of_its_own_is_refused() -> Result<()> {
    let refused = refusal(&with_trampolines("", "(func $start) (start $start)", ""))?;
    assert!(matches!(refused, flatten::Error::StartOrder(_)), "{refused}");
    Ok(())
}

#[test]
fn a_module_after_the_fixup_may_not_start_by_itself() -> Result<()> {
    let after = |start: &str| {
        let text = format!(
            r#"(core module $late (import "main" "memory" (memory 1))
              (data (i32.const 16) "later") (func $start) {start})
            (core instance (instantiate $late (with "main" (instance $main))))"#
        );
        with_trampolines("", "", &text)
    };
    let expected = run(&wat::parse_str(after(""))?)?;
    assert_eq!(expected.2.first().map(String::as_str), Some("later"));
    assert_eq!(run(&flattened(&after(""))?.merged)?, expected);
    let refused = refusal(&after("(start $start)"))?;
    assert!(matches!(refused, flatten::Error::StartOrder(_)), "{refused}");
    Ok(())
}
