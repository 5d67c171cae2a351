//! Writes the component around the merged module.

use std::collections::HashMap;

use wasm_encoder::{
    Alias, CanonicalFunctionSection, CanonicalOption, Component as Encoded, ComponentAliasSection,
    ExportKind, InstanceSection, ModuleArg, RawSection,
};
use wasmparser::{CanonicalFunction, ExternalKind};

use crate::component::{Component, CoreInstance, Item, Provider};
use crate::error::{Error, at};
use crate::layout::Layout;
use crate::link::Linked;
use crate::module::without_custom_sections;
use crate::module_output::{HOST, MEMORY, SHIM, host_name};
use crate::outside::{Outside, place};
use crate::program::Source;
use crate::roles::{FixupImport, Roles};

const MODULE: u8 = 1;

/// What a component is written from.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'p, 'a> {
    pub(crate) component: &'p Component<'a>,
    pub(crate) roles: &'p Roles<'a>,
    pub(crate) linked: &'p Linked<'a>,
    pub(crate) layout: &'p Layout,
    pub(crate) outside: &'p Outside,
}

/// Writes the component: what precedes the first lifted function, all core items, and the rest.
pub(crate) fn encode(frame: Frame<'_, '_>, merged: &[u8]) -> Result<Vec<u8>, Error> {
    let lifts = |item: &Item<'_>| matches!(item, Item::Lift { .. });
    let items = &frame.component.items;
    let first =
        items.iter().position(lifts).ok_or(Error::Unsupported("a component without exports"))?;
    let mut writer = Writer { frame, written: Encoded::new(), counts: Counts::default() };
    for item in items.iter().take(first) {
        writer.item(item, &HashMap::new())?;
    }
    let exported = writer.core(merged)?;
    for item in items.iter().skip(first) {
        writer.item(item, &exported)?;
    }
    Ok(writer.written.finish())
}

/// How many core items are written so far: the index of the next one.
#[derive(Default)]
struct Counts {
    modules: u32,
    instances: u32,
    functions: u32,
    tables: u32,
}

impl Counts {
    fn next(count: &mut u32) -> u32 {
        let index = *count;
        *count += 1;
        index
    }
}

struct Writer<'p, 'a> {
    frame: Frame<'p, 'a>,
    written: Encoded,
    counts: Counts,
}

/// From places in the program to core functions of the written component.
type Exported = HashMap<u32, u32>;

/// An item of an instance that is put together: its name, kind and index.
type Collected = (String, ExportKind, u32);

impl Writer<'_, '_> {
    fn item(&mut self, item: &Item<'_>, exported: &Exported) -> Result<(), Error> {
        match item {
            Item::Section { id, contents } => {
                self.written.section(&RawSection { id: *id, data: contents });
            }
            Item::Lift { function, kind, options } => {
                let options = self.options(options, exported)?;
                let function = self.exported(*function, exported)?;
                let mut section = CanonicalFunctionSection::new();
                section.lift(function, *kind, options);
                self.written.section(&section);
            }
        }
        Ok(())
    }

    /// Writes modules, instances and what connects them.
    fn core(&mut self, merged: &[u8]) -> Result<Exported, Error> {
        let roles = self.frame.roles;
        let shim = match roles.shim {
            Some(instance) => {
                let module = self.module_apart(instance)?;
                Some(self.instantiate(module, &[]))
            }
            None => None,
        };
        let host = self.host()?;
        let mut arguments = vec![(HOST, host)];
        arguments.extend(shim.map(|shim| (SHIM, shim)));
        let module = self.module(merged);
        let instance = self.instantiate(module, &arguments);
        self.alias(instance, ExportKind::Memory, MEMORY);
        let mut exported = Exported::new();
        for place in self.frame.outside.functions() {
            let name = self.frame.outside.name(*place)?;
            self.alias(instance, ExportKind::Func, &name);
            exported.insert(*place, Counts::next(&mut self.counts.functions));
        }
        if let (Some(fixup), Some(shim)) = (roles.fixup, shim) {
            self.fixup(fixup, shim, &exported)?;
        }
        Ok(exported)
    }

    /// The instance of the host's functions that the merged module imports without a trampoline.
    fn host(&mut self) -> Result<u32, Error> {
        let mut exports = Vec::new();
        let layout = self.frame.layout;
        for place in layout.functions.places().iter().take(layout.imported) {
            if let Source::Host(index) = self.frame.linked.program.function(*place)?.source {
                // What it needs of the merged instance is not there yet: no exports to choose from.
                let function = self.canonical(index, None)?;
                exports.push((host_name(index), ExportKind::Func, function));
            }
        }
        Ok(self.collect(exports))
    }

    fn fixup(&mut self, fixup: u32, shim: u32, exported: &Exported) -> Result<(), Error> {
        let module = self.module_apart(fixup)?;
        let mut collected: Vec<(&str, Vec<Collected>)> = Vec::new();
        for import in &self.frame.roles.fixup_imports {
            let (kind, index) = self.fixup_import(import, shim, exported)?;
            let item = (import.name.to_owned(), kind, index);
            match collected.iter_mut().find(|(module, _)| *module == import.module) {
                Some((_, items)) => items.push(item),
                None => collected.push((import.module, vec![item])),
            }
        }
        let mut arguments = Vec::new();
        for (module, items) in collected {
            arguments.push((module, self.collect(items)));
        }
        self.instantiate(module, &arguments);
        Ok(())
    }

