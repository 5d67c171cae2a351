//! What all pages share: their frame, and how times, durations and numbers of pages are shown.

use std::borrow::Borrow;
use std::fmt::Write as _;

use app::identity::Admin;
use app::tools::State;
use app::{App, Page, approvals, external_sources, requests};
use askama::Template;
use axum::response::{Html, IntoResponse};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::errors::{Answer, Problem};

/// What surrounds the content of a page.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) username: String,
    pub(crate) pending: u64,
    pub(crate) section: &'static str,
}

impl Frame {
    /// The frame for a person who looks at `section`, a path of the navigation.
    pub(crate) async fn load(
        app: &App,
        admin: &Admin,
        section: &'static str,
    ) -> Result<Self, Problem> {
        let username = admin.username().to_owned();
        Ok(Self { username, pending: pending(app).await?, section })
    }

    pub(crate) fn count(&self) -> Count {
        Count { pending: self.pending }
    }

    /// A frame for tests.
    #[cfg(test)]
    pub(crate) fn sample(section: &'static str) -> Self {
        Self { username: "grace".to_owned(), pending: 2, section }
    }
}

/// The number in the navigation, as HTML.
#[derive(Template)]
#[template(path = "components/count.html")]
pub(crate) struct Count {
    pub(crate) pending: u64,
}

impl askama::filters::HtmlSafe for Count {}

/// How many revisions, requests and sources wait for a decision.
pub(crate) async fn pending(app: &App) -> Result<u64, Problem> {
    let first = Page { number: 1, size: 1 };
    let revisions = approvals::queue(app, State::PendingReview, first).await?.total;
    let asked = requests::waiting(app, None).await?;
    let sources = external_sources::waiting(app, first).await?.total;
    Ok(revisions + asked.total() + sources)
}

/// A template as an answer.
pub(crate) fn page(template: &impl Template) -> Answer {
    match template.render() {
        Ok(html) => Ok(Html(html).into_response()),
        Err(error) => Err(app::Error::Internal(Box::new(error)).into()),
    }
}

/// A time, as HTML.
#[derive(Template)]
#[template(
    source = r#"<time datetime="{{ at.format("%Y-%m-%dT%H:%M:%SZ") }}">{{ at.format("%Y-%m-%d %H:%M:%S") }} UTC</time>"#,
    ext = "html"
)]
pub(crate) struct Time {
    at: DateTime<Utc>,
}

impl askama::filters::HtmlSafe for Time {}

/// Shows a time.
pub(crate) fn time(at: &DateTime<Utc>) -> Time {
    Time { at: *at }
}

/// A duration of a call in the unit that suits.
pub(crate) fn duration(microseconds: impl Borrow<i64>) -> String {
    let microseconds = *microseconds.borrow();
    let tenths = |unit: i64| {
        let tenths = microseconds.saturating_mul(10) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match microseconds {
        ..1_000_000 => format!("{} ms", tenths(1000)),
        1_000_000..60_000_000 => format!("{} s", tenths(1_000_000)),
        _ => format!("{} min", tenths(60_000_000)),
    }
}

/// A limit in milliseconds as a person writes it.
pub(crate) fn limit(milliseconds: impl Borrow<i32>) -> String {
    let milliseconds = *milliseconds.borrow();
    if milliseconds % 1000 == 0 {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{milliseconds} ms")
    }
}

/// JSON with line breaks and indentation.
pub(crate) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}

/// A state or status as words: `pending_review` becomes `pending review`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The beginning of a digest, enough for eyes.
pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// A text as it may stand in the query of an address.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else if write!(encoded, "%{byte:02X}").is_err() {
            break;
        }
    }
    encoded
}

/// The query of a page of people: which part of a list.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct PageNumber {
    #[serde(default)]
    page: String,
}

impl PageNumber {
    /// The page that was asked for, or the first where that makes no sense.
    pub(crate) fn of(&self, size: u64) -> Page {
        Page { number: number(&self.page), size }
    }
}

/// A page's number in a query, or 1 where that makes no sense.
pub(crate) fn number(text: &str) -> u64 {
    text.parse().unwrap_or(1).max(1)
}

/// Links to the neighbouring pages of a list.
#[derive(Debug, Clone)]
pub(crate) struct Pager {
    pub(crate) number: u64,
    pub(crate) pages: u64,
    pub(crate) total: u64,
    /// The address up to the number of the page.
    pub(crate) base: String,
}

impl Pager {
    /// For `page` of `total` items at `path`, which may have a query.
    pub(crate) fn new(page: Page, total: u64, path: &str) -> Self {
        let separator = if path.contains('?') { '&' } else { '?' };
        Self {
            number: page.number,
            pages: pages(total, page.size),
            total,
            base: format!("{path}{separator}page="),
        }
    }
}

/// How many pages of `size` a list has; an empty list has one.
pub(crate) fn pages(total: u64, size: u64) -> u64 {
    total.div_ceil(size.max(1)).max(1)
}

/// Keeps a rendered page for eyes when `MCPBOX_SAMPLES` names a folder.
#[cfg(test)]
pub(crate) fn sample(name: &str, html: &str) {
    if let Some(folder) = std::env::var_os("MCPBOX_SAMPLES") {
        let file = std::path::Path::new(&folder).join(name).with_extension("html");
        std::fs::write(file, html).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    #[test]
    fn durations_are_shown_in_the_unit_that_suits() {
        let shown = [90, 12_340, 999_999, 1_500_000, 90_000_000].map(|us: i64| duration(us));
        assert_eq!(shown, ["0.0 ms", "12.3 ms", "999.9 ms", "1.5 s", "1.5 min"]);
    }

    #[test]
    fn times_are_utc_for_people_and_programs() {
        let at = Utc.with_ymd_and_hms(2026, 3, 1, 9, 5, 7).unwrap();
        let expected = r#"<time datetime="2026-03-01T09:05:07Z">2026-03-01 09:05:07 UTC</time>"#;
        assert_eq!(time(&at).render().unwrap(), expected);
    }

    #[test]
    fn a_query_keeps_nothing_that_ends_it() {
        assert_eq!(percent_encoded("/a?b=c&d"), "/a%3Fb%3Dc%26d");
        assert_eq!(percent_encoded("ü"), "%C3%BC");
    }

    #[test]
    fn a_list_has_at_least_one_page() {
        assert_eq!(
            [(0, 20), (20, 20), (21, 20)].map(|(total, size)| pages(total, size)),
            [1, 1, 2]
        );
    }

    #[test]
    fn a_number_that_makes_no_sense_is_the_first_page() {
        assert_eq!(["2", "0", "-1", "", "x"].map(number), [2, 1, 1, 1, 1]);
    }
}
