//! Writes the merged module.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    Instruction, MemorySection, MemoryType, Module, RefType, StartSection, TableSection, TableType,
    TypeSection, ValType,
};
use wasmparser::Operator;

use crate::code::{self, Use};
use crate::error::{Error, at};
use crate::image;
use crate::layout::Layout;
use crate::live::Live;
use crate::outside::Outside;
use crate::program::{Program, Source};

/// The name of the instance that holds the host's functions.
pub(crate) const HOST: &str = "host";

/// The name of the shim's instance.
pub(crate) const SHIM: &str = "shim";

/// The name of the exported memory.
pub(crate) const MEMORY: &str = "memory";

/// What a module is written from.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'p, 'a> {
    pub(crate) program: &'p Program<'a>,
    pub(crate) live: &'p Live,
    pub(crate) layout: &'p Layout,
    pub(crate) outside: &'p Outside,
}

/// The name under which the component's core function at this index is imported from the host.
pub(crate) fn host_name(index: u32) -> String {
    index.to_string()
}

/// Writes the module, with the memory's contents where `image` holds them.
pub(crate) fn encode(parts: Parts<'_, '_>, image: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let start = Start::of(parts)?;
    let mut module = Module::new();
    module
        .section(&types(parts, start)?)
        .section(&imports(parts)?)
        .section(&functions(parts, start)?)
        .section(&tables(parts)?)
        .section(&memory(parts.program)?)
        .section(&globals(parts)?)
        .section(&exports(parts)?);
    if let Some(function_index) = start.function {
        module.section(&StartSection { function_index });
    }
    module.section(&elements(parts)?).section(&code(parts, start)?);
    if let Some(image) = image {
        module.section(&data(image)?);
    }
    Ok(module.finish())
}

/// The start function: none, the only one, or one of our own that calls several.
#[derive(Clone, Copy)]
struct Start {
    function: Option<u32>,
    made: bool,
}

impl Start {
    fn of(parts: Parts<'_, '_>) -> Result<Self, Error> {
        let function = match parts.program.starts.as_slice() {
            [] => None,
            [only] => Some(parts.layout.functions.index(*only, "function")?),
            _ => Some(length(parts.layout.functions.places().len())?),
        };
        Ok(Self { function, made: parts.program.starts.len() > 1 })
    }
}

fn length(items: usize) -> Result<u32, Error> {
    u32::try_from(items).map_err(|_many| Error::TooMany("items"))
}

fn types(parts: Parts<'_, '_>, start: Start) -> Result<TypeSection, Error> {
    let mut section = TypeSection::new();
    for place in parts.layout.types.places() {
        let kind = at(&parts.program.types, *place, "type")?;
        let values = |values: &[wasmparser::ValType]| {
            values.iter().map(|value| value_type(*value)).collect::<Result<Vec<_>, _>>()
        };
        section.ty().function(values(kind.params())?, values(kind.results())?);
    }
    if start.made {
        section.ty().function([], []);
    }
    Ok(section)
}

fn imports(parts: Parts<'_, '_>) -> Result<ImportSection, Error> {
    let mut section = ImportSection::new();
    for place in parts.layout.functions.places().iter().take(parts.layout.imported) {
        let function = parts.program.function(*place)?;
        let kind = EntityType::Function(parts.layout.types.index(function.kind, "type")?);
        match &function.source {
            Source::Host(index) => section.import(HOST, &host_name(*index), kind),
            Source::Shim(name) => section.import(SHIM, name, kind),
            Source::Code { .. } => continue,
        };
    }
    Ok(section)
}

fn functions(parts: Parts<'_, '_>, start: Start) -> Result<FunctionSection, Error> {
    let mut section = FunctionSection::new();
    for place in parts.layout.functions.places().iter().skip(parts.layout.imported) {
        let function = parts.program.function(*place)?;
        section.function(parts.layout.types.index(function.kind, "type")?);
    }
    if start.made {
        section.function(length(parts.layout.types.places().len())?);
    }
    Ok(section)
}

fn tables(parts: Parts<'_, '_>) -> Result<TableSection, Error> {
    let mut section = TableSection::new();
    for place in parts.layout.tables.places() {
        let table = at(&parts.program.tables, *place, "table")?;
        section.table(TableType {
            element_type: reference_type(table.element_type)?,
            table64: table.table64,
            minimum: table.initial,
            maximum: table.maximum,
            shared: table.shared,
        });
    }
    Ok(section)
}

fn memory(program: &Program<'_>) -> Result<MemorySection, Error> {
    let memory = program.memory()?;
    let mut section = MemorySection::new();
    section.memory(MemoryType {
        minimum: memory.initial,
        maximum: memory.maximum,
        memory64: memory.memory64,
        shared: memory.shared,
        page_size_log2: memory.page_size_log2,
    });
    Ok(section)
}

