//! What stands before the protocol: address, identity, session and size of each request to `/mcp`.

use std::sync::Arc;

use app::App;
use app::limits::{self, Counted, RateLimit, Standing};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use http::{HeaderName, Method, StatusCode};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use uuid::Uuid;

use crate::envelope::{self, SESSION_ID};
use crate::mcp::Mcp;
use crate::problem::Problem;
use crate::sessions::{Sessions, Visit};
use crate::{Door, addresses, identity};

/// The largest body of a request.
const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;

/// The state of this door. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    app: App,
    door: Door,
    limit: RateLimit,
    sessions: Arc<Sessions>,
    protocol: StreamableHttpService<Mcp, LocalSessionManager>,
}

/// `/mcp`, with every method.
pub(crate) async fn serve(State(gate): State<Gate>, request: Request) -> Response {
    let mut standing = None;
    let mut response = gate.answer(request, &mut standing).await.unwrap_or_else(|problem| {
        tracing::debug!(status = %problem.status(), "refused a request");
        problem.into_response()
    });
    let told = standing.as_ref().map(Standing::headers);
    for (name, value) in told.into_iter().flatten() {
        response.headers_mut().insert(HeaderName::from_static(name), value.into());
    }
    response
}

impl Gate {
    pub(crate) fn new(app: App, door: Door) -> Self {
        let sessions = Arc::new(Sessions::new());
        drop(tokio::spawn(Arc::clone(&sessions).sweep(door.shutdown.clone())));
        let config = StreamableHttpServerConfig::default()
            .with_json_response(true)
            .with_sse_retry(None)
            .with_max_request_body_bytes(BODY_MAX_BYTES)
            .with_cancellation_token(door.shutdown.child_token())
            // `addresses::check` has looked at Host and Origin before.
            .disable_allowed_hosts()
            .disable_allowed_origins();
        let handler = Mcp::new(app.clone(), &door.admin_address);
        let make = move || Ok(handler.for_one_session());
        let protocol = StreamableHttpService::new(make, sessions.manager(), config);
        let limit = RateLimit::default();
        Self { inner: Arc::new(Inner { app, door, limit, sessions, protocol }) }
    }

    pub(crate) fn app(&self) -> &App {
        &self.inner.app
    }

    async fn answer(
        &self,
        mut request: Request,
        standing: &mut Option<Standing>,
    ) -> Result<Response, Problem> {
        let Inner { app, door, .. } = &*self.inner;
        addresses::check(door, request.headers(), request.uri())?;
        let (headers, extensions) = (request.headers(), request.extensions());
        let identity = identity::of(app, door.require_token, headers, extensions).await;
        let who = match &identity {
            Ok(identity) => identity.counted(),
            // Who guesses tokens is counted, too.
            Err(_) => Counted::address(identity::address(extensions)),
        };
        *standing = self.inner.limit.count(limits::of_mcp(app).await?, who);
        if let Some(refusal) = standing.as_ref().and_then(Standing::refusal) {
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, refusal));
        }
        let identity = identity?;
        let owner = identity.token();
        if envelope::is_modern(request.headers()) {
            // There are no sessions in this revision; what looks like one must not open one.
            request.headers_mut().remove(SESSION_ID);
        }
        let visit = self.enter(&request, owner)?;
        request.extensions_mut().insert(identity);
        if *request.method() == Method::POST {
            envelope::widen_accept(request.headers_mut());
        }
        let ends = *request.method() == Method::DELETE;
        let response = envelope::with_form(self.pass_on(request).await).await;
        let Some(visit) = visit else {
            if let Some(id) = opened_by(&response) {
                self.inner.sessions.bind(&id, owner).await;
            }
            return Ok(response);
        };
        if ends && response.status().is_success() {
            self.inner.sessions.forget(visit.id());
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        Ok(held_by(visit, response))
    }

    /// Enters the session that the request names, if it names one.
    fn enter(&self, request: &Request, owner: Option<Uuid>) -> Result<Option<Visit>, Problem> {
        let Some(id) = request.headers().get(SESSION_ID) else { return Ok(None) };
        let visit = self.inner.sessions.enter(id.to_str().unwrap_or_default(), owner);
        visit.map(Some).ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "there is no such session, or it has ended; begin another with `initialize`",
            )
        })
    }

    async fn pass_on(&self, request: Request) -> Response {
        let is_json = envelope::is_json(request.headers());
        let (parts, body) = request.into_parts();
        // Any other failure to read means that the client is gone and nobody reads the answer.
        let Ok(body) = to_bytes(body, BODY_MAX_BYTES).await else {
            return envelope::too_large(BODY_MAX_BYTES);
        };
        let request = Request::from_parts(parts, Body::from(body.clone()));
        let response = self.inner.protocol.handle(request).await;
        if is_json && response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return envelope::unreadable(&body);
        }
        response.map(Body::new)
    }
}

/// The session that a response opens, if it opens one.
fn opened_by(response: &Response) -> Option<String> {
    let id = response.headers().get(SESSION_ID)?;
    id.to_str().ok().map(str::to_owned)
}

/// Keeps the session marked as used for as long as the response goes on.
fn held_by(visit: Visit, response: Response) -> Response {
    response.map(|body| {
        Body::from_stream(body.into_data_stream().inspect(move |_| {
            let _still_open = &visit;
        }))
    })
}
