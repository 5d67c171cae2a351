//! What can be set: names, values, and how it is from the start.

use std::ops::RangeInclusive;

use serde_json::Value;
use strum::{EnumIter, IntoEnumIterator as _, IntoStaticStr};

use super::{ApprovalMode, Fixed, NetworkPolicy, Policy, Switch};
use crate::{Error, Result};

/// The days that a log can be kept.
const DAYS: RangeInclusive<u32> = 1..=3650;

/// The limits that there can be beside 0, which is none.
const RATES: RangeInclusive<u32> = 10..=10_000;

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Key {
    /// Who approves revisions.
    ToolApprovalMode,
    /// Who approves modules of Python; packages always wait for a person.
    ModuleApprovalMode,
    /// Which hosts tools may reach.
    NetworkAccessPolicy,
    /// Whether results are searched for the values of secrets.
    RedactSecretsInOutput,
    /// Whether remote callers may make, change and delete tools.
    RemoteToolEditing,
    /// How long the execution log is kept.
    LogRetentionDays,
    /// How often a caller of `/mcp` may ask.
    McpRateLimitRpm,
    /// How often it may call the same tool.
    ToolRateLimitRpm,
    /// Whether the first choice of a profile is done.
    OnboardingCompleted,
}

impl Key {
    /// All of them in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// Those that people change as the security policy.
    pub fn of_policy() -> impl Iterator<Item = Self> {
        Self::iter().filter(|key| *key != Self::OnboardingCompleted)
    }

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The words that it can be set to; none for a number.
    pub fn words(self) -> &'static [&'static str] {
        match self {
            Self::ToolApprovalMode | Self::ModuleApprovalMode => {
                &["require_approval", "auto_approve"]
            }
            Self::NetworkAccessPolicy => &["require_approval", "allow_all_public"],
            Self::RedactSecretsInOutput | Self::RemoteToolEditing => &["enabled", "disabled"],
            Self::OnboardingCompleted => &["true", "false"],
            Self::LogRetentionDays | Self::McpRateLimitRpm | Self::ToolRateLimitRpm => &[],
        }
    }

    /// The variable that fixes it, where one is set.
    pub fn fixed_by(self, fixed: &Fixed) -> Option<&'static str> {
        match self {
            Self::LogRetentionDays => fixed.log_retention_days.map(|_| "MCPBOX_LOG_RETENTION_DAYS"),
            Self::McpRateLimitRpm => fixed.mcp_rate_limit_rpm.map(|_| "MCPBOX_MCP_RATE_LIMIT_RPM"),
            Self::ToolRateLimitRpm => {
                fixed.tool_rate_limit_rpm.map(|_| "MCPBOX_TOOL_RATE_LIMIT_RPM")
            }
            _ => None,
        }
    }

    /// The value in the text that the database keeps.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the values that are allowed.
    pub(super) fn check(self, value: &Value) -> Result<String> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(self.refused()),
        };
        let number = text.parse::<u32>().ok();
        match self {
            Self::LogRetentionDays => number.filter(|days| DAYS.contains(days)),
            Self::McpRateLimitRpm | Self::ToolRateLimitRpm => {
                number.filter(|rate| *rate == 0 || RATES.contains(rate))
            }
            _ if self.words().contains(&text.as_str()) => return Ok(text),
            _ => None,
        }
        .map(|number| number.to_string())
        .ok_or_else(|| self.refused())
    }

    fn refused(self) -> Error {
        let expected = match self {
            Self::LogRetentionDays => {
                format!("a whole number from {} to {}", DAYS.start(), DAYS.end())
            }
            Self::McpRateLimitRpm | Self::ToolRateLimitRpm => format!(
                "a whole number from {} to {}, or 0 for no limit",
                RATES.start(),
                RATES.end()
            ),
            _ => self.words().join(" or "),
        };
        Error::invalid(self.name(), format!("expected {expected}"))
    }
}

impl Policy {
    /// A setting in the form that the API and the database have.
    pub fn value(&self, key: Key) -> Value {
        let word = |word: &'static str| Value::from(word);
        match key {
            Key::ToolApprovalMode => word(self.tool_approval_mode.into()),
            Key::ModuleApprovalMode => word(self.module_approval_mode.into()),
            Key::NetworkAccessPolicy => word(self.network_access_policy.into()),
            Key::RedactSecretsInOutput => word(self.redact_secrets_in_output.into()),
            Key::RemoteToolEditing => word(self.remote_tool_editing.into()),
            Key::LogRetentionDays => self.log_retention_days.into(),
            Key::McpRateLimitRpm => self.mcp_rate_limit_rpm.into(),
            Key::ToolRateLimitRpm => self.tool_rate_limit_rpm.into(),
            Key::OnboardingCompleted => self.onboarding_completed.into(),
        }
    }

    /// What holds where these were set; what makes no sense, and what was not set, is as it was from the
    /// start.
    pub(super) fn from_values(values: &[(Key, &str)]) -> Self {
        let mut policy = Self::default();
        for (key, value) in values {
            policy.put(*key, value);
        }
        policy
    }

