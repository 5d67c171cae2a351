//! What stands in the way of an approval, told before a person is asked for it.

use uuid::Uuid;

use crate::tools::Revision;
use crate::{App, Error, Result, names, resources, servers};

/// Why approving a revision would be refused as things stand: clients know another live tool by its name,
/// or another live resource by its URI.
///
/// # Errors
/// [`Error::NotFound`] for a server that is gone.
pub async fn obstacle(app: &App, server_id: Uuid, revision: &Revision) -> Result<Option<String>> {
    let server = store::servers::find(app.store(), server_id).await?;
    let server = server.ok_or_else(|| Error::not_found("Server", &server_id))?;
    let public = names::public(server.prefix(), &revision.name);
    let live = store::tools::live_names(app.store()).await?;
    let mut others = live.iter().filter(|other| other.tool_id != revision.tool_id);
    if others.any(|other| other.public_name() == public) {
        return Ok(Some(servers::name_taken(&public)));
    }
    match &revision.uri {
        Some(uri) => resources::in_the_way(app.store(), revision.tool_id, uri).await,
        None => Ok(None),
    }
}
