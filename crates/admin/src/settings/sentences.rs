//! What each setting and each of its choices means, for people.

use app::policy::{Key, Profile};

/// A setting in words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sentences {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// Each word that can be chosen, with what comes of it.
    pub(super) choices: &'static [(&'static str, &'static str)],
    /// The least and the most that a number can be, and what it counts.
    pub(super) bounds: (u32, u32, &'static str),
}

impl Sentences {
    pub(super) fn of(key: Key) -> Self {
        let choices = |title, text, choices| Self { title, text, choices, bounds: (0, 0, "") };
        let number = |title, text, bounds| Self { title, text, choices: &[], bounds };
        match key {
            Key::ToolApprovalMode => choices(
                "Tools",
                "Who decides whether a tool that a model wrote can be called.",
                &[
                    ("require_approval", "A person reads each version and approves it."),
                    (
                        "auto_approve",
                        "Each version is approved as soon as its model asks for it. Nobody reads it.",
                    ),
                ],
            ),
            Key::ModuleApprovalMode => choices(
                "Modules",
                "Who decides which modules of Python tools may import beside those allowed from the start. Packages always wait for a person.",
                &[
                    ("require_approval", "A person approves each module."),
                    (
                        "auto_approve",
                        "They are allowed as soon as a model asks. What can never be allowed stays so.",
                    ),
                ],
            ),
            Key::NetworkAccessPolicy => choices(
                "Network",
                "Which other machines tools may reach.",
                &[
                    ("require_approval", "Only hosts that a person approved, server by server."),
                    (
                        "allow_all_public",
                        "Every host on the internet. Hosts in your own network still need a person.",
                    ),
                ],
            ),
            Key::RedactSecretsInOutput => choices(
                "Secrets in results",
                "Whether the value of a secret is taken out of what a tool returns. Out of logs and errors it always is.",
                &[
                    ("enabled", "It is taken out: models never see it."),
                    ("disabled", "It stays: a tool can give a secret to the model that calls it."),
                ],
            ),
            Key::RemoteToolEditing => choices(
                "Editing from elsewhere",
                "Whether clients with a token, or on other machines, may make, change and delete tools and servers.",
                &[
                    (
                        "disabled",
                        "They only call tools and look. Clients on this machine without a token may edit.",
                    ),
                    (
                        "enabled",
                        "They may edit like clients on this machine, if their token allows it.",
                    ),
                ],
            ),
            Key::LogRetentionDays => number(
                "Execution log",
                "Calls are removed from the log when they are older. The audit log is kept for good.",
                (1, 3650, "days"),
            ),
            Key::McpRateLimitRpm => number(
                "Rate of calls",
                "How many requests each client may make to /mcp, 10 to 10000; 0 is no limit. Clients with a token are counted each, others by their address.",
                (0, 10_000, "requests a minute"),
            ),
            Key::ToolRateLimitRpm => number(
                "Rate of one tool",
                "How often each client may call the same tool, 10 to 10000; 0 is no limit but the one above. Prompts and resources count as tools.",
                (0, 10_000, "calls a minute"),
            ),
            Key::OnboardingCompleted => choices("First steps", "", &[]),
        }
    }
}

/// What a profile means.
pub(super) fn of_profile(profile: Profile) -> &'static str {
    match profile {
        Profile::Strict => "A person decides about every tool, module, package and host.",
        Profile::Balanced => {
            "Tools and modules of Python are approved by themselves; a person decides about hosts and packages."
        }
        Profile::Permissive => {
            "Tools and modules of Python are approved by themselves, every host on the internet is open, and clients elsewhere may edit. A person decides about packages. For experiments."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_its_sentence_and_every_number_its_bounds() {
        for key in Key::of_policy() {
            let sentences = Sentences::of(key);
            let mut words: Vec<_> = sentences.choices.iter().map(|(word, _)| *word).collect();
            words.sort_unstable();
            let mut expected = key.words().to_vec();
            expected.sort_unstable();
            assert_eq!(words, expected, "{key:?}");
            assert_eq!(sentences.bounds.1 > 0, words.is_empty(), "{key:?}");
        }
    }
}
