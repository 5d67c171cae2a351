//! The merged module before anything is left out: every item once, with an index of its own.

use std::collections::HashMap;

use wasmparser::{FuncType, FunctionBody, GlobalType, MemoryType, TableType};

use crate::constant::Constant;
use crate::error::{Error, add, at};

/// All items of the merged instances; items refer to each other by their places in these lists.
#[derive(Default)]
pub(crate) struct Program<'a> {
    pub(crate) types: Vec<FuncType>,
    pub(crate) functions: Vec<Function<'a>>,
    pub(crate) tables: Vec<TableType>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<Global>,
    pub(crate) elements: Vec<Elements>,
    pub(crate) data: Vec<Segment<'a>>,
    /// The start functions, in the order in which they run.
    pub(crate) starts: Vec<u32>,
    /// What the indices in each merged instance lead to.
    pub(crate) spaces: Vec<Spaces>,
    type_places: HashMap<FuncType, u32>,
}

/// A function and where it comes from.
pub(crate) struct Function<'a> {
    pub(crate) kind: u32,
    pub(crate) source: Source<'a>,
}

#[derive(Clone)]
pub(crate) enum Source<'a> {
    /// The host's: the canonical function at this index of the component's core functions.
    Host(u32),
    /// A trampoline, by its name in the shim.
    Shim(&'a str),
    /// Code whose indices are those of one merged instance.
    Code { space: u32, body: FunctionBody<'a> },
}

pub(crate) struct Global {
    pub(crate) kind: GlobalType,
    pub(crate) value: Constant,
}

/// An active segment of a table.
pub(crate) struct Elements {
    pub(crate) table: u32,
    pub(crate) offset: u32,
    pub(crate) functions: Vec<u32>,
}

/// An active segment of the memory.
pub(crate) struct Segment<'a> {
    pub(crate) offset: u32,
    pub(crate) bytes: &'a [u8],
}

/// From the indices of one merged instance to the places in the program.
#[derive(Default)]
pub(crate) struct Spaces {
    pub(crate) types: Vec<u32>,
    pub(crate) functions: Vec<u32>,
    pub(crate) tables: Vec<u32>,
    pub(crate) memories: Vec<u32>,
    pub(crate) globals: Vec<u32>,
}

impl<'a> Program<'a> {
    /// The place of a type, the same for two types that are equal.
    pub(crate) fn add_type(&mut self, kind: &FuncType) -> Result<u32, Error> {
        if let Some(place) = self.type_places.get(kind) {
            return Ok(*place);
        }
        let place = add(&mut self.types, kind.clone(), "types")?;
        self.type_places.insert(kind.clone(), place);
        Ok(place)
    }

    pub(crate) fn function(&self, place: u32) -> Result<&Function<'a>, Error> {
        at(&self.functions, place, "function")
    }

    pub(crate) fn global(&self, place: u32) -> Result<&Global, Error> {
        at(&self.globals, place, "global")
    }

    /// The one memory.
    pub(crate) fn memory(&self) -> Result<&MemoryType, Error> {
        match self.memories.as_slice() {
            [memory] => Ok(memory),
            memories => Err(Error::Memories(memories.len())),
        }
    }
}
