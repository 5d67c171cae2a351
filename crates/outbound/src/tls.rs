//! TLS in Rust: which certificates are trusted, and what a refused one is told as.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::{self, CertificateError, ClientConfig, RootCertStore};

/// How many TLS sessions one caller keeps for faster handshakes.
const SESSIONS: usize = 64;

/// Why the certificates to trust cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file of certificates cannot be read.
    #[error("the certificates in {path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A certificate in a file cannot be used.
    #[error("a certificate in {path} cannot be used")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// A file that should hold certificates holds none.
    #[error("there is no certificate in {0}")]
    Empty(PathBuf),
    /// The TLS library refused its own set-up.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// Trusts what this machine trusts, or Mozilla's list where the machine has none, and what the
/// operator's files add to it.
pub(crate) fn configure(extra: &[PathBuf]) -> Result<ClientConfig, TrustError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in native.errors {
        tracing::warn!("a certificate of the system is left out: {error}");
    }
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for path in extra {
        add_file(&mut roots, path)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let file = |source| TrustError::File { path: path.to_owned(), source };
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(file)? {
        roots
            .add(certificate.map_err(file)?)
            .map_err(|source| TrustError::Certificate { path: path.to_owned(), source })?;
    }
    if roots.len() == before { Err(TrustError::Empty(path.to_owned())) } else { Ok(()) }
}

/// The same for one caller: sessions that it resumes were its own.
pub(crate) fn for_caller(config: &ClientConfig) -> Arc<ClientConfig> {
    let mut config = config.clone();
    config.resumption = Resumption::in_memory_sessions(SESSIONS);
    Arc::new(config)
}

/// What a failed handshake is told as. What other names a certificate has is left out.
pub(crate) fn explain(error: &io::Error) -> &'static str {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match reason {
        Some(rustls::Error::InvalidCertificate(reason)) => explain_certificate(reason),
        Some(rustls::Error::AlertReceived(_)) => "the peer broke off the TLS handshake",
        Some(_) => "the peer does not speak TLS as it should",
        None => "the connection broke during the TLS handshake",
    }
}

fn explain_certificate(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::UnknownIssuer => {
            "its certificate is signed by nobody who is trusted here (an operator can trust an \
             authority of their own)"
        }
        CertificateError::Revoked => "its certificate has been revoked",
        _ => "its certificate is not acceptable",
    }
}
