//! Links the merged instances: imports between them become references to the same item.

use std::collections::HashMap;

use wasmparser::{DataKind, ElementItems, ElementKind, ExternalKind, Import, TableInit, TypeRef};

use crate::component::{Component, Provider};
use crate::constant::{Constant, evaluate};
use crate::error::{Error, add, at};
use crate::module::Module;
use crate::program::{Elements, Function, Global, Program, Segment, Source, Spaces};
use crate::roles::{Part, Roles, kind, provider};

/// The program of a component, and what its merged instances export.
pub(crate) struct Linked<'a> {
    pub(crate) program: Program<'a>,
    shim: Option<u32>,
    exports: HashMap<u32, HashMap<&'a str, (ExternalKind, u32)>>,
    host: HashMap<u32, u32>,
    trampolines: HashMap<&'a str, u32>,
}

/// Links the instances in their order, so that whatever one imports is there already.
pub(crate) fn link<'a>(
    component: &Component<'a>,
    roles: &mut Roles<'a>,
) -> Result<Linked<'a>, Error> {
    let mut linked = Linked {
        program: Program::default(),
        shim: roles.shim,
        exports: HashMap::new(),
        host: HashMap::new(),
        trampolines: HashMap::new(),
    };
    for part in &mut roles.merged {
        linked.add_part(component, part)?;
    }
    linked.program.memory()?;
    Ok(linked)
}

impl<'a> Linked<'a> {
    fn add_part(&mut self, component: &Component<'a>, part: &mut Part<'a>) -> Result<(), Error> {
        let mut spaces = Spaces::default();
        for kind in &part.module.types {
            spaces.types.push(self.program.add_type(kind)?);
        }
        for import in &part.module.imports {
            self.add_import(component, part.instance, import, &mut spaces)?;
        }
        self.define(&mut part.module, &mut spaces)?;
        self.add_segments(&part.module, &spaces)?;
        if let Some(start) = part.module.start {
            self.program.starts.push(*at(&spaces.functions, start, "function")?);
        }
        let mut exports = HashMap::new();
        for (name, (kind, index)) in &part.module.exports {
            exports.insert(*name, (*kind, *at(space(&spaces, *kind)?, *index, "export")?));
        }
        self.exports.insert(part.instance, exports);
        self.program.spaces.push(spaces);
        Ok(())
    }

    fn add_import(
        &mut self,
        component: &Component<'a>,
        instance: u32,
        import: &Import<'a>,
        spaces: &mut Spaces,
    ) -> Result<(), Error> {
        let kind = kind(&import.ty)?;
        let provider = provider(component, instance, kind, import.module, import.name)?;
        let place = match (provider, &import.ty) {
            (Provider::Canonical(index), TypeRef::Func(kind)) => {
                let function = Function {
                    kind: *at(&spaces.types, *kind, "type")?,
                    source: Source::Host(index),
                };
                place_once(&mut self.host, index, &mut self.program.functions, function)?
            }
            (Provider::Instance(shim, name), TypeRef::Func(kind)) if self.shim == Some(shim) => {
                let function = Function {
                    kind: *at(&spaces.types, *kind, "type")?,
                    source: Source::Shim(name),
                };
                place_once(&mut self.trampolines, name, &mut self.program.functions, function)?
            }
            (Provider::Instance(instance, name), _) => self.exported(instance, kind, name)?,
            (Provider::Canonical(_), _) => {
                return Err(Error::Unsupported("a host function that is imported as another item"));
            }
        };
        match kind {
            ExternalKind::Func => spaces.functions.push(place),
            ExternalKind::Table => spaces.tables.push(place),
            ExternalKind::Memory => spaces.memories.push(place),
            _ => spaces.globals.push(place),
        }
        Ok(())
    }

    /// The place of what a merged instance exports.
    pub(crate) fn exported(
        &self,
        instance: u32,
        kind: ExternalKind,
        name: &str,
    ) -> Result<u32, Error> {
        let missing = || Error::NoExport { instance, name: name.to_owned() };
        let exports = self.exports.get(&instance).ok_or_else(missing)?;
        match exports.get(name) {
            Some((found, place)) if *found == kind => Ok(*place),
            _ => Err(missing()),
        }
    }

