//! A client, a name server that the test tells what to say, and short ways to use them.

use isolated_network::Dns;
use outbound::{Client, Exchange, Kind, Policy, Request, Response, Settings};
use std::path::PathBuf;

/// An address of the internet, and one of somebody's own network.
pub(crate) const PUBLIC: &str = "93.184.216.34";
pub(crate) const LAN: &str = "192.168.7.1";

/// A client in the network of a test.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) dns: Dns,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::trusting(Vec::new()).await
    }

    /// The same with authorities to trust.
    pub(crate) async fn trusting(ca_files: Vec<PathBuf>) -> Self {
        let dns = Dns::start("192.168.7.53:53".parse().unwrap()).await;
        Self::with(dns, Settings { ca_files, ..Settings::default() })
    }

    /// With these settings, and the name servers of the test.
    pub(crate) fn with(dns: Dns, settings: Settings) -> Self {
        let settings = Settings { dns_servers: vec![dns.address()], ..settings };
        Self { client: Client::new(&settings).unwrap(), dns }
    }

    /// Sends a tool's request, with these grants.
    pub(crate) async fn send(&self, grants: &[&str], request: Request) -> Exchange {
        self.client.send("server", &tool(grants), request).await
    }

    /// Gets `url` for a tool with these grants.
    pub(crate) async fn get(&self, grants: &[&str], url: &str) -> Result<Response, Kind> {
        outcome(self.send(grants, Request::new("GET", url)).await)
    }

    /// Gets `url` for the operator, who may go anywhere: what a listener does by itself.
    pub(crate) async fn get_unguarded(&self, url: &str) -> Result<Response, Kind> {
        let request = Request::new("GET", url);
        outcome(self.client.send("operator", &Policy::Operator, request).await)
    }
}

/// The policy of a tool whose server was granted `grants`.
pub(crate) fn tool(grants: &[&str]) -> Policy {
    Policy::Tool {
        grants: grants.iter().map(|text| text.parse().unwrap()).collect(),
        undeclared: Vec::new(),
        public: outbound::Public::Nothing,
    }
}

/// The answer, or the kind of failure; the failure itself goes to the test's output.
pub(crate) fn outcome(exchange: Exchange) -> Result<Response, Kind> {
    exchange.outcome.map_err(|error| {
        println!("{error} ({:?})", std::error::Error::source(&error));
        error.kind()
    })
}

/// The text of an answer's body.
pub(crate) fn text(response: &Response) -> &str {
    std::str::from_utf8(&response.body).unwrap()
}
