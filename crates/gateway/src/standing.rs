//! Where a tool stands: whether clients can call it now, and what has to happen first if not.

use app::App;
use app::identity::Caller;
use app::servers::{self, Status};
use app::tools::{self, Detail, Kind, State};

/// Whether clients have the tool, the prompt or the resource now.
pub(crate) fn is_offered(detail: &Detail) -> bool {
    let is_on = detail.server.status == Status::Running && detail.tool.enabled;
    is_on && detail.tool.quarantine.is_none() && detail.live.is_some()
}

/// The name under which clients can call the tool now. Prompts and resources are not called.
pub(crate) fn callable_as(detail: &Detail) -> Option<String> {
    let live = detail.live.as_ref().filter(|_| is_offered(detail))?;
    (live.kind == Kind::Tool).then(|| servers::public_name(&detail.server, &live.name))
}

/// How clients have what needs nothing more.
fn offered(detail: &Detail) -> String {
    let newest = &detail.newest;
    let (had, list) = match (newest.kind, newest.uri.as_deref()) {
        (Kind::Resource, Some(uri)) => (format!("can read it under `{uri}`"), "resources"),
        (Kind::Prompt, _) => {
            let name = servers::public_name(&detail.server, &newest.name);
            (format!("can ask for the prompt `{name}`"), "prompts")
        }
        _ => ("can call it".to_owned(), "tools"),
    };
    format!(
        "Nothing; clients {had}. One that does not see it lists its {list} again or begins a new conversation."
    )
}

/// What has to happen next for clients to be able to call the newest version.
pub(crate) fn next(detail: &Detail, admin_address: &str) -> String {
    let mut steps =
        obstacles(detail, admin_address).into_iter().map(|(_, step)| step).collect::<Vec<_>>();
    let newest = &detail.newest;
    let number = newest.number;
    match newest.state {
        State::PendingReview => steps.push(format!(
            "wait until a person approves version {number} at {admin_address}/approvals"
        )),
        State::Draft => steps.push(format!(
            "test version {number} with mcpbox_test_code and file it with mcpbox_request_publish"
        )),
        State::Rejected if newest.imported.is_some() => steps.push(format!(
            "a person refused version {number}, which is what its source says of it: nothing is to be done until the source changes it"
        )),
        State::Rejected => steps.push(format!(
            "mend version {number} as its rejection says with mcpbox_update_tool and file it with mcpbox_request_publish"
        )),
        State::Approved | State::Superseded => {}
    }
    if steps.is_empty() {
        return offered(detail);
    }
    let mut text = steps.join("; ");
    text.push('.');
    text
}

/// Why the tool that would be called `name` cannot be called, for a caller who may know of it.
/// None if there is no such tool, or nothing is in its way.
pub(crate) async fn why_not(
    app: &App,
    caller: &Caller,
    name: &str,
    admin_address: &str,
) -> Option<String> {
    if !caller.scopes.author {
        return None;
    }
    let found = tools::named(app, name).await;
    let detail = found.unwrap_or_else(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "looking for a tool failed");
        None
    })?;
    if detail.live.is_none() {
        let next = next(&detail, admin_address);
        return Some(format!("tool `{name}` exists, but no version of it is approved; {next}"));
    }
    let obstacles = obstacles(&detail, admin_address);
    let reasons: Vec<&str> = obstacles.iter().map(|(reason, _)| reason.as_str()).collect();
    let steps: Vec<&str> = obstacles.iter().map(|(_, step)| step.as_str()).collect();
    (!reasons.is_empty()).then(|| {
        format!("tool `{name}` exists, but {}; {}", reasons.join(" and "), steps.join("; "))
    })
}

/// What keeps an approved version from clients, and what removes it, in the order in which it has
/// to be done: a server starts only with a tool that is switched on.
fn obstacles(detail: &Detail, admin_address: &str) -> Vec<(String, String)> {
    let mut obstacles = Vec::new();
    if let Some(reason) = &detail.tool.quarantine {
        let step =
            format!("let a person look at the change at {admin_address}/tools/{}", detail.tool.id);
        obstacles.push((reason.clone(), step));
    }
    if !detail.tool.enabled {
        let step = "switch it on with mcpbox_update_tool and `enabled`: true".to_owned();
        obstacles.push(("it is switched off".to_owned(), step));
    }
    let server = &detail.server;
    // Until one of its tools is approved, a server does not start and does not need to be started.
    if server.status != Status::Running
        && (detail.live.is_some() || server.status != Status::Imported)
    {
        let state = match server.status {
            Status::Stopped => "is stopped",
            Status::Imported => "was never started",
            _ => "has failed",
        };
        let step = match detail.live {
            Some(_) => "start it with mcpbox_start_server",
            None => "once a version is approved, start its server with mcpbox_start_server",
        };
        obstacles.push((format!("server `{}` {state}", server.name), step.to_owned()));
    }
    obstacles
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const ADMIN: &str = "http://127.0.0.1:3000";

    #[test]
    fn a_live_tool_is_callable_and_needs_nothing() {
        let detail = samples::live();
        assert_eq!(callable_as(&detail).as_deref(), Some("geometry__circle"));
        assert!(next(&detail, ADMIN).starts_with("Nothing; clients can call it"));
    }

    #[test]
    fn a_prompt_and_a_resource_are_had_in_their_own_way() {
        let of = |kind, uri: Option<&str>| {
            let mut detail = samples::live();
            (detail.newest.kind, detail.newest.uri) = (kind, uri.map(str::to_owned));
            detail.live = Some(detail.newest.clone());
            assert!(is_offered(&detail));
            (callable_as(&detail), next(&detail, ADMIN))
        };
        let (name, text) = of(Kind::Prompt, None);
        assert!(name.is_none() && text.contains("prompt `geometry__circle`"), "{text}");
        let (name, text) = of(Kind::Resource, Some("notes://{day}"));
        assert!(name.is_none() && text.contains("read it under `notes://{day}`"), "{text}");
    }

    #[test]
    fn what_is_in_the_way_is_named_with_what_removes_it() {
        let mut detail = samples::live();
        detail.server.status = Status::Stopped;
        assert_eq!(callable_as(&detail), None);
        assert_eq!(next(&detail, ADMIN), "start it with mcpbox_start_server.");
        detail.tool.enabled = false;
        let text = next(&detail, ADMIN);
        let (on, start) = (text.find("`enabled`: true"), text.find("mcpbox_start_server"));
        assert!(on.is_some() && on < start, "{text}");
        detail.server.status = Status::Running;
        assert!(!next(&detail, ADMIN).contains("mcpbox_start_server"));
    }

    #[test]
    fn a_tool_that_its_source_has_changed_waits_for_a_person() {
        let mut detail = samples::live();
        detail.tool.quarantine = Some("its source has changed its description".to_owned());
        assert!(!is_offered(&detail) && callable_as(&detail).is_none());
        let text = next(&detail, ADMIN);
        assert!(text.starts_with("let a person look at the change at http"), "{text}");
    }

    #[test]
    fn what_waits_for_a_person_names_the_place() {
        let mut detail = samples::live();
        detail.live = None;
        detail.server.status = Status::Imported;
        detail.newest.state = State::PendingReview;
        let text = next(&detail, ADMIN);
        assert_eq!(
            text,
            "wait until a person approves version 3 at http://127.0.0.1:3000/approvals."
        );
        for (state, part) in
            [(State::Draft, "mcpbox_request_publish"), (State::Rejected, "mcpbox_update_tool")]
        {
            detail.newest.state = state;
            assert!(next(&detail, ADMIN).contains(part), "{state}");
        }
    }
}
