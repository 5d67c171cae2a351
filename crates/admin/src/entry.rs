//! The ways in and out: the first account, signing in, signing out.

use std::net::SocketAddr;

use app::identity::Admin;
use app::{App, accounts};
use askama::Template;
use axum::extract::{ConnectInfo, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Search};
use crate::session::SignedIn;
use crate::{session, view};

#[derive(Template)]
#[template(path = "entry/setup.html")]
struct SetupPage {
    username: String,
    problem: String,
}

#[derive(Template)]
#[template(path = "entry/login.html")]
struct LoginPage {
    username: String,
    next: String,
    problem: String,
}

#[derive(Deserialize)]
pub(crate) struct Setup {
    username: String,
    password: String,
    repeat: String,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    next: String,
}

/// GET /setup
pub(crate) async fn setup_form(State(app): State<App>) -> Answer {
    if !accounts::setup_required(&app).await? {
        return Ok(Redirect::to("/login").into_response());
    }
    view::page(&SetupPage { username: String::new(), problem: String::new() })
}

/// POST /setup
pub(crate) async fn setup(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Fields(form): Fields<Setup>,
) -> Answer {
    let made = if form.password == form.repeat {
        let address = Some(peer.ip());
        let making = accounts::setup_from(&app, &form.username, &form.password, address);
        making.await.map_err(Problem::from)
    } else {
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "the two passwords differ"))
    };
    match made {
        Ok(admin) => enter(&app, &admin, &headers, "/").await,
        Err(problem) if problem.status() == StatusCode::CONFLICT => {
            Ok(Redirect::to("/login").into_response())
        }
        Err(problem) if problem.status().is_client_error() => {
            let detail = problem.detail().to_owned();
            shown(problem.status(), &SetupPage { username: form.username, problem: detail })
        }
        Err(problem) => Err(problem),
    }
}

/// GET /login
pub(crate) async fn login_form(
    State(app): State<App>,
    headers: HeaderMap,
    Search(after): Search<After>,
) -> Answer {
    if accounts::setup_required(&app).await? {
        return Ok(Redirect::to("/setup").into_response());
    }
    if let Some(value) = session::cookie(&headers)
        && accounts::page_session(&app, value).await?.is_some()
    {
        return Ok(Redirect::to(session::destination(&after.next)).into_response());
    }
    view::page(&LoginPage { username: String::new(), next: after.next, problem: String::new() })
}

/// POST /login
pub(crate) async fn login(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Fields(form): Fields<Login>,
) -> Answer {
    match sign_in(&app, &form.username, &form.password, peer).await {
        Ok(admin) => enter(&app, &admin, &headers, session::destination(&form.next)).await,
        Err(problem) if problem.status().is_client_error() => {
            let (status, problem) = (problem.status(), problem.detail().to_owned());
            shown(status, &LoginPage { username: form.username, next: form.next, problem })
        }
        Err(problem) => Err(problem),
    }
}

/// POST /logout
pub(crate) async fn logout(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    headers: HeaderMap,
) -> Answer {
    if let Some(value) = session::cookie(&headers) {
        accounts::close_session(&app, &admin, value).await?;
    }
    Ok(([(SET_COOKIE, session::clear_cookie())], Redirect::to("/login")).into_response())
}

/// Checks a name and a password; too many failures are a 429.
pub(crate) async fn sign_in(
    app: &App,
    username: &str,
    password: &str,
    peer: SocketAddr,
) -> Result<Admin, Problem> {
    let address = Some(peer.ip());
    accounts::sign_in(app, username, password, address).await.map_err(|error| match error {
        error @ app::Error::Busy { .. } => {
            Problem::from(error).with_status(StatusCode::TOO_MANY_REQUESTS)
        }
        error => error.into(),
    })
}

/// Opens a session and goes on.
pub(crate) async fn enter(app: &App, admin: &Admin, headers: &HeaderMap, to: &str) -> Answer {
    let token = accounts::open_page_session(app, admin).await?;
    let mut response = Redirect::to(to).into_response();
    if let Some(cookie) = session::set_cookie(&token, headers) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

fn shown(status: StatusCode, template: &impl Template) -> Answer {
    let page: Response = view::page(template)?;
    Ok((status, page).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_sign_in_keeps_the_name_and_the_destination() {
        let page = LoginPage {
            username: "gra\"ce".to_owned(),
            next: "/approvals".to_owned(),
            problem: "the username or the password is wrong".to_owned(),
        };
        let html = page.render().unwrap();
        view::sample("login", &html);
        assert!(html.contains("gra&#34;ce") && html.contains("/approvals"), "{html}");
        assert!(html.contains("role=\"alert\""), "{html}");
    }

    #[test]
    fn a_first_visit_shows_no_problem() {
        let page = SetupPage { username: String::new(), problem: String::new() };
        let html = page.render().unwrap();
        view::sample("setup", &html);
        assert!(!html.contains("role=\"alert\""));
    }
}
