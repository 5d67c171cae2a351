//! Servers: named groups of tools that are started and stopped together.

pub use store::servers::{Server, Status};
use uuid::Uuid;

use crate::identity::Who;
use crate::tools::{Revision, Tool};
use crate::{App, Error, Listed, Page, Result, clock, names};

/// How long a tool may run unless it says otherwise, in milliseconds.
const DEFAULT_TIMEOUT_MS: i32 = 30_000;

/// A server in a list.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The server.
    pub server: Server,
    /// How many tools it has.
    pub tool_count: u64,
}

/// A server with its tools.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The server.
    pub server: Server,
    /// Each tool with its newest revision.
    pub tools: Vec<(Tool, Revision)>,
}

/// What starting did.
#[derive(Debug, Clone)]
pub struct Started {
    /// The server, now running.
    pub server: Server,
    /// How many of its tools clients can call.
    pub registered_tools: u64,
    /// Whether it was running before.
    pub already_running: bool,
}

/// All servers, oldest first.
pub async fn list(app: &App, page: Page) -> Result<Listed<Summary>> {
    let listed = store::servers::list(app.store(), page).await?;
    let items = listed
        .items
        .into_iter()
        .map(|(server, tool_count)| Summary { server, tool_count })
        .collect();
    Ok(Listed { items, total: listed.total })
}

/// One server with all of its tools.
pub async fn get(app: &App, id: Uuid) -> Result<Detail> {
    let server = find(app, id).await?;
    let tools = crate::tools::all_of(app, id).await?;
    Ok(Detail { server, tools })
}

/// Makes an empty server. It starts with the first approval of one of its tools.
///
/// # Errors
/// [`Error::Invalid`] for a name that clients could not use, [`Error::Conflict`] for one that is taken.
pub async fn create(app: &App, who: &Who, name: &str, description: &str) -> Result<Server> {
    names::check_server(name)?;
    names::check_description(description)?;
    let now = clock::now();
    let server = Server {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        description: description.to_owned(),
        status: Status::Imported,
        tool_prefix: None,
        default_timeout_ms: DEFAULT_TIMEOUT_MS,
        created_at: now,
        updated_at: now,
    };
    store::servers::insert(app.store(), &server).await.map_err(|error| match error {
        error if error.is_duplicate() => Error::Conflict(format!(
            "a server named `{name}` exists; choose another name or use that server"
        )),
        error => error.into(),
    })?;
    tracing::info!(server = %name, by = %who, "server created");
    Ok(server)
}

/// Deletes a server with all its tools and their revisions. The execution log stays.
pub async fn delete(app: &App, who: &Who, id: Uuid) -> Result<Server> {
    let server = find(app, id).await?;
    let transaction = app.store().begin().await?;
    if !store::servers::delete(&transaction, id).await? {
        return Err(Error::not_found("Server", &id));
    }
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(server = %server.name, by = %who, "server deleted");
    Ok(server)
}

/// Makes the approved tools of a server callable. One that runs already stays as it is.
///
/// # Errors
/// [`Error::Conflict`] if it has no approved and enabled tool.
pub async fn start(app: &App, who: &Who, id: Uuid) -> Result<Started> {
    let Detail { server, tools } = get(app, id).await?;
    let ready = tools.iter().filter(|(tool, _)| tool.enabled && tool.live_revision.is_some());
    let registered_tools = u64::try_from(ready.count()).unwrap_or(u64::MAX);
    if server.status == Status::Running {
        return Ok(Started { server, registered_tools, already_running: true });
    }
    if registered_tools == 0 {
        return Err(Error::Conflict(if tools.is_empty() {
            format!("server `{}` has no tools; create one first", server.name)
        } else {
            format!(
                "server `{}` has no approved and enabled tool; file one with mcpbox_request_publish and have it approved",
                server.name
            )
        }));
    }
    let stopped = [Status::Imported, Status::Stopped, Status::Error];
    let server = change_status(app, &server, &stopped, Status::Running).await?;
    tracing::info!(server = %server.name, by = %who, "server started");
    Ok(Started { server, registered_tools, already_running: false })
}

/// Takes a server's tools away from clients until somebody starts it again: an approval does not.
pub async fn stop(app: &App, who: &Who, id: Uuid) -> Result<Server> {
    let server = find(app, id).await?;
    if server.status == Status::Stopped {
        return Ok(server);
    }
    let from = [Status::Imported, Status::Running, Status::Error];
    let server = change_status(app, &server, &from, Status::Stopped).await?;
    tracing::info!(server = %server.name, by = %who, "server stopped");
    Ok(server)
}

pub(crate) async fn find(app: &App, id: Uuid) -> Result<Server> {
    store::servers::find(app.store(), id).await?.ok_or_else(|| Error::not_found("Server", &id))
}

async fn change_status(app: &App, server: &Server, from: &[Status], to: Status) -> Result<Server> {
    let transaction = app.store().begin().await?;
    let now = clock::now();
    if !store::servers::set_status(&transaction, server.id, from, to, now).await? {
        return Err(Error::Conflict(format!(
            "server `{}` is {}, so it cannot become {}",
            server.name,
            server.status.as_str(),
            to.as_str()
        )));
    }
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    Ok(Server { status: to, updated_at: now, ..server.clone() })
}
