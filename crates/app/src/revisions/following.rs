//! Revisions that a person's other decisions make necessary, approved with them: a host for a live tool,
//! another version of a package, another default of the time limit.

use store::Transaction;
use uuid::Uuid;

use super::{Content, Origin, Revision, State, append, is_open, newest, replace_live};
use crate::approvals;
use crate::capabilities::Capabilities;
use crate::identity::Admin;
use crate::packages::{self, Kept};
use crate::servers::Server;
use crate::tools::{self, Tool};
use crate::{App, Error, Result, clock, digest};

/// What a tool becomes when it declares one host more, where it does not.
pub(crate) struct Widened {
    tool: Tool,
    host: String,
    /// The live revision, and what takes its place.
    live: Option<(Revision, Content)>,
    /// The content of the newest revision, where it is another one.
    newest: Option<Content>,
}

/// Reads what the live and the newest revision of a tool become when they declare a host; nothing
/// where they do as they are.
///
/// # Errors
/// [`Error::Unavailable`] and [`Error::Busy`] when the sandbox cannot look at them.
pub(crate) async fn widened(app: &App, tool_id: Uuid, host: &str) -> Result<Option<Widened>> {
    if app.sandbox().is_err() {
        // A program that reads no source leaves the declaration to the author.
        return Ok(None);
    }
    let tools::Detail { tool, server, live, newest } = tools::get(app, tool_id).await?;
    let is_other = live.as_ref().is_none_or(|live| live.id != newest.id);
    let live = match live {
        Some(live) => wider(app, &server, &live, host).await?.map(|content| (live, content)),
        None => None,
    };
    let newest = if is_open(newest.state) && is_other {
        wider(app, &server, &newest, host).await?
    } else {
        None
    };
    let is_changed = live.is_some() || newest.is_some();
    Ok(is_changed.then(|| Widened { tool, host: host.to_owned(), live, newest }))
}

/// The content of a revision with a line that declares a host; nothing where it does.
async fn wider(
    app: &App,
    server: &Server,
    revision: &Revision,
    host: &str,
) -> Result<Option<Content>> {
    if Capabilities::of(revision).declares_host(host) || revision.imported.is_some() {
        return Ok(None);
    }
    let mut content = Content::of(revision, server);
    // What is not in question stays as it was approved.
    let packages = std::mem::take(&mut content.capabilities.packages);
    let source = sandbox::with_header(&revision.python_code, "hosts", &[host.to_owned()]);
    content.read(app, server.id, source).await?;
    if !content.capabilities.declares_host(host) {
        return Err(Error::Conflict(format!(
            "`{}` does not declare `{host}`, and its source takes no line that would: have its author add `# mcpbox: hosts={host}` at the top",
            revision.name
        )));
    }
    content.capabilities.packages = packages;
    Ok(Some(content))
}

impl Widened {
    /// Makes what is live the live revision, and what is newest the newest, in the state that it has.
    pub(crate) async fn approve(self, transaction: &Transaction, admin: &Admin) -> Result<()> {
        let summary = format!("Declares {}, which was allowed", self.host);
        if let Some((live, content)) = self.live {
            follow(transaction, admin, (&self.tool, &live), content, summary.clone()).await?;
        }
        let Some(content) = self.newest else { return Ok(()) };
        let last = newest(transaction, self.tool.id).await?;
        let next = Revision {
            python_code: content.python_code,
            capabilities: content.capabilities.to_value(),
            remarks: content.remarks,
            ..last.clone()
        };
        succeed(transaction, admin, &last, next, &summary).await?;
        Ok(())
    }
}

