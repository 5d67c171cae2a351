//! What can be reached from the exports, the start functions and the tables in use.

use std::collections::BTreeSet;

use crate::code::{Use, visit};
use crate::constant::Constant;
use crate::error::{Error, at};
use crate::program::{Program, Source};

/// The items of a program that stay, by their places.
#[derive(Default)]
pub(crate) struct Live {
    pub(crate) functions: BTreeSet<u32>,
    pub(crate) tables: BTreeSet<u32>,
    /// Types that code names; those of functions come in addition.
    pub(crate) types: BTreeSet<u32>,
    /// Functions whose address is taken by an instruction or a global.
    pub(crate) referenced: BTreeSet<u32>,
    read: BTreeSet<u32>,
    written: BTreeSet<u32>,
}

impl Live {
    /// Follows every reference, beginning with the functions that the outside calls.
    ///
    /// All functions in a table that reachable code uses stay: any of them may be called.
    pub(crate) fn find(program: &Program<'_>, roots: &[u32]) -> Result<Self, Error> {
        let mut live = Self::default();
        let mut waiting: Vec<u32> = roots.iter().chain(&program.starts).copied().collect();
        while let Some(place) = waiting.pop() {
            if !live.functions.insert(place) {
                continue;
            }
            let function = program.function(place)?;
            live.types.insert(function.kind);
            if let Source::Code { space, body } = &function.source {
                let spaces = at(&program.spaces, *space, "instance")?;
                visit(body, &mut |purpose, index| {
                    match purpose {
                        Use::Type => {
                            live.types.insert(*at(&spaces.types, index, "type")?);
                        }
                        Use::Call => waiting.push(*at(&spaces.functions, index, "function")?),
                        Use::Reference => {
                            let place = *at(&spaces.functions, index, "function")?;
                            live.referenced.insert(place);
                            waiting.push(place);
                        }
                        Use::Table => {
                            let table = *at(&spaces.tables, index, "table")?;
                            live.use_table(program, table, &mut waiting);
                        }
                        Use::Read => {
                            let global = *at(&spaces.globals, index, "global")?;
                            live.read_global(program, global, &mut waiting)?;
                        }
                        Use::Write => {
                            live.written.insert(*at(&spaces.globals, index, "global")?);
                        }
                    }
                    Ok(index)
                })?;
            }
        }
        Ok(live)
    }

    fn use_table(&mut self, program: &Program<'_>, table: u32, waiting: &mut Vec<u32>) {
        if self.tables.insert(table) {
            let elements = program.elements.iter().filter(|elements| elements.table == table);
            waiting.extend(elements.flat_map(|elements| &elements.functions));
        }
    }

    fn read_global(
        &mut self,
        program: &Program<'_>,
        global: u32,
        waiting: &mut Vec<u32>,
    ) -> Result<(), Error> {
        if self.read.insert(global)
            && let Constant::Function(place) = program.global(global)?.value
        {
            self.referenced.insert(place);
            waiting.push(place);
        }
        Ok(())
    }

    /// The number that a global always holds, when no reachable code sets it.
    pub(crate) fn folded(
        &self,
        program: &Program<'_>,
        global: u32,
    ) -> Result<Option<Constant>, Error> {
        let value = program.global(global)?.value;
        Ok((value.is_number() && !self.written.contains(&global)).then_some(value))
    }

    /// The globals that have to remain.
    pub(crate) fn globals(&self, program: &Program<'_>) -> Result<BTreeSet<u32>, Error> {
        let mut globals = BTreeSet::new();
        for global in self.read.union(&self.written) {
            if self.folded(program, *global)?.is_none() {
                globals.insert(*global);
            }
        }
        Ok(globals)
    }
}
