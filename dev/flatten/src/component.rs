//! Reads a component: what stands outside the core modules in order, and the core index spaces.

use std::borrow::Cow;

use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, Export, ExternalKind, FromReader, Instance,
    Parser, Payload, SectionLimited,
};

use crate::error::{Error, at};
use crate::refusals;

const COMPONENT: u8 = 4;
const COMPONENT_INSTANCES: u8 = 5;
const ALIASES: u8 = 6;
const TYPES: u8 = 7;
const IMPORTS: u8 = 10;
const EXPORTS: u8 = 11;

/// A component with its core items apart.
#[derive(Default)]
pub(crate) struct Component<'a> {
    /// What is left at the level of the component, in order.
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) modules: Vec<&'a [u8]>,
    pub(crate) instances: Vec<CoreInstance<'a>>,
    functions: Vec<CoreFunction<'a>>,
    tables: Vec<Exported<'a>>,
    memories: Vec<Exported<'a>>,
    globals: Vec<Exported<'a>>,
    lifted: bool,
}

pub(crate) enum Item<'a> {
    /// A section, to be written as it was read.
    Section { id: u8, contents: Cow<'a, [u8]> },
    /// A function of the component, made of a core function.
    Lift { function: u32, kind: u32, options: Box<[CanonicalOption]> },
}