    fn define(&mut self, module: &mut Module<'a>, spaces: &mut Spaces) -> Result<(), Error> {
        let space = u32::try_from(self.program.spaces.len()).unwrap_or(u32::MAX);
        for (kind, body) in module.functions.iter().zip(module.bodies.drain(..)) {
            let kind = *at(&spaces.types, *kind, "type")?;
            let function = Function { kind, source: Source::Code { space, body } };
            spaces.functions.push(add(&mut self.program.functions, function, "functions")?);
        }
        for table in &module.tables {
            if !matches!(table.init, TableInit::RefNull) {
                return Err(Error::Unsupported("a table with an initial value"));
            }
            spaces.tables.push(add(&mut self.program.tables, table.ty, "tables")?);
        }
        for memory in &module.memories {
            spaces.memories.push(add(&mut self.program.memories, *memory, "memories")?);
        }
        for global in &module.globals {
            let value = self.evaluate(&global.init_expr, spaces)?;
            let global = Global { kind: global.ty, value };
            spaces.globals.push(add(&mut self.program.globals, global, "globals")?);
        }
        Ok(())
    }

    fn evaluate(
        &self,
        expression: &wasmparser::ConstExpr<'_>,
        spaces: &Spaces,
    ) -> Result<Constant, Error> {
        evaluate(expression, &spaces.functions, |index| {
            let global = self.program.global(*at(&spaces.globals, index, "global")?)?;
            // Validation lets constant expressions read immutable globals only.
            Ok(global.value)
        })
    }

    fn add_segments(&mut self, module: &Module<'a>, spaces: &Spaces) -> Result<(), Error> {
        for segment in &module.elements {
            let (table, offset) = match &segment.kind {
                ElementKind::Active { table_index, offset_expr } => {
                    let table = *at(&spaces.tables, table_index.unwrap_or(0), "table")?;
                    (table, self.evaluate(offset_expr, spaces)?.offset()?)
                }
                // Which functions have their address taken is found in the code again.
                ElementKind::Declared => continue,
                ElementKind::Passive => return Err(Error::PassiveSegment),
            };
            let functions = self.element_functions(&segment.items, spaces)?;
            let end = u64::from(offset).saturating_add(functions.len() as u64);
            if end > at(&self.program.tables, table, "table")?.initial {
                return Err(Error::OutOfBounds("elements"));
            }
            self.program.elements.push(Elements { table, offset, functions });
        }
        for segment in &module.data {
            let DataKind::Active { offset_expr, .. } = &segment.kind else {
                return Err(Error::PassiveSegment);
            };
            let offset = self.evaluate(offset_expr, spaces)?.offset()?;
            self.program.data.push(Segment { offset, bytes: segment.data });
        }
        Ok(())
    }

    fn element_functions(
        &self,
        items: &ElementItems<'a>,
        spaces: &Spaces,
    ) -> Result<Vec<u32>, Error> {
        match items {
            ElementItems::Functions(functions) => functions
                .clone()
                .into_iter()
                .map(|index| Ok(*at(&spaces.functions, index?, "function")?))
                .collect(),
            ElementItems::Expressions(_, expressions) => expressions
                .clone()
                .into_iter()
                .map(|expression| match self.evaluate(&expression?, spaces)? {
                    Constant::Function(place) => Ok(place),
                    // The engine fills a table lazily from plain functions only.
                    _ => Err(Error::Unsupported("an element that is not a function")),
                })
                .collect(),
        }
    }
}

fn place_once<'a, K: std::hash::Hash + Eq>(
    places: &mut HashMap<K, u32>,
    key: K,
    functions: &mut Vec<Function<'a>>,
    function: Function<'a>,
) -> Result<u32, Error> {
    if let Some(place) = places.get(&key) {
        return Ok(*place);
    }
    let place = add(functions, function, "functions")?;
    places.insert(key, place);
    Ok(place)
}

fn space(spaces: &Spaces, kind: ExternalKind) -> Result<&[u32], Error> {
    match kind {
        ExternalKind::Func => Ok(&spaces.functions),
        ExternalKind::Table => Ok(&spaces.tables),
        ExternalKind::Memory => Ok(&spaces.memories),
        ExternalKind::Global => Ok(&spaces.globals),
        _ => Err(Error::Unsupported("an export of this kind")),
    }
}
