//! Numbers of more digits than clients read.

use serde_json::Value;

/// Python refuses a whole message for one integer of more digits, and with it the official client.
///
/// The guest lets none pass where an output schema promises an integer.
const DIGITS_MAX: usize = 4_300;

/// The value with text in the place of numbers that have more digits than clients read.
pub fn for_clients(value: Value) -> Value {
    match value {
        Value::Number(number) if digits(number.as_str()) > DIGITS_MAX => {
            Value::String(number.as_str().to_owned())
        }
        Value::Array(items) => items.into_iter().map(for_clients).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, for_clients(field))).collect()
        }
        other => other,
    }
}

fn digits(number: &str) -> usize {
    number.trim_start_matches('-').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_no_client_reads_is_a_text_and_all_others_keep_every_digit() {
        let (long, short) = ("7".repeat(4_301), "7".repeat(4_300));
        let text = format!(r#"{{"a":[{long},{short},-0.10,18446744073709551617]}}"#);
        let value = for_clients(serde_json::from_str(&text).unwrap());
        let expected = format!(r#"{{"a":["{long}",{short},-0.10,18446744073709551617]}}"#);
        assert_eq!(value.to_string(), expected);
        let negative = format!("[-{short}]");
        assert_eq!(for_clients(serde_json::from_str(&negative).unwrap()).to_string(), negative);
    }
}
