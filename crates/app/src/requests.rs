//! Requests of tools for modules, hosts and packages, and a person's decision about them.

mod filing;
mod finding;
mod undo;

use std::collections::BTreeMap;

use sandbox::{Asking, ModuleStanding, allowed_modules};
use serde::Serialize;
pub use store::requests::{Named, Request, State};
use uuid::Uuid;

pub(crate) use self::filing::{Wish, before, check_justification, check_room, file};
pub use self::finding::{Entry, Search, search, search_all};
pub use self::undo::{Revoked, delete, revoke};
use crate::capabilities::{self, Capabilities, Lacking};
pub use crate::grants::Kind;
use crate::grants::{self, Act, Grants, Subject};
use crate::identity::{Actor, Admin, Who};
use crate::packages::Held;
use crate::revisions::following;
use crate::{
    App, Error, Listed, Page, Result, audit, clock, names, network, packages, policy, tools,
};

/// What filing did.
#[derive(Debug, Clone)]
pub struct Filed {
    /// The request that waits.
    pub request: Request,
    /// Whether it was waiting before.
    pub already_pending: bool,
}

/// A person's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision<'a> {
    /// Allow it. What was rejected before can be allowed, too.
    Approve,
    /// Refuse it; the author reads the reason.
    Reject(&'a str),
}

/// How many requests wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// For modules.
    pub modules: u64,
    /// For hosts.
    pub network: u64,
    /// For packages.
    pub packages: u64,
}

impl Waiting {
    /// Of all kinds together.
    pub fn total(&self) -> u64 {
        self.modules + self.network + self.packages
    }
}

/// Which modules tools may import.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    /// From the start, by name.
    pub default: Vec<&'static str>,
    /// Those of them that a person took from the list, by name.
    pub removed: Vec<String>,
    /// Those that a person allowed beside them, by name.
    pub granted: Vec<String>,
    /// The server's packages, with the modules that they bring.
    pub packages: Vec<Held>,
    /// Those of their modules that cannot be imported, and why.
    pub not_importable: BTreeMap<String, String>,
}

/// Asks for a module of Python's standard library for all tools. Asking for what waits already
/// changes nothing. Where the setting says so, it is approved at once.
///
/// # Errors
/// [`Error::Invalid`] for what is no such module, [`Error::Denied`] for one that nobody can allow,
/// [`Error::Conflict`] for one that may be imported already or was rejected for this tool.
pub async fn file_module(
    app: &App,
    who: &Who,
    tool_id: Uuid,
    module: &str,
    justification: &str,
) -> Result<Filed> {
    let tool = tools::find(app, tool_id).await?;
    let name = module.trim();
    let policy = grants::of(app, tool.server_id).await?.module_policy()?;
    check_module(name, policy.standing(name))?;
    let subject = Subject { kind: Kind::Module, server_id: Some(tool.server_id), name };
    let justification = check_justification(justification)?;
    let filed = file(app, who, Wish { tool_id, subject, justification, plan: None }).await?;
    if !policy::get(app).await?.approves_modules() {
        return Ok(filed);
    }
    let request = Box::pin(approve(app, &Admin::by_setting(), filed.request)).await?;
    Ok(Filed { request, already_pending: false })
}

/// Asks for a host, or one port of it, for all tools of the tool's server. Asking for what waits
/// already changes nothing.
///
/// # Errors
/// [`Error::Invalid`] for what is no host, [`Error::Conflict`] for one that may be reached already
/// or was rejected for this tool.
pub async fn file_host(
    app: &App,
    who: &Who,
    tool_id: Uuid,
    (host, port): (&str, Option<u16>),
    justification: &str,
) -> Result<Filed> {
    let tool = tools::find(app, tool_id).await?;
    let name = network::normal_host(host, port)?;
    let allowed = grants::of(app, tool.server_id).await?.hosts;
    if let Some(grant) = allowed.iter().find(|grant| network::covers(grant, &name)) {
        return Err(Error::Conflict(format!(
            "`{grant}` is allowed for this server already; its tools can reach `{name}` now"
        )));
    }
    let subject = Subject { kind: Kind::Host, server_id: Some(tool.server_id), name: &name };
    let justification = check_justification(justification)?;
    file(app, who, Wish { tool_id, subject, justification, plan: None }).await
}

/// The requests of one kind, in one state or in all. Those that wait come oldest
/// first, others newest first.
pub async fn list(
    app: &App,
    kind: Kind,
    state: Option<State>,
    page: Page,
) -> Result<Listed<Named>> {
    let filter = store::requests::Filter { kind: Some(kind), state, ..Default::default() };
    Ok(store::requests::list(app.store(), &filter, page).await?)
}

/// All requests in one state, whatever they are for; in the same order.
pub async fn queue(app: &App, state: State, page: Page) -> Result<Listed<Named>> {
    let filter = store::requests::Filter { state: Some(state), ..Default::default() };
    Ok(store::requests::list(app.store(), &filter, page).await?)
}

