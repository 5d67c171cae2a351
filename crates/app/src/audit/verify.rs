//! Walking the audit log: whether each row is as it was written and none is missing.

use store::audit::Row;

use crate::{App, Result};

/// How many rows are read at once.
const AT_ONCE: u64 = 500;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many rows are as they were written, from the first one on.
    pub rows: u64,
    /// The hash of the last of them.
    pub last_hash: Option<String>,
    /// The first row that does not fit.
    pub broken: Option<Broken>,
    /// Whether one of the rows has the hash that was asked for.
    pub expected_found: bool,
}

/// A row that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The number that it has, or should have.
    pub number: i64,
    /// What is wrong with it.
    pub reason: String,
}

/// Walks the whole log. Rows that are added meanwhile are a part of it.
///
/// Rows cut off from the end leave a chain that fits: they are missed only where `expected` is a
/// hash that one of them had.
pub async fn verify(app: &App, expected: Option<&str>) -> Result<Report> {
    let mut report = Report::default();
    let mut next = i64::MIN;
    loop {
        let (rows, unreadable) = read(app, next).await?;
        for row in &rows {
            if let Err(reason) = report.follow(row, expected) {
                report.broken = Some(Broken { number: row.number, reason });
                return Ok(report);
            }
            next = row.number;
        }
        if let Some(reason) = unreadable {
            report.broken = Some(Broken { number: report.next_number(), reason });
            return Ok(report);
        }
        if rows.is_empty() {
            return Ok(report);
        }
    }
}

/// The rows behind a number, oldest first; at most some hundreds. None is the end.
pub async fn after(app: &App, number: i64) -> Result<Vec<Row>> {
    Ok(store::audit::after(app.store(), number, AT_ONCE).await?)
}

/// The same, up to a row that somebody has made unreadable; with what is wrong with that one.
async fn read(app: &App, number: i64) -> Result<(Vec<Row>, Option<String>)> {
    let error = match store::audit::after(app.store(), number, AT_ONCE).await {
        Ok(rows) => return Ok((rows, None)),
        Err(error) => error,
    };
    // A database that does not answer is no fault of a row.
    app.store().check().await?;
    let mut rows = Vec::new();
    let mut last = number;
    loop {
        match store::audit::after(app.store(), last, 1).await {
            Ok(one) => {
                let Some(row) = one.into_iter().next() else { return Err(error.into()) };
                last = row.number;
                rows.push(row);
            }
            Err(error) => {
                app.store().check().await?;
                return Ok((rows, Some(format!("cannot be read ({error})"))));
            }
        }
    }
}

impl Report {
    fn next_number(&self) -> i64 {
        i64::try_from(self.rows).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// Takes the next row, or says why it is not the next one.
    fn follow(&mut self, row: &Row, expected: Option<&str>) -> std::result::Result<(), String> {
        let number = self.next_number();
        if row.number != number {
            return Err(format!("stands where row {number} should be"));
        }
        if row.previous_hash != self.last_hash.as_deref().unwrap_or_default() {
            return Err("does not name the hash of the row before".to_owned());
        }
        if row.computed_hash() != row.hash {
            return Err("has another hash than its content".to_owned());
        }
        self.rows += 1;
        self.expected_found |= expected == Some(row.hash.as_str());
        self.last_hash = Some(row.hash.clone());
        Ok(())
    }
}
