//! Replays the corpus that `cargo xtask fuzz` has left, and any bytes.

use super::{authorizations, challenges};
use proptest::prelude::*;
use testkit::corpus::{Target, replay};

const TARGETS: [(&str, Target); 2] =
    [("authorizations", authorizations), ("challenges", challenges)];

#[test]
fn the_corpus_of_every_target_is_understood_and_breaks_nothing() {
    replay(env!("CARGO_PKG_NAME"), &TARGETS);
}

proptest! {
    #[test]
    fn any_field_is_read(field in "\\PC*", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        challenges(field.as_bytes());
        challenges(&bytes);
    }

    #[test]
    fn fields_made_of_the_parts_of_challenges_are_read(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Bearer", "basic", " ", ",", ", ", "=", "\"", "\\", "scope", "resource_metadata", "a b", "https://a.example/m",
                "AAAA==", "error", "insufficient_scope", "ä", "\t",
            ]),
            0..40,
        ),
    ) {
        challenges(parts.concat().as_bytes());
    }

    #[test]
    fn any_document_is_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        authorizations(&bytes);
    }
}
