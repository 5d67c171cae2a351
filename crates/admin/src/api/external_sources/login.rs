//! Logins of sources by OAuth, for programs that show the pages of a login themselves.

use app::App;
use app::external_sources::oauth::{self, Begin, Begun};
use axum::extract::State;
use axum::http::Uri;
use serde::Deserialize;
use serde_json::json;

use super::super::one;
use super::told;
use crate::errors::{Answer, Problem};
use crate::extract::{Body, Id};
use crate::session::SignedIn;
use crate::sources::login::OwnCallback;
use crate::view::percent_encoded;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Start {
    /// Where the person comes back to, if not to this door's own page.
    callback_url: Option<String>,
    /// Hosts of the authorization server that the person agreed to.
    hosts: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Exchange {
    state: String,
    code: String,
    #[serde(default)]
    iss: Option<String>,
}

/// POST /api/external-sources/sources/{id}/oauth/start
pub(crate) async fn start(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
    OwnCallback(own): OwnCallback,
    Body(start): Body<Start>,
) -> Answer {
    let callback = match start.callback_url {
        Some(url) => checked(url)?,
        None => oauth::callback(&app).map_or(own, str::to_owned),
    };
    let begin = Begin { callback, hosts: start.hosts };
    Ok(one(match oauth::begin(&app, Some(&admin), id, begin).await? {
        Begun::Grant { hosts } => json!({ "status": "grant_hosts", "hosts": hosts }),
        Begun::Visit { url, state } => {
            json!({ "status": "visit", "authorization_url": url, "state": state })
        }
        Begun::Connected => json!({ "status": "connected" }),
    }))
}

fn checked(url: String) -> Result<String, Problem> {
    let read = url.parse::<Uri>().ok();
    if read.is_some_and(|url| matches!(url.scheme_str(), Some("http" | "https"))) {
        return Ok(url);
    }
    Err(Problem::invalid(
        "callback_url",
        "expected an address that begins with https:// or http://",
    ))
}

/// POST /api/external-sources/oauth/exchange
pub(crate) async fn exchange(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(exchange): Body<Exchange>,
) -> Answer {
    let [state, code] = [&exchange.state, &exchange.code].map(|text| percent_encoded(text));
    let mut query = format!("state={state}&code={code}");
    if let Some(issuer) = &exchange.iss {
        query = format!("{query}&iss={}", percent_encoded(issuer));
    }
    let finished = oauth::finish(&app, Some(&admin), &query).await?;
    told(&app, finished.source.id).await
}

/// POST /api/external-sources/sources/{id}/oauth/disconnect
pub(crate) async fn disconnect(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    oauth::disconnect(&app, &admin, id).await?;
    told(&app, id).await
}