    /// The same with what the program was started with.
    pub(super) fn with(self, fixed: &Fixed) -> Self {
        Self {
            log_retention_days: fixed.log_retention_days.unwrap_or(self.log_retention_days),
            mcp_rate_limit_rpm: fixed.mcp_rate_limit_rpm.unwrap_or(self.mcp_rate_limit_rpm),
            tool_rate_limit_rpm: fixed.tool_rate_limit_rpm.unwrap_or(self.tool_rate_limit_rpm),
            ..self
        }
    }

    fn put(&mut self, key: Key, value: &str) {
        let known = |mode: &mut ApprovalMode| *mode = value.parse().unwrap_or(*mode);
        let switched = |switch: &mut Switch| *switch = value.parse().unwrap_or(*switch);
        match key {
            Key::ToolApprovalMode => known(&mut self.tool_approval_mode),
            Key::ModuleApprovalMode => known(&mut self.module_approval_mode),
            Key::NetworkAccessPolicy => {
                self.network_access_policy = value.parse().unwrap_or(self.network_access_policy);
            }
            Key::RedactSecretsInOutput => switched(&mut self.redact_secrets_in_output),
            Key::RemoteToolEditing => switched(&mut self.remote_tool_editing),
            Key::LogRetentionDays => {
                self.log_retention_days = value.parse().unwrap_or(self.log_retention_days);
            }
            Key::McpRateLimitRpm => {
                self.mcp_rate_limit_rpm = value.parse().unwrap_or(self.mcp_rate_limit_rpm);
            }
            Key::ToolRateLimitRpm => {
                self.tool_rate_limit_rpm = value.parse().unwrap_or(self.tool_rate_limit_rpm);
            }
            Key::OnboardingCompleted => self.onboarding_completed = value == "true",
        }
    }
}

impl Default for Policy {
    /// As it is from the start: a person decides about everything.
    fn default() -> Self {
        Self {
            tool_approval_mode: ApprovalMode::RequireApproval,
            module_approval_mode: ApprovalMode::RequireApproval,
            network_access_policy: NetworkPolicy::RequireApproval,
            redact_secrets_in_output: Switch::Enabled,
            remote_tool_editing: Switch::Disabled,
            log_retention_days: 30,
            mcp_rate_limit_rpm: 300,
            // Whoever has one tool alone to call is held back by the limit above.
            tool_rate_limit_rpm: 0,
            onboarding_completed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_word_is_taken_as_it_is_and_comes_back() {
        for key in Key::all() {
            for word in key.words() {
                let kept = key.check(&json!(word)).unwrap();
                let policy = Policy::from_values(&[(key, kept.as_str())]);
                assert_eq!(key.check(&policy.value(key)).unwrap(), *word, "{key:?}");
            }
        }
    }

    #[test]
    fn other_words_and_shapes_are_refused_with_the_list_of_those_that_are_allowed() {
        let key = Key::NetworkAccessPolicy;
        for wrong in [json!("auto_approve"), json!(""), json!(null), json!(true), json!(["x"])] {
            let refused = key.check(&wrong).unwrap_err().to_string();
            assert!(refused.contains("require_approval or allow_all_public"), "{refused}");
        }
    }

    #[test]
    fn numbers_are_taken_within_their_bounds_as_numbers_and_as_texts() {
        let day = |value: Value| Key::LogRetentionDays.check(&value).ok();
        assert_eq!(day(json!(1)).as_deref(), Some("1"));
        assert_eq!(day(json!(" 3650 ")).as_deref(), Some("3650"));
        for wrong in [json!(0), json!(3651), json!(-1), json!(1.5), json!("soon"), json!(1e300)] {
            assert_eq!(day(wrong.clone()), None, "{wrong}");
        }
        for key in [Key::McpRateLimitRpm, Key::ToolRateLimitRpm] {
            let rate = |value: Value| key.check(&value).is_ok();
            assert!(rate(json!(0)) && rate(json!(10)) && rate(json!(10_000)));
            assert!(!rate(json!(9)) && !rate(json!(10_001)));
        }
    }

    #[test]
    fn what_the_program_was_started_with_wins_and_names_its_variable() {
        let fixed = Fixed { mcp_rate_limit_rpm: Some(0), ..Fixed::default() };
        let policy = Policy { log_retention_days: 7, mcp_rate_limit_rpm: 50, ..Policy::default() };
        let policy = policy.with(&fixed);
        assert_eq!((policy.log_retention_days, policy.mcp_rate_limit_rpm), (7, 0));
        assert_eq!(Key::McpRateLimitRpm.fixed_by(&fixed), Some("MCPBOX_MCP_RATE_LIMIT_RPM"));
        assert_eq!(Key::LogRetentionDays.fixed_by(&fixed), None);
        let fixed = Fixed { tool_rate_limit_rpm: Some(30), ..Fixed::default() };
        assert_eq!(policy.with(&fixed).tool_rate_limit_rpm, 30);
        assert_eq!(Key::ToolRateLimitRpm.fixed_by(&fixed), Some("MCPBOX_TOOL_RATE_LIMIT_RPM"));
    }
}
