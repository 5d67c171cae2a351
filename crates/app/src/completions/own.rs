//! What the variables of mcpbox's own templates can be: of artifacts, and of the sources of tools.

use std::collections::BTreeSet;

use crate::identity::{Caller, Who};
use crate::{App, Result, artifacts, sources};

/// So many sources are looked through for the names of servers and tools.
const SOURCES_MAX: u64 = 1_000;

/// What `uri` is of mcpbox's own, as a template or as one of those that it describes.
pub(super) fn template(uri: &str) -> Option<&'static str> {
    if uri == artifacts::TEMPLATE || artifacts::Address::parse(uri).is_ok() {
        return Some(artifacts::TEMPLATE);
    }
    sources::is_address(uri).then_some(sources::TEMPLATE)
}

/// All that a variable of the template can be, as far as it can be told; nothing where it has no such
/// variable.
///
/// # Errors
/// [`Error::Denied`](crate::Error::Denied) for the sources where the caller is no author.
pub(super) async fn values(
    app: &App,
    caller: &Caller,
    template: &str,
    variable: &str,
) -> Result<Option<Vec<String>>> {
    if template == artifacts::TEMPLATE {
        return Ok(match variable {
            "id" => Some(of_artifacts(app, caller).await?),
            "offset" | "length" => Some(Vec::new()),
            _ => None,
        });
    }
    let sources = sources::list(app, caller, None, SOURCES_MAX).await?;
    let names = sources.iter().filter_map(|source| source.name.split_once('/'));
    let values: BTreeSet<&str> = match variable {
        "server" => names.map(|(server, _)| server).collect(),
        "tool" => names.map(|(_, tool)| tool).collect(),
        "version" => BTreeSet::from(["live"]),
        _ => return Ok(None),
    };
    Ok(Some(values.into_iter().map(str::to_owned).collect()))
}

async fn of_artifacts(app: &App, caller: &Caller) -> Result<Vec<String>> {
    let who = Who::from(caller.clone());
    let (newest, _) = artifacts::list(app, &who, None).await?;
    Ok(newest.iter().map(|artifact| artifact.id.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mcpboxs_own_is_told_by_its_address() {
        let artifact = "mcpbox://artifacts/0192d3a0-0000-7000-8000-000000000000?offset=1";
        for uri in [artifacts::TEMPLATE, artifact] {
            assert_eq!(template(uri), Some(artifacts::TEMPLATE), "{uri}");
        }
        for uri in [sources::TEMPLATE, "mcpbox://tools/weather/now/source"] {
            assert_eq!(template(uri), Some(sources::TEMPLATE), "{uri}");
        }
        for uri in ["mcpbox://artifacts/x", "mcpbox://else", "weather://{city}", ""] {
            assert_eq!(template(uri), None, "{uri}");
        }
    }
}
