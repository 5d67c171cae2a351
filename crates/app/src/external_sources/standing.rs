//! Whether a connection to a source may stay, by what was decided about the source since.

use chrono::{DateTime, Utc};
use store::external_sources::{ExternalSource, Standing};

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Calls that are under way have their answers.
    Gently,
    /// Nothing more is sent: nobody may use the source.
    AtOnce,
}

/// What becomes of a connection that was made of the row as it was at `made_of`; nothing where it stays.
pub(super) fn ending(made_of: DateTime<Utc>, now: Option<&Standing>) -> Option<Ending> {
    match now {
        None => Some(Ending::AtOnce),
        Some(now) if !now.granted || !now.enabled => Some(Ending::AtOnce),
        Some(now) if made_of < now.updated_at => Some(Ending::Gently),
        Some(_) => None,
    }
}

/// How a source stands by its row.
pub(super) fn of(source: &ExternalSource) -> Standing {
    Standing {
        id: source.id,
        granted: source.granted_at.is_some(),
        enabled: source.enabled,
        updated_at: source.updated_at,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::clock;

    #[test]
    fn a_connection_stays_while_its_source_is_as_it_was_and_may_be_used() {
        let made_of = clock::now();
        let as_it_was =
            Standing { id: Uuid::nil(), granted: true, enabled: true, updated_at: made_of };
        let refused = Standing { granted: false, ..as_it_was };
        let off = Standing { enabled: false, ..as_it_was };
        let changed = Standing { updated_at: made_of + TimeDelta::milliseconds(1), ..as_it_was };
        // Read before the connection was made.
        let earlier = Standing { updated_at: made_of - TimeDelta::seconds(1), ..as_it_was };
        for (now, expected) in [
            (Some(as_it_was), None),
            (Some(earlier), None),
            (Some(changed), Some(Ending::Gently)),
            (Some(refused), Some(Ending::AtOnce)),
            (Some(off), Some(Ending::AtOnce)),
            (None, Some(Ending::AtOnce)),
        ] {
            assert_eq!(ending(made_of, now.as_ref()), expected, "{now:?}");
        }
    }
}
