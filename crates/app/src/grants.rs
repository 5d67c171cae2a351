//! Grants: what people allowed the tools of a server beside what every tool may.

mod modules;

use std::collections::HashSet;
use std::sync::Arc;

use sandbox::ModulePolicy;
pub use store::grants::{Event, Grant, Kind};
pub use store::refusals::Refusal;
use uuid::Uuid;

pub use self::modules::{RemovedModule, removed_modules, reset_modules};
use crate::identity::{Actor, Admin};
use crate::packages::{self, Kept};
use crate::{
    App, Error, Listed, Page, Result, audit, capabilities, clock, network, requests, servers,
};

/// What a server's tools may do beside what every tool may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Modules that may not be imported, though every tool may from the start; by name.
    pub removed: Vec<String>,
    /// Modules that may be imported, with all that is in them; by name.
    pub modules: Vec<String>,
    /// Hosts that may be reached, as `host` or `host:port`; by name.
    pub hosts: Vec<String>,
    /// Packages that a person allowed, as `name==version`; by name.
    pub packages: Vec<String>,
    /// What they were resolved to, where there are any.
    pub lock: Option<Arc<Kept>>,
}

impl Grants {
    /// What the sandbox lets a tool import.
    pub(crate) fn module_policy(&self) -> Result<ModulePolicy> {
        let of_packages = self.lock.iter().flat_map(|lock| lock.modules());
        let granted = self.modules.iter().chain(of_packages).cloned().collect();
        ModulePolicy::new(self.removed.clone(), granted)
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}

impl From<Vec<Grant>> for Grants {
    fn from(rows: Vec<Grant>) -> Self {
        let mut grants = Self::default();
        for row in rows {
            match row.kind {
                Kind::Module => grants.modules.push(row.name),
                Kind::Host => grants.hosts.push(row.name),
                Kind::Package => grants.packages.push(row.name),
            }
        }
        grants
    }
}

/// What holds for a server's tools now; two queries, and another where the server has packages. A
/// server that does not exist has what the installation has.
pub async fn of(app: &App, server_id: Uuid) -> Result<Grants> {
    let mut grants = held(app.store(), Some(server_id)).await?;
    if !grants.packages.is_empty() {
        grants.lock = packages::kept(app.store(), server_id).await?.map(Arc::new);
    }
    Ok(grants)
}

/// The same without what the packages were resolved to.
async fn held(db: &impl store::Connection, server_id: Option<Uuid>) -> Result<Grants> {
    let removed = store::removed_modules::list(db).await?;
    let grants = Grants::from(store::grants::of(db, server_id).await?);
    Ok(Grants { removed: removed.into_iter().map(|module| module.name).collect(), ..grants })
}

/// The modules that were allowed for the installation, by name.
pub async fn modules(app: &App) -> Result<Vec<Grant>> {
    Ok(store::grants::of(app.store(), None).await?)
}

/// The hosts that were allowed for a server, by name.
pub async fn hosts(app: &App, server_id: Uuid) -> Result<Vec<Grant>> {
    let rows = store::grants::of(app.store(), Some(server_id)).await?;
    Ok(rows.into_iter().filter(|row| row.kind == Kind::Host).collect())
}

/// Where the tools of a server tried to go and were not let, newest first; at most the last 200.
pub async fn refusals(app: &App, server_id: Uuid) -> Result<Vec<Refusal>> {
    Ok(store::refusals::list(app.store(), server_id).await?)
}

/// What happened to requests and grants, newest first.
pub async fn history(app: &App, page: Page) -> Result<Listed<Event>> {
    Ok(store::grants::history(app.store(), page).await?)
}

/// The servers of these events that there still are.
pub async fn servers_of(app: &App, events: &[Event]) -> Result<HashSet<Uuid>> {
    let ids: Vec<Uuid> = events.iter().filter_map(|event| event.server_id).collect();
    Ok(store::servers::existing(app.store(), &ids).await?)
}

/// Allows a server's tools to reach a host that nobody asked for. What its tools had asked for and
/// have with it is approved as well.
///
/// # Errors
/// [`Error::Invalid`] for what is no host.
pub async fn add_host(
    app: &App,
    admin: &Admin,
    server_id: Uuid,
    host: &str,
    port: Option<u16>,
) -> Result<()> {
    let name = network::normal_host(host, port)?;
    servers::find(app, server_id).await?;
    let subject = Subject { kind: Kind::Host, server_id: Some(server_id), name: &name };
    let transaction = audit::begin(app).await?;
    if give(&transaction, admin, &subject, None).await? {
        record(&transaction, &subject, Act::new("added", admin)).await?;
        requests::settle(&transaction, admin, &subject).await?;
    } else if adopt(&transaction, admin, &subject).await? {
        record(&transaction, &subject, Act::new("added", admin)).await?;
    }
    transaction.commit().await?;
    tracing::info!(%server_id, host = %name, by = %admin.username, "host allowed");
    Ok(())
}

/// Takes a host away from a server's tools, from their next request on.
///
/// # Errors
/// [`Error::NotFound`] if exactly that was not allowed.
pub async fn remove_host(app: &App, admin: &Admin, server_id: Uuid, host: &str) -> Result<()> {
    let name = network::normal_host(host, None)?;
    servers::find(app, server_id).await?;
    remove(app, admin, &Subject { kind: Kind::Host, server_id: Some(server_id), name: &name }).await
}

/// Allows all tools modules that nobody asked for, and takes others away from their next call on;
/// all of it or nothing. What tools had asked for and have with it is approved as well. A module of
/// the list from the start is taken from it, and put back on it.
///
/// # Errors
/// [`Error::Invalid`] for more than 100 names.
/// As [`requests::file_module`] for what cannot be allowed; [`Error::NotFound`] for what is to be
/// removed and was not allowed.
pub async fn change_modules(
    app: &App,
    admin: &Admin,
    added: &[String],
    removed: &[String],
) -> Result<()> {
    for (field, names) in [("add_modules", added), ("remove_modules", removed)] {
        if names.len() > 100 {
            return Err(Error::invalid(field, "at most 100 names at once"));
        }
    }
    let transaction = audit::begin(app).await?;
    for name in removed {
        modules::remove(&transaction, admin, name).await?;
    }
    for name in added {
        if modules::put_back(&transaction, admin, name).await? {
            continue;
        }
        let held = held(&transaction, None).await?;
        requests::check_module(name, held.module_policy()?.standing(name))?;
        give(&transaction, admin, &of_module(name), None).await?;
        record(&transaction, &of_module(name), Act::new("added", admin)).await?;
        requests::settle(&transaction, admin, &of_module(name)).await?;
    }
    transaction.commit().await?;
    tracing::info!(?added, ?removed, by = %admin.username, "allowed modules changed");
    Ok(())
}

/// Takes a module away from all tools, from their next call on.
///
/// # Errors
/// [`Error::NotFound`] if exactly that was not allowed.
pub async fn remove_module(app: &App, admin: &Admin, name: &str) -> Result<()> {
    change_modules(app, admin, &[], &[name.to_owned()]).await
}

fn of_module(name: &str) -> Subject<'_> {
    Subject { kind: Kind::Module, server_id: None, name }
}

