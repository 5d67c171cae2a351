//! The instructions that hold an index, read and written with other indices.

use wasm_encoder::{BlockType, Encode, Instruction};
use wasmparser::{FunctionBody, Operator};

use crate::error::Error;

/// What an index in code leads to, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Type,
    Call,
    /// A function whose address is taken.
    Reference,
    Table,
    Read,
    Write,
}

/// Calls `visit` with each index in the instructions of a function.
pub(crate) fn visit(
    body: &FunctionBody<'_>,
    visit: &mut dyn FnMut(Use, u32) -> Result<u32, Error>,
) -> Result<(), Error> {
    let mut operators = body.get_operators_reader()?;
    while !operators.eof() {
        let _same = with_indices(&operators.read()?, visit)?;
    }
    Ok(())
}

/// A function's locals and instructions as bytes, where `replace` names another instruction for
/// some of them and `None` for those that stay as they are.
pub(crate) fn rewrite(
    body: &FunctionBody<'_>,
    mut replace: impl FnMut(&Operator<'_>) -> Result<Option<Instruction<'static>>, Error>,
) -> Result<Vec<u8>, Error> {
    let base = body.range().start;
    let copied = |start: usize, end: usize| {
        let range = start.saturating_sub(base)..end.saturating_sub(base);
        body.as_bytes().get(range).ok_or(Error::Unsupported("code beyond its function"))
    };
    let mut operators = body.get_operators_reader()?;
    let mut written = Vec::with_capacity(body.as_bytes().len());
    written.extend_from_slice(copied(base, operators.original_position())?);
    while !operators.eof() {
        let (operator, start) = operators.read_with_offset()?;
        match replace(&operator)? {
            Some(instruction) => instruction.encode(&mut written),
            None => written.extend_from_slice(copied(start, operators.original_position())?),
        }
    }
    Ok(written)
}

/// The same instruction with the indices that `map` gives, `None` where it holds no index.
///
/// The input was validated without the proposals that add more instructions with indices, and with
/// one memory, so that what is not listed here refers to locals, labels and memory 0 only.
pub(crate) fn with_indices(
    operator: &Operator<'_>,
    map: &mut dyn FnMut(Use, u32) -> Result<u32, Error>,
) -> Result<Option<Instruction<'static>>, Error> {
    Ok(Some(match *operator {
        Operator::Block { blockty: wasmparser::BlockType::FuncType(kind) } => {
            Instruction::Block(BlockType::FunctionType(map(Use::Type, kind)?))
        }
        Operator::Loop { blockty: wasmparser::BlockType::FuncType(kind) } => {
            Instruction::Loop(BlockType::FunctionType(map(Use::Type, kind)?))
        }
        Operator::If { blockty: wasmparser::BlockType::FuncType(kind) } => {
            Instruction::If(BlockType::FunctionType(map(Use::Type, kind)?))
        }
        Operator::Call { function_index } => Instruction::Call(map(Use::Call, function_index)?),
        Operator::ReturnCall { function_index } => {
            Instruction::ReturnCall(map(Use::Call, function_index)?)
        }
        Operator::CallIndirect { type_index, table_index } => Instruction::CallIndirect {
            type_index: map(Use::Type, type_index)?,
            table_index: map(Use::Table, table_index)?,
        },
        Operator::ReturnCallIndirect { type_index, table_index } => {
            Instruction::ReturnCallIndirect {
                type_index: map(Use::Type, type_index)?,
                table_index: map(Use::Table, table_index)?,
            }
        }
        Operator::RefFunc { function_index } => {
            Instruction::RefFunc(map(Use::Reference, function_index)?)
        }
        Operator::GlobalGet { global_index } => {
            Instruction::GlobalGet(map(Use::Read, global_index)?)
        }
        Operator::GlobalSet { global_index } => {
            Instruction::GlobalSet(map(Use::Write, global_index)?)
        }
        Operator::TableGet { table } => Instruction::TableGet(map(Use::Table, table)?),
        Operator::TableSet { table } => Instruction::TableSet(map(Use::Table, table)?),
        Operator::TableGrow { table } => Instruction::TableGrow(map(Use::Table, table)?),
        Operator::TableSize { table } => Instruction::TableSize(map(Use::Table, table)?),
        Operator::TableFill { table } => Instruction::TableFill(map(Use::Table, table)?),
        Operator::TableCopy { dst_table, src_table } => Instruction::TableCopy {
            dst_table: map(Use::Table, dst_table)?,
            src_table: map(Use::Table, src_table)?,
        },
        Operator::MemoryInit { .. }
        | Operator::DataDrop { .. }
        | Operator::TableInit { .. }
        | Operator::ElemDrop { .. } => return Err(Error::PassiveSegment),
        _ => return Ok(None),
    }))
}
