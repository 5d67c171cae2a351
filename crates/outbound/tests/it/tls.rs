//! TLS: the certificate has to be for the name, in time, and signed by somebody trusted.

use crate::peer::{self, ok};
use crate::world::{LAN, PUBLIC, World, outcome, text};
use isolated_network::run;
use outbound::{Client, Kind, Request, Settings, SetupError, TrustError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use std::io::Write;
use std::sync::{Arc, Mutex};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// An authority, and the file that an operator names to trust it.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) file: NamedTempFile,
}

/// A certificate and its key.
type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

impl Authority {
    pub(crate) fn new() -> Self {
        Self::named("Authority")
    }

    fn named(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(certificate.pem().as_bytes()).unwrap();
        Self { issuer: Issuer::new(parameters, key), file }
    }

    /// A certificate for `name`, changed by `change` before it is signed.
    pub(crate) fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), key.into())
    }
}

fn self_signed(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    (parameters.self_signed(&key).unwrap().der().clone(), key.into())
}

/// The TLS of a peer.
pub(crate) fn acceptor((certificate, key): Identity, protocols: &[&str]) -> TlsAcceptor {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// Answers every request at `address` with the name that the client asked for in the handshake.
pub(crate) async fn serve(address: &str, identity: Identity) -> peer::Seen {
    let acceptor = acceptor(identity, &["http/1.1"]);
    peer::serve(address, move |connection| {
        let acceptor = acceptor.clone();
        async move {
            if let Ok(connection) = acceptor.accept(connection).await {
                let name = connection.get_ref().1.server_name().unwrap_or("none").to_owned();
                let seen = Arc::<Mutex<Vec<String>>>::default();
                peer::converse(connection, move |_request| ok(&name), seen).await;
            }
        }
    })
    .await
}

#[test]
fn the_certificate_is_for_the_name_that_was_asked_for() {
    run(async || {
        let authority = Authority::new();
        let world = World::trusting(vec![authority.file.path().to_owned()]).await;
        world.dns.answer("api.example.com", &[PUBLIC]);
        world.dns.answer("other.example.com", &[PUBLIC]);
        serve(&format!("{PUBLIC}:443"), authority.sign("api.example.com", |_| ())).await;
        let grants = ["api.example.com", "other.example.com", PUBLIC];
        let answer = world.get(&grants, "https://API.example.com./").await.unwrap();
        assert_eq!(text(&answer), "api.example.com");
        for url in ["https://other.example.com/", "https://93.184.216.34/"] {
            let exchange = world.send(&grants, Request::new("GET", url)).await;
            let failure = exchange.record.failure.unwrap();
            assert_eq!(failure.kind, Kind::ConnectError, "{url}");
            assert!(failure.message.contains("another name"), "{}", failure.message);
            assert!(!failure.message.contains("api.example.com"), "{}", failure.message);
        }
        serve(&format!("{LAN}:443"), authority.sign(LAN, |_| ())).await;
        let answer = world.get(&[LAN], &format!("https://{LAN}/")).await.unwrap();
        assert_eq!(text(&answer), "none", "an address is no server name");
    });
}

#[test]
fn the_certificate_is_in_time_and_signed_by_somebody_trusted() {
    run(async || {
        let authority = Authority::new();
        let stranger = Authority::named("Stranger");
        let world = World::trusting(vec![authority.file.path().to_owned()]).await;
        let name = "api.example.com";
        let expired = authority.sign(name, |it| it.not_after = date_time_ymd(2020, 1, 1));
        let early = authority.sign(name, |it| it.not_before = date_time_ymd(4000, 1, 1));
        for (address, identity, reason) in [
            ("93.184.216.1", expired, "expired"),
            ("93.184.216.2", early, "not valid yet"),
            ("93.184.216.3", self_signed(name), "nobody who is trusted"),
            ("93.184.216.4", stranger.sign(name, |_| ()), "nobody who is trusted"),
        ] {
            serve(&format!("{address}:443"), identity).await;
            world.dns.answer(name, &[address]);
            let request = Request::new("GET", "https://api.example.com/");
            let failure = world.send(&[name], request).await.record.failure.unwrap();
            assert_eq!(failure.kind, Kind::ConnectError, "{reason}");
            assert!(failure.message.contains(reason), "{}", failure.message);
        }
        serve("93.184.216.5:443", authority.sign(name, |_| ())).await;
        world.dns.answer(name, &["93.184.216.5"]);
        assert!(world.get(&[name], "https://api.example.com/").await.is_ok());
        // The stranger's certificate is good for who trusts them.
        world.dns.answer(name, &["93.184.216.4"]);
        let settings = Settings {
            dns_servers: vec![world.dns.address()],
            ca_files: vec![stranger.file.path().to_owned()],
            proxy: None,
        };
        let client = Client::new(&settings).unwrap();
        let request = Request::new("GET", "https://api.example.com/");
        let exchange = client.send("server", &crate::world::tool(&[name]), request).await;
        assert!(outcome(exchange).is_ok());
    });
}

#[test]
fn a_peer_without_tls_is_no_peer_for_https() {
    run(async || {
        let world = World::new().await;
        let (seen, mut bytes) = tokio::sync::mpsc::unbounded_channel();
        peer::serve(&format!("{PUBLIC}:443"), move |mut connection| {
            let seen = seen.clone();
            async move {
                let mut buffer = vec![0; 10_000];
                let length = connection.read(&mut buffer).await.unwrap();
                seen.send(buffer[..length].to_vec()).unwrap();
                connection.write_all(&ok("plain")).await.unwrap();
            }
        })
        .await;
        let request = Request::new("GET", &format!("https://{PUBLIC}/secret"));
        assert_eq!(outcome(world.send(&[PUBLIC], request).await).err(), Some(Kind::ConnectError));
        let sent = bytes.recv().await.unwrap();
        assert!(!sent.windows(6).any(|part| part == b"secret"), "nothing is sent in the clear");
        let answer = world.get(&[PUBLIC], &format!("http://{PUBLIC}:443/")).await.unwrap();
        assert_eq!(text(&answer), "plain");
    });
}

#[test]
fn an_answer_that_tls_does_not_end_is_broken_off() {
    run(async || {
        let authority = Authority::new();
        let world = World::trusting(vec![authority.file.path().to_owned()]).await;
        let acceptor = acceptor(authority.sign(PUBLIC, |_| ()), &["http/1.1"]);
        peer::serve(&format!("{PUBLIC}:443"), move |connection| {
            let acceptor = acceptor.clone();
            async move {
                let mut connection = acceptor.accept(connection).await.unwrap();
                let request = peer::read_request(&mut connection).await.unwrap();
                connection.write_all(b"HTTP/1.1 200 OK\r\n\r\nto the end").await.unwrap();
                connection.flush().await.unwrap();
                if request.starts_with("GET /whole") {
                    connection.shutdown().await.unwrap();
                }
            }
        })
        .await;
        let cut = world.get(&[PUBLIC], &format!("https://{PUBLIC}/cut")).await.err();
        assert!(matches!(cut, Some(Kind::ReadError | Kind::RemoteProtocolError)), "{cut:?}");
        let whole = world.get(&[PUBLIC], &format!("https://{PUBLIC}/whole")).await.unwrap();
        assert_eq!(text(&whole), "to the end");
    });
}

#[test]
fn files_without_certificates_are_told() {
    let refused = |content: &str| {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let settings = Settings { ca_files: vec![file.path().to_owned()], ..Settings::default() };
        Client::new(&settings).err()
    };
    assert!(matches!(refused(""), Some(SetupError::Trust(TrustError::Empty(_)))));
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(refused(garbage), Some(SetupError::Trust(TrustError::Certificate { .. }))));
    let missing = Settings { ca_files: vec!["/nowhere/ca.pem".into()], ..Settings::default() };
    let missing = Client::new(&missing).err();
    assert!(matches!(missing, Some(SetupError::Trust(TrustError::File { .. }))));
    let good = std::fs::read_to_string(Authority::new().file.path()).unwrap();
    assert!(refused(&good).is_none());
}