async fn remove(app: &App, admin: &Admin, subject: &Subject<'_>) -> Result<()> {
    let transaction = audit::begin(app).await?;
    take(&transaction, admin, subject).await?;
    transaction.commit().await?;
    let Subject { kind, name, .. } = subject;
    tracing::info!(%kind, %name, by = %admin.username, "grant removed");
    Ok(())
}

pub(crate) async fn take(
    transaction: &store::Transaction,
    admin: &Admin,
    subject: &Subject<'_>,
) -> Result<()> {
    let Subject { kind, server_id, name } = *subject;
    // PostgreSQL holds no null character, so nothing is called by a name with one.
    if name.contains('\0') || !store::grants::delete(transaction, kind, server_id, name).await? {
        let what = match kind {
            Kind::Module => "Allowed module",
            Kind::Host => "Allowed host",
            Kind::Package => "Allowed package",
        };
        return Err(Error::not_found(what, &name));
    }
    record(transaction, subject, Act::new("removed", admin)).await?;
    Ok(store::changes::publish(transaction).await?)
}

/// What a grant, or an entry of the history, is about.
pub(crate) struct Subject<'a> {
    pub(crate) kind: Kind,
    /// None for the whole installation.
    pub(crate) server_id: Option<Uuid>,
    pub(crate) name: &'a str,
}

impl Subject<'_> {
    /// Whether having this is having `name`.
    pub(crate) fn covers(&self, name: &str) -> bool {
        match self.kind {
            Kind::Module => capabilities::covers_module(self.name, name),
            Kind::Host => network::covers(self.name, name),
            Kind::Package => name == self.name,
        }
    }
}

/// What somebody did.
pub(crate) struct Act<'a> {
    pub(crate) action: &'static str,
    pub(crate) actor: Actor,
    pub(crate) tool_id: Option<Uuid>,
    /// The request that it is about, or that it comes from.
    pub(crate) request_id: Option<Uuid>,
    pub(crate) reason: Option<&'a str>,
    /// The plan that was decided about, for packages.
    pub(crate) digest: Option<&'a str>,
}

