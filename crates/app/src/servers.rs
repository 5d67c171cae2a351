//! Servers: named groups of tools that are started and stopped together.

mod change;

pub use store::servers::{Server, Status};
use store::tools::Counts;
use uuid::Uuid;

pub use self::change::{Changes, update};
pub(crate) use self::change::{check_live_name, name_taken};
use crate::audit::{self, Event};
use crate::identity::Who;
use crate::{App, Error, Listed, Page, Result, clock, external_sources, names};

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

/// A server, and how much is in it; the tools themselves are listed by [`crate::tools::list`].
#[derive(Debug, Clone)]
pub struct Detail {
    /// The server.
    pub server: Server,
    /// How many tools it has.
    pub tool_count: u64,
    /// Those of them that clients can call while the server runs.
    pub ready_tools: u64,
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

/// One server.
pub async fn get(app: &App, id: Uuid) -> Result<Detail> {
    let server = find(app, id).await?;
    let Counts { all, ready } = store::tools::count(app.store(), Some(id)).await?;
    Ok(Detail { server, tool_count: all, ready_tools: ready })
}

/// The name under which clients see a tool of this server.
pub fn public_name(server: &Server, tool: &str) -> String {
    names::public(server.prefix(), tool)
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
    let transaction = audit::begin(app).await?;
    store::servers::insert(&transaction, &server).await.map_err(|error| taken(error, name))?;
    audit::record(&transaction, who, Event::new("server.created", name).id(server.id)).await?;
    change::check_prefix_free(&transaction, "name", &server).await?;
    transaction.commit().await?;
    tracing::info!(server = %name, by = %who, "server created");
    Ok(server)
}

/// Deletes a server with all its tools: clients lose them at once, but for calls that run. The
/// record of revisions, the decisions about them and the execution log stay.
///
/// # Errors
/// [`Error::Conflict`] where the server has an external source that a file decides about, and, for a model, one that a
/// person has allowed: its credentials would go with it.
pub async fn delete(app: &App, who: &Who, id: Uuid) -> Result<Server> {
    let Detail { server, tool_count, .. } = get(app, id).await?;
    external_sources::release(app, who, id).await?;
    let transaction = audit::begin(app).await?;
    if !store::servers::delete(&transaction, id).await? {
        return Err(Error::not_found("Server", &id));
    }
    let event = Event::new("server.deleted", &server.name).id(id).with("tools", tool_count);
    audit::record(&transaction, who, event).await?;
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
    let detail = get(app, id).await?;
    if detail.server.status == Status::Running {
        let Detail { server, ready_tools, .. } = detail;
        return Ok(Started { server, registered_tools: ready_tools, already_running: true });
    }
    let stopped = [Status::Imported, Status::Stopped, Status::Error];
    run(app, who, detail, &stopped).await
}

/// Starts a server, whatever its status is. Everything that was read of its tools is read anew, and
/// clients are told to list them again.
///
/// # Errors
/// [`Error::Conflict`] if it has no approved and enabled tool.
pub async fn restart(app: &App, who: &Who, id: Uuid) -> Result<Started> {
    let any = [Status::Imported, Status::Running, Status::Stopped, Status::Error];
    run(app, who, get(app, id).await?, &any).await
}

/// Takes a server's tools away from clients until somebody starts it again: an approval does not.
pub async fn stop(app: &App, who: &Who, id: Uuid) -> Result<Server> {
    let server = find(app, id).await?;
    if server.status == Status::Stopped {
        return Ok(server);
    }
    let from = [Status::Imported, Status::Running, Status::Error];
    let event = Event::new("server.stopped", &server.name).id(id);
    let server = change_status(app, who, &server, (&from, Status::Stopped), event).await?;
    tracing::info!(server = %server.name, by = %who, "server stopped");
    Ok(server)
}

pub(crate) async fn find(app: &App, id: Uuid) -> Result<Server> {
    store::servers::find(app.store(), id).await?.ok_or_else(|| Error::not_found("Server", &id))
}

async fn run(app: &App, who: &Who, detail: Detail, from: &[Status]) -> Result<Started> {
    let Detail { server, tool_count, ready_tools } = detail;
    if ready_tools == 0 {
        return Err(Error::Conflict(if tool_count == 0 {
            format!("server `{}` has no tools; create one first", server.name)
        } else {
            format!(
                "server `{}` has no approved and enabled tool; file one with mcpbox_request_publish and have it approved",
                server.name
            )
        }));
    }
    let already_running = server.status == Status::Running;
    let event = Event::new("server.started", &server.name)
        .id(server.id)
        .with("from", server.status.as_str())
        .with("tools", ready_tools);
    let server = change_status(app, who, &server, (from, Status::Running), event).await?;
    tracing::info!(server = %server.name, by = %who, "server started");
    Ok(Started { server, registered_tools: ready_tools, already_running })
}

async fn change_status(
    app: &App,
    who: &Who,
    server: &Server,
    (from, to): (&[Status], Status),
    event: Event<'_>,
) -> Result<Server> {
    let transaction = audit::begin(app).await?;
    let now = clock::now();
    if !store::servers::set_status(&transaction, server.id, from, to, now).await? {
        let server = store::servers::find(&transaction, server.id)
            .await?
            .ok_or_else(|| Error::not_found("Server", &server.id))?;
        return Err(Error::Conflict(format!(
            "server `{}` is {} now, so it cannot become {}",
            server.name,
            server.status.as_str(),
            to.as_str()
        )));
    }
    audit::record(&transaction, who, event).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    Ok(Server { status: to, updated_at: now, ..server.clone() })
}

fn taken(error: store::Error, name: &str) -> Error {
    if error.is_duplicate() {
        return Error::Conflict(format!(
            "a server named `{name}` exists; choose another name or use that server"
        ));
    }
    error.into()
}
