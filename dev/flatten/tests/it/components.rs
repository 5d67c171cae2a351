//! Components in text form, what they compute, and what a flattened one consists of.

use anyhow::{Context, Result};
use flatten::Flattened;
use wasmparser::{Parser, Payload};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store};

/// Flattens a component given as text.
pub(crate) fn flattened(text: &str) -> Result<Flattened> {
    Ok(flatten::flatten(&wat::parse_str(text)?)?)
}

/// Why a component given as text is refused.
pub(crate) fn refusal(text: &str) -> Result<flatten::Error> {
    let component = wat::parse_str(text)?;
    flatten::flatten(&component).err().context("the component was flattened")
}

/// What the function `run` answers to these numbers in one fresh instance.
pub(crate) fn answers(component: &[u8], numbers: &[i32]) -> Result<Vec<i32>> {
    let engine = Engine::default();
    let component = Component::new(&engine, component)?;
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
    let run = instance.get_typed_func::<(i32,), (i32,)>(&mut store, "run")?;
    numbers.iter().map(|number| Ok(run.call(&mut store, (*number,))?.0)).collect()
}

/// Flattens, and compares what both components answer.
pub(crate) fn same_answers(text: &str, numbers: &[i32], expected: &[i32]) -> Result<Flattened> {
    let original = wat::parse_str(text)?;
    let flattened = flattened(text)?;
    assert_eq!(answers(&original, numbers)?, expected, "the original");
    assert_eq!(answers(&flattened.merged, numbers)?, expected, "the flattened one");
    Ok(flattened)
}

/// The sections of one core module: each identifier with the contents.
pub(crate) type Sections = Vec<(u8, Vec<u8>)>;

/// The sections of each core module of a component.
pub(crate) fn modules(component: &[u8]) -> Result<Vec<Sections>> {
    let mut modules = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload? {
            modules.push(sections(component.get(unchecked_range).context("a broken range")?)?);
        }
    }
    Ok(modules)
}

fn sections(module: &[u8]) -> Result<Sections> {
    let mut sections = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Some((id, range)) = payload?.as_section() {
            sections.push((id, module.get(range).context("a broken range")?.to_vec()));
        }
    }
    Ok(sections)
}

/// How many items the section with this identifier has in the one module of a component.
pub(crate) fn items(component: &[u8], id: u8) -> Result<usize> {
    let modules = modules(component)?;
    let [module] = modules.as_slice() else {
        anyhow::bail!("there are {} modules", modules.len());
    };
    // The counts of these small components fit into one byte.
    let section = module.iter().find(|(found, _)| *found == id);
    Ok(section.and_then(|(_, contents)| contents.first()).map_or(0, |count| usize::from(*count)))
}