impl Act<'_> {
    pub(crate) fn new(action: &'static str, actor: impl Into<Actor>) -> Self {
        let actor = actor.into();
        Self { action, actor, tool_id: None, request_id: None, reason: None, digest: None }
    }

    /// The name in the audit log, where giving and asking are told apart.
    fn audited(&self) -> &'static str {
        match self.action {
            "requested" => "request.filed",
            "approved" => "request.approved",
            "rejected" => "request.rejected",
            "revoked" => "request.revoked",
            "deleted" => "request.deleted",
            "removed" => "grant.removed",
            "added" => "grant.added",
            _ => "grant.changed",
        }
    }
}

/// Adds a grant, unless what is held has it already; whether it did. Narrower ones that it makes
/// superfluous go.
pub(crate) async fn give(
    transaction: &store::Transaction,
    admin: &Admin,
    subject: &Subject<'_>,
    request_id: Option<Uuid>,
) -> Result<bool> {
    let Subject { kind, server_id, name } = *subject;
    let mut held = store::grants::of(transaction, server_id).await?;
    held.retain(|row| row.kind == kind && row.server_id == server_id);
    if held.iter().any(|row| Subject { name: &row.name, ..*subject }.covers(name)) {
        return Ok(false);
    }
    let grant = Grant {
        id: Uuid::now_v7(),
        kind,
        server_id,
        name: name.to_owned(),
        request_id,
        granted_by: admin.username.clone(),
        granted_at: clock::now(),
    };
    if !store::grants::insert(transaction, &grant).await? {
        return Ok(false);
    }
    if request_id.is_some() {
        // The history has the approval in its place.
        audit(transaction, subject, &Act { request_id, ..Act::new("added", admin) }).await?;
    }
    for row in held.iter().filter(|row| subject.covers(&row.name)) {
        store::grants::delete(transaction, kind, server_id, &row.name).await?;
        let reason = format!("part of {name}, which is allowed now");
        let narrower = Subject { name: &row.name, ..*subject };
        let act = Act { reason: Some(&reason), ..Act::new("removed", admin) };
        record(transaction, &narrower, act).await?;
    }
    store::changes::publish(transaction).await?;
    Ok(true)
}

/// Keeps what a request gave even when that is revoked; whether a request gave it.
async fn adopt(
    transaction: &store::Transaction,
    admin: &Admin,
    subject: &Subject<'_>,
) -> Result<bool> {
    let Subject { kind, server_id, name } = *subject;
    Ok(store::grants::adopt(transaction, kind, server_id, name, &admin.username).await?)
}

pub(crate) async fn record(
    transaction: &store::Transaction,
    subject: &Subject<'_>,
    act: Act<'_>,
) -> Result<()> {
    audit(transaction, subject, &act).await?;
    let event = Event {
        id: Uuid::now_v7(),
        kind: subject.kind,
        server_id: subject.server_id,
        server_name: name_of_server(transaction, subject).await?,
        tool_id: act.tool_id,
        name: subject.name.to_owned(),
        action: act.action.to_owned(),
        actor: act.actor.name,
        reason: act.reason.map(str::to_owned),
        at: clock::now(),
    };
    Ok(store::grants::record(transaction, &event).await?)
}

/// Writes into the audit log what happened to a request or a grant.
pub(crate) async fn audit(
    transaction: &store::Transaction,
    subject: &Subject<'_>,
    act: &Act<'_>,
) -> Result<()> {
    let mut event =
        audit::Event::new(act.audited(), subject.name).with("kind", subject.kind.as_str());
    if let Some(server) = name_of_server(transaction, subject).await? {
        event = event.with("server", server);
    }
    if let Some(id) = subject.server_id {
        event = event.with("server_id", id.to_string());
    }
    if let Some(id) = act.tool_id {
        event = event.with("tool_id", id.to_string());
    }
    if let Some(id) = act.request_id {
        event = event.id(id);
    }
    if let Some(reason) = act.reason {
        event = event.with("reason", reason);
    }
    if let Some(digest) = act.digest {
        event = event.digest(digest);
    }
    audit::record(transaction, act.actor.clone(), event).await
}

async fn name_of_server(
    transaction: &store::Transaction,
    subject: &Subject<'_>,
) -> Result<Option<String>> {
    let Some(id) = subject.server_id else { return Ok(None) };
    Ok(store::servers::find(transaction, id).await?.map(|server| server.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_covers_what_is_in_it_and_nothing_else() {
        let subject = Subject { kind: Kind::Module, server_id: None, name: "xml" };
        assert!(subject.covers("xml") && subject.covers("xml.dom.minidom"));
        assert!(!subject.covers("xmlrpc") && !subject.covers("html"));
        let part = Subject { name: "xml.dom", ..subject };
        assert!(!part.covers("xml") && part.covers("xml.dom"));
    }
}
