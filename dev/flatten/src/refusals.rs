//! What a component may not contain, because flattening renumbers the core items that it refers to.

use wasmparser::{
    ComponentAlias, ComponentExport, ComponentExternalKind, ComponentImport, ComponentInstance,
    ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
};

use crate::error::Error;

const MODULE: Error = Error::Unsupported("a core module that is passed about as a value");

/// An alias that names a core module or type by its index.
pub(crate) fn alias(alias: &ComponentAlias<'_>) -> Result<(), Error> {
    match alias {
        ComponentAlias::Outer {
            kind: ComponentOuterAliasKind::CoreModule | ComponentOuterAliasKind::CoreType,
            ..
        }
        | ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => Err(MODULE),
        _ => Ok(()),
    }
}

/// An instance of a component that is given a core module.
pub(crate) fn instance(instance: &ComponentInstance<'_>) -> Result<(), Error> {
    let modules = match instance {
        ComponentInstance::Instantiate { args, .. } => {
            args.iter().any(|argument| argument.kind == ComponentExternalKind::Module)
        }
        ComponentInstance::FromExports(exports) => {
            exports.iter().any(|export| export.kind == ComponentExternalKind::Module)
        }
    };
    if modules { Err(MODULE) } else { Ok(()) }
}

/// A resource whose destructor is a core function.
pub(crate) fn component_type(kind: &ComponentType<'_>) -> Result<(), Error> {
    match kind {
        ComponentType::Resource { dtor: Some(_), .. } => {
            Err(Error::Unsupported("a resource with a destructor"))
        }
        _ => Ok(()),
    }
}

/// A core module from outside.
pub(crate) fn import(import: &ComponentImport<'_>) -> Result<(), Error> {
    match import.ty {
        ComponentTypeRef::Module(_) => Err(MODULE),
        _ => Ok(()),
    }
}

/// A core module for the outside.
pub(crate) fn export(export: &ComponentExport<'_>) -> Result<(), Error> {
    match export.kind {
        ComponentExternalKind::Module => Err(MODULE),
        _ => Ok(()),
    }
}
