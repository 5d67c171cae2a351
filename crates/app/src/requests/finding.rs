//! Looking through requests, and what was allowed without one.

use store::requests::Filter;
use uuid::Uuid;

use super::{Kind, Named, State};
use crate::grants::Grant;
use crate::{App, Listed, Page, Result, servers};

/// Which requests; what is not set does not matter.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// For what.
    pub kind: Option<Kind>,
    /// What became of them.
    pub state: Option<State>,
    /// For the tools of which server.
    pub server_id: Option<Uuid>,
    /// With what in their name or justification, or in the tool's or the server's name, in upper or
    /// lower case.
    pub text: Option<String>,
}

/// Something that was asked for, or allowed unasked.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A tool asked for it.
    Asked(Box<Named>),
    /// A person allowed it without being asked.
    Given {
        /// What is allowed.
        grant: Grant,
        /// The server that it is for; none for the whole installation.
        server_name: Option<String>,
    },
}

/// The requests that are looked for. Those that wait come oldest first, others newest first.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) for a server that does not exist.
pub async fn search(app: &App, search: &Search, page: Page) -> Result<Listed<Named>> {
    if let Some(id) = search.server_id {
        servers::find(app, id).await?;
    }
    let Search { kind, state, server_id, text } = search.clone();
    let filter = Filter { kind, state, server_id, tool_id: None, text };
    Ok(store::requests::list(app.store(), &filter, page).await?)
}

/// The same for one kind, and behind the requests what was allowed unasked, by name, if what is
/// approved is looked for.
pub async fn search_all(
    app: &App,
    kind: Kind,
    looked_for: &Search,
    page: Page,
) -> Result<Listed<Entry>> {
    let looked_for = Search { kind: Some(kind), ..looked_for.clone() };
    let asked = search(app, &looked_for, page).await?;
    let mut given = Vec::new();
    if matches!(looked_for.state, None | Some(State::Approved)) {
        given = store::grants::unasked(app.store(), kind, looked_for.server_id).await?;
        given.retain(|(grant, server)| is_looked_for(&looked_for, grant, server.as_deref()));
    }
    let total = asked.total + given.len() as u64;
    let begin = page.number.saturating_sub(1).saturating_mul(page.size);
    let skip = usize::try_from(begin.saturating_sub(asked.total)).unwrap_or(usize::MAX);
    let room = usize::try_from(page.size).unwrap_or(usize::MAX) - asked.items.len();
    let mut items: Vec<Entry> =
        asked.items.into_iter().map(|named| Entry::Asked(Box::new(named))).collect();
    let given = given.into_iter().skip(skip).take(room);
    items.extend(given.map(|(grant, server_name)| Entry::Given { grant, server_name }));
    Ok(Listed { items, total })
}

fn is_looked_for(search: &Search, grant: &Grant, server_name: Option<&str>) -> bool {
    let Some(text) = &search.text else { return true };
    let text = text.to_lowercase();
    [grant.name.as_str(), server_name.unwrap_or_default()]
        .iter()
        .any(|place| place.to_lowercase().contains(&text))
}
