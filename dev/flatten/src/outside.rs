//! What the component asks of the merged instance: the functions that it has to export.

use wasmparser::{CanonicalFunction, CanonicalOption, ExternalKind};

use crate::component::{Component, Item, Provider};
use crate::error::Error;
use crate::link::Linked;
use crate::roles::Roles;

/// The functions that the merged module exports, each once, by their places in the program.
#[derive(Default)]
pub(crate) struct Outside {
    functions: Vec<u32>,
}

impl Outside {
    /// Collects what lifted functions, the fixup and the host's functions behind it need.
    pub(crate) fn collect<'a>(
        component: &Component<'a>,
        roles: &Roles<'a>,
        linked: &Linked<'a>,
    ) -> Result<Self, Error> {
        let mut outside = Self::default();
        for import in &roles.fixup_imports {
            match &import.provider {
                Provider::Canonical(index) => {
                    if let CanonicalFunction::Lower { options, .. } = component.canonical(*index)? {
                        outside.add_options(component, linked, options)?;
                    }
                }
                Provider::Instance(instance, _) if Some(*instance) == roles.shim => {}
                Provider::Instance(instance, name) => {
                    if import.kind == ExternalKind::Func {
                        outside.add(linked.exported(*instance, import.kind, name)?);
                    }
                }
            }
        }
        for item in &component.items {
            if let Item::Lift { function, options, .. } = item {
                outside.add(place(component, linked, *function)?);
                outside.add_options(component, linked, options)?;
            }
        }
        Ok(outside)
    }

    fn add_options<'a>(
        &mut self,
        component: &Component<'a>,
        linked: &Linked<'a>,
        options: &[CanonicalOption],
    ) -> Result<(), Error> {
        for option in options {
            match *option {
                CanonicalOption::Realloc(function)
                | CanonicalOption::PostReturn(function)
                | CanonicalOption::Callback(function) => {
                    self.add(place(component, linked, function)?);
                }
                CanonicalOption::Memory(memory) => check_memory(component, linked, memory)?,
                CanonicalOption::UTF8
                | CanonicalOption::UTF16
                | CanonicalOption::CompactUTF16
                | CanonicalOption::Async => {}
                CanonicalOption::CoreType(_) | CanonicalOption::Gc => {
                    return Err(Error::Unsupported("a canonical option for garbage collection"));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, place: u32) {
        if !self.functions.contains(&place) {
            self.functions.push(place);
        }
    }

    /// The places in the program.
    pub(crate) fn functions(&self) -> &[u32] {
        &self.functions
    }

    /// The name under which the merged module exports a function.
    pub(crate) fn name(&self, place: u32) -> Result<String, Error> {
        let position = self.functions.iter().position(|function| *function == place);
        let missing = Error::Missing { what: "exported function", index: place };
        position.map(|position| position.to_string()).ok_or(missing)
    }
}

/// The place in the program of a core function of the component.
pub(crate) fn place<'a>(
    component: &Component<'a>,
    linked: &Linked<'a>,
    function: u32,
) -> Result<u32, Error> {
    match component.item(ExternalKind::Func, function)? {
        Provider::Instance(instance, name) => linked.exported(instance, ExternalKind::Func, name),
        Provider::Canonical(_) => {
            Err(Error::Unsupported("a host function in the place of the guest's own"))
        }
    }
}

/// Any memory of a merged instance is the one memory.
fn check_memory<'a>(
    component: &Component<'a>,
    linked: &Linked<'a>,
    memory: u32,
) -> Result<(), Error> {
    match component.item(ExternalKind::Memory, memory)? {
        Provider::Instance(instance, name) => {
            linked.exported(instance, ExternalKind::Memory, name).map(|_one| ())
        }
        Provider::Canonical(index) => Err(Error::Missing { what: "core memory", index }),
    }
}
