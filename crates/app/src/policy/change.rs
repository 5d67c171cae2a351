//! Changing the policy: all of what is sent or nothing, written down with what was before.

use serde_json::{Map, Value};
use store::settings::Setting;

use super::kept::of_rows;
use super::{Key, Policy, Profile, get};
use crate::audit::{self, Event};
use crate::identity::Admin;
use crate::{App, Error, Result, clock};

/// Changes the settings of the security policy that `changes` names. With `seen`, what somebody saw
/// when they decided, nothing changes if one of these is different by now.
///
/// # Errors
/// [`Error::Invalid`] for names and values that there are not, and when there is nothing to change;
/// [`Error::Conflict`] for what the program was started with, and for what somebody else changed.
pub async fn change(
    app: &App,
    admin: &Admin,
    changes: &Map<String, Value>,
    seen: Option<&Map<String, Value>>,
) -> Result<Policy> {
    let wanted = check(changes)?;
    apply(app, admin, &wanted, seen).await
}

/// Changes all settings that the profile is about.
///
/// # Errors
/// As [`change`].
pub async fn apply_profile(app: &App, admin: &Admin, profile: Profile) -> Result<Policy> {
    let wanted: Vec<_> =
        profile.values().into_iter().map(|(key, value)| (key, value.to_owned())).collect();
    apply(app, admin, &wanted, None).await
}

/// Notes that a person has made the first choice.
pub async fn complete_onboarding(app: &App, admin: &Admin) -> Result<()> {
    apply(app, admin, &[(Key::OnboardingCompleted, "true".to_owned())], None).await?;
    Ok(())
}

/// What is asked for, in the text that the database keeps.
fn check(changes: &Map<String, Value>) -> Result<Vec<(Key, String)>> {
    let names = || Key::of_policy().map(Key::name).collect::<Vec<_>>().join(", ");
    if changes.is_empty() {
        let reason = format!("nothing to change; send one or more of {}", names());
        return Err(Error::invalid("settings", reason));
    }
    let of_pair = |(name, value): (&String, &Value)| {
        let Some(key) = Key::of_policy().find(|key| key.name() == name) else {
            let shown: String = name.chars().take(100).collect();
            let reason = format!("there is no setting {shown:?}; there are {}", names());
            return Err(Error::invalid("settings", reason));
        };
        Ok((key, key.check(value)?))
    };
    changes.iter().map(of_pair).collect()
}

async fn apply(
    app: &App,
    admin: &Admin,
    wanted: &[(Key, String)],
    seen: Option<&Map<String, Value>>,
) -> Result<Policy> {
    let fixed = &app.policy().fixed;
    let transaction = audit::begin(app).await?;
    let before = of_rows(&store::settings::all(&transaction).await?).with(fixed);
    if let Some(seen) = seen {
        check_seen(&before, seen)?;
    }
    let mut changed = Vec::new();
    for (key, value) in wanted {
        let old = key.check(&before.value(*key))?;
        if old == *value {
            continue;
        }
        if let Some(variable) = key.fixed_by(fixed) {
            return Err(Error::Conflict(format!(
                "{} is fixed at {old} by {variable} or its flag; change it there and start the program again",
                key.name()
            )));
        }
        let row = Setting {
            key: key.name().to_owned(),
            value: value.clone(),
            updated_at: clock::now(),
            updated_by: admin.username.clone(),
        };
        store::settings::set(&transaction, &row).await?;
        let event = Event::new("setting.changed", key.name());
        let event = event.with("old", old).with("new", value.as_str());
        audit::record(&transaction, admin, event).await?;
        changed.push(key.name());
    }
    if !changed.is_empty() {
        store::changes::publish(&transaction).await?;
        transaction.commit().await?;
        tracing::info!(?changed, by = %admin.username, "settings changed");
    }
    get(app).await
}

/// Refuses to change what somebody else changed since it was seen.
fn check_seen(now: &Policy, seen: &Map<String, Value>) -> Result<()> {
    let mut moved = Vec::new();
    for key in Key::of_policy() {
        let value = now.value(key);
        if seen.get(key.name()).is_some_and(|seen| *seen != value) {
            moved.push(format!("{} is {value} now", key.name()));
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "the settings were changed meanwhile: {}; look at them again",
        moved.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(value: Value) -> Result<Vec<(Key, String)>> {
        let Value::Object(changes) = value else { return Ok(Vec::new()) };
        check(&changes)
    }

    #[test]
    fn nothing_and_what_there_is_not_is_refused_with_the_names() {
        for wrong in [json!({}), json!({"colour": "green"}), json!({"onboarding_completed": true})]
        {
            let refused = asked(wrong).unwrap_err().to_string();
            assert!(refused.contains("tool_approval_mode, module_approval_mode"), "{refused}");
        }
        let mixed = json!({"log_retention_days": 3, "remote_tool_editing": "yes"});
        assert!(asked(mixed).unwrap_err().to_string().contains("enabled or disabled"));
        let good = asked(json!({"log_retention_days": 3})).unwrap();
        assert_eq!(good, [(Key::LogRetentionDays, "3".to_owned())]);
    }

    #[test]
    fn what_was_seen_and_still_is_can_be_changed() {
        let now = Policy::default();
        let seen = |value: Value| value.as_object().cloned().unwrap();
        let same =
            seen(json!({"log_retention_days": 30, "tool_approval_mode": "require_approval"}));
        assert!(check_seen(&now, &same).is_ok());
        let other = seen(json!({"log_retention_days": 7}));
        let refused = check_seen(&now, &other).unwrap_err();
        assert!(
            matches!(&refused, Error::Conflict(text) if text.contains("log_retention_days is 30 now"))
        );
    }
}