    fn fixup_import(
        &mut self,
        import: &FixupImport<'_>,
        shim: u32,
        exported: &Exported,
    ) -> Result<(ExportKind, u32), Error> {
        match (&import.provider, import.kind) {
            (Provider::Canonical(index), _) => {
                Ok((ExportKind::Func, self.canonical(*index, Some(exported))?))
            }
            (Provider::Instance(instance, name), ExternalKind::Table)
                if Some(*instance) == self.frame.roles.shim =>
            {
                self.alias(shim, ExportKind::Table, name);
                Ok((ExportKind::Table, Counts::next(&mut self.counts.tables)))
            }
            (Provider::Instance(instance, name), ExternalKind::Func)
                if Some(*instance) == self.frame.roles.shim =>
            {
                self.alias(shim, ExportKind::Func, name);
                Ok((ExportKind::Func, Counts::next(&mut self.counts.functions)))
            }
            (Provider::Instance(instance, name), ExternalKind::Func) => {
                let place = self.frame.linked.exported(*instance, import.kind, name)?;
                let missing = Error::Missing { what: "exported function", index: place };
                Ok((ExportKind::Func, *exported.get(&place).ok_or(missing)?))
            }
            (Provider::Instance(instance, name), ExternalKind::Memory) => {
                self.frame.linked.exported(*instance, import.kind, name)?;
                Ok((ExportKind::Memory, 0))
            }
            _ => Err(Error::Unsupported("trampolines that are filled with other than functions")),
        }
    }

    /// Makes a function of the host; `exported` is what options may name once it is there.
    fn canonical(&mut self, index: u32, exported: Option<&Exported>) -> Result<u32, Error> {
        let mut section = CanonicalFunctionSection::new();
        match self.frame.component.canonical(index)? {
            CanonicalFunction::Lower { func_index, options } => {
                let options = match exported {
                    Some(exported) => self.options(options, exported)?,
                    None => options.iter().copied().map(early_option).collect::<Result<_, _>>()?,
                };
                section.lower(*func_index, options);
            }
            CanonicalFunction::ResourceNew { resource } => drop(section.resource_new(*resource)),
            CanonicalFunction::ResourceDrop { resource } => drop(section.resource_drop(*resource)),
            CanonicalFunction::ResourceRep { resource } => drop(section.resource_rep(*resource)),
            _ => return Err(Error::Unsupported("a canonical function of this kind")),
        }
        self.written.section(&section);
        Ok(Counts::next(&mut self.counts.functions))
    }

    fn options(
        &self,
        options: &[wasmparser::CanonicalOption],
        exported: &Exported,
    ) -> Result<Vec<CanonicalOption>, Error> {
        let option = |option: &wasmparser::CanonicalOption| {
            Ok(match *option {
                wasmparser::CanonicalOption::Memory(_) => CanonicalOption::Memory(0),
                wasmparser::CanonicalOption::Realloc(function) => {
                    CanonicalOption::Realloc(self.exported(function, exported)?)
                }
                wasmparser::CanonicalOption::PostReturn(function) => {
                    CanonicalOption::PostReturn(self.exported(function, exported)?)
                }
                wasmparser::CanonicalOption::Callback(function) => {
                    CanonicalOption::Callback(self.exported(function, exported)?)
                }
                plain => early_option(plain)?,
            })
        };
        options.iter().map(option).collect()
    }

    /// Where the core function at an index of the input stands now.
    fn exported(&self, function: u32, exported: &Exported) -> Result<u32, Error> {
        let place = place(self.frame.component, self.frame.linked, function)?;
        let missing = Error::Missing { what: "exported function", index: place };
        exported.get(&place).copied().ok_or(missing)
    }

    fn module_apart(&mut self, instance: u32) -> Result<u32, Error> {
        let component = self.frame.component;
        match at(&component.instances, instance, "core instance")? {
            CoreInstance::Instantiated { module, .. } => {
                let bytes = at(&component.modules, *module, "core module")?;
                Ok(self.module(&without_custom_sections(bytes)?))
            }
            CoreInstance::Collected(_) => {
                Err(Error::Missing { what: "module of instance", index: instance })
            }
        }
    }

    fn module(&mut self, bytes: &[u8]) -> u32 {
        self.written.section(&RawSection { id: MODULE, data: bytes });
        Counts::next(&mut self.counts.modules)
    }

    fn instantiate(&mut self, module: u32, arguments: &[(&str, u32)]) -> u32 {
        let mut section = InstanceSection::new();
        let arguments = arguments.iter().map(|(name, index)| (*name, ModuleArg::Instance(*index)));
        section.instantiate(module, arguments.collect::<Vec<_>>());
        self.written.section(&section);
        Counts::next(&mut self.counts.instances)
    }

    fn collect(&mut self, items: Vec<Collected>) -> u32 {
        let mut section = InstanceSection::new();
        section.export_items(items);
        self.written.section(&section);
        Counts::next(&mut self.counts.instances)
    }

    fn alias(&mut self, instance: u32, kind: ExportKind, name: &str) {
        let mut section = ComponentAliasSection::new();
        section.alias(Alias::CoreInstanceExport { instance, kind, name });
        self.written.section(&section);
    }
}

/// An option that names nothing of the guest.
fn early_option(option: wasmparser::CanonicalOption) -> Result<CanonicalOption, Error> {
    match option {
        wasmparser::CanonicalOption::UTF8 => Ok(CanonicalOption::UTF8),
        wasmparser::CanonicalOption::UTF16 => Ok(CanonicalOption::UTF16),
        wasmparser::CanonicalOption::CompactUTF16 => Ok(CanonicalOption::CompactUTF16),
        wasmparser::CanonicalOption::Async => Ok(CanonicalOption::Async),
        _ => Err(Error::Unsupported("a host function that needs the guest but has no trampoline")),
    }
}