/// What the tools of a server wait for, oldest first.
pub async fn waiting_of_server(app: &App, server_id: Uuid) -> Result<Vec<Request>> {
    let filter = store::requests::Filter {
        state: Some(State::Pending),
        server_id: Some(server_id),
        ..Default::default()
    };
    Ok(store::requests::all(app.store(), &filter).await?)
}

/// Everything that a tool asked for, oldest first.
pub async fn of_tool(app: &App, tool_id: Uuid) -> Result<Vec<Request>> {
    let filter = store::requests::Filter { tool_id: Some(tool_id), ..Default::default() };
    Ok(store::requests::all(app.store(), &filter).await?)
}

/// How many requests wait, of one server or of all.
pub async fn waiting(app: &App, server_id: Option<Uuid>) -> Result<Waiting> {
    let state = Some(State::Pending);
    let of =
        |kind| store::requests::Filter { kind: Some(kind), state, server_id, ..Default::default() };
    let modules = store::requests::count(app.store(), &of(Kind::Module)).await?;
    let network = store::requests::count(app.store(), &of(Kind::Host)).await?;
    let packages = store::requests::count(app.store(), &of(Kind::Package)).await?;
    Ok(Waiting { modules, network, packages })
}

impl Modules {
    /// Those of the list that are still on it, and those that a person allowed; by name.
    pub fn allowed(&self) -> Vec<&str> {
        let kept = self.default.iter().filter(|name| !self.removed.iter().any(|one| one == **name));
        let mut allowed: Vec<&str> = kept.copied().collect();
        allowed.extend(self.granted.iter().map(String::as_str));
        allowed.sort_unstable();
        allowed.dedup();
        allowed
    }
}

/// Which modules the tools of a server, or all tools, may import.
pub async fn modules(app: &App, server_id: Option<Uuid>) -> Result<Modules> {
    let server_id = server_id.unwrap_or_else(Uuid::nil);
    let Grants { removed, modules: granted, lock, .. } = grants::of(app, server_id).await?;
    let state = lock.as_ref().map(|lock| packages::preparation(app, &lock.digest));
    let not_importable = state.map(|state| state.not_importable()).unwrap_or_default();
    let packages = lock.map(|lock| lock.packages.clone()).unwrap_or_default();
    let default = allowed_modules().collect();
    Ok(Modules { default, removed, granted, packages, not_importable })
}

/// The request of that id, if it is of that kind.
pub async fn find(app: &App, kind: Kind, id: Uuid) -> Result<Request> {
    let found = store::requests::find(app.store(), id).await?;
    let of_kind = found.filter(|request| request.kind == kind);
    of_kind.ok_or_else(|| Error::not_found("Request", &id))
}

/// Decides about a request. What is approved holds from the next call on; other requests that ask
/// for it, or for a part of it, are approved with it.
///
/// # Errors
/// [`Error::Conflict`] if it cannot be decided about so any more, [`Error::Invalid`] for a
/// rejection without a reason. Packages are approved with their plan, by
/// [`packages::approve`].
pub async fn decide(
    app: &App,
    admin: &Admin,
    kind: Kind,
    id: Uuid,
    decision: Decision<'_>,
) -> Result<Request> {
    let request = find(app, kind, id).await?;
    let request = match decision {
        Decision::Approve if kind == Kind::Package => {
            let reason = "send the digest of the plan that you saw: it is what is approved";
            return Err(Error::invalid("plan", reason));
        }
        Decision::Approve => Box::pin(approve(app, admin, request)).await?,
        Decision::Reject(reason) => reject(app, admin, request, reason).await?,
    };
    let state = request.state;
    tracing::info!(%kind, name = %request.name, %state, by = %admin.username, "request decided");
    Ok(request)
}

/// What approving a request changes of the live tool that asked, in one plain line: it then declares the
/// host. Nothing where no version is live, or it declares the host as it is.
pub async fn consequence(app: &App, request: &Request) -> Result<Option<String>> {
    if request.kind != Kind::Host || request.state == State::Approved {
        return Ok(None);
    }
    let tools::Detail { live, .. } = tools::get(app, request.tool_id).await?;
    let Some(live) = live else { return Ok(None) };
    let mut declared = Capabilities::of(&live);
    if declared.declares_host(&request.name) {
        return Ok(None);
    }
    declared.hosts.push(request.name.clone());
    let asking = Asking::among(&live.remarks);
    let risk = capabilities::risk(&declared, &asking, &Lacking::default());
    Ok(Some(format!(
        "Approving makes a version of {} that declares the host and is live at once. It then: {risk}",
        live.name
    )))
}

