//! Failures at the door: problem+json for programs, a page or a fragment of one for people.

use std::any::Any;

use askama::Template;
use axum::Json;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

/// What a handler answers.
pub(crate) type Answer = Result<Response, Problem>;

/// A failure, kept in the response so that [`present`] can show it in the form that suits.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    members: Vec<(&'static str, Value)>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, members: Vec::new(), header: None }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn invalid(field: &'static str, reason: &str) -> Self {
        app::Error::Invalid { field, reason: reason.to_owned() }.into()
    }

    /// A 401 that says how to sign in.
    pub(crate) fn unauthenticated(detail: &str, challenge: &'static str) -> Self {
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
        let challenge = HeaderValue::from_static(challenge);
        problem.header = Some(Box::new((WWW_AUTHENTICATE, challenge)));
        problem
    }

    /// The same failure under another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same with one more fact for programs.
    pub(crate) fn member(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((name, value.into()));
        self
    }
}

impl From<app::Error> for Problem {
    fn from(error: app::Error) -> Self {
        use app::Error;
        let problem = Self::new(status_of(&error), error.code(), error.to_string());
        match error {
            Error::Invalid { field, .. } => problem.member("field", field),
            Error::Source { line, column, .. } => {
                problem.member("line", line).member("column", column)
            }
            Error::Unauthenticated(detail) => Self::unauthenticated(&detail, "Bearer"),
            Error::Busy { retry_after_seconds, .. } => {
                let mut problem = problem.member("retry_after_seconds", retry_after_seconds);
                let seconds = HeaderValue::from(retry_after_seconds);
                problem.header = Some(Box::new((RETRY_AFTER, seconds)));
                problem
            }
            Error::Unavailable { part, source } => {
                tracing::error!(part, error = %source, "a part of the program is not available");
                problem
            }
            Error::Internal(source) => {
                tracing::error!(error = %chain(&*source), "a request failed");
                problem
            }
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Value::Object(body) = &mut body {
            let members = self.members.iter().cloned();
            body.extend(members.map(|(name, value)| (name.to_owned(), value)));
        }
        let kind = [(CONTENT_TYPE, "application/problem+json")];
        let mut response = (self.status, kind, Json(body)).into_response();
        if let Some(header) = &self.header {
            let (name, value) = (**header).clone();
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// No route has this path.
pub(crate) async fn unknown_path(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

/// The path is known and does something else.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not possible at {}; see the Allow header", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// A handler crashed; the rest of the program goes on.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "internal error; the server's log has the cause",
    )
    .into_response()
}

/// Turns a problem into a page where a person reads it.
pub(crate) async fn present(request: Request, next: Next) -> Response {
    let reader = Reader::of(request.uri(), request.headers());
    let response = next.run(request).await;
    let Some(problem) = response.extensions().get::<Problem>().cloned() else { return response };
    let rendered = match reader {
        Reader::Program => return response,
        Reader::Person => ErrorPage { problem: &problem }.render(),
        Reader::Fragment => ErrorFragment { problem: &problem }.render(),
    };
    let Ok(html) = rendered else { return response };
    let mut page = (problem.status, Html(html)).into_response();
    for (name, value) in response.headers() {
        if !page.headers().contains_key(name) && name != "content-length" {
            page.headers_mut().insert(name.clone(), value.clone());
        }
    }
    if reader == Reader::Fragment {
        // What was to be replaced stays; the problem is shown in its own place.
        let place = [("hx-retarget", "#problems"), ("hx-reswap", "innerHTML")];
        for (name, value) in place {
            page.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    page
}

/// Who will read an answer.
#[derive(Debug, PartialEq, Eq)]
enum Reader {
    Program,
    Person,
    /// A person, on a page into which the answer is put.
    Fragment,
}

impl Reader {
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path();
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
        if ["/api/", "/auth/", "/gateways"].iter().any(|area| path.starts_with(area)) {
            Self::Program
        } else if headers.contains_key("hx-request") {
            Self::Fragment
        } else if accept.contains("text/html") {
            Self::Person
        } else {
            Self::Program
        }
    }
}

#[derive(Template)]
#[template(path = "errors/page.html")]
struct ErrorPage<'a> {
    problem: &'a Problem,
}

#[derive(Template)]
#[template(path = "errors/fragment.html")]
struct ErrorFragment<'a> {
    problem: &'a Problem,
}

fn status_of(error: &app::Error) -> StatusCode {
    use app::Error;
    match error {
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Invalid { .. } | Error::Source { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Denied(_) => StatusCode::FORBIDDEN,
        Error::Busy { .. } | Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Upstream { .. } => StatusCode::BAD_GATEWAY,
        Error::Internal(_) | Error::Unlogged(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error with all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_read_pages_and_programs_read_json() {
        let mut headers = HeaderMap::new();
        let page = Uri::from_static("/servers/1");
        let api = Uri::from_static("/api/servers/1");
        assert_eq!(Reader::of(&page, &headers), Reader::Program);
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,*/*;q=0.8"));
        assert_eq!(Reader::of(&page, &headers), Reader::Person);
        assert_eq!(Reader::of(&api, &headers), Reader::Program);
        headers.insert("hx-request", HeaderValue::from_static("true"));
        assert_eq!(Reader::of(&page, &headers), Reader::Fragment);
    }

    #[test]
    fn a_problem_says_which_field_and_where_in_the_source() {
        let invalid = Problem::invalid("name", "too long");
        assert_eq!(invalid.members, [("field", json!("name"))]);
        assert_eq!(invalid.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let source = app::Error::Source { message: "no".to_owned(), line: Some(3), column: None };
        let source = Problem::from(source);
        assert!(source.members.contains(&("line", json!(3))));
        assert_eq!(source.detail(), "line 3: no");
    }

    #[test]
    fn a_page_of_an_error_says_what_is_wrong_and_leads_on() {
        let problem = Problem::not_found("Tool <1> not found");
        let html = ErrorPage { problem: &problem }.render().unwrap();
        crate::view::sample("error", &html);
        for part in ["404", "Not Found", "Tool &#60;1&#62; not found", "href=\"/\""] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let fragment = ErrorFragment { problem: &problem }.render().unwrap();
        assert!(fragment.contains("role=\"alert\"") && !fragment.contains("<html"), "{fragment}");
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let busy = app::Error::Busy { reason: "full".to_owned(), retry_after_seconds: 7 };
        let response = Problem::from(busy).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers().get(RETRY_AFTER), Some(&HeaderValue::from(7)));
        let kind = response.headers().get(CONTENT_TYPE);
        assert_eq!(kind, Some(&HeaderValue::from_static("application/problem+json")));
    }
}
