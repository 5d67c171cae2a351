//! Artifacts: results that no answer could hold, kept for a while for whoever made them.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
pub use store::artifacts::Artifact;
use uuid::Uuid;

use crate::identity::Who;
use crate::{App, Error, Result, clock};

mod address;
mod part;

pub use address::{Address, TEMPLATE};
pub use part::Part;

/// The most bytes of an artifact that are read at once.
pub const READ_MAX: u64 = 1 << 20;

/// Bytes read where nobody says how many. Clients exist that take no message above 1 MiB, and JSON
/// makes text and data longer than they are.
const READ_UNLESS_TOLD: u64 = 256 << 10;

/// How many are on a page of a list.
const PAGE: u64 = 100;

/// How often those that have expired are removed.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// How long artifacts are kept, and how many.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// How long each is kept.
    pub time: Duration,
    /// How many bytes all have together at most; the oldest make room.
    pub bytes: u64,
}

impl Default for Keeping {
    /// A day, and a gigabyte.
    fn default() -> Self {
        Self { time: Duration::from_hours(24), bytes: 1 << 30 }
    }
}

/// What is to be kept.
pub(crate) struct New {
    pub(crate) call_id: Uuid,
    pub(crate) owner: String,
    pub(crate) mime_type: String,
    pub(crate) name: Option<String>,
    pub(crate) data: Vec<u8>,
}

/// Keeps data, and makes room for it where that is needed.
pub(crate) async fn keep(app: &App, new: New) -> Result<Artifact> {
    let Keeping { time, bytes } = app.keeping();
    let now = clock::now();
    let artifact = Artifact {
        // An id of version 7 tells when it was made, so that others could be guessed from it.
        id: uuid::Builder::from_random_bytes(rand::random()).into_uuid(),
        call_id: new.call_id,
        owner: new.owner,
        is_text: is_textual(&new.mime_type) && std::str::from_utf8(&new.data).is_ok(),
        mime_type: new.mime_type,
        name: new.name,
        bytes: i64::try_from(new.data.len()).unwrap_or(i64::MAX),
        created_at: now,
        expires_at: now + TimeDelta::from_std(time).unwrap_or(TimeDelta::days(365)),
    };
    store::artifacts::insert(app.store(), &artifact, &new.data).await?;
    store::artifacts::delete_oldest(app.store(), bytes).await?;
    Ok(artifact)
}

/// Reads an artifact from `offset` on: `length` bytes, at most [`READ_MAX`], fewer at its end. Text
/// is read in whole characters.
///
/// # Errors
/// [`Error::NotFound`] for one that does not exist, has expired, or belongs to another caller;
/// [`Error::Invalid`] for an offset beyond the end.
pub async fn read(
    app: &App,
    who: &Who,
    id: Uuid,
    offset: u64,
    length: Option<u64>,
) -> Result<Part> {
    let artifact = find(app, who, id).await?;
    let total = u64::try_from(artifact.bytes).unwrap_or_default();
    if offset > total {
        return Err(Error::invalid("offset", format!("the artifact has {total} bytes")));
    }
    if length == Some(0) {
        return Err(Error::invalid("length", format!("expected 1 to {READ_MAX} bytes")));
    }
    let length = length.unwrap_or(READ_UNLESS_TOLD).min(READ_MAX).min(total - offset);
    // With the whole of the characters in which a range of a text may begin and end.
    let first = if artifact.is_text { offset.saturating_sub(part::MARGIN) } else { offset };
    let margin = if artifact.is_text { part::MARGIN } else { 0 };
    let wanted = offset - first + length + margin;
    let data = store::artifacts::read(app.store(), id, first, wanted).await?;
    Ok(part::cut(artifact, first, &data, offset, length))
}

/// What is known of an artifact.
///
/// # Errors
/// As [`read`].
pub async fn find(app: &App, who: &Who, id: Uuid) -> Result<Artifact> {
    let found = store::artifacts::find(app.store(), id, clock::now()).await?;
    // Whoever may not read it is told nothing else than that there is none.
    let allowed = found.filter(|found| who.is_admin() || found.owner == who.owner());
    allowed.ok_or_else(|| Error::not_found("Artifact", &id))
}

/// What a caller can still read, newest first, from where a page ended on; the second value is
/// where this one ends, if there is more.
///
/// # Errors
/// [`Error::Invalid`] for a cursor that no page ended with.
pub async fn list(
    app: &App,
    who: &Who,
    cursor: Option<&str>,
) -> Result<(Vec<Artifact>, Option<String>)> {
    let after = cursor.map(place).transpose()?;
    let mut found =
        store::artifacts::of_owner(app.store(), &who.owner(), clock::now(), after, PAGE + 1)
            .await?;
    let size = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| format!("{}.{}", last.created_at.timestamp_micros(), last.id));
    Ok((found, next))
}

/// The place in the list that a cursor names.
fn place(cursor: &str) -> Result<(DateTime<Utc>, Uuid)> {
    let parts = cursor.split_once('.');
    let place = parts.and_then(|(time, id)| {
        let time = DateTime::from_timestamp_micros(time.parse().ok()?)?;
        Some((time, id.parse().ok()?))
    });
    place.ok_or_else(|| Error::invalid("cursor", "unknown; list again without a cursor"))
}

/// What a call left and is still there.
pub async fn of_call(app: &App, call_id: Uuid) -> Result<Vec<Artifact>> {
    Ok(store::artifacts::of_call(app.store(), call_id, clock::now()).await?)
}

/// Removes what has expired, and the oldest where there are too many, until it is dropped.
pub(crate) async fn sweep(store: store::Store, keeping: Keeping) {
    let mut rounds = tokio::time::interval(SWEEP_EVERY);
    loop {
        rounds.tick().await;
        let expired = store::artifacts::delete_expired(&store, clock::now()).await;
        let surplus = store::artifacts::delete_oldest(&store, keeping.bytes).await;
        if let Err(error) = expired.and(surplus) {
            tracing::warn!(%error, "artifacts that have expired could not be removed");
        }
    }
}

/// Whether data of this type is meant to be read as text.
pub fn is_textual(mime_type: &str) -> bool {
    const TEXTS: [&str; 7] = [
        "application/json",
        "application/xml",
        "application/javascript",
        "application/yaml",
        "application/toml",
        "application/sql",
        "application/x-ndjson",
    ];
    mime_type.starts_with("text/")
        || mime_type.ends_with("+json")
        || mime_type.ends_with("+xml")
        || TEXTS.contains(&mime_type)
}

#[cfg(test)]
mod tests {
    use super::{is_textual, place};

    #[test]
    fn a_cursor_that_no_page_ended_with_is_refused() {
        assert!(place(&format!("1790000000123456.{}", uuid::Uuid::nil())).is_ok());
        for cursor in ["", "2", "1790000000123456", "x.00000000-0000-0000-0000-000000000000"] {
            assert!(place(cursor).is_err(), "{cursor}");
        }
    }

    #[test]
    fn texts_are_told_from_other_data() {
        for text in ["text/csv", "application/json", "image/svg+xml", "application/geo+json"] {
            assert!(is_textual(text), "{text}");
        }
        for other in ["image/png", "application/pdf", "application/octet-stream"] {
            assert!(!is_textual(other), "{other}");
        }
    }
}