/// Approves every request that waits for what is allowed now.
pub(crate) async fn settle(
    transaction: &store::Transaction,
    admin: &Admin,
    subject: &Subject<'_>,
) -> Result<()> {
    let filter = store::requests::Filter {
        kind: Some(subject.kind),
        state: Some(State::Pending),
        server_id: subject.server_id,
        ..Default::default()
    };
    for request in store::requests::all(transaction, &filter).await? {
        if subject.covers(&request.name) {
            let request = decided(request, State::Approved, admin, None);
            move_on(transaction, &[State::Pending], &request).await?;
            record(transaction, &request, "approved", admin, None).await?;
        }
    }
    Ok(())
}

/// Refuses a module that cannot be allowed, or need not be.
pub(crate) fn check_module(name: &str, standing: Option<ModuleStanding>) -> Result<()> {
    let refused = |text: String| Err(Error::invalid("module_name", text));
    match standing {
        Some(ModuleStanding::Grantable) => Ok(()),
        Some(ModuleStanding::Allowed) => {
            Err(Error::Conflict(format!("module `{name}` may be imported already; import it")))
        }
        Some(ModuleStanding::Never) => Err(Error::Denied(format!(
            "module `{name}` can never be imported by a tool, whatever anyone approves: nothing of the machine is inside the sandbox; do it with plain Python and the modules that are allowed (mcpbox_get_server_modules)"
        ))),
        Some(ModuleStanding::Absent) => refused(format!(
            "module `{name}` is a part of Python that the sandbox does not have, so approving it would change nothing; do it with the modules that are allowed (mcpbox_get_server_modules)"
        )),
        Some(ModuleStanding::Unknown) => refused(format!(
            "`{name}` is no module of Python's standard library; ask for the package that brings it with `package` in place of `module_name`"
        )),
        None => refused("expected the name of a module as in `import`, such as xml.dom".to_owned()),
    }
}

async fn approve(app: &App, admin: &Admin, request: Request) -> Result<Request> {
    // One decision: what is allowed, and that the live tool which asked declares it.
    let widened = match request.kind {
        Kind::Host => following::widened(app, request.tool_id, &request.name).await?,
        Kind::Module | Kind::Package => None,
    };
    let transaction = audit::begin(app).await?;
    let request = approved(&transaction, admin, request).await?;
    let subject = subject(&request);
    grants::give(&transaction, admin, &subject, Some(request.id)).await?;
    settle(&transaction, admin, &subject).await?;
    if let Some(widened) = widened {
        widened.approve(&transaction, admin).await?;
        store::changes::publish(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(request)
}

/// Writes that a request is approved.
pub(crate) async fn approved(
    transaction: &store::Transaction,
    admin: &Admin,
    request: Request,
) -> Result<Request> {
    let request = decided(request, State::Approved, admin, None);
    move_on(transaction, &[State::Pending, State::Rejected], &request).await?;
    record(transaction, &request, "approved", admin, None).await?;
    Ok(request)
}

async fn reject(app: &App, admin: &Admin, request: Request, reason: &str) -> Result<Request> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::invalid("reason", "say why: the author reads it"));
    }
    names::check_text("reason", reason)?;
    let request = decided(request, State::Rejected, admin, Some(reason.to_owned()));
    let transaction = audit::begin(app).await?;
    move_on(&transaction, &[State::Pending], &request).await?;
    record(&transaction, &request, "rejected", admin, Some(reason)).await?;
    transaction.commit().await?;
    Ok(request)
}

/// What approving a request gives, and to whom.
fn subject(request: &Request) -> Subject<'_> {
    let server_id = match request.kind {
        Kind::Module => None,
        Kind::Host | Kind::Package => Some(request.server_id),
    };
    Subject { kind: request.kind, server_id, name: &request.name }
}

fn decided(request: Request, state: State, admin: &Admin, reason: Option<String>) -> Request {
    Request {
        state,
        reviewed_at: Some(clock::now()),
        reviewed_by: Some(admin.username.clone()),
        rejection_reason: reason,
        ..request
    }
}

/// Moves a request into its new state if it still is in one of `from`.
async fn move_on(
    transaction: &store::Transaction,
    from: &[State],
    request: &Request,
) -> Result<()> {
    if store::requests::transition(transaction, from, request).await? {
        return Ok(());
    }
    let now = store::requests::find(transaction, request.id).await?;
    let now = now.map_or("deleted", |request| request.state.as_str());
    Err(Error::Conflict(format!(
        "the request for `{}` is {now} now, so it cannot become {}",
        request.name, request.state
    )))
}

async fn record(
    transaction: &store::Transaction,
    request: &Request,
    action: &'static str,
    actor: impl Into<Actor>,
    reason: Option<&str>,
) -> Result<()> {
    let (tool_id, request_id) = (Some(request.tool_id), Some(request.id));
    let act = Act { tool_id, request_id, reason, ..Act::new(action, actor) };
    let server_id = Some(request.server_id);
    let subject = Subject { kind: request.kind, server_id, name: &request.name };
    grants::record(transaction, &subject, act).await
}
