//! A small WebAssembly module whose memory is ours, and what can be done with it.

use wasmtime::{Config, Engine, Instance, Memory, Module, Store, TypedFunc};

use super::super::Kit;
use super::{IMAGE, LARGEST};
use crate::memory::WASM_PAGE;

/// Everything that a guest can do to its memory.
const TEXT: &str = r#"
(module
  (memory (export "memory") MINIMUM 4096)
  (func (export "poke") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "peek_far") (param i32) (result i64) (i64.load offset=0xfffffff0 (local.get 0)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "fail") unreachable)
  (func $deep (export "deep") (param i64) (result i64)
    (if (result i64) (i64.eqz (local.get 0))
      (then (i64.const 1))
      (else (i64.add (local.get 0) (call $deep (i64.sub (local.get 0) (i64.const 1)))))))
)"#;

/// An engine whose memories and stacks come from a kit, and its module.
pub(super) struct Machine {
    pub(super) engine: Engine,
    module: Module,
}

/// One instance in a store of its own.
pub(super) struct Guest {
    pub(super) store: Store<()>,
    instance: Instance,
    pub(super) memory: Memory,
}

impl Machine {
    pub(super) fn new(kit: &Kit) -> Self {
        Self::with_pages(kit, IMAGE / WASM_PAGE)
    }

    /// A module whose memory begins with so many pages.
    pub(super) fn with_pages(kit: &Kit, pages: usize) -> Self {
        let mut config = Config::new();
        config
            .with_host_memory(std::sync::Arc::new(kit.memories.clone()))
            .with_host_stack(std::sync::Arc::new(kit.stacks.clone()))
            .async_stack_size(1 << 20)
            .max_wasm_stack(512 << 10)
            .async_stack_zeroing(true);
        let engine = Engine::new(&config).unwrap();
        let text = TEXT.replace("MINIMUM", &pages.to_string());
        let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
        Self { engine, module }
    }

    pub(super) fn guest(&self) -> Guest {
        self.try_guest().unwrap()
    }

    pub(super) fn try_guest(&self) -> wasmtime::Result<Guest> {
        let mut store = Store::new(&self.engine, ());
        let instance = Instance::new(&mut store, &self.module, &[])?;
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Ok(Guest { store, instance, memory })
    }

    /// The same on a stack of its own.
    pub(super) async fn guest_on_stack(&self) -> Guest {
        let mut store = Store::new(&self.engine, ());
        let instance = Instance::new_async(&mut store, &self.module, &[]).await.unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        Guest { store, instance, memory }
    }
}

impl Guest {
    pub(super) fn poke(&mut self, address: usize, byte: u8) -> wasmtime::Result<()> {
        let function = self.function::<(i32, i32), ()>("poke");
        function.call(&mut self.store, (number(address), i32::from(byte)))
    }

    pub(super) fn peek(&mut self, address: usize) -> wasmtime::Result<i32> {
        let function = self.function::<i32, i32>("peek");
        function.call(&mut self.store, number(address))
    }

    pub(super) fn peek_far(&mut self, address: usize) -> wasmtime::Result<i64> {
        let function = self.function::<i32, i64>("peek_far");
        function.call(&mut self.store, number(address))
    }

    pub(super) fn fill(&mut self, start: usize, byte: u8, length: usize) -> wasmtime::Result<()> {
        let function = self.function::<(i32, i32, i32), ()>("fill");
        function.call(&mut self.store, (number(start), i32::from(byte), number(length)))
    }

    pub(super) fn copy(&mut self, to: usize, from: usize, length: usize) -> wasmtime::Result<()> {
        let function = self.function::<(i32, i32, i32), ()>("copy");
        function.call(&mut self.store, (number(to), number(from), number(length)))
    }

    /// Whether the memory could grow.
    pub(super) fn grow(&mut self, pages: usize) -> bool {
        let function = self.function::<i32, i32>("grow");
        function.call(&mut self.store, number(pages)).unwrap() >= 0
    }

    pub(super) fn fail(&mut self) -> wasmtime::Result<()> {
        self.function::<(), ()>("fail").call(&mut self.store, ())
    }

    pub(super) async fn deep(&mut self, frames: i64) -> wasmtime::Result<i64> {
        let function = self.function::<i64, i64>("deep");
        function.call_async(&mut self.store, frames).await
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.memory.data(&self.store)
    }

    /// The addresses of the memory, up to what it could grow to.
    pub(super) fn addresses(&self) -> std::ops::Range<usize> {
        let base = self.memory.data_ptr(&self.store).addr();
        base..base + LARGEST
    }

    /// What a guest must find: the image and nothing above it, all the way up.
    pub(super) fn assert_new(&mut self, image: &[u8]) {
        assert!(self.bytes() == image, "the image differs from the snapshot");
        assert!(self.grow((LARGEST - IMAGE) / WASM_PAGE));
        assert!(self.bytes()[IMAGE..].iter().all(|byte| *byte == 0), "not zero above the image");
    }

    fn function<P: wasmtime::WasmParams, R: wasmtime::WasmResults>(
        &mut self,
        name: &str,
    ) -> TypedFunc<P, R> {
        self.instance.get_typed_func(&mut self.store, name).unwrap()
    }
}

/// The bits of an address or a length as the guest's integer.
fn number(value: usize) -> i32 {
    u32::try_from(value).unwrap().cast_signed()
}
