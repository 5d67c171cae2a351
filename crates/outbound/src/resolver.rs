//! Names to addresses, by the system's configuration or the name servers that the operator chose.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The longest that an answer is kept, whatever it says itself.
const LONGEST_KEPT: Duration = Duration::from_mins(1);

/// Finds the addresses of names.
#[derive(Clone)]
pub(crate) struct Resolver(TokioResolver);

impl Resolver {
    /// Asks `servers`, or those of `/etc/resolv.conf` where none are given. `/etc/hosts` counts
    /// in either case.
    pub(crate) fn new(servers: &[SocketAddr]) -> Result<Self, NetError> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().unwrap_or_else(|error| {
                // As the C library does.
                tracing::info!("name servers are not configured ({error}): asking 127.0.0.1");
                let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 53));
                TokioResolver::builder_with_config(configure(&[local]), provider())
            })
        } else {
            TokioResolver::builder_with_config(configure(servers), provider())
        };
        let options = builder.options_mut();
        options.positive_max_ttl = Some(LONGEST_KEPT);
        options.negative_max_ttl = Some(LONGEST_KEPT);
        Ok(Self(builder.build()?))
    }

    /// All addresses of `name`.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        let found = self.0.lookup_ip(name).await?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.iter().map(|address| address.to_canonical()) {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }
}

fn provider() -> TokioRuntimeProvider {
    TokioRuntimeProvider::default()
}

fn configure(servers: &[SocketAddr]) -> ResolverConfig {
    let servers = servers.iter().map(|server| {
        let connections =
            [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                connection.port = server.port();
                connection
            });
        NameServerConfig::new(server.ip(), true, connections.to_vec())
    });
    ResolverConfig::from_name_servers(servers.collect())
}
