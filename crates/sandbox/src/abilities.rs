//! What the client of a call can be asked.

use serde::{Deserialize, Serialize};

/// What the client of a call has declared that it can be asked. A tool reads it as `ctx.client`.
#[expect(clippy::struct_excessive_bools, reason = "each is there or not, whatever the others are")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    /// To have a person fill in a form.
    pub elicit_form: bool,
    /// To have a person open a page.
    pub elicit_url: bool,
    /// To ask its model.
    pub sample: bool,
    /// To tell where it works.
    pub roots: bool,
}

impl Abilities {
    /// The operation that asks the client something. Time in which a guest waits for nothing but such
    /// operations does not count for its limit, and calls with one under way are bounded by
    /// [`Bounds::asking`](crate::Bounds::asking); what it carries, and how long it may take, is the
    /// host's affair.
    pub const ASK: &str = "client.ask";

    /// The operation that says how far a call is. The guest waits for no answer.
    pub const PROGRESS: &str = "client.progress";

    /// The operation that logs something for the client. The guest waits for no answer.
    pub const LOG: &str = "client.log";

    /// The form in which the guest takes them.
    pub(crate) fn to_json(self) -> String {
        serde_json::json!(self).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Abilities;

    #[test]
    fn the_guest_is_told_of_each() {
        let given = Abilities { sample: true, ..Abilities::default() }.to_json();
        let expected = r#"{"elicit_form":false,"elicit_url":false,"sample":true,"roots":false}"#;
        assert_eq!(given, expected);
    }
}
