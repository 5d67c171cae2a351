//! Sessions of signed-in people: random tokens, of which the database holds only the hash.

use chrono::{DateTime, Duration, Utc};
use store::sessions::{Kind, Session};
use uuid::Uuid;

use super::{admin, of_account};
use crate::audit;
use crate::identity::Admin;
use crate::tokens::{hash_of, random};
use crate::{App, Error, Result, clock};

/// How long a session of the pages lasts.
const PAGE: Duration = Duration::days(7);

/// How long an access token of the API lasts.
const ACCESS: Duration = Duration::minutes(15);

/// How long a refresh token of the API lasts.
const REFRESH: Duration = Duration::days(7);

/// A session of the pages.
#[derive(Debug, Clone)]
pub struct SessionToken {
    /// The secret that the cookie carries.
    pub value: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Credentials of the API.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ApiTokens {
    /// Goes into `Authorization: Bearer`.
    pub access_token: String,
    /// Buys the next pair once.
    pub refresh_token: String,
    /// `bearer`.
    pub token_type: &'static str,
    /// Life of the access token in seconds.
    pub expires_in: i64,
}

/// Opens a session for the pages and forgets sessions that ended.
pub async fn open_page_session(app: &App, who: &Admin) -> Result<SessionToken> {
    store::sessions::delete_expired(app.store(), clock::now()).await?;
    open(app.store(), who.user_id, Uuid::now_v7(), Kind::Page, PAGE).await
}

/// Who a page's session belongs to, if it is open.
pub async fn page_session(app: &App, value: &str) -> Result<Option<Admin>> {
    find(app, value, Kind::Page).await
}

/// Ends one session of the pages.
pub async fn close_session(app: &App, who: &Admin, value: &str) -> Result<()> {
    let transaction = audit::begin(app).await?;
    if store::sessions::delete(&transaction, &hash_of(value)).await? {
        audit::record(&transaction, who, of_account("account.signed_out", who)).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Opens a session for the API.
pub async fn open_api_session(app: &App, who: &Admin) -> Result<ApiTokens> {
    store::sessions::delete_expired(app.store(), clock::now()).await?;
    pair(app, who.user_id, Uuid::now_v7()).await
}

/// Who an access token belongs to, if it is valid.
pub async fn api_session(app: &App, access: &str) -> Result<Option<Admin>> {
    find(app, access, Kind::Access).await
}

/// Exchanges a refresh token, once, for a new pair; the old pair ends.
///
/// # Errors
/// [`Error::Unauthenticated`] if it is unknown, used or expired.
pub async fn refresh(app: &App, refresh: &str) -> Result<ApiTokens> {
    let found = store::sessions::find(app.store(), &hash_of(refresh)).await?;
    let Some((session, user)) = found.filter(|(session, _)| open_as(session, Kind::Refresh)) else {
        return Err(Error::Unauthenticated(
            "the refresh token is unknown, used or expired; sign in again".to_owned(),
        ));
    };
    // Two requests with one token: only the one that deletes it gets a new pair.
    if !store::sessions::delete(app.store(), &session.token_hash).await? {
        return Err(Error::Unauthenticated("the refresh token was used already".to_owned()));
    }
    store::sessions::delete_family(app.store(), session.family).await?;
    pair(app, user.id, session.family).await
}

/// Ends the session that an access or refresh token belongs to, with all its tokens.
pub async fn sign_out(app: &App, who: &Admin, value: &str) -> Result<()> {
    let transaction = audit::begin(app).await?;
    if let Some((session, _)) = store::sessions::find(&transaction, &hash_of(value)).await? {
        store::sessions::delete_family(&transaction, session.family).await?;
        audit::record(&transaction, who, of_account("account.signed_out", who)).await?;
        transaction.commit().await?;
    }
    Ok(())
}

async fn pair(app: &App, user_id: Uuid, family: Uuid) -> Result<ApiTokens> {
    let transaction = app.store().begin().await?;
    let access = open(&transaction, user_id, family, Kind::Access, ACCESS).await?;
    let refresh = open(&transaction, user_id, family, Kind::Refresh, REFRESH).await?;
    transaction.commit().await?;
    Ok(ApiTokens {
        access_token: access.value,
        refresh_token: refresh.value,
        token_type: "bearer",
        expires_in: ACCESS.num_seconds(),
    })
}

async fn open(
    connection: &impl store::Connection,
    user_id: Uuid,
    family: Uuid,
    kind: Kind,
    life: Duration,
) -> Result<SessionToken> {
    let value = random();
    let now = clock::now();
    let session = Session {
        token_hash: hash_of(&value),
        user_id,
        kind,
        family,
        created_at: now,
        expires_at: now + life,
    };
    store::sessions::insert(connection, &session).await?;
    Ok(SessionToken { value, expires_at: session.expires_at })
}

async fn find(app: &App, value: &str, kind: Kind) -> Result<Option<Admin>> {
    let found = store::sessions::find(app.store(), &hash_of(value)).await?;
    Ok(found.filter(|(session, _)| open_as(session, kind)).map(|(_, user)| admin(user)))
}

fn open_as(session: &Session, kind: Kind) -> bool {
    session.kind == kind && session.expires_at > clock::now()
}
