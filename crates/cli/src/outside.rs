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
            vulnerability_feed: (feed != OFF && !feed.is_empty()).then(|| feed.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_can_be_switched_off() {
        let with = |feed: &str| {
            let vulnerability_feed = feed.to_owned();
            let package_index = "http://pypi.lan/simple/".to_owned();
            let (dns_servers, ca_files) = (Vec::new(), Vec::new());
            let outside =
                Outside { dns_servers, ca_files, proxy: None, package_index, vulnerability_feed };
            outside.sources().vulnerability_feed
        };
        assert_eq!(with("https://api.osv.dev").as_deref(), Some("https://api.osv.dev"));
        assert_eq!((with("off"), with("")), (None, None));
    }
}
