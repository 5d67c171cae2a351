//! The page of the settings: the policy in plain sentences, and the profiles.

mod sentences;

use std::collections::BTreeMap;

use app::grants::Grant;
use app::identity::Admin;
use app::policy::{self, Key, Profile, Stored};
use app::{App, grants};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect};
use sentences::Sentences;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::errors::{Answer, Problem};
use crate::extract::{Fields, Search};
use crate::session::SignedIn;
use crate::view::{self, Frame};

#[derive(Template)]
#[template(path = "settings/show.html")]
struct SettingsPage {
    frame: Frame,
    settings: Vec<Setting>,
    offers: Vec<Offer>,
    /// What the page shows, sent back with a change: nothing of it may be different by then.
    seen: String,
    modules: Vec<Grant>,
    done: bool,
    problem: String,
}

/// A setting as the page shows it.
struct Setting {
    stored: Stored,
    sentences: Sentences,
}

/// A profile to choose.
struct Offer {
    name: &'static str,
    text: &'static str,
    in_force: bool,
}

#[derive(Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    profile: String,
}

impl Setting {
    fn value(&self) -> String {
        match &self.stored.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn is(&self, word: &str) -> bool {
        self.stored.value == word
    }
}

impl SettingsPage {
    async fn load(app: &App, admin: &Admin) -> Result<Self, Problem> {
        let mut modules = grants::modules(app).await?;
        modules.retain(|grant| grant.kind == grants::Kind::Module);
        let stored = policy::stored(app).await?;
        let profile = Profile::of(&policy::get(app).await?);
        let frame = Frame::load(app, admin, "/settings").await?;
        Ok(Self::new(frame, stored, profile, modules))
    }

    fn new(
        frame: Frame,
        stored: Vec<Stored>,
        profile: Option<Profile>,
        modules: Vec<Grant>,
    ) -> Self {
        let of_policy = stored.into_iter().filter(|one| Key::of_policy().any(|key| key == one.key));
        let settings: Vec<_> = of_policy
            .map(|stored| Setting { sentences: Sentences::of(stored.key), stored })
            .collect();
        let seen = settings
            .iter()
            .map(|setting| (setting.stored.key.name().to_owned(), setting.stored.value.clone()))
            .collect();
        let seen = Value::Object(seen).to_string();
        let offer = |one: Profile| Offer {
            name: one.name(),
            text: sentences::of_profile(one),
            in_force: profile == Some(one),
        };
        let offers = Profile::all().map(offer).collect();
        Self { frame, settings, offers, seen, modules, done: false, problem: String::new() }
    }
}

/// GET /settings
pub(crate) async fn show(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Search(search): Search<Done>,
) -> Answer {
    let page = SettingsPage::load(&app, &admin).await?;
    view::page(&SettingsPage { done: search.done == "yes", ..page })
}

/// POST /settings
pub(crate) async fn change(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Fields(form): Fields<BTreeMap<String, String>>,
) -> Answer {
    let changed = match read(form) {
        Ok((changes, seen)) => {
            let changing = policy::change(&app, &admin, &changes, Some(&seen));
            changing.await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    shown(&app, &admin, changed.map(drop)).await
}

/// POST /settings/profile
pub(crate) async fn apply_profile(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Fields(choice): Fields<Choice>,
) -> Answer {
    let applied = match profile(&choice.profile) {
        Ok(profile) => {
            policy::apply_profile(&app, &admin, profile).await.map(drop).map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    shown(&app, &admin, applied).await
}

/// The profile of that name.
pub(crate) fn profile(name: &str) -> Result<Profile, Problem> {
    name.parse().map_err(|_unknown| {
        let names: Vec<_> = Profile::all().map(Profile::name).collect();
        Problem::invalid("profile", &format!("expected {}", names.join(" or ")))
    })
}

/// Settings by name.
type Values = Map<String, Value>;

/// What a form changes, and what the page showed.
fn read(mut form: BTreeMap<String, String>) -> Result<(Values, Values), Problem> {
    let seen = form.remove("seen").unwrap_or_default();
    let seen = serde_json::from_str(&seen).map_err(|_broken| {
        Problem::invalid("seen", "the page is broken or too old; open it again")
    })?;
    Ok((form.into_iter().map(|(name, value)| (name, Value::from(value))).collect(), seen))
}

/// The page after a change: at its own address, or with what is wrong.
async fn shown(app: &App, admin: &Admin, changed: Result<(), Problem>) -> Answer {
    match changed {
        Ok(()) => Ok(Redirect::to("/settings?done=yes").into_response()),
        Err(problem) if problem.status().is_client_error() => {
            let status = problem.status();
            let page = SettingsPage::load(app, admin).await?;
            let problem = problem.detail().to_owned();
            Ok((status, view::page(&SettingsPage { problem, ..page })?).into_response())
        }
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use app::policy::Policy;
    use serde_json::json;

    use super::*;

    fn page(fixed_by: Option<&'static str>) -> SettingsPage {
        let policy = Policy::default();
        let of_key = |key: Key| Stored {
            key,
            value: policy.value(key),
            fixed_by: fixed_by.filter(|_| key == Key::McpRateLimitRpm),
            updated: None,
        };
        let stored = Key::all().map(of_key).collect();
        SettingsPage::new(Frame::sample("/settings"), stored, Some(Profile::Strict), Vec::new())
    }

    #[test]
    fn each_choice_is_a_sentence_and_the_one_that_holds_is_chosen() {
        let html = page(None).render().unwrap();
        view::sample("settings", &html);
        for key in Key::of_policy() {
            assert!(html.contains(&format!("name=\"{}\"", key.name())), "{key:?}");
            for word in key.words() {
                assert!(html.contains(&format!("value=\"{word}\"")), "{key:?} {word}");
            }
        }
        assert!(html.contains("name=\"log_retention_days\" type=\"number\""), "{html}");
        assert!(html.contains("name=\"remote_tool_editing\" value=\"disabled\" checked"), "{html}");
        assert!(!html.contains("onboarding_completed"), "{html}");
    }

    #[test]
    fn what_is_fixed_is_shown_with_its_variable_and_cannot_be_sent() {
        let html = page(Some("MCPBOX_MCP_RATE_LIMIT_RPM")).render().unwrap();
        assert!(html.contains("MCPBOX_MCP_RATE_LIMIT_RPM"), "{html}");
        assert!(!html.contains("name=\"mcp_rate_limit_rpm\""), "{html}");
    }

    #[test]
    fn what_the_page_showed_comes_back_as_it_was() {
        let shown = page(None).seen;
        let form = [("seen".to_owned(), shown), ("log_retention_days".to_owned(), "7".to_owned())];
        let (changes, seen) = read(form.into()).unwrap();
        assert_eq!(Value::Object(changes), json!({"log_retention_days": "7"}));
        assert_eq!(seen.get("mcp_rate_limit_rpm"), Some(&json!(300)));
        assert_eq!(seen.len(), Key::of_policy().count());
        assert!(read(BTreeMap::new()).is_err());
    }
}
