//! Resources: those that authors make, the sources of tools, and artifacts that calls have left, listed and read.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::artifacts::{self, Address, Part, READ_MAX};
use app::identity::{Caller, Scopes, Who};
use app::{App, sources};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::catalog::{Catalog, Entry, List};
use crate::rpc::Error;
use crate::server::{Asker, Server};
use crate::talk::Talk;
use crate::version::Version;
use crate::{content, cursor, listing, result, runs};

/// What the URIs begin with of what mcpbox keeps itself; no resource that is made has such a one.
const OWN: &str = "mcpbox:";

/// The name of this list in cursors.
const LIST: &str = "resources/list";

/// A part of the list; each has an order of its own.
enum Place {
    /// Behind the live resource of this URI.
    Live(Option<String>),
    /// Behind the source of this name.
    Sources(Option<String>),
    /// Behind the artifact that this names.
    Artifacts(Option<String>),
}

/// What of the list is on a page, and where it goes on.
type Shown = (Vec<String>, Option<Place>);

/// `resources/list`: what authors make, the caller's artifacts, newest first, then for authors the
/// sources of tools.
///
/// # Errors
/// -32602 for a cursor that no page ended with, -32603 when the database fails.
pub(crate) async fn list(
    server: &Server,
    asker: &Asker,
    cursor: Option<&str>,
) -> Result<String, Error> {
    let mut place = match cursor {
        None => Some(Place::Live(None)),
        Some(cursor) => Some(Place::read(cursor).ok_or_else(listing::unknown_cursor)?),
    };
    let mut shown = Vec::new();
    while shown.len() < listing::PAGE
        && let Some(from) = place.take()
    {
        let (more, next) = part(server, &asker.caller(), from).await?;
        shown.extend(more);
        place = next;
    }
    let next = place.map(|place| place.cursor());
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    Ok(result::list(asker.version, "resources", &shown, next.as_deref()))
}

async fn part(server: &Server, caller: &Caller, from: Place) -> Result<Shown, Error> {
    match from {
        Place::Live(after) => {
            let catalog = server.catalogs.get().await?;
            Ok(live(&catalog, caller.scopes, after.as_deref()))
        }
        Place::Sources(_) if !caller.scopes.author => Ok((Vec::new(), None)),
        Place::Sources(after) => {
            let most = listing::PAGE as u64;
            let found = sources::list(&server.app, caller, after.as_deref(), most).await?;
            let last = found.last().filter(|_| found.len() == listing::PAGE);
            let next = last.map(|last| Place::Sources(Some(last.name.clone())));
            let shown = found.into_iter().map(|source| {
                let uri = source.uri;
                json!({ "uri": uri, "name": source.name, "description": source.description, "mimeType": sources::MIME_TYPE })
                    .to_string()
            });
            Ok((shown.collect(), next))
        }
        Place::Artifacts(after) => {
            let who = Who::from(caller.clone());
            let (found, next) = artifacts::list(&server.app, &who, after.as_deref()).await?;
            let shown = found.iter().map(|one| Value::Object(content::resource(one)).to_string());
            let next = next.map_or(Place::Sources(None), |next| Place::Artifacts(Some(next)));
            Ok((shown.collect(), Some(next)))
        }
    }
}

/// The live resources behind a URI.
fn live(catalog: &Catalog, scopes: Scopes, after: Option<&str>) -> Shown {
    let entries = listing::only_if(scopes.call, &catalog.resources);
    let begin = after.map_or(0, |after| entries.partition_point(|entry| *entry.name <= *after));
    let rest = entries.get(begin..).unwrap_or_default();
    let page = rest.get(..listing::PAGE).unwrap_or(rest);
    let next = match page.last() {
        Some(last) if page.len() < rest.len() => Place::Live(Some(last.name.clone())),
        _ => Place::Artifacts(None),
    };
    (page.iter().map(|entry| entry.listed.clone()).collect(), Some(next))
}

