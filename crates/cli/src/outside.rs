//! The way to other machines, as flags and variables say it: whom to ask, whom to trust, where packages come from.

use std::net::SocketAddr;
use std::path::PathBuf;

use app::settings::{self, Sources};
use clap::Args;

/// What switches the feed off.
const OFF: &str = "off";

/// What the program does with other machines.
#[derive(Debug, Args)]
pub(crate) struct Outside {
    /// A name server to ask for the addresses of hosts, `address:port`, in place of the system's.
    /// May be given several times; in the environment, separated by commas.
    #[arg(
        long = "dns-server",
        global = true,
        env = "MCPBOX_DNS_SERVERS",
        value_name = "ADDRESS",
        value_delimiter = ','
    )]
    dns_servers: Vec<SocketAddr>,
    /// A file with certificates (PEM) of authorities to trust beside those of the system, for
    /// requests to other machines. May be given several times; in the environment, separated by
    /// commas.
    #[arg(
        long = "ca-file",
        global = true,
        env = "MCPBOX_CA_FILES",
        value_name = "FILE",
        value_delimiter = ','
    )]
    ca_files: Vec<PathBuf>,
    /// A proxy for requests to public addresses, `http://host:port` or
    /// `http://user:password@host:port`. Names are resolved and checked here; the proxy is asked for
    /// the address.
    #[arg(long, global = true, env = "MCPBOX_PROXY", value_name = "URL", hide_env_values = true)]
    proxy: Option<settings::Proxy>,
    /// The index that packages are fetched from, the Simple API as JSON or as pages. Its host is used as
    /// given, in a private network too; files on other hosts only where those are public.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_PACKAGE_INDEX",
        value_name = "URL",
        default_value = "https://pypi.org/simple/"
    )]
    package_index: String,
    /// A host that the index keeps files on and that is not public, used as given as well. May be given
    /// several times; in the environment, separated by commas.
    #[arg(
        long = "package-host",
        global = true,
        env = "MCPBOX_PACKAGE_HOSTS",
        value_name = "HOST",
        value_delimiter = ','
    )]
    package_hosts: Vec<String>,
    /// The feed that is asked for known vulnerabilities of packages, in the API of OSV; `off` asks
    /// none.
    #[arg(
        long,
        global = true,
        env = "MCPBOX_VULNERABILITY_FEED",
        value_name = "URL",
        default_value = "https://api.osv.dev"
    )]
    vulnerability_feed: String,
    /// Let a person allow external sources on this machine (127.0.0.1, localhost). Without this no
    /// source is there, whoever allows it.
    #[arg(long, global = true, env = "MCPBOX_ALLOW_LOOPBACK_SOURCES")]
    pub(crate) allow_loopback_sources: bool,
}

impl Outside {
    /// Whom to ask and whom to trust.
    pub(crate) fn settings(&self) -> settings::Outbound {
        let (dns_servers, ca_files) = (self.dns_servers.clone(), self.ca_files.clone());
        settings::Outbound { dns_servers, ca_files, proxy: self.proxy.clone() }
    }

    /// Where packages come from.
    pub(crate) fn sources(&self) -> Sources {
        let feed = self.vulnerability_feed.trim();
        Sources {
            package_index: self.package_index.clone(),
            package_hosts: self.package_hosts.clone(),
            vulnerability_feed: (feed != OFF && !feed.is_empty()).then(|| feed.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        outside: Outside,
    }

    fn with(arguments: &[&str]) -> Outside {
        Program::try_parse_from([&["mcpbox"], arguments].concat()).unwrap().outside
    }

    #[test]
    fn the_feed_can_be_switched_off() {
        let feed = |text| with(&["--vulnerability-feed", text]).sources().vulnerability_feed;
        assert_eq!(feed("https://api.osv.dev").as_deref(), Some("https://api.osv.dev"));
        assert_eq!((feed("off"), feed("")), (None, None));
        assert_eq!(with(&["--package-host", "a.lan,b.lan"]).sources().package_hosts.len(), 2);
    }

    #[test]
    fn what_is_no_proxy_is_told_without_what_was_given() {
        assert!(with(&["--proxy", "http://ann:secret@proxy.lan:3128"]).settings().proxy.is_some());
        let wrong = Program::try_parse_from(["mcpbox", "--proxy", "socks5://proxy.lan"]).err();
        let text = wrong.unwrap().to_string();
        assert!(text.contains("http://user:password@host:port"), "{text}");
    }
}
