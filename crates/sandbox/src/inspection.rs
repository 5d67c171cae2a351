//! What reading a tool's source says about it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a tool's source offers, read in the guest with the grammar it runs under.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inspection {
    /// Whether the source can be run: it parses and has an `async def main`.
    pub valid: bool,
    /// Why it cannot.
    pub error: Option<SourceError>,
    /// Whether there is an `async def main` at module level.
    pub has_main: bool,
    /// The parameters of `main`, in order.
    pub parameters: Vec<Parameter>,
    /// JSON Schema 2020-12 of the inputs, an object.
    pub input_schema: Option<Value>,
    /// JSON Schema 2020-12 of the result where the return annotation describes an object.
    pub output_schema: Option<Value>,
    /// The docstring's summary.
    pub doc: Option<String>,
    /// What the reader of the inspection should know besides, such as types that were not resolved.
    pub notes: Vec<String>,
}

/// A place in the source, and what is wrong there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceError {
    /// A sentence that says what is wrong.
    pub message: String,
    /// Line, counted from 1; absent where no single line is to blame.
    pub line: Option<u32>,
    /// Column, counted from 1.
    pub column: Option<u32>,
}

/// One parameter of `main`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its annotation as written, where it has one.
    pub type_text: Option<String>,
}
