//! Checks arguments against a tool's input schema before anything runs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::Value;

/// How many compiled schemas are kept.
const KEPT: usize = 1024;

/// At most so many mistakes are named in one answer.
const NAMED: usize = 5;

/// Compiled schemas by the digest of their revision.
#[derive(Default)]
pub(crate) struct Cache {
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Cache {
    /// What is wrong with `arguments`, as a text that tells how to mend the call.
    pub(crate) fn mistakes(
        &self,
        digest: &str,
        schema: &Value,
        arguments: &Value,
    ) -> Option<String> {
        let validator = match self.validator(digest, schema) {
            Ok(validator) => validator,
            Err(error) => return Some(format!("the tool's input schema cannot be used: {error}")),
        };
        describe(&validator, arguments)
    }

    fn validator(&self, digest: &str, schema: &Value) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = compiled.get(digest) {
            return Ok(Arc::clone(found));
        }
        let made = jsonschema::draft202012::new(schema).map_err(|error| error.to_string())?;
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        let made = Arc::new(made);
        compiled.insert(digest.to_owned(), Arc::clone(&made));
        Ok(made)
    }
}

fn describe(validator: &Validator, arguments: &Value) -> Option<String> {
    let mut mistakes = validator.iter_errors(arguments).peekable();
    mistakes.peek()?;
    let mut text = "the arguments do not fit the tool's input schema".to_owned();
    for (index, mistake) in mistakes.enumerate() {
        if index == NAMED {
            text.push_str("; and more");
            break;
        }
        let at = mistake.instance_path().to_string();
        let at = if at.is_empty() { "arguments".to_owned() } else { at };
        let separator = if index == 0 { ": " } else { "; " };
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{separator}{at}: {mistake}");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_type_is_named_with_its_place_and_a_right_one_passes() {
        let cache = Cache::default();
        let schema = json!({"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]});
        assert_eq!(cache.mistakes("d", &schema, &json!({"days": 3})), None);
        let text = cache.mistakes("d", &schema, &json!({"days": "three"})).unwrap();
        assert!(text.contains("/days") && text.contains("integer"), "{text}");
        let text = cache.mistakes("d", &schema, &json!({})).unwrap();
        assert!(text.contains("days"), "{text}");
    }
}
