//! Cursors: where a list goes on, as a text that means nothing to who holds it.

use app::{Error, Page};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The first part of every cursor: others are of another version of this program.
const VERSION: &str = "1";

/// The most rows of a page that a cursor can name.
const SIZE_MAX: u64 = 100;

/// The cursor for the part of `list` behind `place`.
pub(crate) fn encode(list: &str, place: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{VERSION}\n{list}\n{place}"))
}

/// The place that a cursor of `list` names; none for a cursor of another list, and for what is none.
pub(crate) fn decode(list: &str, cursor: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let place = text.strip_prefix(VERSION)?.strip_prefix('\n')?.strip_prefix(list)?;
    Some(place.strip_prefix('\n')?.to_owned())
}

/// The page of `list` that a cursor names.
pub(crate) fn page(list: &str, cursor: &str) -> Result<Page, Error> {
    let read = || {
        let place = decode(list, cursor)?;
        let (number, size) = place.split_once('.')?;
        let page = Page { number: number.parse().ok()?, size: size.parse().ok()? };
        (page.number > 0 && (1..=SIZE_MAX).contains(&page.size)).then_some(page)
    };
    read().ok_or_else(|| Error::Invalid {
        field: "cursor",
        reason: "this is no `next_cursor` of this list; leave it out to list from the beginning"
            .to_owned(),
    })
}

/// The cursor of the page after this one; none at the end of the list.
pub(crate) fn next(list: &str, page: Page, total: u64) -> Option<String> {
    let shown = page.number.saturating_mul(page.size);
    (shown < total)
        .then(|| encode(list, &format!("{}.{}", page.number.saturating_add(1), page.size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_page_after_it_until_the_end() {
        let first = Page { number: 1, size: 50 };
        let cursor = next("tools", first, 51).unwrap();
        assert_eq!(page("tools", &cursor).unwrap(), Page { number: 2, size: 50 });
        assert_eq!(next("tools", Page { number: 2, size: 50 }, 51), None);
        assert_eq!(next("tools", first, 50), None);
        assert_eq!(next("tools", first, 0), None);
    }

    #[test]
    fn what_is_no_cursor_of_this_list_is_refused_with_what_to_do() {
        let tools = encode("tools", "2.50");
        let wrong =
            ["", "nonsense", "!", "\0", "MQ", &encode("servers", "2.50")].map(str::to_owned);
        let bad =
            ["0.50", "2.0", "2.101", "2", "a.b", "-1.5", "2.50.1"].map(|at| encode("tools", at));
        for cursor in wrong.into_iter().chain(bad) {
            let refused = page("tools", &cursor).unwrap_err().to_string();
            assert!(refused.contains("leave it out"), "{cursor}: {refused}");
        }
        assert!(page("tools", &tools).is_ok());
        assert!(page("tool", &tools).is_err(), "the whole name of the list counts");
        assert_eq!(decode("names", &encode("names", "a\nb")).as_deref(), Some("a\nb"));
    }
}