/// Gives the tools of a server that declare packages, or modules that packages bring, the versions that
/// the server has from now on: approved where they are live, as they were where they are not.
pub(crate) async fn with_packages(
    transaction: &Transaction,
    admin: &Admin,
    server: &Server,
    kept: &Kept,
) -> Result<()> {
    let summary = "Runs with the packages that were allowed".to_owned();
    for (tool, live) in store::tools::approved(transaction, server.id).await? {
        let declared = Capabilities::of(&live);
        let capabilities = at_versions_of(kept, declared.clone());
        if capabilities != declared {
            let content = Content { capabilities, ..Content::of(&live, server) };
            follow(transaction, admin, (&tool, &live), content, summary.clone()).await?;
        }
    }
    for tool_id in store::tools::ids(transaction, server.id).await? {
        let last = newest(transaction, tool_id).await?;
        let declared = Capabilities::of(&last);
        let capabilities = at_versions_of(kept, declared.clone());
        if is_open(last.state) && capabilities != declared {
            let next = Revision { capabilities: capabilities.to_value(), ..last.clone() };
            succeed(transaction, admin, &last, next, &summary).await?;
        }
    }
    Ok(())
}

/// A declaration with its packages as the lock has them.
fn at_versions_of(kept: &Kept, declared: Capabilities) -> Capabilities {
    let mut declared = declared.resolved(Some(kept));
    for package in &mut declared.packages {
        let (name, _) = packages::parts(package);
        let found = kept.packages.iter().find(|held| held.locked.name.to_string() == name);
        if let Some(held) = found {
            *package = format!("{name}=={}", held.locked.version);
        }
    }
    declared
}

/// Adds a changed copy of the newest revision, in the state that it has.
async fn succeed(
    transaction: &Transaction,
    admin: &Admin,
    last: &Revision,
    next: Revision,
    summary: &str,
) -> Result<Revision> {
    let mut next = Revision {
        id: Uuid::now_v7(),
        number: last.number + 1,
        change_summary: summary.to_owned(),
        change_source: "grant".to_owned(),
        created_by: admin.username.clone(),
        created_at: clock::now(),
        ..next
    };
    next.digest = digest::of(&next);
    append(transaction, last, &next).await?;
    Ok(next)
}

/// Resolves another default of the time limit into the revisions that follow it. A shorter one is
/// approved with the default; a longer one waits for review, the live revision keeping what it had.
/// Drafts and what waits follow as they are.
pub(crate) async fn with_timeout(
    transaction: &Transaction,
    admin: &Admin,
    server: &Server,
) -> Result<()> {
    let limit = server.default_timeout_ms;
    let differs =
        |revision: &Revision| revision.timeout_inherited && revision.timeout_ms != Some(limit);
    let summary = format!("Time limit of {limit} ms, the server's default");
    for (tool, live) in store::tools::approved(transaction, server.id).await? {
        if differs(&live) && live.timeout_ms.is_none_or(|old| limit < old) {
            let mut content = Content::of(&live, server);
            content.timeout_ms = limit;
            follow(transaction, admin, (&tool, &live), content, summary.clone()).await?;
        }
    }
    for tool_id in store::tools::ids(transaction, server.id).await? {
        let last = newest(transaction, tool_id).await?;
        let state = if last.state == State::Approved { State::PendingReview } else { last.state };
        if !differs(&last) || !is_open(state) {
            continue;
        }
        let waits = last.state == State::Approved;
        let mut next = Revision { timeout_ms: Some(limit), state, ..last.clone() };
        if waits {
            next.requested_at = Some(clock::now());
            next.requested_by = Some(admin.username.clone());
            (next.decided_at, next.decided_by, next.notes) = (None, None, None);
        }
        let next = succeed(transaction, admin, &last, next, &summary).await?;
        if waits {
            approvals::record(transaction, &next, "requested", admin.into(), None).await?;
        }
    }
    Ok(())
}

/// Puts a changed copy of a live revision into its place, and writes that down.
async fn follow(
    transaction: &Transaction,
    admin: &Admin,
    (tool, live): (&Tool, &Revision),
    content: Content,
    summary: String,
) -> Result<()> {
    let origin = Origin { summary: summary.clone(), source: "grant", by: admin.username.clone() };
    let made = replace_live(transaction, tool, live, content, origin).await?;
    approvals::record(transaction, &made, "approved", admin.into(), Some(&summary)).await?;
    Ok(())
}