fn globals(parts: Parts<'_, '_>) -> Result<GlobalSection, Error> {
    let mut section = GlobalSection::new();
    for place in parts.layout.globals.places() {
        let global = parts.program.global(*place)?;
        let kind = GlobalType {
            val_type: value_type(global.kind.content_type)?,
            mutable: global.kind.mutable,
            shared: global.kind.shared,
        };
        let functions = &parts.layout.functions;
        let value = global.value.expression(|function| functions.index(function, "function"))?;
        section.global(kind, &value);
    }
    Ok(section)
}

fn exports(parts: Parts<'_, '_>) -> Result<ExportSection, Error> {
    let mut section = ExportSection::new();
    section.export(MEMORY, ExportKind::Memory, 0);
    for place in parts.outside.functions() {
        let index = parts.layout.functions.index(*place, "function")?;
        section.export(&parts.outside.name(*place)?, ExportKind::Func, index);
    }
    Ok(section)
}

fn elements(parts: Parts<'_, '_>) -> Result<ElementSection, Error> {
    let mut section = ElementSection::new();
    let indices = |places: &mut dyn Iterator<Item = &u32>| {
        places
            .map(|place| parts.layout.functions.index(*place, "function"))
            .collect::<Result<Vec<_>, _>>()
    };
    for segment in &parts.program.elements {
        if !parts.live.tables.contains(&segment.table) {
            continue;
        }
        let table = parts.layout.tables.index(segment.table, "table")?;
        let functions = indices(&mut segment.functions.iter())?;
        let offset = ConstExpr::i32_const(segment.offset.cast_signed());
        // Table 0 has an encoding of its own, which every engine takes for plain functions.
        let table = (table != 0).then_some(table);
        section.active(table, &offset, Elements::Functions(functions.into()));
    }
    if !parts.live.referenced.is_empty() {
        let functions = indices(&mut parts.live.referenced.iter())?;
        section.declared(Elements::Functions(functions.into()));
    }
    Ok(section)
}

fn code(parts: Parts<'_, '_>, start: Start) -> Result<CodeSection, Error> {
    let mut section = CodeSection::new();
    for place in parts.layout.functions.places().iter().skip(parts.layout.imported) {
        section.raw(&body(parts, *place)?);
    }
    if start.made {
        let mut function = Function::new([]);
        for place in &parts.program.starts {
            let index = parts.layout.functions.index(*place, "function")?;
            function.instruction(&Instruction::Call(index));
        }
        function.instruction(&Instruction::End);
        section.function(&function);
    }
    Ok(section)
}

fn body(parts: Parts<'_, '_>, place: u32) -> Result<Vec<u8>, Error> {
    let (program, layout) = (parts.program, parts.layout);
    let Source::Code { space, body } = &program.function(place)?.source else {
        return Err(Error::Missing { what: "function with code", index: place });
    };
    let spaces = at(&program.spaces, *space, "instance")?;
    let mut map = |purpose: Use, index: u32| match purpose {
        Use::Type => layout.types.index(*at(&spaces.types, index, "type")?, "type"),
        Use::Call | Use::Reference => {
            layout.functions.index(*at(&spaces.functions, index, "function")?, "function")
        }
        Use::Table => layout.tables.index(*at(&spaces.tables, index, "table")?, "table"),
        Use::Read | Use::Write => {
            layout.globals.index(*at(&spaces.globals, index, "global")?, "global")
        }
    };
    code::rewrite(body, |operator| {
        if let Operator::GlobalGet { global_index } = operator {
            let global = *at(&spaces.globals, *global_index, "global")?;
            if let Some(value) = parts.live.folded(program, global)? {
                return value.instruction(Ok).map(Some);
            }
        }
        code::with_indices(operator, &mut map)
    })
}

fn data(image: &[u8]) -> Result<DataSection, Error> {
    let mut section = DataSection::new();
    for (offset, run) in image::runs(image) {
        let offset = length(offset)?.cast_signed();
        section.active(0, &ConstExpr::i32_const(offset), run.iter().copied());
    }
    Ok(section)
}

fn value_type(value: wasmparser::ValType) -> Result<ValType, Error> {
    Ok(match value {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(reference) => ValType::Ref(reference_type(reference)?),
    })
}

fn reference_type(reference: wasmparser::RefType) -> Result<RefType, Error> {
    if reference == wasmparser::RefType::FUNCREF {
        Ok(RefType::FUNCREF)
    } else {
        Err(Error::Unsupported("a reference of this type"))
    }
}