impl Place {
    fn cursor(&self) -> String {
        let place = match self {
            Self::Live(after) => format!("live {}", after.as_deref().unwrap_or_default()),
            Self::Sources(after) => format!("sources {}", after.as_deref().unwrap_or_default()),
            Self::Artifacts(after) => format!("artifacts {}", after.as_deref().unwrap_or_default()),
        };
        cursor::encode(LIST, &place)
    }

    fn read(cursor: &str) -> Option<Self> {
        let place = cursor::decode(LIST, cursor)?;
        let (part, rest) = place.split_once(' ')?;
        let rest_of = || Some(rest.to_owned()).filter(|rest| !rest.is_empty());
        match part {
            "live" => Some(Self::Live(rest_of())),
            "sources" => Some(Self::Sources(rest_of())),
            "artifacts" => Some(Self::Artifacts(rest_of())),
            _ => None,
        }
    }
}

/// The templates of what mcpbox keeps itself.
pub(crate) fn templates(scopes: Scopes) -> Vec<Arc<Entry>> {
    let entry = |template: &str, name: &str, title: &str, description: &str| {
        let listed = json!({ "uriTemplate": template, "name": name, "title": title, "description": description });
        Arc::new(Entry::new(List::Templates, template.to_owned(), &listed))
    };
    let artifact = format!(
        "A result that was too large for its answer, from the byte `offset` on, `length` bytes (at \
         most {READ_MAX}). `_meta` of the answer says which bytes it holds and what to read next."
    );
    let mut templates =
        vec![entry(artifacts::TEMPLATE, "artifact", "Artifact of a call", &artifact)];
    if scopes.author {
        let source = "The Python of a tool: its newest version, or with `version` the one of that number, or `live` for the approved one.";
        templates.push(entry(sources::TEMPLATE, "source", "Source of a tool", source));
    }
    templates
}

/// Whether a subscription to `uri` is one to what has this URI or template.
pub(crate) fn covers(template: &str, uri: &str) -> bool {
    template == uri || app::resources::matches(template, uri)
}

/// Refuses a subscription to what this caller cannot read.
///
/// # Errors
/// As [`read`].
pub(crate) async fn check(server: &Server, asker: &Asker, uri: &str) -> Result<(), Error> {
    let found = find(&server.app, &asker.caller(), uri).await;
    found.map_err(|error| refused(asker.version, uri, error))
}

