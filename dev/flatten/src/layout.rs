//! The indices that the items of a program have in the merged module.

use std::collections::HashMap;

use crate::error::Error;
use crate::live::Live;
use crate::program::{Program, Source};

/// The kept items of one kind in the order of their new indices.
#[derive(Default)]
pub(crate) struct Order {
    places: Vec<u32>,
    indices: HashMap<u32, u32>,
}

impl Order {
    fn new(places: impl IntoIterator<Item = u32>) -> Self {
        let places: Vec<u32> = places.into_iter().collect();
        let indices = places.iter().copied().zip(0..).collect();
        Self { places, indices }
    }

    /// The index that an item of the program has in the module.
    pub(crate) fn index(&self, place: u32, what: &'static str) -> Result<u32, Error> {
        self.indices.get(&place).copied().ok_or(Error::Missing { what, index: place })
    }

    /// The places of the items in the program.
    pub(crate) fn places(&self) -> &[u32] {
        &self.places
    }
}

/// The order of everything in the merged module.
pub(crate) struct Layout {
    pub(crate) types: Order,
    /// Imported functions first, as the format wants it.
    pub(crate) functions: Order,
    pub(crate) imported: usize,
    pub(crate) tables: Order,
    pub(crate) globals: Order,
}

impl Layout {
    pub(crate) fn new(program: &Program<'_>, live: &Live) -> Result<Self, Error> {
        let (mut imported, mut defined) = (Vec::new(), Vec::new());
        for place in &live.functions {
            match program.function(*place)?.source {
                Source::Code { .. } => defined.push(*place),
                Source::Host(_) | Source::Shim(_) => imported.push(*place),
            }
        }
        Ok(Self {
            types: Order::new(live.types.iter().copied()),
            imported: imported.len(),
            functions: Order::new(imported.into_iter().chain(defined)),
            tables: Order::new(live.tables.iter().copied()),
            globals: Order::new(live.globals(program)?),
        })
    }
}
