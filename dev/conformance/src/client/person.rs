//! The person at the admin page: gives credentials, logs in with a browser, approves what was imported.

use anyhow::{Context as _, Result, bail};
use app::App;
use app::approvals::{self, Action, Decision};
use app::external_sources::oauth::{self, Begin, Begun, NewKey};
use app::external_sources::{Auth, OauthGrant, OauthSettings};
use app::identity::Admin;
use app::tools::{self, Revision};
use serde_json::Value;

use crate::{Scenario, browser};

/// Where the browser comes back to; nothing listens there, as its way back is read from the redirect.
pub(crate) const CALLBACK: &str = "http://127.0.0.1:3000/oauth/callback";

/// Where the suites pretend that the metadata of the client is.
pub(crate) const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// Who plays the scenario.
pub(crate) struct Person<'a> {
    pub(crate) app: &'a App,
    pub(crate) admin: Admin,
    pub(crate) source: uuid::Uuid,
    pub(crate) scenario: &'a Scenario,
}

/// What the person sets for OAuth.
pub(crate) fn oauth(scenario: &Scenario) -> Auth {
    let is_own = scenario.name.starts_with("auth/client-credentials");
    Auth::Oauth(Box::new(OauthSettings {
        grant: if is_own { OauthGrant::ClientCredentials } else { OauthGrant::AuthorizationCode },
        client_id: text(&scenario.context, "client_id"),
        ..OauthSettings::default()
    }))
}

fn text(context: &Value, name: &str) -> Option<String> {
    context.get(name).and_then(Value::as_str).map(str::to_owned)
}

impl Person<'_> {
    /// Gives the credentials that the scenario hands over.
    pub(crate) async fn give_credentials(&self) -> Result<()> {
        let context = &self.scenario.context;
        if let Some(secret) = text(context, "client_secret") {
            let secret = Some(secret.into());
            oauth::set_client_secret(self.app, &self.admin, self.source, secret).await?;
        }
        if let Some(pem) = text(context, "private_key_pem") {
            let algorithm = text(context, "signing_algorithm");
            let key = NewKey { pem: pem.into(), algorithm, key_id: None, audience: None };
            oauth::set_private_key(self.app, &self.admin, self.source, Some(key)).await?;
        }
        Ok(())
    }

    /// Logs in, agreeing to the hosts of the authorization server.
    pub(crate) async fn log_in(&self) -> Result<()> {
        let mut hosts = Vec::new();
        for _round in 0..4 {
            let begin = Begin { callback: CALLBACK.to_owned(), hosts: hosts.clone() };
            match oauth::begin(self.app, Some(&self.admin), self.source, begin).await? {
                Begun::Grant { hosts: further } => hosts.extend(further),
                Begun::Connected => return Ok(()),
                Begun::Visit { url, .. } => {
                    let back = browser::visit(&url).context("the browser comes back")?;
                    oauth::finish(self.app, Some(&self.admin), &back).await?;
                    return Ok(());
                }
            }
        }
        bail!("ever more hosts are to be allowed");
    }

    /// Approves all that waits; gives what is live, with the names that clients call it by.
    pub(crate) async fn approve_all(&self, server: uuid::Uuid) -> Result<Vec<(String, Revision)>> {
        let mut live = Vec::new();
        for (tool, _) in tools::all_of(self.app, server).await? {
            let detail = tools::get(self.app, tool.id).await?;
            let decision = Decision {
                action: Action::Approve,
                digest: Some(detail.newest.digest.clone()),
                reason: None,
            };
            let decided = approvals::decide(self.app, &self.admin, tool.id, decision).await?;
            let name = tools::public_name(detail.server.prefix(), &tool.name);
            live.push((name, decided.revision));
        }
        Ok(live)
    }
}
