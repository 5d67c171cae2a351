//! Turns a component of many core modules into one of a single module, and takes its memory apart.
//!
//! The component that holds CPython has more than a dozen core modules, which share one memory and one
//! table and call each other through imports. An engine pays for each of them at every instantiation.
//! [`flatten`] links them ahead of time, drops what nothing reaches, and writes constants in the place
//! of globals that never change, so that the engine can prepare tables and memory once.

mod code;
mod component;
mod component_output;
mod constant;
mod error;
mod image;
mod layout;
mod link;
mod live;
mod module;
mod module_output;
mod outside;
mod program;
mod refusals;
mod roles;

use wasmparser::{Validator, WasmFeatures};

pub use error::Error;

use component::Component;
use component_output::Frame;
use layout::Layout;
use live::Live;
use module_output::Parts;
use outside::Outside;
use roles::Roles;

/// A component after flattening.
pub struct Flattened {
    /// The component with one merged core module, data segments included.
    pub merged: Vec<u8>,
    /// The same without any data segment: its code is the same to the byte.
    pub stripped: Vec<u8>,
    /// The memory before the first instruction runs, as long as its initial size in bytes.
    pub image: Vec<u8>,
    /// How many functions with code the modules to be merged had.
    pub functions_before: usize,
    /// How many the merged module has.
    pub functions_after: usize,
}

/// The proposals whose instructions and segments are known to `code` and `link`, without references
/// to other things than functions, which our engine is built without.
fn features() -> WasmFeatures {
    WasmFeatures::WASM2
        .difference(WasmFeatures::GC_TYPES)
        .union(WasmFeatures::TAIL_CALL)
        .union(WasmFeatures::EXTENDED_CONST)
        .union(WasmFeatures::COMPONENT_MODEL)
}

/// Flattens a component given as a binary.
pub fn flatten(bytes: &[u8]) -> Result<Flattened, Error> {
    Validator::new_with_features(features()).validate_all(bytes)?;
    let component = Component::read(bytes)?;
    let mut roles = Roles::assign(&component)?;
    let linked = link::link(&component, &mut roles)?;
    let program = &linked.program;
    let outside = Outside::collect(&component, &roles, &linked)?;
    let live = Live::find(program, outside.functions())?;
    let layout = Layout::new(program, &live)?;
    let image = image::build(program)?;

    let (roles, linked, layout, outside) = (&roles, &linked, &layout, &outside);
    let frame = Frame { component: &component, roles, linked, layout, outside };
    let parts = Parts { program, live: &live, layout, outside };
    let write = |image: Option<&[u8]>| {
        let written = component_output::encode(frame, &module_output::encode(parts, image)?)?;
        let mut validator = Validator::new_with_features(features());
        validator.validate_all(&written).map_err(Error::Output)?;
        Ok::<_, Error>(written)
    };
    let is_code =
        |function: &&program::Function<'_>| matches!(function.source, program::Source::Code { .. });
    Ok(Flattened {
        merged: write(Some(&image))?,
        stripped: write(None)?,
        functions_before: program.functions.iter().filter(is_code).count(),
        functions_after: layout.functions.places().len().saturating_sub(layout.imported),
        image,
    })
}
