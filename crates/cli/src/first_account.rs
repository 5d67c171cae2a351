//! The first account from the settings, for installations without a person at the start.

use anyhow::Context as _;
use app::{App, accounts};

use crate::arguments::AdminDoor;

/// Makes the account that the settings name if there is none at all.
pub(crate) async fn ensure(app: &App, settings: &AdminDoor) -> anyhow::Result<()> {
    // A variable left empty in `.env` means none.
    let given = |setting: &Option<String>| setting.clone().filter(|text| !text.is_empty());
    let (Some(username), Some(password)) = (given(&settings.username), given(&settings.password))
    else {
        return Ok(());
    };
    match accounts::setup(app, &username, &password).await {
        // Another process on the same database, or an earlier start, made one.
        Ok(_) | Err(app::Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error)
            .context("the first account of MCPBOX_ADMIN_USERNAME and MCPBOX_ADMIN_PASSWORD"),
    }
}
