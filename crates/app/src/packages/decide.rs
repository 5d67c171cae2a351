//! What a person decides about packages: allowing one with its plan, and taking one away.

use std::collections::BTreeMap;
use std::sync::Arc;

use packages::{Locked, PackageName, Version};
use store::package_locks::{self, PackageLock};
use uuid::Uuid;

use super::plan::{Change, Plan, full_name, with};
use super::planning::{self, Asker, Wanted};
use super::{Held, Kept, ask, held, set, wheel};
use crate::grants::{self, Act, Grant, Kind, Subject};
use crate::identity::Admin;
use crate::requests::{self, Request, State};
use crate::revisions::following;
use crate::{App, Error, Result, audit, clock, servers};

/// What came of an approval.
#[derive(Debug, Clone)]
pub enum Approval<T> {
    /// It holds, from the next call on.
    Given(T),
    /// Nothing holds: what would be approved now is not what was seen. This is what would be.
    Different(Box<Plan>),
}

/// Approves a request for a package, if approving it does exactly what the plan with `digest` says.
///
/// # Errors
/// [`Error::Conflict`] if it was decided about meanwhile, or a wheel cannot be used;
/// [`Error::Unavailable`] when the index does not answer.
pub async fn approve(
    app: &App,
    admin: &Admin,
    id: Uuid,
    digest: &str,
) -> Result<Approval<Request>> {
    let request = requests::find(app, Kind::Package, id).await?;
    if request.state == State::Approved {
        return Err(Error::Conflict(format!("`{}` is approved already", request.name)));
    }
    let plan = ask::plan_of(app, &request).await?;
    if plan.digest != digest {
        return Ok(Approval::Different(Box::new(plan)));
    }
    let server_id = request.server_id;
    let given = give(app, admin, server_id, &plan, Some(request)).await?;
    given.map(Approval::Given).ok_or_else(gone)
}

/// What allowing a package that nobody asked for would do. Without a version the newest that can be
/// used is taken.
///
/// # Errors
/// As [`ask::file`].
pub async fn plan(
    app: &App,
    server_id: Uuid,
    package: &str,
    version: Option<&str>,
) -> Result<Plan> {
    planning::plan(app, server_id, &Wanted::read(package, version)?, Asker::Person).await
}

/// Allows a package that nobody asked for, if that does exactly what the plan with `digest` says.
/// What the server's tools had asked for and have with it is approved as well.
///
/// # Errors
/// As [`approve`].
pub async fn add(
    app: &App,
    admin: &Admin,
    server_id: Uuid,
    (package, version): (&str, Option<&str>),
    digest: &str,
) -> Result<Approval<Plan>> {
    let plan = plan(app, server_id, package, version).await?;
    if plan.digest != digest {
        return Ok(Approval::Different(Box::new(plan)));
    }
    give(app, admin, server_id, &plan, None).await?;
    Ok(Approval::Given(plan))
}

/// Takes a package away from a server's tools, from their next call on, with all that only it
/// required. The index is not asked.
///
/// # Errors
/// [`Error::NotFound`] if nobody allowed it for this server.
pub async fn remove(app: &App, admin: &Admin, server_id: Uuid, package: &str) -> Result<()> {
    let wanted = Wanted::read(package, None)?;
    servers::find(app, server_id).await?;
    let transaction = audit::begin(app).await?;
    // Whoever changes the packages of this server now waits until this is over.
    let row = package_locks::find_to_change(&transaction, server_id).await?;
    let mut roots = held::granted(&transaction, server_id).await?;
    let Some(place) = roots.iter().position(|(name, _)| *name == wanted.name) else {
        return Err(Error::not_found("Allowed package", &wanted.name));
    };
    let (name, version) = roots.remove(place);
    let name = full_name(&name, &version);
    let subject = Subject { kind: Kind::Package, server_id: Some(server_id), name: &name };
    if let Some(row) = row {
        let before = row.digest.clone();
        // What was changed behind our back goes as a whole.
        let after = Kept::from_row(row).map(|kept| without_strangers(kept, &roots));
        let after = after.unwrap_or_default();
        replace(&transaction, server_id, Some(&before), &after).await?;
    }
    grants::take(&transaction, admin, &subject).await?;
    transaction.commit().await?;
    tracing::info!(%server_id, package = %name, by = %admin.username, "package removed");
    Ok(())
}

