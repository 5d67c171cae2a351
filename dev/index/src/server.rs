//! The server: index and feed on one free port of this machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_TYPE, LOCATION};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::file::File;
use crate::state::{Fault, State};
use crate::wheel::wheels;

type Body = BoxBody<Bytes, Infallible>;

/// An index and a feed that run until this is dropped.
pub struct Index {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _stop: oneshot::Sender<()>,
}

impl Index {
    /// An index without a package.
    pub fn start() -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into())
    }

    /// An index with the wheels that were fetched for the tests.
    pub fn with_wheels() -> Self {
        let index = Self::start();
        for (name, content) in wheels() {
            index.add(File::wheel(&name, content));
        }
        index
    }

    /// An index without a package, at this address.
    pub fn at(address: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        let state = Arc::<Mutex<State>>::default();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        // A thread of its own, so that a test need not be asynchronous.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = serve(listener, shared) => (),
                    _dropped = stopped => (),
                }
            });
        });
        Self { address, state, _stop: stop }
    }

    /// The address of the index, as an operator gives it.
    pub fn url(&self) -> String {
        format!("http://{}/simple/", self.address)
    }

    /// The address of the vulnerability feed.
    pub fn feed(&self) -> String {
        format!("http://{}/feed/", self.address)
    }

    /// Adds a file, or puts it in the place of the one with its name.
    pub fn add(&self, file: impl Into<File>) {
        let file = file.into();
        let mut state = self.state();
        state.files.retain(|known| known.name != file.name);
        state.files.push(file);
    }

    /// Changes the file whose name begins so.
    ///
    /// # Panics
    /// Where there is none.
    pub fn change(&self, prefix: &str, change: impl FnOnce(&mut File)) {
        let mut state = self.state();
        let file = state.files.iter_mut().find(|file| file.name.starts_with(prefix));
        change(file.unwrap_or_else(|| panic!("no file begins with `{prefix}`")));
    }

    /// Removes the files whose names begin so.
    pub fn remove(&self, prefix: &str) {
        self.state().files.retain(|file| !file.name.starts_with(prefix));
    }

    /// Lets something go wrong with the paths that end so, such as `/simple/six/` or `.metadata`.
    pub fn fault(&self, path: &str, fault: Fault) {
        self.state().faults.insert(path.to_owned(), fault);
    }

    /// Ends all that goes wrong.
    pub fn mend(&self) {
        self.state().faults.clear();
    }

    /// Adds a vulnerability of a release: `details` is what the feed answers about its `id`.
    pub fn vulnerable(&self, name: &str, version: &str, details: Value) {
        self.state().vulnerabilities.push((name.to_owned(), version.to_owned(), details));
    }

    /// The requests that came: `GET /simple/six/`.
    pub fn requests(&self) -> Vec<String> {
        self.state().requests.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    loop {
        let Ok((connection, _peer)) = listener.accept().await else { return };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&state)));
            let mut server = hyper::server::conn::http1::Builder::new();
            let served = server.timer(TokioTimer::new());
            // A client may leave whenever it wants.
            let _left = served.serve_connection(TokioIo::new(connection), service).await;
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<http::Response<Body>, hyper::Error> {
    let path = request.uri().path().to_owned();
    let line = format!("{} {path}", request.method());
    let body = request.into_body().collect().await?.to_bytes();
    let lock = || state.lock().unwrap_or_else(PoisonError::into_inner);
    let fault = {
        let mut state = lock();
        state.requests.push(line);
        let mut faults = state.faults.iter();
        faults.find(|(suffix, _)| path.ends_with(*suffix)).map(|(_, fault)| fault.clone())
    };
    match fault {
        Some(Fault::Silence) => std::future::pending::<()>().await,
        Some(Fault::Late(pause)) => tokio::time::sleep(pause).await,
        Some(Fault::Endless) => return Ok(http::Response::new(endless())),
        Some(Fault::Answer(status, body)) => return Ok(whole(status, "application/json", body)),
        Some(Fault::Redirect(location)) => {
            let mut response = whole(302, "text/plain", Vec::new());
            let location = location.parse().expect("a header");
            response.headers_mut().insert(LOCATION, location);
            return Ok(response);
        }
        None => (),
    }
    let (status, kind, body) = lock().answer(&path, &body);
    Ok(whole(status, kind, body))
}

fn whole(status: u16, kind: &'static str, body: Vec<u8>) -> http::Response<Body> {
    let mut response = http::Response::new(Full::new(Bytes::from(body)).boxed());
    *response.status_mut() = status.try_into().expect("a status");
    response.headers_mut().insert(CONTENT_TYPE, kind.parse().expect("a header"));
    response
}

fn endless() -> Body {
    let part = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[b' '; 4096])));
    BodyExt::boxed(StreamBody::new(stream::repeat_with(part)))
}
