//! Accounts of the people who review: first-run setup, sign-in, sessions.

mod attempts;
mod sessions;

use std::net::IpAddr;

pub(crate) use attempts::Attempts;
pub use sessions::{
    ApiTokens, SessionToken, api_session, close_session, open_api_session, open_page_session,
    page_session, refresh, sign_out,
};
use store::users::User;
use uuid::Uuid;

use crate::audit::{self, Event};
use crate::identity::{Actor, Admin};
use crate::{App, Error, Result, clock, passwords};

/// Who the audit log names where somebody failed to sign in.
const STRANGER: &str = "(not signed in)";

/// Whether no account exists, so that the next person to come makes it.
pub async fn setup_required(app: &App) -> Result<bool> {
    Ok(store::users::count(app.store()).await? == 0)
}

/// Makes the first account, for the command line.
///
/// # Errors
/// [`Error::Conflict`] if there is an account already, [`Error::Invalid`] for a name or password
/// against the rules.
pub async fn setup(app: &App, username: &str, password: &str) -> Result<Admin> {
    setup_from(app, username, password, None).await
}

/// As [`setup`], for somebody who asks from an address.
pub async fn setup_from(
    app: &App,
    username: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Admin> {
    passwords::check_username(username)?;
    passwords::check_password(password)?;
    if !setup_required(app).await? {
        return Err(already_set_up());
    }
    let now = clock::now();
    let user = User {
        id: Uuid::now_v7(),
        username: username.to_owned(),
        password_hash: app.inner.hashing.hash(password.to_owned()).await?,
        role: "admin".to_owned(),
        created_at: now,
        password_changed_at: now,
    };
    let transaction = audit::begin(app).await?;
    if !store::users::insert_first(&transaction, &user).await? {
        return Err(already_set_up());
    }
    let admin = Admin { address, ..admin(user) };
    audit::record(&transaction, &admin, of_account("account.created", &admin)).await?;
    transaction.commit().await?;
    tracing::info!(username, "first account made");
    Ok(admin)
}

/// Checks a name and a password.
///
/// # Errors
/// [`Error::Unauthenticated`] if they do not belong together, [`Error::Busy`] after too many
/// failures from one address.
pub async fn sign_in(
    app: &App,
    username: &str,
    password: &str,
    address: Option<IpAddr>,
) -> Result<Admin> {
    // Counted before the check, so that guesses made at the same time are counted too.
    app.inner.sign_ins.begin(address)?;
    let user = store::users::find_by_username(app.store(), username).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let fits = app.inner.hashing.verify(password.to_owned(), hash).await?;
    let transaction = audit::begin(app).await?;
    match user {
        Some(user) if fits => {
            app.inner.sign_ins.forget(address);
            let admin = Admin { address, ..admin(user) };
            audit::record(&transaction, &admin, of_account("account.signed_in", &admin)).await?;
            transaction.commit().await?;
            Ok(admin)
        }
        user => {
            let stranger = Actor { name: STRANGER.to_owned(), address };
            // A name that is no account's is not kept: people type their password there.
            let subject = user.as_ref().map_or("", |user| &user.username);
            let event = Event::new("account.sign_in_failed", subject);
            audit::record(&transaction, stranger, event).await?;
            transaction.commit().await?;
            tracing::warn!(username = subject, ?address, "sign-in failed");
            Err(Error::Unauthenticated("the username or the password is wrong".to_owned()))
        }
    }
}

/// Changes a password and ends every session of the account.
pub async fn change_password(app: &App, who: &Admin, current: &str, new: &str) -> Result<()> {
    passwords::check_password(new)?;
    let user = store::users::find(app.store(), who.user_id)
        .await?
        .ok_or_else(|| Error::not_found("Account", &who.username))?;
    if !app.inner.hashing.verify(current.to_owned(), Some(user.password_hash)).await? {
        return Err(Error::invalid("current_password", "this is not the current password"));
    }
    let hash = app.inner.hashing.hash(new.to_owned()).await?;
    let transaction = audit::begin(app).await?;
    store::users::set_password(&transaction, user.id, &hash, clock::now()).await?;
    store::sessions::delete_of_user(&transaction, user.id).await?;
    audit::record(&transaction, who, of_account("account.password_changed", who)).await?;
    transaction.commit().await?;
    tracing::info!(username = %who.username, "password changed");
    Ok(())
}

pub(crate) fn admin(user: User) -> Admin {
    Admin { user_id: user.id, username: user.username, address: None }
}

fn of_account<'a>(action: &'static str, admin: &'a Admin) -> Event<'a> {
    Event::new(action, &admin.username).id(admin.user_id)
}

fn already_set_up() -> Error {
    Error::Conflict("there is an account already; sign in with it".to_owned())
}
