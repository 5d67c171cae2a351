//! The source of each tool as a resource for its authors: `mcpbox://tools/{server}/{tool}/source`.

use store::revisions::Revision;
use store::tools::SourceOf;
use uuid::Uuid;

use crate::identity::Caller;
use crate::{App, Error, Result, resources, tools};

const PREFIX: &str = "mcpbox://tools/";
const SUFFIX: &str = "/source";

/// All addresses, as an RFC 6570 template.
pub const TEMPLATE: &str = "mcpbox://tools/{server}/{tool}/source{?version}";

/// The media type of all sources.
pub const MIME_TYPE: &str = "text/x-python";

/// The source of a tool, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Under which it is read.
    pub uri: String,
    /// `server/tool`.
    pub name: String,
    /// What the tool does.
    pub description: String,
}

/// A source that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Under which it was read.
    pub uri: String,
    /// The source.
    pub text: String,
}

/// How far the source of a tool has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// As it is listed.
    pub source: Source,
    /// The number of the newest version.
    pub newest: i32,
    /// The approved version.
    pub live: Option<Uuid>,
}

/// Which version of a source is meant.
enum Version {
    Newest,
    Live,
    Numbered(i32),
}

/// Sources of tools in the order of the names of server and tool, at most so many: the first, or those
/// behind the one of that name, `server/tool`. Whatever is made or deleted between two pages, each of
/// the others is on one of them.
///
/// # Errors
/// [`Error::Denied`] for a caller that is no author, [`Error::Invalid`] for what can be no name.
pub async fn list(
    app: &App,
    caller: &Caller,
    after: Option<&str>,
    most: u64,
) -> Result<Vec<Source>> {
    check_author(caller)?;
    let after = after.map(names).transpose()?;
    let found = store::tools::sources(app.store(), after, most).await?;
    Ok(found.into_iter().map(Source::from).collect())
}

/// The names of server and tool in the name of a source.
fn names(name: &str) -> Result<(&str, &str)> {
    let names = name.split_once('/').filter(|_| !name.contains('\0'));
    names.ok_or_else(|| Error::invalid("name", "expected `server/tool`"))
}

/// How far all sources have come, in the same order.
pub async fn states(app: &App) -> Result<Vec<State>> {
    let states = store::tools::source_states(app.store()).await?.into_iter();
    Ok(states
        .map(|one| State { source: one.source.into(), newest: one.newest, live: one.live })
        .collect())
}

impl From<SourceOf> for Source {
    fn from(found: SourceOf) -> Self {
        Self {
            uri: address(&found.server_name, &found.tool_name),
            name: format!("{}/{}", found.server_name, found.tool_name),
            description: found.description,
        }
    }
}

/// Reads a source: that of the newest version, or with `?version=live` that of the approved one, with
/// `?version=3` that of the third.
///
/// # Errors
/// [`Error::Denied`] for a caller that is no author, [`Error::NotFound`] for what is the address of no
/// source, [`Error::Invalid`] for a version that is neither a number nor `live`.
pub async fn read(app: &App, caller: &Caller, uri: &str) -> Result<Text> {
    let unknown = || resources::not_found(uri);
    let (tool_id, version) = find(app, caller, uri).await?;
    let revision: Option<Revision> = match version {
        Version::Newest => Some(tools::newest(app, tool_id).await?),
        Version::Live => tools::get(app, tool_id).await?.live,
        Version::Numbered(number) => {
            store::revisions::find_numbered(app.store(), tool_id, number).await?
        }
    };
    let text = revision.ok_or_else(unknown)?.python_code;
    Ok(Text { uri: uri.to_owned(), text })
}

/// Whether there is a tool whose source has that address; the version may be one that is still to come.
///
/// # Errors
/// As [`read`].
pub async fn check(app: &App, caller: &Caller, uri: &str) -> Result<()> {
    find(app, caller, uri).await.map(drop)
}

async fn find(app: &App, caller: &Caller, uri: &str) -> Result<(Uuid, Version)> {
    check_author(caller)?;
    let (server, tool, version) = parse(uri)?;
    let found = store::tools::find_source(app.store(), server, tool).await?;
    Ok((found.ok_or_else(|| resources::not_found(uri))?, version))
}

/// Whether a URI is meant to be the address of a source.
pub fn is_address(uri: &str) -> bool {
    uri.starts_with(PREFIX)
}

/// The address of a tool's source; names hold nothing that would have to be encoded.
pub fn address(server: &str, tool: &str) -> String {
    format!("{PREFIX}{server}/{tool}{SUFFIX}")
}

/// The address of a tool's approved source, made of that of its newest.
pub fn live_address(address: &str) -> String {
    format!("{address}?version=live")
}

fn parse(uri: &str) -> Result<(&str, &str, Version)> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let names = path.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    let names = names.and_then(|names| names.split_once('/'));
    let (server, tool) = names.ok_or_else(|| resources::not_found(uri))?;
    let version = match query.split_once('=') {
        None if query.is_empty() => Version::Newest,
        Some(("version", "live")) => Version::Live,
        Some(("version", number)) => Version::Numbered(number.parse().map_err(|_no_number| {
            Error::invalid("uri", "`version` is the number of a version, or `live`")
        })?),
        _ => {
            return Err(Error::invalid("uri", "the only field of the query is `version`"));
        }
    };
    Ok((server, tool, version))
}

fn check_author(caller: &Caller) -> Result<()> {
    if caller.scopes.author {
        return Ok(());
    }
    Err(Error::Denied(
        "this token has no `author` scope, so it reads no sources of tools".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_server_tool_and_version() {
        let uri = address("weather", "now");
        assert_eq!(uri, "mcpbox://tools/weather/now/source");
        let read = |query: &str| {
            let uri = format!("{uri}{query}");
            let (server, tool, version) = parse(&uri).ok()?;
            let version = match version {
                Version::Newest => 0,
                Version::Live => -1,
                Version::Numbered(number) => number,
            };
            Some((server.to_owned(), tool.to_owned(), version))
        };
        let found = |version| Some(("weather".to_owned(), "now".to_owned(), version));
        assert_eq!(read(""), found(0));
        assert_eq!(read("?version=live"), found(-1));
        assert_eq!(live_address(&uri), format!("{uri}?version=live"));
        assert_eq!(read("?version=3"), found(3));
        for wrong in ["?version=x", "?version=99999999999", "?other=1", "?version", "/more"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        for wrong in ["mcpbox://tools/weather/source", "mcpbox://tools/", "mcpbox://artifacts/x"] {
            assert!(matches!(parse(wrong), Err(Error::NotFound { .. })), "{wrong}");
        }
    }
}
