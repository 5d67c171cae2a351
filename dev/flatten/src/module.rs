//! Reads one core module.

use std::collections::HashMap;

use wasmparser::{
    Data, Element, ExternalKind, FuncType, FunctionBody, Global, Import, MemoryType, Parser,
    Payload, Table,
};

use crate::error::Error;

/// A core module, its sections as lists.
#[derive(Default)]
pub(crate) struct Module<'a> {
    pub(crate) types: Vec<FuncType>,
    pub(crate) imports: Vec<Import<'a>>,
    /// The type of each function that is defined here.
    pub(crate) functions: Vec<u32>,
    pub(crate) bodies: Vec<FunctionBody<'a>>,
    pub(crate) tables: Vec<Table<'a>>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<Global<'a>>,
    pub(crate) exports: HashMap<&'a str, (ExternalKind, u32)>,
    pub(crate) start: Option<u32>,
    pub(crate) elements: Vec<Element<'a>>,
    pub(crate) data: Vec<Data<'a>>,
}

impl<'a> Module<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut module = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            module.take(payload?)?;
        }
        Ok(module)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), Error> {
        match payload {
            Payload::TypeSection(types) => {
                for kind in types.into_iter_err_on_gc_types() {
                    self.types.push(kind?);
                }
            }
            Payload::ImportSection(imports) => collect(&mut self.imports, imports.into_imports())?,
            Payload::FunctionSection(functions) => collect(&mut self.functions, functions)?,
            Payload::TableSection(tables) => collect(&mut self.tables, tables)?,
            Payload::MemorySection(memories) => collect(&mut self.memories, memories)?,
            Payload::GlobalSection(globals) => collect(&mut self.globals, globals)?,
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.exports.insert(export.name, (export.kind, export.index));
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::ElementSection(elements) => collect(&mut self.elements, elements)?,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::DataSection(data) => collect(&mut self.data, data)?,
            Payload::Version { .. }
            | Payload::DataCountSection { .. }
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => {}
            _ => return Err(Error::Unsupported("a section of this kind in a core module")),
        }
        Ok(())
    }
}

fn collect<T>(
    list: &mut Vec<T>,
    items: impl IntoIterator<Item = wasmparser::Result<T>>,
) -> Result<(), Error> {
    for item in items {
        list.push(item?);
    }
    Ok(())
}

/// A module without its custom sections.
pub(crate) fn without_custom_sections(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut module = wasm_encoder::Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let Some((id, range)) = payload?.as_section() else { continue };
        let data = bytes.get(range).ok_or(Error::Unsupported("a section beyond the end"))?;
        if id != 0 {
            module.section(&wasm_encoder::RawSection { id, data });
        }
    }
    Ok(module.finish())
}
