//! What changing a tool did, in words.

use app::servers::Status;
use app::tools::{Detail, State, Updated};

use crate::standing;

/// What an update did to the tool that was as `before`.
pub(super) fn told(before: &Detail, updated: &Updated) -> String {
    let mut sentences = Vec::new();
    if before.tool.enabled != updated.tool.enabled {
        sentences.push(switched(before, updated.tool.enabled).to_owned());
    } else if !updated.new_revision {
        sentences.push("Nothing changed.".to_owned());
    }
    let number = updated.revision.number;
    if updated.new_revision {
        sentences.push(drafted(before, updated));
    } else {
        sentences.push(match updated.revision.state {
            State::Draft => format!("Version {number} is still a draft."),
            State::PendingReview => format!("Version {number} still waits for approval."),
            State::Rejected => format!("Version {number} is still rejected."),
            State::Approved | State::Superseded => {
                format!("Version {number} is unchanged and needs no new approval.")
            }
        });
    }
    sentences.join(" ")
}

fn switched(before: &Detail, on: bool) -> &'static str {
    let live = before.live.is_some();
    match (on, live, before.server.status) {
        (false, ..) if standing::is_offered(before) => "Switched off: clients no longer see it.",
        (false, ..) => "Switched off: clients do not see it.",
        (true, true, Status::Running) => "Switched on: clients see it.",
        (true, true, _) => {
            "Switched on: clients see it once its server runs; start it with mcpbox_start_server."
        }
        (true, false, _) => "Switched on: clients see it once a version is approved.",
    }
}

fn drafted(before: &Detail, updated: &Updated) -> String {
    let mut text = format!("Version {} is a draft", updated.revision.number);
    if before.newest.state == State::PendingReview {
        let waited = before.newest.number;
        text = format!("{text} and replaces version {waited}, which waited for approval");
    }
    if before.live.is_some() {
        text.push_str("; the approved version stays in use until a person approves this one");
    }
    text.push_str(". Test it with mcpbox_test_code, then file it with mcpbox_request_publish.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    /// The answer to an update that leaves `enabled` as given and makes a new draft or not.
    fn answer(before: &Detail, enabled: bool, new_revision: bool) -> String {
        let mut tool = before.tool.clone();
        tool.enabled = enabled;
        let mut revision = before.newest.clone();
        if new_revision {
            revision.number += 1;
            revision.state = State::Draft;
        }
        told(before, &Updated { tool, revision, new_revision })
    }

    #[test]
    fn switching_off_says_what_clients_see_and_what_still_waits() {
        let mut before = samples::live();
        before.newest.state = State::PendingReview;
        assert_eq!(
            answer(&before, false, false),
            "Switched off: clients no longer see it. Version 3 still waits for approval."
        );
        before.live = None;
        assert!(answer(&before, false, false).starts_with("Switched off: clients do not see it."));
    }

    #[test]
    fn switching_on_says_what_is_missing() {
        let mut before = samples::live();
        before.tool.enabled = false;
        assert_eq!(
            answer(&before, true, false),
            "Switched on: clients see it. Version 3 is unchanged and needs no new approval."
        );
        before.server.status = Status::Stopped;
        assert!(answer(&before, true, false).contains("mcpbox_start_server"));
        before.live = None;
        assert!(answer(&before, true, false).contains("once a version is approved"));
    }

    #[test]
    fn a_new_draft_names_what_it_replaces_and_what_stays() {
        let mut before = samples::live();
        let text = answer(&before, true, true);
        assert!(text.starts_with("Version 4 is a draft; the approved version stays"), "{text}");
        before.newest.state = State::PendingReview;
        before.live = None;
        let text = answer(&before, false, true);
        let part = "do not see it. Version 4 is a draft and replaces version 3, which waited";
        assert!(text.contains(part) && !text.contains("approved version"), "{text}");
    }

    #[test]
    fn what_changes_nothing_says_so() {
        let mut before = samples::live();
        before.newest.state = State::Rejected;
        assert_eq!(answer(&before, true, false), "Nothing changed. Version 3 is still rejected.");
    }
}
