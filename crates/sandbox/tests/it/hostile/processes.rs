//! The processes that this one has started.

use std::collections::BTreeSet;

/// Process ids with the times at which the processes began, so that an id that is used again is told apart.
pub(super) type Processes = BTreeSet<(u32, u64)>;

/// The children of this process that are alive.
pub(super) fn children() -> Processes {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let (_, fields) = stat.rsplit_once(") ")?;
            let mut fields = fields.split(' ');
            let (state, parent) = (fields.next()?, fields.next()?);
            let began = fields.nth(17)?.parse().ok()?;
            let own = parent.parse() == Ok(std::process::id());
            (own && state != "Z").then_some((process, began))
        })
        .collect()
}
