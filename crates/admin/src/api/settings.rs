//! The settings in the API.

use app::App;
use app::policy::{self, Policy, Profile, Stored};
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::one;
use crate::errors::Answer;
use crate::extract::Body;
use crate::session::SignedIn;
use crate::settings::profile;

#[derive(Deserialize)]
pub(crate) struct Choice {
    profile: String,
}

/// GET /api/settings
pub(crate) async fn list(State(app): State<App>) -> Answer {
    let shown = |stored: Stored| {
        let (updated_at, updated_by) = stored.updated.unzip();
        json!({
            "key": stored.key.name(),
            "value": stored.value,
            "fixed_by": stored.fixed_by,
            "updated_at": updated_at,
            "updated_by": updated_by,
        })
    };
    let settings: Vec<Value> = policy::stored(&app).await?.into_iter().map(shown).collect();
    Ok(one(json!({ "total": settings.len(), "settings": settings })))
}

/// GET /api/settings/security-policy
pub(crate) async fn policy(State(app): State<App>) -> Answer {
    shown(&app, &policy::get(&app).await?).await
}

/// PATCH /api/settings/security-policy
pub(crate) async fn change(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(changes): Body<Map<String, Value>>,
) -> Answer {
    let policy = policy::change(&app, &admin, &changes, None).await?;
    shown(&app, &policy).await
}

/// PATCH /api/settings/security-profile
pub(crate) async fn apply_profile(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Body(choice): Body<Choice>,
) -> Answer {
    let profile = profile(&choice.profile)?;
    let policy = policy::apply_profile(&app, &admin, profile).await?;
    let applied = profile.values().map(|(key, _)| (key.name().to_owned(), policy.value(key)));
    let applied: Map<String, Value> = applied.into_iter().collect();
    Ok(one(json!({ "profile": profile.name(), "settings": applied })))
}

/// POST /api/settings/onboarding-complete
pub(crate) async fn complete_onboarding(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
) -> Answer {
    policy::complete_onboarding(&app, &admin).await?;
    Ok(one(json!({ "onboarding_completed": true })))
}

async fn shown(app: &App, policy: &Policy) -> Answer {
    let fixed: Map<String, Value> = policy::stored(app)
        .await?
        .into_iter()
        .filter_map(|stored| Some((stored.key.name().to_owned(), stored.fixed_by?.into())))
        .collect();
    let mut body = json!(policy);
    if let Value::Object(body) = &mut body {
        body.insert("profile".to_owned(), json!(Profile::of(policy).map(Profile::name)));
        body.insert("fixed".to_owned(), Value::Object(fixed));
    }
    Ok(one(body))
}
