//! The list of modules that every tool may import from the start, which people can shorten.

use sandbox::allowed_modules;
pub use store::removed_modules::RemovedModule;

use super::{Act, Kind, held, of_module, record, take};
use crate::audit;
use crate::identity::Admin;
use crate::{App, Error, Result, clock, requests};

/// What people took from the list, by name.
pub async fn removed_modules(app: &App) -> Result<Vec<RemovedModule>> {
    Ok(store::removed_modules::list(app.store()).await?)
}

/// Makes the list of modules what it was from the start: what was taken from it is put back, and
/// what people allowed unasked is taken away. What they approved for a tool stays.
pub async fn reset_modules(app: &App, admin: &Admin) -> Result<()> {
    let transaction = audit::begin(app).await?;
    for removed in store::removed_modules::list(&transaction).await? {
        put_back(&transaction, admin, &removed.name).await?;
    }
    for (grant, _) in store::grants::unasked(&transaction, Kind::Module, None).await? {
        take(&transaction, admin, &of_module(&grant.name)).await?;
    }
    transaction.commit().await?;
    tracing::info!(by = %admin.username, "allowed modules reset");
    Ok(())
}

/// Takes away a module that was allowed, or one of the list.
pub(super) async fn remove(
    transaction: &store::Transaction,
    admin: &Admin,
    name: &str,
) -> Result<()> {
    let held = held(transaction, None).await?;
    if held.modules.iter().any(|granted| granted == name) {
        return take(transaction, admin, &of_module(name)).await;
    }
    let on_list = allowed_modules().any(|module| module == name);
    if !on_list || held.removed.iter().any(|removed| removed == name) {
        return Err(Error::not_found("Allowed module", &name));
    }
    if let Some(wider) = held.modules.iter().find(|granted| of_module(granted).covers(name)) {
        return Err(Error::Conflict(format!(
            "`{name}` is a part of `{wider}`, which was allowed; remove that first"
        )));
    }
    let removed = RemovedModule {
        name: name.to_owned(),
        removed_by: admin.username.clone(),
        removed_at: clock::now(),
    };
    store::removed_modules::insert(transaction, &removed).await?;
    record(transaction, &of_module(name), Act::new("removed", admin)).await?;
    Ok(store::changes::publish(transaction).await?)
}

/// Puts a module back on the list; whether it had been taken from it. What tools had asked for and
/// have with it is approved as well.
pub(super) async fn put_back(
    transaction: &store::Transaction,
    admin: &Admin,
    name: &str,
) -> Result<bool> {
    let on_list = allowed_modules().any(|module| module == name);
    if !on_list || !store::removed_modules::delete(transaction, name).await? {
        return Ok(false);
    }
    record(transaction, &of_module(name), Act::new("added", admin)).await?;
    requests::settle(transaction, admin, &of_module(name)).await?;
    store::changes::publish(transaction).await?;
    Ok(true)
}
