//! The account's page: the password, and the tokens of MCP callers.

use std::sync::Arc;

use app::identity::Admin;
use app::tokens::{self, New, Token};
use app::{App, accounts, clock};
use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Id, Search};
use crate::session::SignedIn;
use crate::view::{self, Frame};
use crate::{Door, entry};

#[derive(Template)]
#[template(path = "account/show.html")]
struct AccountPage {
    frame: Frame,
    username: String,
    mcp_address: String,
    tokens: Vec<Token>,
    now: DateTime<Utc>,
    /// A token that was made just now: its name and the token itself.
    made: Option<(String, String)>,
    password_changed: bool,
    password_problem: String,
    token_problem: String,
}

#[derive(Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub(crate) struct Passwords {
    current: String,
    new: String,
    repeat: String,
}

#[derive(Deserialize)]
pub(crate) struct NewToken {
    name: String,
    #[serde(default)]
    call: bool,
    #[serde(default)]
    author: bool,
    #[serde(default)]
    days: String,
}

impl AccountPage {
    async fn load(app: &App, door: &Door, admin: &Admin) -> Result<Self, Problem> {
        Ok(Self {
            frame: Frame::load(app, admin, "/account").await?,
            username: admin.username().to_owned(),
            mcp_address: door.mcp_address.clone(),
            tokens: tokens::list(app).await?,
            now: clock::now(),
            made: None,
            password_changed: false,
            password_problem: String::new(),
            token_problem: String::new(),
        })
    }

    fn state_of(&self, token: &Token) -> &'static str {
        if token.revoked_at.is_some() {
            "revoked"
        } else if token.expires_at.is_some_and(|end| end <= self.now) {
            "expired"
        } else {
            "active"
        }
    }

    fn is_active(&self, token: &Token) -> bool {
        self.state_of(token) == "active"
    }
}

/// GET /account
pub(crate) async fn show(
    State(app): State<App>,
    State(door): State<Arc<Door>>,
    SignedIn(admin): SignedIn,
    Search(search): Search<Done>,
) -> Answer {
    let mut page = AccountPage::load(&app, &door, &admin).await?;
    page.password_changed = search.done == "password";
    view::page(&page)
}

/// POST /account/password
pub(crate) async fn change_password(
    State(app): State<App>,
    State(door): State<Arc<Door>>,
    SignedIn(admin): SignedIn,
    headers: HeaderMap,
    Fields(form): Fields<Passwords>,
) -> Answer {
    let changed = if form.new == form.repeat {
        let changing = accounts::change_password(&app, &admin, &form.current, &form.new);
        changing.await.map_err(Problem::from)
    } else {
        Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "the two new passwords differ",
        ))
    };
    match changed {
        // The change ended every session, this one too.
        Ok(()) => entry::enter(&app, &admin, &headers, "/account?done=password").await,
        Err(problem) if problem.status().is_client_error() => {
            let mut page = AccountPage::load(&app, &door, &admin).await?;
            problem.detail().clone_into(&mut page.password_problem);
            Ok((problem.status(), view::page(&page)?).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// POST /account/tokens
pub(crate) async fn create_token(
    State(app): State<App>,
    State(door): State<Arc<Door>>,
    SignedIn(admin): SignedIn,
    Fields(form): Fields<NewToken>,
) -> Answer {
    let made = match new_token(&form) {
        Ok(new) => tokens::create(&app, &admin, new).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let mut page = AccountPage::load(&app, &door, &admin).await?;
    let status = match made {
        Ok((token, value)) => {
            page.made = Some((token.name, value));
            StatusCode::CREATED
        }
        Err(problem) if problem.status().is_client_error() => {
            problem.detail().clone_into(&mut page.token_problem);
            problem.status()
        }
        Err(problem) => return Err(problem),
    };
    Ok((status, view::page(&page)?).into_response())
}

/// POST /account/tokens/{id}/revoke
pub(crate) async fn revoke_token(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    tokens::revoke(&app, &admin, id).await?;
    Ok(Redirect::to("/account").into_response())
}

fn new_token(form: &NewToken) -> Result<New, Problem> {
    let expires_in_days = match form.days.trim() {
        "" => None,
        days => Some(days.parse().ok().ok_or_else(|| {
            Problem::invalid("days", "expected a whole number of days, or nothing for no end")
        })?),
    };
    let name = form.name.trim().to_owned();
    Ok(New { name, call: form.call, author: form.author, expires_in_days })
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use uuid::Uuid;

    use super::*;

    fn token(name: &str) -> Token {
        let now = clock::now();
        Token {
            id: Uuid::nil(),
            name: name.to_owned(),
            token_hash: "0".repeat(64),
            can_call: true,
            can_author: name == "laptop",
            created_by: "grace".to_owned(),
            created_at: now,
            expires_at: Some(now + Duration::days(90)),
            last_used_at: (name == "laptop").then_some(now),
            revoked_at: (name == "old phone").then_some(now),
        }
    }

    fn page() -> AccountPage {
        AccountPage {
            frame: Frame::sample("/account"),
            username: "grace".to_owned(),
            mcp_address: "http://127.0.0.1:8002/mcp".to_owned(),
            tokens: vec![token("laptop"), token("old phone")],
            now: clock::now(),
            made: Some(("laptop".to_owned(), "mcpbox_4fJq0example".to_owned())),
            password_changed: false,
            password_problem: String::new(),
            token_problem: String::new(),
        }
    }

    #[test]
    fn a_new_token_is_shown_and_its_hash_never() {
        let html = page().render().unwrap();
        view::sample("account", &html);
        assert!(html.contains("mcpbox_4fJq0example"), "{html}");
        assert!(!html.contains(&"0".repeat(64)), "{html}");
    }

    #[test]
    fn a_revoked_token_cannot_be_revoked_again() {
        let revoked = AccountPage { tokens: vec![token("old phone")], made: None, ..page() };
        assert!(!revoked.render().unwrap().contains("/revoke"));
        let active = AccountPage { tokens: vec![token("laptop")], made: None, ..page() };
        assert!(active.render().unwrap().contains("/revoke"));
    }

    #[test]
    fn no_days_mean_no_end_and_other_words_are_refused() {
        let form = |days: &str| NewToken {
            name: " laptop ".to_owned(),
            call: true,
            author: false,
            days: days.to_owned(),
        };
        let new = new_token(&form("")).unwrap();
        assert_eq!((new.name.as_str(), new.expires_in_days), ("laptop", None));
        assert_eq!(new_token(&form("90")).unwrap().expires_in_days, Some(90));
        assert!(new_token(&form("soon")).is_err());
    }
}
