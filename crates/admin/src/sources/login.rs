//! Connecting a source by OAuth: what is agreed to first, the way to the login, and the way back.

use std::convert::Infallible;

use app::App;
use app::external_sources::oauth::{self, Begin, Begun, NewKey};
use app::external_sources::{self as sources, ExternalSource};
use askama::Template;
use axum::extract::{FromRequestParts, RawQuery, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use serde::Deserialize;

use super::actions::{answered, back};
use super::show_again;
use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id};
use crate::session::SignedIn;
use crate::view::{self, Frame};

#[derive(Template)]
#[template(path = "sources/login.html")]
struct LoginPage {
    frame: Frame,
    source: ExternalSource,
    step: Step,
}

/// What comes next.
enum Step {
    /// The person agrees to further hosts.
    Agree(Vec<String>),
    /// The person goes to the authorization server.
    Visit { host: String, url: String },
}

#[derive(Template)]
#[template(path = "sources/not_connected.html")]
struct NotConnectedPage {
    frame: Frame,
    problem: String,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    algorithm: String,
    #[serde(default)]
    key_id: String,
    /// `secret` or `key`, to take that away.
    #[serde(default)]
    remove: String,
}

/// POST /sources/{id}/oauth/connect
pub(crate) async fn connect(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    OwnCallback(callback): OwnCallback,
    Fields(form): Fields<Vec<(String, String)>>,
) -> Answer {
    let hosts = form.into_iter().filter(|(key, _)| key == "host").map(|(_, host)| host);
    let callback = oauth::callback(&app).map_or(callback, str::to_owned);
    let begin = Begin { callback, hosts: hosts.collect() };
    let step = match oauth::begin(&app, Some(&admin), id, begin).await {
        Ok(Begun::Grant { hosts }) => Step::Agree(hosts),
        Ok(Begun::Visit { url, .. }) => visit(url)?,
        Ok(Begun::Connected) => return Ok(back(id)),
        Err(error) => return show_again(&app, &admin, id, error.into()).await,
    };
    let frame = Frame::load(&app, &admin, "/servers").await?;
    let source = sources::get(&app, id).await?.source;
    view::page(&LoginPage { frame, source, step })
}

/// The way to an authorization server; what it names itself has to be a page of the web.
fn visit(url: String) -> Result<Step, Problem> {
    let read = url.parse::<Uri>().ok();
    let is_web = |url: &Uri| matches!(url.scheme_str(), Some("http" | "https"));
    let host = read.filter(is_web).and_then(|url| url.authority().map(ToString::to_string));
    let host = host.ok_or_else(|| {
        let detail = "the authorization server names no page of the web to log in at";
        Problem::new(StatusCode::BAD_GATEWAY, "upstream", detail)
    })?;
    Ok(Step::Visit { host, url })
}

/// POST /sources/{id}/oauth/disconnect
pub(crate) async fn disconnect(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    let done = oauth::disconnect(&app, &admin, id).await.map(drop);
    answered(&app, &admin, id, done).await
}

/// POST /sources/{id}/oauth/credentials
pub(crate) async fn set_credentials(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    Fields(form): Fields<Credentials>,
) -> Answer {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let secret = given(&form.client_secret);
    // Browsers send line ends as CR LF, whatever was pasted.
    let key = given(&form.private_key).map(|pem| NewKey {
        pem: pem.replace("\r\n", "\n").into(),
        algorithm: given(&form.algorithm),
        key_id: given(&form.key_id),
        audience: None,
    });
    let done = match (secret, key, form.remove.as_str()) {
        (Some(secret), None, _) => {
            oauth::set_client_secret(&app, &admin, id, Some(secret.into())).await
        }
        (None, Some(key), _) => oauth::set_private_key(&app, &admin, id, Some(key)).await,
        (None, None, "secret") => oauth::set_client_secret(&app, &admin, id, None).await,
        (None, None, "key") => oauth::set_private_key(&app, &admin, id, None).await,
        _ => Err(app::Error::Invalid {
            field: "client_secret",
            reason: "give a secret or a private key".to_owned(),
        }),
    };
    answered(&app, &admin, id, done).await
}

/// GET /oauth/callback and GET /callback: where the authorization server sends the person back to.
pub(crate) async fn callback(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    RawQuery(query): RawQuery,
) -> Answer {
    match oauth::finish(&app, Some(&admin), &query.unwrap_or_default()).await {
        Ok(finished) => Ok(back(finished.source.id)),
        Err(error) => {
            let problem = Problem::from(error);
            if problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
                return Err(problem);
            }
            let page = NotConnectedPage {
                frame: Frame::load(&app, &admin, "/servers").await?,
                problem: problem.detail().to_owned(),
            };
            Ok((problem.status(), view::page(&page)?).into_response())
        }
    }
}

/// Where people come back to, by [`own_callback`].
pub(crate) struct OwnCallback(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for OwnCallback {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(own_callback(&parts.uri, &parts.headers)))
    }
}

/// Where people come back to at this door, under the name by which they reach it. That it is a name of this
/// server was checked.
fn own_callback(uri: &Uri, headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(&HOST).or_else(|| uri.authority().map(Authority::as_str));
    let is_encrypted = text(&ORIGIN).is_some_and(|origin| origin.starts_with("https://"));
    let scheme = if is_encrypted { "https" } else { "http" };
    format!("{scheme}://{}/oauth/callback", host.unwrap_or("127.0.0.1:3000"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::sources::tests::source;

    #[test]
    fn people_come_back_under_the_name_by_which_they_came() {
        let uri = Uri::from_static("/sources/1/oauth/connect");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:3000"));
        assert_eq!(own_callback(&uri, &headers), "http://localhost:3000/oauth/callback");
        headers.insert(HOST, HeaderValue::from_static("box.example"));
        headers.insert(ORIGIN, HeaderValue::from_static("https://box.example"));
        assert_eq!(own_callback(&uri, &headers), "https://box.example/oauth/callback");
    }

    #[test]
    fn hosts_are_agreed_to_before_anybody_goes_there() {
        let page = |step| {
            let frame = Frame::sample("/servers");
            LoginPage { frame, source: source(), step }.render().unwrap()
        };
        let agree = page(Step::Agree(vec!["auth.example:443".to_owned()]));
        view::sample("source-agree", &agree);
        assert!(agree.contains("name=\"host\" value=\"auth.example:443\""), "{agree}");
        let url = "https://auth.example/authorize?state=a&b=c".to_owned();
        let shown = page(visit(url).unwrap());
        view::sample("source-visit", &shown);
        assert!(
            shown.contains("href=\"https://auth.example/authorize?state=a&#38;b=c\""),
            "{shown}"
        );
        assert!(!shown.contains("<form method=\"post\" action=\"/sources"), "{shown}");
        for elsewhere in ["javascript:alert(1)", "data:text/html,x", "/authorize", ""] {
            assert!(visit(elsewhere.to_owned()).is_err(), "{elsewhere}");
        }
        let frame = Frame::sample("/servers");
        let failed = NotConnectedPage { frame, problem: "access <denied>".to_owned() };
        let failed = failed.render().unwrap();
        assert!(failed.contains("access &#60;denied&#62;"), "{failed}");
    }
}
