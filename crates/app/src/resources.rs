//! Resources: what clients read under a URI, made by a tool of that kind when it is read.

mod template;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value};
use store::Transaction;
use store::tools::LiveUri;
use uuid::Uuid;

pub(crate) use self::template::Template;
use crate::calls::{self, Report};
use crate::conversation::Conversation;
use crate::identity::Caller;
use crate::{App, Error, Result};

/// So many characters of a URI are repeated in an error.
const SHOWN_MAX: usize = 200;

/// Reads the resource of that URI, which is one itself or matches a template. The outcome of the
/// report is the JSON text of the protocol's result: `{"contents": [{"uri", "mimeType", "text" | "blob"}]}`.
///
/// # Errors
/// [`Error::NotFound`] if no live resource and no live template has that URI; a failure of the
/// resource itself is a [`Report`].
pub async fn read(
    app: &App,
    caller: &Caller,
    uri: &str,
    conversation: Arc<dyn Conversation>,
) -> Result<Report> {
    calls::read(app, caller, uri, conversation).await
}

/// Whether clients read a live resource under a URI now.
///
/// # Errors
/// As [`read`].
pub async fn check(app: &App, caller: &Caller, uri: &str) -> Result<()> {
    caller.check_call()?;
    calls::read_name(app, uri).await.map(drop)
}

/// Whether a URI is one of those that a template describes.
pub fn matches(template: &str, uri: &str) -> bool {
    Template::parse(template).is_ok_and(|template| template.matches(uri).is_some())
}

/// A live resource, by what clients read it under.
#[derive(Debug)]
pub(crate) struct Address {
    /// The name of its tool for clients.
    pub(crate) name: String,
    pub(crate) uri: String,
    template: Template,
}

/// The live resources among these that clients can read now, in the order in which they are looked
/// through: those without variables first, then the templates that leave least open.
pub(crate) fn readable(found: Vec<LiveUri>) -> Vec<Address> {
    let callable = found.into_iter().filter(|one| one.name.is_callable);
    let mut addresses: Vec<Address> = callable
        .filter_map(|LiveUri { name, uri }| {
            let template = Template::parse(&uri).ok()?;
            Some(Address { name: name.public_name(), uri, template })
        })
        .collect();
    addresses.sort_by_cached_key(|one| {
        let literal = one.template.literal_len();
        (one.template.variables().count() > 0, std::cmp::Reverse(literal), one.uri.clone())
    });
    addresses
}

/// The resource that is read under a URI, and what its `main` is given.
pub(crate) fn find<'a>(
    addresses: &'a [Address],
    uri: &str,
) -> Option<(&'a Address, Map<String, Value>)> {
    addresses.iter().find_map(|address| {
        let values = address.template.matches(uri)?;
        let given = values.into_iter().map(|(name, value)| (name, Value::from(value)));
        Some((address, given.collect()))
    })
}

/// The URI of a resource with these arguments, as far as they say it: in a test there may be too few.
pub(crate) fn uri_of(template: &str, arguments: &Map<String, Value>) -> String {
    let value_of = |name: &str| match arguments.get(name)? {
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let expanded = Template::parse(template).ok().and_then(|template| template.expand(value_of));
    expanded.unwrap_or_else(|| template.to_owned())
}

pub(crate) fn not_found(uri: &str) -> Error {
    Error::not_found("Resource", &uri.chars().take(SHOWN_MAX).collect::<String>())
}

/// Whether clients know the resources of this URI from all others. Comes after what else a
/// transaction writes, behind [`crate::servers::check_live_name`]: those that ask this wait for each other.
pub(crate) async fn check_live_uri(
    transaction: &Transaction,
    tool_id: Uuid,
    uri: &str,
) -> Result<()> {
    match in_the_way(transaction, tool_id, uri).await? {
        Some(taken) => Err(Error::Conflict(taken)),
        None => Ok(()),
    }
}

/// What keeps a URI from being that of a tool's live resource: another one's.
pub(crate) async fn in_the_way(
    db: &impl store::Connection,
    tool_id: Uuid,
    uri: &str,
) -> Result<Option<String>> {
    let shape = |text: &str| Template::parse(text).map(|template| template.shape());
    let own = shape(uri).map_err(|fault| Error::invalid("uri", fault))?;
    let live = store::tools::live_uris(db).await?;
    let others = live.into_iter().filter(|one| one.name.tool_id != tool_id);
    let mut taken = others.filter(|one| shape(&one.uri).is_ok_and(|shape| shape == own));
    Ok(taken.next().map(|other| {
        format!(
            "the live resource `{}` is read under {}, which is the same as {uri}; change the uri of one of them first",
            other.name.public_name(),
            other.uri
        )
    }))
}

/// The variables of a resource's URI.
pub(crate) fn variables(uri: &str) -> HashSet<String> {
    let template = Template::parse(uri).ok();
    template.iter().flat_map(Template::variables).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::tools::LiveName;

    use super::*;

    fn live(name: &str, uri: &str, is_callable: bool) -> LiveUri {
        let name = LiveName {
            tool_id: Uuid::now_v7(),
            server_id: Uuid::nil(),
            prefix: String::new(),
            revision_id: Uuid::nil(),
            name: name.to_owned(),
            kind: store::revisions::Kind::Resource,
            is_callable,
        };
        LiveUri { name, uri: uri.to_owned() }
    }

    #[test]
    fn the_resource_that_says_most_of_a_uri_is_read() {
        let addresses = readable(vec![
            live("any", "x://{a}/{b}", true),
            live("notes", "x://notes/{day}", true),
            live("today", "x://notes/today", true),
            live("off", "x://notes/{day}/off", false),
        ]);
        let found = |uri: &str| {
            find(&addresses, uri)
                .map(|(address, given)| (address.name.clone(), Value::Object(given)))
        };
        assert_eq!(found("x://notes/today"), Some(("today".to_owned(), json!({}))));
        assert_eq!(found("x://notes/1"), Some(("notes".to_owned(), json!({"day": "1"}))));
        assert_eq!(found("x://b/1"), Some(("any".to_owned(), json!({"a": "b", "b": "1"}))));
        assert_eq!(found("x://notes/1/off"), None);
    }

    #[test]
    fn a_test_has_the_uri_that_its_arguments_make() {
        let arguments = json!({"a": "b/c", "n": 7});
        let arguments = arguments.as_object().unwrap();
        assert_eq!(uri_of("x://{a}/{n}", arguments), "x://b%2Fc/7");
        assert_eq!(uri_of("x://{a}/{other}", arguments), "x://{a}/{other}");
        assert_eq!(uri_of("x://a", arguments), "x://a");
    }
}
