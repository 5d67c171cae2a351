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
        let what = "the arguments do not fit the tool's input schema";
        self.describe(digest, schema, arguments, what)
    }

    /// What is wrong with a result, as a text that tells how to mend the tool.
    pub(crate) fn result_mistakes(
        &self,
        digest: &str,
        schema: &Value,
        result: &Value,
    ) -> Option<String> {
        let what =
            "the result is not what the return annotation of `main` promises; mend one of them";
        self.describe(&format!("{digest}:result"), schema, result, what)
    }

    fn describe(&self, key: &str, schema: &Value, value: &Value, what: &str) -> Option<String> {
        match self.validator(key, schema) {
            Ok(validator) => describe(&validator, value, what),
            Err(error) => Some(format!("the tool's schema cannot be used: {error}")),
        }
    }

    fn validator(&self, key: &str, schema: &Value) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = compiled.get(key) {
            return Ok(Arc::clone(found));
        }
        let made = jsonschema::draft202012::new(schema).map_err(|error| error.to_string())?;
        if compiled.len() >= KEPT {
            compiled.clear();
        }
        let made = Arc::new(made);
        compiled.insert(key.to_owned(), Arc::clone(&made));
        Ok(made)
    }
}

fn describe(validator: &Validator, value: &Value, what: &str) -> Option<String> {
    let mut mistakes = validator.iter_errors(value).peekable();
    mistakes.peek()?;
    let mut text = what.to_owned();
    for (index, mistake) in mistakes.enumerate() {
        if index == NAMED {
            text.push_str("; and more");
            break;
        }
        let at = mistake.instance_path().to_string();
        let at = if at.is_empty() { "the whole".to_owned() } else { at };
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
