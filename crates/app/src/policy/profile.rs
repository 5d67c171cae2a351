//! Profiles: settings that go together.

use strum::{Display, EnumIter, EnumString, IntoEnumIterator as _, IntoStaticStr};

use super::{Key, Policy};

/// A choice of all settings that decide who approves what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Profile {
    /// A person decides about everything.
    Strict,
    /// Tools and modules are approved by themselves, hosts by a person.
    Balanced,
    /// Everything is approved by itself, and remote callers may edit.
    Permissive,
}

impl Profile {
    /// All of them, the strictest first.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// The name in the API.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What it sets.
    pub fn values(self) -> [(Key, &'static str); 5] {
        let (tools, modules, network, editing) = match self {
            Self::Strict => {
                ("require_approval", "require_approval", "require_approval", "disabled")
            }
            Self::Balanced => ("auto_approve", "auto_approve", "require_approval", "disabled"),
            Self::Permissive => ("auto_approve", "auto_approve", "allow_all_public", "enabled"),
        };
        [
            (Key::ToolApprovalMode, tools),
            (Key::ModuleApprovalMode, modules),
            (Key::NetworkAccessPolicy, network),
            (Key::RedactSecretsInOutput, "enabled"),
            (Key::RemoteToolEditing, editing),
        ]
    }

    /// The profile that a policy is, if it is one.
    pub fn of(policy: &Policy) -> Option<Self> {
        let is = |profile: &Self| {
            profile.values().iter().all(|(key, value)| policy.value(*key) == *value)
        };
        Self::iter().find(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_sets_what_can_be_set_and_is_recognised() {
        for profile in Profile::all() {
            for (key, value) in profile.values() {
                assert!(key.words().contains(&value), "{profile} {key:?}");
            }
            let policy = Policy::from_values(&profile.values());
            assert_eq!(Profile::of(&policy), Some(profile));
            assert_eq!(profile.name().parse(), Ok(profile));
        }
        assert_eq!(Profile::of(&Policy::default()), Some(Profile::Strict));
        let own = Policy::from_values(&[(Key::ToolApprovalMode, "auto_approve")]);
        assert_eq!(Profile::of(&own), None);
    }
}
