//! The policy: what people set for the whole installation, in force from the next call on.

mod change;
mod kept;
mod key;
mod profile;

pub use change::{apply_profile, change, complete_onboarding};
pub(crate) use kept::{Kept, read, recent};
pub use kept::{Stored, get, stored};
pub use key::Key;
pub use profile::Profile;
use serde::Serialize;
use strum::{Display, EnumString, IntoStaticStr};

use crate::identity::Caller;
use crate::{Error, Result};

/// Who decides about what a model asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ApprovalMode {
    /// A person, each time.
    RequireApproval,
    /// The installation says yes by itself.
    AutoApprove,
}

/// Which hosts tools may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum NetworkPolicy {
    /// Those that a person approved.
    RequireApproval,
    /// These, and every host on the internet.
    AllowAllPublic,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Switch {
    /// It is.
    Enabled,
    /// It is not.
    Disabled,
}

/// Everything that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Who approves revisions.
    pub tool_approval_mode: ApprovalMode,
    /// Who approves modules of Python; packages always wait for a person.
    pub module_approval_mode: ApprovalMode,
    /// Which hosts tools may reach.
    pub network_access_policy: NetworkPolicy,
    /// Whether the values of secrets are taken out of results; out of logs and errors they always are.
    pub redact_secrets_in_output: Switch,
    /// Whether callers from elsewhere may make, change and delete tools.
    pub remote_tool_editing: Switch,
    /// Days after which rows of the execution log are removed.
    pub log_retention_days: u32,
    /// Requests a minute that each caller of `/mcp` may make; 0 for no limit.
    pub mcp_rate_limit_rpm: u32,
    /// Calls a minute that each of them may make of one tool; 0 for no limit but the one above.
    pub tool_rate_limit_rpm: u32,
    /// Whether a person has seen the first choice of a profile.
    #[serde(skip)]
    pub onboarding_completed: bool,
}

/// What the program was started with and nobody can set while it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fixed {
    /// In the place of the setting of that name.
    pub log_retention_days: Option<u32>,
    /// In the place of the setting of that name.
    pub mcp_rate_limit_rpm: Option<u32>,
    /// In the place of the setting of that name.
    pub tool_rate_limit_rpm: Option<u32>,
}

impl Policy {
    /// Whether new revisions become live without a person.
    pub fn approves_tools(&self) -> bool {
        self.tool_approval_mode == ApprovalMode::AutoApprove
    }

    /// Whether modules of Python are granted without a person.
    pub fn approves_modules(&self) -> bool {
        self.module_approval_mode == ApprovalMode::AutoApprove
    }

    /// Whether tools may reach every host on the internet.
    pub fn allows_all_public(&self) -> bool {
        self.network_access_policy == NetworkPolicy::AllowAllPublic
    }

    /// Whether the values of secrets are taken out of what tools return to their callers.
    pub fn redacts_results(&self) -> bool {
        self.redact_secrets_in_output == Switch::Enabled
    }

    /// Refuses a caller from elsewhere that wants to make, change or delete tools, unless that is
    /// allowed.
    ///
    /// # Errors
    /// [`Error::Denied`] that says who can allow it.
    pub fn check_edit(&self, caller: &Caller) -> Result<()> {
        if !caller.is_remote() || self.remote_tool_editing == Switch::Enabled {
            return Ok(());
        }
        Err(Error::Denied(
            "tools and servers can only be made, changed and deleted from the machine that mcpbox runs on, without a token; a person can allow it for remote callers in the settings (remote_tool_editing)".to_owned(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::identity::Scopes;

    fn caller(token: Option<&str>, address: Option<[u8; 4]>) -> Caller {
        Caller {
            token: token.map(str::to_owned),
            client: None,
            address: address.map(IpAddr::from),
            scopes: Scopes::ALL,
        }
    }

    #[test]
    fn only_loopback_without_a_token_edits_unless_remote_editing_is_enabled() {
        let strict = Policy::default();
        let open = Policy { remote_tool_editing: Switch::Enabled, ..strict };
        let here = caller(None, Some([127, 0, 0, 1]));
        assert!(strict.check_edit(&here).is_ok());
        for remote in [
            caller(Some("laptop"), Some([127, 0, 0, 1])),
            caller(None, Some([192, 168, 1, 7])),
            caller(None, None),
        ] {
            let refused = strict.check_edit(&remote);
            assert!(matches!(&refused, Err(Error::Denied(text)) if text.contains("settings")));
            assert!(open.check_edit(&remote).is_ok(), "{remote:?}");
        }
    }

    #[test]
    fn what_is_decided_by_a_rule_is_asked_by_name() {
        let strict = Policy::default();
        let open = Policy::from_values(&Profile::Permissive.values());
        let asked = |policy: &Policy| {
            (policy.approves_tools(), policy.approves_modules(), policy.allows_all_public())
        };
        assert_eq!((asked(&strict), asked(&open)), ((false, false, false), (true, true, true)));
        assert!(strict.redacts_results() && open.redacts_results());
        let loose = Policy { redact_secrets_in_output: Switch::Disabled, ..strict };
        assert!(!loose.redacts_results());
    }
}