/// What of a lock is needed by these.
fn without_strangers(kept: Kept, roots: &[(PackageName, Version)]) -> Kept {
    let names: Vec<PackageName> = roots.iter().map(|(name, _)| name.clone()).collect();
    let needed = kept.lock().reachable_from(&names);
    let is_needed = |held: &Held| needed.get(&held.locked.name).is_some();
    Kept::new(kept.packages.into_iter().filter(is_needed).collect())
}

/// Gives what a plan says. The wheels are here, and read to their end, before anything holds.
async fn give(
    app: &App,
    admin: &Admin,
    server_id: Uuid,
    plan: &Plan,
    request: Option<Request>,
) -> Result<Option<Request>> {
    let gathered = wheel::gather(app.packages()?, &plan.lock().packages, |_| ()).await?;
    let kept = Arc::new(Kept::new(gathered.held));
    try_compiled(app, plan, &kept).await?;
    let name = plan.name();
    let subject = Subject { kind: Kind::Package, server_id: Some(server_id), name: &name };
    let transaction = audit::begin(app).await?;
    check_unchanged(&transaction, server_id, plan).await?;
    let request_id = request.as_ref().map(|request| request.id);
    let approved = if let Some(request) = request {
        let digest = Some(plan.digest.as_str());
        let act = Act { request_id, digest, ..Act::new("added", admin) };
        grants::audit(&transaction, &subject, &act).await?;
        Some(requests::approved(&transaction, admin, request).await?)
    } else {
        let digest = Some(plan.digest.as_str());
        grants::record(&transaction, &subject, Act { digest, ..Act::new("added", admin) }).await?;
        None
    };
    if let Some(version) = &plan.replaces {
        let old = full_name(&plan.package, version);
        let reason = format!("{name} is allowed in its place");
        let act = Act { reason: Some(&reason), ..Act::new("removed", admin) };
        let replaced = Subject { name: &old, ..subject };
        store::grants::delete(&transaction, Kind::Package, Some(server_id), &old).await?;
        grants::record(&transaction, &replaced, act).await?;
    }
    let grant = Grant {
        id: Uuid::now_v7(),
        kind: Kind::Package,
        server_id: Some(server_id),
        name: name.clone(),
        request_id,
        granted_by: admin.username.clone(),
        granted_at: clock::now(),
    };
    if !store::grants::insert(&transaction, &grant).await? {
        return Err(changed());
    }
    replace(&transaction, server_id, plan.before.as_deref(), &kept).await?;
    let server = servers::find(app, server_id).await?;
    following::with_packages(&transaction, admin, &server, &kept).await?;
    requests::settle(&transaction, admin, &subject).await?;
    store::changes::publish(&transaction).await?;
    transaction.commit().await?;
    tracing::info!(%server_id, package = %name, by = %admin.username, "package allowed");
    set::begin(app, &kept);
    Ok(approved)
}

/// Refuses packages that have compiled parts and cannot do without them: what is new of such is loaded
/// before anything holds. A program without a sandbox leaves that to those that have one.
async fn try_compiled(app: &App, plan: &Plan, kept: &Kept) -> Result<()> {
    let is_new = |held: &&Held| {
        let planned = plan.packages.iter().find(|one| one.locked == held.locked);
        held.locked.without_compiled && planned.is_none_or(|one| one.change != Change::Kept)
    };
    let new: Vec<&Held> = kept.packages.iter().filter(is_new).collect();
    if new.is_empty() || app.sandbox().is_err() {
        return Ok(());
    }
    let failed = set::failed_modules(app, kept).await?;
    match new.iter().find_map(|held| missing(held, &failed)) {
        None => Ok(()),
        Some(text) => Err(Error::Conflict(text)),
    }
}

