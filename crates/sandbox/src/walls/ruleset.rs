//! Landlock: a set of rules that allows nothing, so that no path, TCP port or foreign process is within reach.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError,
    RulesetStatus, Scope,
};

/// The newest interface whose rights are asked for; an older kernel forbids those that it knows.
const NEWEST: ABI = ABI::V9;

/// Why the rules are not in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum RulesError {
    #[error("this kernel is built without it")]
    NotBuilt,
    #[error("this kernel was started without it: add it to the kernel's `lsm=` parameter")]
    NotStarted,
    #[error("the kernel enforces none of it")]
    NotEnforced,
    #[error("the kernel refuses it: {0}")]
    Refused(#[from] RulesetError),
}

/// Restricts the calling thread and all that it starts.
pub(super) fn restrict() -> Result<String, RulesError> {
    let rules = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    let status = rules.create()?.restrict_self()?;
    match status.landlock {
        LandlockStatus::NotImplemented => Err(RulesError::NotBuilt),
        LandlockStatus::NotEnabled => Err(RulesError::NotStarted),
        LandlockStatus::Available { .. } if status.ruleset == RulesetStatus::NotEnforced => {
            Err(RulesError::NotEnforced)
        }
        LandlockStatus::Available { effective_abi, .. } => Ok(covered(effective_abi)),
    }
}

fn covered(interface: ABI) -> String {
    let number = interface as i32;
    let what = match number {
        ..4 => "files",
        4 | 5 => "files, TCP",
        _ => "files, TCP, signals",
    };
    format!("{what} (interface {number})")
}

#[cfg(test)]
mod tests {
    use super::{ABI, covered};

    #[test]
    fn what_is_covered_depends_on_the_kernel() {
        assert_eq!(covered(ABI::V1), "files (interface 1)");
        assert_eq!(covered(ABI::V4), "files, TCP (interface 4)");
        assert_eq!(covered(ABI::V7), "files, TCP, signals (interface 7)");
    }
}
