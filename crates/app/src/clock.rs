//! The one place that reads the time.

use chrono::{DateTime, SubsecRound, Utc};

/// The time now in UTC, cut to the microseconds that both databases keep.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
