//! What `main` is given, and for what it is run.

use serde_json::Value;

/// The arguments of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// By the names of parameters, a JSON object.
    pub values: String,
    /// What the result is for.
    pub purpose: Purpose,
    /// A JSON Schema that they have to fit as well as the signature, as JSON text; `main` is then not
    /// given those that it has no parameters for.
    pub schema: Option<String>,
}

/// What a result is for, which decides what it can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// The result of a tool: any JSON value, and blocks.
    Tool,
    /// The messages of a prompt: the result is the protocol's, `{"description"?, "messages"}`.
    /// Arguments that are texts are converted by the signature.
    Prompt,
    /// The contents of a resource: the result is the protocol's, `{"contents"}`. Arguments as for a
    /// prompt.
    Resource {
        /// Under which it is read.
        uri: String,
    },
}

impl From<String> for Arguments {
    /// Those of a tool.
    fn from(values: String) -> Self {
        Self { values, purpose: Purpose::Tool, schema: None }
    }
}

impl Arguments {
    /// The form in which the guest takes them. Neither JSON text is read here, or written anew.
    pub(crate) fn to_json(&self) -> String {
        let Self { values, purpose, schema } = self;
        let (purpose, uri) = match purpose {
            Purpose::Tool => ("tool", Value::Null),
            Purpose::Prompt => ("prompt", Value::Null),
            Purpose::Resource { uri } => ("resource", Value::from(uri.as_str())),
        };
        let schema = schema.as_deref().unwrap_or("null");
        format!(r#"{{"values":{values},"purpose":"{purpose}","uri":{uri},"schema":{schema}}}"#)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_guest_is_given_all_of_it() {
        let read =
            |arguments: Arguments| serde_json::from_str::<Value>(&arguments.to_json()).unwrap();
        let plain = json!({"values": {"a": 1}, "purpose": "tool", "uri": null, "schema": null});
        assert_eq!(read(r#"{"a":1}"#.to_owned().into()), plain);
        let arguments = Arguments {
            values: "{}".to_owned(),
            purpose: Purpose::Resource { uri: "x://\"\n".to_owned() },
            schema: Some(r#"{"type":"object"}"#.to_owned()),
        };
        let expected = json!({
            "values": {}, "purpose": "resource", "uri": "x://\"\n", "schema": {"type": "object"},
        });
        assert_eq!(read(arguments), expected);
    }
}
