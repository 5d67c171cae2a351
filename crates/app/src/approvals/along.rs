//! What is asked for together with a publication: all that the revision needs and does not have.

use uuid::Uuid;

use crate::capabilities::{Capabilities, Need, NeedKind, needs};
use crate::identity::Who;
use crate::tools::{Revision, Tool};
use crate::{App, Error, Page, Result, calls, grants, network, packages, requests, secrets};

/// Something that was asked for with a publication.
#[derive(Debug, Clone)]
pub struct Along {
    /// What.
    pub need: Need,
    /// What came of asking: `pending`, or why it could not be asked for.
    pub outcome: std::result::Result<&'static str, String>,
}

/// So many of the last tests of a revision count.
const TESTS: u64 = 20;

/// Asks for what a revision declares and does not have, and for what its last test was refused.
pub(super) async fn file(
    app: &App,
    who: &Who,
    tool: &Tool,
    revision: &Revision,
    notes: Option<&str>,
) -> Result<Vec<Along>> {
    let justification = notes
        .filter(|notes| !notes.trim().is_empty())
        .map_or_else(|| format!("version {} of the tool uses it", revision.number), str::to_owned);
    let mut filed = Vec::new();
    for need in all_needs(app, tool.server_id, revision).await? {
        let outcome = match ask(app, who, tool, &need, &justification).await {
            Ok(state) => Ok(state),
            Err(error @ (Error::Internal(_) | Error::Busy { .. })) => return Err(error),
            Err(error) => Err(error.to_string()),
        };
        filed.push(Along { need, outcome });
    }
    Ok(filed)
}

/// What a revision needs and does not have: by its declaration, and by its last test.
pub(crate) async fn all_needs(
    app: &App,
    server_id: Uuid,
    revision: &Revision,
) -> Result<Vec<Need>> {
    let grants = grants::of(app, server_id).await?;
    let all_public = crate::policy::get(app).await?.allows_all_public();
    let declared = Capabilities::of(revision);
    let held = secrets::set_among(app, server_id, &declared.secrets).await?;
    let mut all = declared.lacking(&grants, all_public, &held)?.needs();
    let last = calls::Filter {
        revision_id: Some(revision.id),
        is_test: Some(true),
        ..calls::Filter::default()
    };
    let page = Page { number: 1, size: TESTS };
    for call in store::calls::list(app.store(), &last, page).await?.items {
        let refused = needs(&call.refused).into_iter();
        all.extend(refused.filter(|need| need.kind == NeedKind::Host).filter(|need| {
            !grants.hosts.iter().any(|granted| network::covers(granted, &need.name))
        }));
    }
    let mut found: Vec<Need> = Vec::new();
    for need in all {
        let is_host = need.kind == NeedKind::Host;
        let has = |known: &Need| {
            let same = known.kind == need.kind && known.name == need.name;
            same || (is_host
                && known.kind == NeedKind::Host
                && network::covers(&known.name, &need.name))
        };
        if !found.iter().any(has) {
            found.push(need);
        }
    }
    Ok(found)
}

async fn ask(
    app: &App,
    who: &Who,
    tool: &Tool,
    need: &Need,
    justification: &str,
) -> Result<&'static str> {
    let name = need.name.as_str();
    let read_by = format!("Read by the tool `{}`.", tool.name);
    match need.kind {
        NeedKind::Module => {
            let filed = requests::file_module(app, who, tool.id, name, justification).await?;
            Ok(filed.request.state.as_str())
        }
        NeedKind::Host => {
            let (host, port) = network::parts(name);
            let filed = requests::file_host(app, who, tool.id, (host, port), justification).await?;
            Ok(filed.request.state.as_str())
        }
        NeedKind::Package => {
            let (package, version) = packages::parts(name);
            let package = packages::usual_package(package);
            let version = Some(version).filter(|version| !version.is_empty());
            let asked =
                packages::file(app, who, tool.id, (package, version), justification).await?;
            Ok(asked.filed.request.state.as_str())
        }
        NeedKind::Secret => match secrets::create(app, who, tool.server_id, name, &read_by).await {
            Ok(_) | Err(Error::Conflict(_)) => Ok("waits for its value"),
            Err(error) => Err(error),
        },
    }
}
