//! Under which addresses the doors are reached from elsewhere, as flags and variables say it, and what follows from that.

use app::settings::External;
use clap::Args;
use url::Url;

/// Where logins of external sources come back to, at the admin door.
const CALLBACK: &str = "oauth/callback";

/// The addresses of the doors.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Addresses {
    /// The address under which people open the pages, such as `https://mcpbox.example.com`. Answers to
    /// models name it, and logins of external sources come back to it. When absent: where the admin door
    /// listens, or port 3000 of this machine.
    #[arg(long, env = "MCPBOX_ADMIN_URL", value_name = "URL", value_parser = web)]
    admin_url: Option<Url>,
    /// The address under which clients reach /mcp, such as `https://mcp.example.com/mcp`; the pages show
    /// it. Where it is https and --admin-url is given too, authorization servers of external sources can
    /// read beside it who this program is. Unless it is one of this machine, callers need a token. When
    /// absent: where the MCP door listens, or port 8002 of this machine.
    #[arg(long, env = "MCPBOX_MCP_URL", value_name = "URL", value_parser = web)]
    mcp_url: Option<Url>,
}

impl Addresses {
    /// The address of the pages, without a slash at its end.
    pub(crate) fn admin(&self, own: impl Into<Option<String>>) -> String {
        match (&self.admin_url, own.into()) {
            (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
            (None, Some(own)) => own,
            (None, None) => "http://127.0.0.1:3000".to_owned(),
        }
    }

    /// The address of `/mcp`.
    pub(crate) fn mcp(&self, own: impl Into<Option<String>>) -> String {
        match (&self.mcp_url, own.into()) {
            (Some(url), _) => url.to_string(),
            (None, Some(own)) => own,
            (None, None) => "http://127.0.0.1:8002/mcp".to_owned(),
        }
    }

    /// The name under which people open the pages, as a host that may be asked for.
    pub(crate) fn admin_host(&self) -> Option<String> {
        self.admin_url.as_ref().and_then(host)
    }

    /// The name under which clients reach the MCP door, likewise.
    pub(crate) fn mcp_host(&self) -> Option<String> {
        self.mcp_url.as_ref().and_then(host)
    }

    /// Whether others than this machine reach the MCP door.
    pub(crate) fn is_open_to_others(&self) -> bool {
        self.mcp_url.as_ref().is_some_and(|url| !is_this_machine(url))
    }

    /// What external sources have of it.
    pub(crate) fn external(&self, allow_loopback: bool) -> External {
        let callback = self.admin_url.as_ref().map(|_| format!("{}/{CALLBACK}", self.admin(None)));
        External { allow_loopback, callback, client_document: self.client_document() }
    }

    /// Beside `/mcp`, whatever stands before it.
    fn client_document(&self) -> Option<Url> {
        let mut url = self.mcp_url.clone()?;
        let beside = url.path().trim_end_matches('/').trim_end_matches("/mcp");
        let path = format!("{beside}{}", gateway::CLIENT_DOCUMENT);
        url.set_path(&path);
        Some(url)
    }
}

fn host(url: &Url) -> Option<String> {
    url.host_str().map(str::to_owned)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Reads an address of this machine, without a query.
pub(crate) fn this_machine(text: &str) -> Result<Url, String> {
    let url = web(text)?;
    if !is_this_machine(&url) {
        return Err("expected an address of this machine, http://localhost:PORT/PATH".to_owned());
    }
    Ok(url)
}

/// Reads an address of the web.
fn web(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{error}; expected https://name"))?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain {
        return Err("expected an address such as https://name, without credentials".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("expected an address without `?` and `#`".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(admin: &str, mcp: &str) -> Addresses {
        Addresses { admin_url: web(admin).ok(), mcp_url: web(mcp).ok() }
    }

    #[test]
    fn logins_and_the_document_follow_from_the_addresses() {
        let both = addresses("https://box.example/", "https://mcp.example/tools/mcp");
        let told = both.external(false);
        assert_eq!(told.callback.as_deref(), Some("https://box.example/oauth/callback"));
        let document = told.client_document.map(String::from);
        assert_eq!(
            document.as_deref(),
            Some("https://mcp.example/tools/oauth/client-metadata.json")
        );
        assert_eq!(both.admin(None), "https://box.example");
        assert_eq!(both.mcp("http://127.0.0.1:1/mcp".to_owned()), "https://mcp.example/tools/mcp");
        let none = Addresses::default();
        assert_eq!(none.external(false), External::default());
        assert_eq!(none.admin("http://127.0.0.1:1".to_owned()), "http://127.0.0.1:1");
        assert!(none.mcp(None).ends_with("8002/mcp"));
    }

    #[test]
    fn a_name_of_elsewhere_is_open_to_others() {
        for (mcp, open) in [
            ("https://mcp.example/mcp", true),
            ("http://192.168.1.4:8002/mcp", true),
            ("http://localhost:8002/mcp", false),
            ("http://[::1]:8002/mcp", false),
            ("", false),
        ] {
            assert_eq!(addresses("", mcp).is_open_to_others(), open, "{mcp}");
        }
    }

    #[test]
    fn what_is_no_address_of_the_web_is_refused() {
        for wrong in ["mcp.example", "ftp://a/", "https://u:p@a/", "https://a/?b", "https://a/#b"] {
            assert!(web(wrong).is_err(), "{wrong}");
        }
        assert!(this_machine("http://localhost:8080/callback").is_ok());
        assert!(this_machine("https://box.example/callback").is_err());
    }
}
