//! What requests to a source carry, and what is done where it refuses that.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::{BoxFuture, FutureExt as _};
use oauth::{BearerChallenge, Scopes};
use outbound::mcp::{self, Access, AccessError, Refused};
use secrecy::SecretString;
use store::external_sources::ExternalSource;
use store::source_tokens::State;
use uuid::Uuid;

use super::discovery::refusal;
use super::kept::{self, Held, Wanted};
use super::renewal::current;
use crate::external_sources::shown::without_credentials;
use crate::external_sources::{credentials, find};
use crate::{App, Result, Tie, clock};

/// After so long, a source that wants more scopes begins to count anew.
const FORGOTTEN: TimeDelta = TimeDelta::hours(1);

/// What stands before a token in `Authorization`.
const BEARER: &str = "Bearer ";

/// The access of a source that wants tokens.
pub(in crate::external_sources) fn access(tie: Tie, source: &ExternalSource) -> Arc<dyn Access> {
    Arc::new(ByToken { tie, source_id: source.id, url: source.url.clone() })
}

/// The access token that requests to a source carry now.
pub(in crate::external_sources) async fn access_token(
    app: &App,
    source_id: Uuid,
) -> Result<Option<SecretString>> {
    // Without one the request itself says why.
    let held = current(app, source_id, None).await.ok();
    Ok(held.map(|held| SecretString::from(held.tokens.access.clone())))
}

struct ByToken {
    tie: Tie,
    source_id: Uuid,
    /// Where its requests go.
    url: Option<String>,
}

impl Access for ByToken {
    fn headers(&self) -> BoxFuture<'_, std::result::Result<Vec<(String, String)>, AccessError>> {
        async {
            let app = self.tie.app()?;
            let held = current(&app, self.source_id, None).await?;
            credentials::check_place(&app, self.source_id, self.url.as_deref()).await?;
            app.connections().shown.token(self.source_id, held.tokens.access.expose());
            let value = held.tokens.authorization().expose().to_owned();
            Ok(vec![("Authorization".to_owned(), value)])
        }
        .boxed()
    }

    fn refused<'a>(
        &'a self,
        sent: &'a [(String, String)],
        refused: &'a Refused,
    ) -> BoxFuture<'a, bool> {
        async {
            let token = sent.iter().find_map(|(_, value)| value.strip_prefix(BEARER));
            let Some(token) = token else { return false };
            let others = self.others(token, refused).await;
            match others {
                Ok(others) => others,
                Err(error) => {
                    tracing::warn!(source = %self.source_id, %error, "a source refused its token");
                    // Asking for the token once more then says why there is none.
                    self.has_ended().await.unwrap_or(false)
                }
            }
        }
        .boxed()
    }
}

impl ByToken {
    /// Whether a person has to log in.
    async fn has_ended(&self) -> Result<bool> {
        let app = self.tie.app()?;
        let row = store::source_tokens::find(app.store(), self.source_id).await?;
        Ok(row.is_some_and(|row| row.state == State::Reconnect))
    }

    /// Whether there is another token than the one that was refused.
    async fn others(&self, token: &str, refused: &Refused) -> Result<bool> {
        let app = self.tie.app()?;
        let held = current(&app, self.source_id, None).await?;
        if !held.tokens.access.is(token) {
            return Ok(true);
        }
        let challenge = BearerChallenge::find(&refused.challenges);
        if let Some(challenge) = challenge.filter(BearerChallenge::wants_scopes) {
            want(&app, self.source_id, &held, &challenge.scopes).await?;
            return Ok(false);
        }
        if refused.status != 401 {
            return Ok(false);
        }
        let held = current(&app, self.source_id, Some(token)).await?;
        Ok(!held.tokens.access.is(token))
    }
}

/// Remembers that a source wants more scopes, so that the next login asks for them.
async fn want(app: &App, source_id: Uuid, held: &Held, challenged: &Scopes) -> Result<()> {
    let scopes = challenged.to_string();
    if without_credentials(app, source_id, scopes.clone()) != scopes {
        // A source that says its token as a scope would have it shown, and put into addresses.
        return Ok(());
    }
    let source = find(app.store(), source_id).await?;
    let kept: Option<Wanted> = kept::read(app, source_id, kept::WANTED).await?;
    let wanted = kept.unwrap_or_default();
    let now = clock::now();
    let step_ups = match wanted.at {
        Some(at) if now - at < FORGOTTEN => wanted.step_ups,
        _ => 0,
    };
    let waits = !held.tokens.scopes.cover(&wanted.scopes) && wanted.scopes.cover(challenged);
    let asked = held.tokens.scopes.union(&wanted.scopes);
    let stepped = if waits { Ok(asked) } else { asked.step_up(challenged, step_ups) };
    let failure = match &stepped {
        Ok(_) => {
            format!("the source wants more scopes ({challenged}): connect it again to allow them")
        }
        Err(error) => error.to_string(),
    };
    let transaction = app.store().begin().await?;
    if let Ok(scopes) = stepped
        && !waits
    {
        let wanted = Wanted { scopes, step_ups: step_ups + 1, at: Some(now) };
        kept::write(app, &transaction, &source, (kept::WANTED, &wanted)).await?;
    }
    let place = (source_id, held.version);
    store::source_tokens::set_failure(&transaction, place, &failure).await?;
    Ok(transaction.commit().await?)
}

/// What a caller is told of a call that its source refused because the token allows too little; `page` is where a
/// person sees to that.
pub(in crate::external_sources) fn lacking_scopes(
    error: &mcp::Error,
    page: &str,
) -> Option<String> {
    let challenge = BearerChallenge::find(&refusal(error)?.challenges)?;
    challenge.wants_scopes().then(|| {
        format!(
            "its login allows too little: tell your user, a person has to connect it again {page} and allow `{}` there; nothing was done",
            challenge.scopes
        )
    })
}
