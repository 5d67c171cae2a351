//! Sessions of clients, of the protocol revisions that have them: any process on the database can serve them.

use chrono::Duration;
use rand::Rng as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::Json;
pub use store::client_sessions::ClientSession;
use uuid::Uuid;

use crate::conversation::Abilities;
use crate::{App, Result, clock};

/// A session that is not used for this long is ended; its client is answered 404 afterwards and
/// opens another.
const IDLE: Duration = Duration::minutes(30);

/// A session that was opened and never used is ended after this long.
const UNUSED: Duration = Duration::minutes(2);

/// At most this many sessions; those that were not used for longest make room.
const SESSIONS_MAX: u64 = 10_000;

/// What a session is opened with.
#[derive(Debug, Clone)]
pub struct New {
    /// The token that was shown.
    pub owner: Option<Uuid>,
    /// The revision of the protocol.
    pub protocol_version: &'static str,
    /// What the client calls itself.
    pub client: Option<String>,
    /// What it can be asked.
    pub abilities: Abilities,
}

/// Opens a session; its id is told this once and kept as a hash.
///
/// # Errors
/// When the database fails.
pub async fn open(app: &App, new: New) -> Result<(String, ClientSession)> {
    let mut bytes = [0_u8; 16];
    rand::rng().fill_bytes(&mut bytes);
    let id = hex::encode(bytes);
    let now = clock::now();
    let session = ClientSession {
        id_hash: hash_of(&id),
        owner: new.owner,
        protocol_version: new.protocol_version.to_owned(),
        client: new.client,
        abilities: Json(written(new.abilities)),
        log_level: None,
        subscriptions: Json(json!([])),
        created_at: now,
        used_at: now,
    };
    store::client_sessions::insert(app.store(), session.clone()).await?;
    Ok((id, session))
}

/// The session with this id. One that was opened with another token is not found: a stranger cannot
/// tell it from none.
///
/// # Errors
/// When the database fails.
pub async fn find(app: &App, id: &str, owner: Option<Uuid>) -> Result<Option<ClientSession>> {
    let found = store::client_sessions::find(app.store(), &hash_of(id)).await?;
    Ok(found.filter(|session| {
        let is_owners = session.owner == owner;
        if !is_owners {
            tracing::warn!("refused a session that another identity opened");
        }
        is_owners && session.used_at + IDLE > clock::now()
    }))
}

/// Notes that a session is in use; whether it still is one.
///
/// # Errors
/// When the database fails.
pub async fn touch(app: &App, id: &str) -> Result<bool> {
    Ok(store::client_sessions::touch(app.store(), &hash_of(id), clock::now()).await?)
}

/// Sets what the client wants to hear of; whether there still is such a session.
///
/// # Errors
/// When the database fails.
pub async fn set_wishes(
    app: &App,
    id: &str,
    log_level: Option<&str>,
    subscriptions: &[String],
) -> Result<bool> {
    let subscriptions = Json(json!(subscriptions));
    let store = app.store();
    Ok(store::client_sessions::set_wishes(store, &hash_of(id), log_level, subscriptions).await?)
}

/// Ends a session; whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn end(app: &App, id: &str) -> Result<bool> {
    Ok(store::client_sessions::delete(app.store(), &hash_of(id)).await?)
}

/// Ends the sessions that nobody uses, and the oldest where there are too many; how many.
///
/// # Errors
/// When the database fails.
pub async fn tidy(app: &App) -> Result<u64> {
    let now = clock::now();
    let store = app.store();
    let idle = store::client_sessions::delete_idle(store, now - IDLE, now - UNUSED).await?;
    Ok(idle + store::client_sessions::keep_newest(store, SESSIONS_MAX).await?)
}

/// What a client can be asked, as it was kept.
pub fn abilities(session: &ClientSession) -> Abilities {
    let can = |name: &str| session.abilities.0.get(name).and_then(Value::as_bool).unwrap_or(false);
    Abilities {
        elicit_form: can("elicit_form"),
        elicit_url: can("elicit_url"),
        sample: can("sample"),
        roots: can("roots"),
    }
}

fn written(abilities: Abilities) -> Value {
    let Abilities { elicit_form, elicit_url, sample, roots } = abilities;
    json!({ "elicit_form": elicit_form, "elicit_url": elicit_url, "sample": sample, "roots": roots })
}

fn hash_of(id: &str) -> String {
    hex::encode(Sha256::digest(id))
}