/// Those of these that this caller can read.
///
/// # Errors
/// -32603 when the database fails.
pub(crate) async fn those_that_are(
    app: &App,
    caller: &Caller,
    uris: BTreeSet<String>,
) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    for uri in uris {
        match find(app, caller, &uri).await {
            Ok(()) => {
                found.insert(uri);
            }
            Err(
                app::Error::NotFound { .. } | app::Error::Denied(_) | app::Error::Invalid { .. },
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

async fn find(app: &App, caller: &Caller, uri: &str) -> app::Result<()> {
    if sources::is_address(uri) {
        sources::check(app, caller, uri).await
    } else if uri.starts_with(OWN) {
        let address = Address::parse(uri)?;
        artifacts::find(app, &Who::from(caller.clone()), address.id).await.map(drop)
    } else {
        app::resources::check(app, caller, uri).await
    }
}

/// `resources/read`.
///
/// # Errors
/// -32002 (-32602 from revision 2026-07-28 on) where there is no such resource for this caller, -32602 for a range that cannot be read,
/// -32603 when the resource or the database fails.
pub(crate) async fn read(
    server: &Server,
    asker: &Asker,
    uri: &str,
    talk: Arc<Talk>,
) -> Result<String, Error> {
    let caller = asker.caller();
    let holding = |contents| Map::from_iter([("contents".to_owned(), Value::Array(contents))]);
    let mut members = if sources::is_address(uri) {
        let source = sources::read(&server.app, &caller, uri).await;
        let source = source.map_err(|error| refused(asker.version, uri, error))?;
        let text = json!({ "uri": uri, "mimeType": sources::MIME_TYPE, "text": source.text });
        holding(vec![text])
    } else if uri.starts_with(OWN) {
        holding(artifact(server, asker, &caller, uri).await?)
    } else if caller.scopes.call {
        let report = app::resources::read(&server.app, &caller, uri, talk).await;
        let report = report.map_err(|error| refused(asker.version, uri, error))?;
        runs::members(asker, &report)?
    } else {
        return Err(missing(asker.version, uri, "this token has no `call` scope"));
    };
    if asker.version.is_modern() {
        // An artifact does not change, but it ends.
        result::cache(&mut members);
    }
    Ok(result::complete(asker.version, members))
}

async fn artifact(
    server: &Server,
    asker: &Asker,
    caller: &Caller,
    uri: &str,
) -> Result<Vec<Value>, Error> {
    let who = Who::from(caller.clone());
    let part = async {
        let Address { id, offset, length } = Address::parse(uri)?;
        artifacts::read(&server.app, &who, id, offset, length).await
    };
    match part.await {
        Ok(part) => Ok(contents(&part, uri)),
        Err(error @ app::Error::NotFound { .. }) => {
            let text = format!(
                "{error}: it has expired, made room for newer ones, belongs to another caller, or \
                 was embedded in its answer; call the tool again"
            );
            Err(missing(asker.version, uri, &text))
        }
        Err(error) => Err(error.into()),
    }
}

/// The data, and what a model has to know of a part: where it stands and what to read next.
fn contents(part: &Part, uri: &str) -> Vec<Value> {
    let next = part.next().map(|offset| {
        let length = u64::try_from(part.data.len()).unwrap_or(READ_MAX);
        Address { id: part.artifact.id, offset, length: Some(length) }.to_string()
    });
    let (key, data) = match part.text() {
        Some(text) => ("text", text.to_owned()),
        None => ("blob", STANDARD.encode(&part.data)),
    };
    let data = json!({
        "uri": uri,
        "mimeType": part.artifact.mime_type,
        key: data,
        "_meta": {
            "mcpbox/offset": part.offset,
            "mcpbox/length": part.data.len(),
            "mcpbox/total": part.total(),
            "mcpbox/next": next,
        },
    });
    if part.offset == 0 && next.is_none() {
        return vec![data];
    }
    let end = part.offset + u64::try_from(part.data.len()).unwrap_or_default();
    let on =
        next.map_or_else(|| "this is the end".to_owned(), |next| format!("read on with {next}"));
    let note = format!("[mcpbox: bytes {} to {end} of {}; {on}]", part.offset, part.total());
    vec![data, json!({ "uri": format!("{}#note", Address::of(part.artifact.id)), "text": note })]
}

fn refused(version: Version, uri: &str, error: app::Error) -> Error {
    match error {
        app::Error::NotFound { .. } | app::Error::Denied(_) => {
            missing(version, uri, &error.to_string())
        }
        other => other.into(),
    }
}

/// The error for a resource that there is not.
fn missing(version: Version, uri: &str, text: &str) -> Error {
    let code = if version.is_modern() { -32602 } else { -32002 };
    let text =
        format!("{text}; resources/list and resources/templates/list name those that there are");
    Error::new(StatusCode::OK, code, text).with_data(json!({ "uri": uri }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_its_place() {
        let again = |place: Place| Place::read(&place.cursor()).map(|place| place.cursor());
        for place in [
            || Place::Live(Some("a:b c".to_owned())),
            || Place::Sources(Some("a/b".to_owned())),
            || Place::Sources(None),
            || Place::Artifacts(None),
        ] {
            assert_eq!(again(place()), Some(place().cursor()));
        }
        for wrong in ["", "live", "sources", "else 1"] {
            assert!(Place::read(&cursor::encode(LIST, wrong)).is_none(), "{wrong}");
        }
        assert!(Place::read("nonsense").is_none());
    }

    #[test]
    fn a_missing_resource_is_named_in_the_code_of_its_revision() {
        let code = |version| missing(version, "a:b", "no").code;
        assert_eq!((code(Version::July2026), code(Version::November2025)), (-32602, -32002));
        assert_eq!(
            missing(Version::July2026, "a:b", "no").data,
            Some(Box::new(json!({"uri": "a:b"})))
        );
    }
}
