//! Constant expressions, evaluated.

use wasm_encoder::{ConstExpr, HeapType, Ieee32, Ieee64, Instruction};
use wasmparser::Operator;

use crate::error::{Error, at};

/// The value of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constant {
    I32(i32),
    I64(i64),
    /// A number by its bits.
    F32(u32),
    /// A number by its bits.
    F64(u64),
    V128(i128),
    Null,
    /// A reference to the function with this index of the program.
    Function(u32),
}

impl Constant {
    /// Whether reading it can be written as an instruction that refers to nothing.
    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::I32(_) | Self::I64(_) | Self::F32(_) | Self::F64(_) | Self::V128(_))
    }

    /// The instruction that makes the value, given where a function is found.
    pub(crate) fn instruction(
        self,
        place: impl FnOnce(u32) -> Result<u32, Error>,
    ) -> Result<Instruction<'static>, Error> {
        Ok(match self {
            Self::I32(value) => Instruction::I32Const(value),
            Self::I64(value) => Instruction::I64Const(value),
            Self::F32(bits) => Instruction::F32Const(Ieee32::new(bits)),
            Self::F64(bits) => Instruction::F64Const(Ieee64::new(bits)),
            Self::V128(value) => Instruction::V128Const(value),
            Self::Null => Instruction::RefNull(HeapType::FUNC),
            Self::Function(function) => Instruction::RefFunc(place(function)?),
        })
    }

    /// The same as a whole expression.
    pub(crate) fn expression(
        self,
        place: impl FnOnce(u32) -> Result<u32, Error>,
    ) -> Result<ConstExpr, Error> {
        Ok(ConstExpr::extended([self.instruction(place)?]))
    }

    /// The place in a memory or table that an offset names.
    pub(crate) fn offset(self) -> Result<u32, Error> {
        match self {
            Self::I32(value) => Ok(value.cast_unsigned()),
            _ => Err(Error::Unsupported("an offset that is not a 32-bit integer")),
        }
    }
}

/// Evaluates an expression of a module whose functions and globals have these places and values.
pub(crate) fn evaluate(
    expression: &wasmparser::ConstExpr<'_>,
    functions: &[u32],
    globals: impl Fn(u32) -> Result<Constant, Error>,
) -> Result<Constant, Error> {
    let mut stack = Vec::new();
    for operator in expression.get_operators_reader() {
        let value = match operator? {
            Operator::I32Const { value } => Constant::I32(value),
            Operator::I64Const { value } => Constant::I64(value),
            Operator::F32Const { value } => Constant::F32(value.bits()),
            Operator::F64Const { value } => Constant::F64(value.bits()),
            Operator::V128Const { value } => Constant::V128(value.i128()),
            Operator::RefNull { hty: wasmparser::HeapType::FUNC } => Constant::Null,
            Operator::RefFunc { function_index } => {
                Constant::Function(*at(functions, function_index, "function")?)
            }
            Operator::GlobalGet { global_index } => globals(global_index)?,
            Operator::End => continue,
            operator => {
                let (right, left) = (stack.pop(), stack.pop());
                left.zip(right)
                    .and_then(|(left, right)| combine(&operator, left, right))
                    .ok_or(Error::Unsupported("a constant expression of this kind"))?
            }
        };
        stack.push(value);
    }
    stack.pop().ok_or(Error::Unsupported("an empty constant expression"))
}

fn combine(operator: &Operator<'_>, left: Constant, right: Constant) -> Option<Constant> {
    use Constant::{I32, I64};
    Some(match (operator, left, right) {
        (Operator::I32Add, I32(left), I32(right)) => I32(left.wrapping_add(right)),
        (Operator::I32Sub, I32(left), I32(right)) => I32(left.wrapping_sub(right)),
        (Operator::I32Mul, I32(left), I32(right)) => I32(left.wrapping_mul(right)),
        (Operator::I64Add, I64(left), I64(right)) => I64(left.wrapping_add(right)),
        (Operator::I64Sub, I64(left), I64(right)) => I64(left.wrapping_sub(right)),
        (Operator::I64Mul, I64(left), I64(right)) => I64(left.wrapping_mul(right)),
        _ => return None,
    })
}
