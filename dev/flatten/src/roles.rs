//! Which core instances become one, and which two have to stay apart.

use wasmparser::{ExternalKind, TypeRef};

use crate::component::{Component, CoreInstance, Provider};
use crate::error::{Error, at};
use crate::module::Module;

/// The table of trampolines, by the name that the makers of components give it.
const TRAMPOLINES: &str = "$imports";

/// The core instances of a component by what becomes of them.
///
/// A host function that works on the guest's memory can be made only once that memory exists, and the
/// guest needs its imports before. So components hold a *shim*, whose functions jump through a table,
/// and a *fixup*, which is instantiated last and fills that table.
pub(crate) struct Roles<'a> {
    pub(crate) shim: Option<u32>,
    pub(crate) fixup: Option<u32>,
    /// The instances that become one, in their order.
    pub(crate) merged: Vec<Part<'a>>,
    /// What is given to the fixup.
    pub(crate) fixup_imports: Vec<FixupImport<'a>>,
}

/// A core instance that becomes a part of the merged one.
pub(crate) struct Part<'a> {
    pub(crate) instance: u32,
    pub(crate) module: Module<'a>,
}

/// One import of the fixup.
pub(crate) struct FixupImport<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: ExternalKind,
    pub(crate) provider: Provider<'a>,
}

impl<'a> Roles<'a> {
    pub(crate) fn assign(component: &Component<'a>) -> Result<Self, Error> {
        let mut parts = Vec::new();
        for (instance, module) in (0_u32..).zip(&component.instances) {
            if let CoreInstance::Instantiated { module, .. } = module {
                let bytes = at(&component.modules, *module, "core module")?;
                parts.push(Part { instance, module: Module::read(bytes)? });
            }
        }
        let mut roles = Self { shim: None, fixup: None, merged: Vec::new(), fixup_imports: vec![] };
        for part in &parts {
            if let Some(shim) = trampolines(component, part)? {
                if roles.shim.is_some() {
                    return Err(Error::Unsupported("more than one module that fills trampolines"));
                }
                (roles.shim, roles.fixup) = (Some(shim), Some(part.instance));
                roles.fixup_imports = fixup_imports(component, part)?;
            }
        }
        for part in parts {
            let apart = [roles.shim, roles.fixup].contains(&Some(part.instance));
            if !apart {
                roles.merged.push(part);
            } else if part.module.start.is_some() {
                return Err(Error::StartOrder(part.instance));
            }
        }
        roles.check_starts()?;
        Ok(roles)
    }

    /// The merged module applies all segments before it starts, and starts before the fixup.
    fn check_starts(&self) -> Result<(), Error> {
        let mut started = None;
        for part in &self.merged {
            let segments = part.module.elements.len() + part.module.data.len();
            if let Some(earlier) = started
                && segments > 0
            {
                return Err(Error::StartOrder(earlier));
            }
            if part.module.start.is_some() {
                if self.fixup.is_some_and(|fixup| fixup < part.instance) {
                    return Err(Error::StartOrder(part.instance));
                }
                started = started.or(Some(part.instance));
            }
        }
        Ok(())
    }
}

/// The shim whose table a module imports.
fn trampolines(component: &Component<'_>, part: &Part<'_>) -> Result<Option<u32>, Error> {
    for import in &part.module.imports {
        if matches!(import.ty, TypeRef::Table(_)) {
            let provider =
                provider(component, part.instance, ExternalKind::Table, import.module, import.name);
            if let Provider::Instance(shim, TRAMPOLINES) = provider? {
                return Ok(Some(shim));
            }
        }
    }
    Ok(None)
}

fn fixup_imports<'a>(
    component: &Component<'a>,
    fixup: &Part<'a>,
) -> Result<Vec<FixupImport<'a>>, Error> {
    let read = |import: &wasmparser::Import<'a>| {
        let (module, name, kind) = (import.module, import.name, kind(&import.ty)?);
        let provider = provider(component, fixup.instance, kind, module, name)?;
        Ok(FixupImport { module, name, kind, provider })
    };
    fixup.module.imports.iter().map(read).collect()
}

/// The kind of item that an import asks for.
pub(crate) fn kind(import: &TypeRef) -> Result<ExternalKind, Error> {
    match import {
        TypeRef::Func(_) => Ok(ExternalKind::Func),
        TypeRef::Table(_) => Ok(ExternalKind::Table),
        TypeRef::Memory(_) => Ok(ExternalKind::Memory),
        TypeRef::Global(_) => Ok(ExternalKind::Global),
        _ => Err(Error::Unsupported("an import of this kind")),
    }
}

/// Where an import of an instance comes from.
pub(crate) fn provider<'a>(
    component: &Component<'a>,
    instance: u32,
    kind: ExternalKind,
    module: &'a str,
    name: &'a str,
) -> Result<Provider<'a>, Error> {
    let missing = || Error::NoExport { instance, name: module.to_owned() };
    let arguments = match at(&component.instances, instance, "core instance")? {
        CoreInstance::Instantiated { arguments, .. } => arguments,
        CoreInstance::Collected(_) => return Err(missing()),
    };
    // Of two arguments with one name the component would not be valid.
    let argument = arguments.iter().find(|(argument, _)| *argument == module);
    component.export(kind, argument.ok_or_else(missing)?.1, name)
}