/// What to say of a package of which no module that has a public name could be loaded.
fn missing(held: &Held, failed: &BTreeMap<String, String>) -> Option<String> {
    let mut public = held.modules.iter().filter(|module| !module.starts_with('_')).peekable();
    let first = *public.peek()?;
    if !public.all(|module| failed.contains_key(module)) {
        return None;
    }
    let why = failed.get(first).map(String::as_str).unwrap_or_default();
    let Locked { name, version, .. } = &held.locked;
    Some(format!(
        "{name} {version} cannot do without its compiled parts, which the sandbox does not run: `import {first}` fails ({why}). Reject the request and say so"
    ))
}

/// Refuses a plan that was made for what the server does not have any more.
async fn check_unchanged(
    transaction: &store::Transaction,
    server_id: Uuid,
    plan: &Plan,
) -> Result<()> {
    let row = package_locks::find_to_change(transaction, server_id).await?;
    let roots = held::granted(transaction, server_id).await?;
    let after = with(&roots, &plan.package, &plan.version);
    let granted = after.iter().map(|(name, version)| full_name(name, version));
    let same = row.map(|row| row.digest) == plan.before && granted.eq(plan.granted.iter().cloned());
    if same { Ok(()) } else { Err(changed()) }
}

async fn replace(
    transaction: &store::Transaction,
    server_id: Uuid,
    before: Option<&str>,
    after: &Kept,
) -> Result<()> {
    let done = match before {
        Some(before) if after.packages.is_empty() => {
            package_locks::delete(transaction, server_id, before).await?
        }
        before => {
            let row = PackageLock {
                server_id,
                digest: after.digest.clone(),
                packages: after.to_json()?,
                updated_at: clock::now(),
            };
            package_locks::replace(transaction, before, &row).await?
        }
    };
    if done { Ok(()) } else { Err(changed()) }
}

fn changed() -> Error {
    let text = "the packages of this server have changed meanwhile; look at the plan again";
    Error::Conflict(text.to_owned())
}

fn gone() -> Error {
    Error::Conflict("the request is gone".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::{kept, locked};
    use super::*;

    #[test]
    fn a_package_of_which_nothing_can_be_imported_is_told_apart_from_one_that_lacks_a_part() {
        let held = |modules: &[&str]| {
            let all = kept(vec![locked("pyyaml", "6.0", &[])]);
            let modules = modules.iter().map(|&module| module.to_owned()).collect();
            Held { modules, ..all.packages[0].clone() }
        };
        let failed = BTreeMap::from([
            ("_yaml".to_owned(), "ImportError".to_owned()),
            ("numpy".to_owned(), "no C".to_owned()),
            ("yaml.cyaml".to_owned(), "ImportError".to_owned()),
        ]);
        assert_eq!(missing(&held(&["_yaml", "yaml"]), &failed), None);
        assert_eq!(missing(&held(&["numpy", "other"]), &failed), None);
        assert_eq!(missing(&held(&["_yaml"]), &failed), None);
        let text = missing(&held(&["_yaml", "numpy"]), &failed).unwrap();
        assert!(text.contains("`import numpy` fails (no C)"), "{text}");
    }

    #[test]
    fn with_a_package_goes_what_only_it_required() {
        let all = kept(vec![
            locked("jinja2", "3.1.6", &["markupsafe"]),
            locked("markupsafe", "3.0.3", &[]),
            locked("python-dateutil", "2.9.0", &["six"]),
            locked("six", "1.17.0", &[]),
        ]);
        let root = |name: &str, version: &str| (name.parse().unwrap(), version.parse().unwrap());
        let names = |kept: &Kept| -> Vec<String> {
            kept.packages.iter().map(|held| held.locked.name.to_string()).collect()
        };
        let dateutil = without_strangers(all.clone(), &[root("python-dateutil", "2.9.0")]);
        assert_eq!(names(&dateutil), ["python-dateutil", "six"]);
        assert_ne!(dateutil.digest, all.digest);
        let both = [root("jinja2", "3.1.6"), root("six", "1.17.0")];
        assert_eq!(names(&without_strangers(all.clone(), &both)), ["jinja2", "markupsafe", "six"]);
        assert!(without_strangers(all, &[]).packages.is_empty());
    }
}
