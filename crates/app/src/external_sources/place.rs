//! Where a source is: which addresses and commands can be one, and which host a person allows with it.

use outbound::Reach;
use outbound::grant::Grant;
use outbound::host::Host;
use store::external_sources::Transport;
use url::Url;

use super::{Auth, Command};
use crate::redact::VALUE_MIN;
use crate::{App, Error, Result};

/// What stands in the place of what is not told.
const CUT: &str = "…";

/// The longest address.
pub(super) const URL_MAX: usize = 2_000;

/// The host that a source needs, as `host:port`; none for a process.
pub(super) fn of(app: &App, transport: Transport, url: Option<&str>) -> Result<Option<String>> {
    if transport == Transport::Stdio {
        return Ok(None);
    }
    let url = read(url.unwrap_or_default())?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Error::invalid("url", "names no host"));
    };
    normal(app, &format!("{host}:{port}")).map(Some)
}

/// The normal form of `host:port`, if sources can be allowed that host here.
pub(super) fn normal(app: &App, host: &str) -> Result<String> {
    let grant: Grant = host
        .parse()
        .map_err(|error: outbound::grant::GrantError| Error::invalid("url", error.to_string()))?;
    let reach =
        if app.external().allow_loopback { Reach::NetworkAndLoopback } else { Reach::Network };
    reach.check_host(&grant.host).map_err(|refusal| {
        let advice = if is_loopback(&grant.host) {
            "; the operator can let sources be on this machine with --allow-loopback-sources"
        } else {
            ""
        };
        Error::invalid("url", format!("{refusal}{advice}"))
    })?;
    Ok(grant.to_string())
}

fn is_loopback(host: &Host) -> bool {
    Reach::NetworkAndLoopback.check_host(host).is_ok() && Reach::Network.check_host(host).is_err()
}

/// The host of an address as `host:port`.
pub(super) fn host_port(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Whether a host, as `host:port`, is one of a private network or of this machine by its form.
pub(super) fn is_private(host: &str) -> bool {
    let grant: Option<Grant> = host.parse().ok();
    grant.is_some_and(|grant| {
        Reach::Public.check_host(&grant.host).is_err() || is_local(&grant.host)
    })
}

/// The longest part of a path that is told to everybody.
const PART_MAX: usize = 20;

/// An address for models and logs: some services put a key into the query, or into the path.
pub(super) fn told(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return CUT.to_owned() };
    let place = outbound::Place::of_url(&url);
    let (path, query) = match place.path.split_once('?') {
        Some((path, names)) => (path, format!("?{names}")),
        None => (&*place.path, String::new()),
    };
    let parts = path.split('/').map(|part| if part.len() > PART_MAX { CUT } else { part });
    let path = parts.collect::<Vec<_>>().join("/");
    format!("{}{}{query}", place.origin, path.trim_end_matches('/'))
}

/// A text without what may be a key in an address.
pub(super) fn without_keys(url: &str, text: &str) -> String {
    let Ok(url) = Url::parse(url) else { return text.to_owned() };
    let parts = url.path().split('/').filter(|part| part.len() > PART_MAX);
    let values = url.query().into_iter().flat_map(|query| query.split('&'));
    let values = values.map(|pair| pair.split_once('=').map_or(pair, |(_name, value)| value));
    let keys = parts.chain(values.filter(|value| value.len() >= VALUE_MIN));
    keys.fold(text.to_owned(), |text, key| text.replace(key, CUT))
}

/// Reads an address.
fn read(url: &str) -> Result<Url> {
    let wrong = |reason: String| Error::invalid("url", reason);
    if url.len() > URL_MAX {
        return Err(wrong(format!("{} bytes; at most {URL_MAX} are allowed", url.len())));
    }
    let parsed = Url::parse(url)
        .map_err(|error| wrong(format!("{error}; expected an address such as https://host/mcp")))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(wrong("expected an address that begins with https:// or http://".to_owned()));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong(
            "holds credentials: leave them out, and set them as a secret of the server".to_owned(),
        ));
    }
    if parsed.fragment().is_some() {
        return Err(wrong("holds a fragment (`#…`), which is never sent: leave it out".to_owned()));
    }
    Ok(parsed)
}

/// Refuses to send credentials over the internet in the open.
pub(super) fn check_encryption(url: &str, auth: &Auth) -> Result<()> {
    let url = read(url)?;
    if url.scheme() == "https" || *auth == Auth::None {
        return Ok(());
    }
    let host = url.host_str().and_then(|host| outbound::host::parse(host).ok());
    // What only a person's own network can reach.
    if host.as_ref().is_some_and(|host| Reach::Public.check_host(host).is_err() || is_local(host)) {
        return Ok(());
    }
    Err(Error::invalid("url", "credentials go over https only: begin the address with https://"))
}

/// Whether a name is one of a private network by its form.
fn is_local(host: &Host) -> bool {
    let name = host.to_string();
    !name.contains('.') && !name.contains(':')
        || [".local", ".lan", ".internal", ".home.arpa"].iter().any(|end| name.ends_with(end))
}

/// Refuses what is no command.
pub(super) fn check_command(command: &Command) -> Result<()> {
    let wrong = |reason: &str| Err(Error::invalid("command", reason));
    if command.command.trim().is_empty() {
        return wrong("name the program to run");
    }
    let mut texts = std::iter::once(&command.command)
        .chain(&command.args)
        .chain(command.cwd.iter())
        .chain(command.env.keys())
        .chain(command.env.values());
    if texts.any(|text| text.contains('\0')) {
        return wrong("the character NUL (U+0000) is not allowed");
    }
    if command.env.keys().any(|name| name.is_empty() || name.contains('=')) {
        return wrong("a name in `env` is empty or holds `=`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_is_left_out_of_an_address_and_nothing_else() {
        for (url, is_told) in [
            ("https://mcp.example.com", "https://mcp.example.com"),
            ("https://mcp.example.com:8443/mcp", "https://mcp.example.com:8443/mcp"),
            ("http://192.168.7.1/v1/files/sse", "http://192.168.7.1/v1/files/sse"),
            ("https://a.example/mcp/?key=s3cret&tools=a", "https://a.example/mcp?key&tools"),
            ("https://a.example/s/NTk2ZDI2ZjgtMWYyYi00Zj/mcp", "https://a.example/s/…/mcp"),
            ("no address", "…"),
        ] {
            assert_eq!(told(url), is_told);
        }
        let url = "https://a.example/s/NTk2ZDI2ZjgtMWYyYi00Zj/mcp?key=s3cret-key&tools=a";
        let said = "POST /s/NTk2ZDI2ZjgtMWYyYi00Zj/mcp?key=s3cret-key&tools=a: no such page";
        assert_eq!(without_keys(url, said), "POST /s/…/mcp?key=…&tools=a: no such page");
    }
}