pub(crate) enum CoreInstance<'a> {
    Instantiated { module: u32, arguments: Vec<(&'a str, u32)> },
    Collected(Box<[Export<'a>]>),
}

enum CoreFunction<'a> {
    Exported(Exported<'a>),
    Canonical(CanonicalFunction),
}

#[derive(Clone, Copy)]
struct Exported<'a> {
    instance: u32,
    name: &'a str,
}

/// Where a core item really comes from.
pub(crate) enum Provider<'a> {
    /// An instance of a module exports it.
    Instance(u32, &'a str),
    /// The canonical function at this index of the core functions.
    Canonical(u32),
}

impl<'a> Component<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut component = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            if depth == 0 {
                component.take(bytes, &payload)?;
            } else if let Payload::ComponentAliasSection(aliases) = &payload {
                for alias in aliases.clone() {
                    refusals::alias(&alias?)?;
                }
            }
            match payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        Ok(component)
    }

    fn take(&mut self, bytes: &'a [u8], payload: &Payload<'a>) -> Result<(), Error> {
        match payload {
            Payload::Version { .. } | Payload::End(_) | Payload::CustomSection(_) => {}
            Payload::ModuleSection { unchecked_range, .. } => {
                self.modules.push(slice(bytes, unchecked_range)?);
            }
            Payload::InstanceSection(instances) => {
                for instance in instances.clone() {
                    self.instances.push(core_instance(instance?));
                }
            }
            Payload::ComponentAliasSection(aliases) => self.take_aliases(bytes, aliases)?,
            Payload::ComponentCanonicalSection(functions) => self.take_functions(functions)?,
            Payload::ComponentSection { unchecked_range, .. } => {
                self.keep(COMPONENT, slice(bytes, unchecked_range)?);
            }
            Payload::ComponentInstanceSection(instances) => {
                each(instances, refusals::instance)?;
                self.keep(COMPONENT_INSTANCES, slice(bytes, &instances.range())?);
            }
            Payload::ComponentTypeSection(types) => {
                each(types, refusals::component_type)?;
                self.keep(TYPES, slice(bytes, &types.range())?);
            }
            Payload::ComponentImportSection(imports) => {
                each(imports, refusals::import)?;
                self.keep(IMPORTS, slice(bytes, &imports.range())?);
            }
            Payload::ComponentExportSection(exports) => {
                each(exports, refusals::export)?;
                self.keep(EXPORTS, slice(bytes, &exports.range())?);
            }
            _ => return Err(Error::Unsupported("a section of this kind in a component")),
        }
        Ok(())
    }

    fn keep(&mut self, id: u8, contents: &'a [u8]) {
        self.items.push(Item::Section { id, contents: Cow::Borrowed(contents) });
    }

    fn take_aliases(
        &mut self,
        bytes: &'a [u8],
        aliases: &SectionLimited<'a, ComponentAlias<'a>>,
    ) -> Result<(), Error> {
        let read: Vec<_> =
            aliases.clone().into_iter_with_offsets().collect::<wasmparser::Result<_>>()?;
        let ends = read.iter().skip(1).map(|(start, _)| *start).chain([aliases.range().end]);
        for ((start, alias), end) in read.iter().zip(ends) {
            refusals::alias(alias)?;
            if let ComponentAlias::CoreInstanceExport { kind, instance_index, name } = *alias {
                self.take_core_alias(kind, Exported { instance: instance_index, name })?;
            } else {
                let mut contents = vec![1];
                contents.extend_from_slice(slice(bytes, &(*start..end))?);
                self.items.push(Item::Section { id: ALIASES, contents: Cow::Owned(contents) });
            }
        }
        Ok(())
    }

    fn take_core_alias(&mut self, kind: ExternalKind, item: Exported<'a>) -> Result<(), Error> {
        match kind {
            ExternalKind::Func => self.functions.push(CoreFunction::Exported(item)),
            ExternalKind::Table => self.tables.push(item),
            ExternalKind::Memory => self.memories.push(item),
            ExternalKind::Global => self.globals.push(item),
            _ => return Err(Error::Unsupported("an exported core item of this kind")),
        }
        Ok(())
    }

    fn take_functions(
        &mut self,
        functions: &SectionLimited<'a, CanonicalFunction>,
    ) -> Result<(), Error> {
        for function in functions.clone() {
            match function? {
                CanonicalFunction::Lift { core_func_index, type_index, options } => {
                    self.lifted = true;
                    let (function, kind) = (core_func_index, type_index);
                    self.items.push(Item::Lift { function, kind, options });
                }
                // All core items are written before the first function that is lifted.
                _ if self.lifted => {
                    return Err(Error::Unsupported("a core function that is made after a lift"));
                }
                function => self.functions.push(CoreFunction::Canonical(function)),
            }
        }
        Ok(())
    }

    /// Where the core item at an index of the component comes from.
    pub(crate) fn item(&self, kind: ExternalKind, index: u32) -> Result<Provider<'a>, Error> {
        let exported = match kind {
            ExternalKind::Func => match at(&self.functions, index, "core function")? {
                CoreFunction::Canonical(_) => return Ok(Provider::Canonical(index)),
                CoreFunction::Exported(exported) => exported,
            },
            ExternalKind::Table => at(&self.tables, index, "core table")?,
            ExternalKind::Memory => at(&self.memories, index, "core memory")?,
            ExternalKind::Global => at(&self.globals, index, "core global")?,
            _ => return Err(Error::Unsupported("a core item of this kind")),
        };
        self.export(kind, exported.instance, exported.name)
    }

    /// Where what an instance exports comes from.
    pub(crate) fn export(
        &self,
        kind: ExternalKind,
        instance: u32,
        name: &'a str,
    ) -> Result<Provider<'a>, Error> {
        match at(&self.instances, instance, "core instance")? {
            CoreInstance::Instantiated { .. } => Ok(Provider::Instance(instance, name)),
            CoreInstance::Collected(exports) => {
                let export = exports.iter().find(|export| export.name == name);
                let missing = || Error::NoExport { instance, name: name.to_owned() };
                self.item(kind, export.ok_or_else(missing)?.index)
            }
        }
    }

    /// The canonical function at an index of the core functions.
    pub(crate) fn canonical(&self, index: u32) -> Result<&CanonicalFunction, Error> {
        match at(&self.functions, index, "core function")? {
            CoreFunction::Canonical(function) => Ok(function),
            CoreFunction::Exported(_) => {
                Err(Error::Missing { what: "canonical core function", index })
            }
        }
    }
}

fn core_instance(instance: Instance<'_>) -> CoreInstance<'_> {
    match instance {
        Instance::Instantiate { module_index, args } => {
            let arguments = args.iter().map(|argument| (argument.name, argument.index)).collect();
            CoreInstance::Instantiated { module: module_index, arguments }
        }
        Instance::FromExports(exports) => CoreInstance::Collected(exports),
    }
}

fn each<'a, T: FromReader<'a>>(
    section: &SectionLimited<'a, T>,
    check: fn(&T) -> Result<(), Error>,
) -> Result<(), Error> {
    section.clone().into_iter().try_for_each(|item| check(&item?))
}

fn slice<'a>(bytes: &'a [u8], range: &std::ops::Range<usize>) -> Result<&'a [u8], Error> {
    bytes.get(range.clone()).ok_or(Error::Unsupported("a section beyond the end of the file"))
}
