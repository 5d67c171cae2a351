//! Where a browser comes back to after a login: a listener on this machine, for one visit.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use axum::Router;
use axum::extract::RawQuery;
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// The listener, where there is one; what is pasted needs none.
pub(super) struct Callback {
    listener: Option<TcpListener>,
    address: String,
}

impl Callback {
    /// Listens where the browser will come: at the address that is registered, where that is one of this machine
    /// and free, else, where none is, at any free port.
    pub(super) async fn listen(registered: Option<&str>) -> Self {
        let registered = registered.and_then(|address| Some((address, address.parse().ok()?)));
        if let Some((address, uri)) = registered {
            let uri: Uri = uri;
            let listener = match socket(&uri) {
                Some(socket) => TcpListener::bind(socket).await.ok(),
                None => None,
            };
            return Self { listener, address: address.to_owned() };
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.ok();
        let port = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let port = port.map_or(0, |address| address.port());
        Self { listener, address: format!("http://127.0.0.1:{port}/callback") }
    }

    /// The address to come back to.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The query that the browser comes with.
    pub(super) async fn query(self) -> anyhow::Result<String> {
        let Some(listener) = self.listener else {
            eprintln!("Nothing can listen at {} here: paste the address.", self.address);
            return std::future::pending().await;
        };
        let (sender, mut receiver) = mpsc::channel(1);
        let came = move |RawQuery(query): RawQuery| {
            let sender = sender.clone();
            async move {
                let query = query.unwrap_or_default();
                // Whatever else asks here is not the way back.
                if !query.split('&').any(|pair| pair.starts_with("state=")) {
                    return (StatusCode::BAD_REQUEST, "no login comes back with this")
                        .into_response();
                }
                let _first_counts = sender.try_send(query);
                Html("<!doctype html><meta charset=\"utf-8\"><title>mcpbox</title><p>You can close this window; the command line says how it went.")
                    .into_response()
            }
        };
        let router = Router::new().fallback(came);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let query = receiver.recv().await.context("the listener ended");
        // The browser gets its page.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        serving.abort();
        query
    }
}

/// Where to listen for an address of this machine.
fn socket(uri: &Uri) -> Option<SocketAddr> {
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    let ip = match host {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        host => host.parse().ok().filter(IpAddr::is_loopback)?,
    };
    Some(SocketAddr::new(ip, uri.port_u16().unwrap_or(80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_listened_at() {
        let at = |address: &str| socket(&address.parse().unwrap());
        assert_eq!(at("http://localhost:4444/callback"), Some(([127, 0, 0, 1], 4444).into()));
        assert_eq!(at("http://127.0.0.1/x"), Some(([127, 0, 0, 1], 80).into()));
        assert!(at("http://[::1]:1/x").is_some());
        for elsewhere in ["https://localhost:1/x", "http://box.example:1/x", "http://192.168.1.2/x"]
        {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
    }
}
