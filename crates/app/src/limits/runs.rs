//! How often one caller may run one tool, beside how often it may ask at all.

use super::{Counted, RateLimit, Standing};
use crate::revisions::Kind;
use crate::{App, Error, Result, calls, policy};

/// What a request runs.
#[derive(Debug, Clone, Copy)]
pub enum Ran<'a> {
    /// A management tool, or another that the door brings with it.
    Own(&'static str),
    /// What clients call or ask for by this name.
    Named(Kind, &'a str),
    /// What clients read under this URI.
    Resource(&'a str),
}

/// The counts of what callers run. What does not exist is not counted, so that nobody fills them with
/// names of their own.
#[derive(Default)]
pub struct Runs(RateLimit<(Counted, String)>);

impl Runs {
    /// Counts a run: the name of what runs, and how its caller stands. None where there is no limit, or
    /// nothing of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(
        &self,
        app: &App,
        who: Counted,
        ran: Ran<'_>,
    ) -> Result<Option<(String, Standing)>> {
        let per_minute = policy::recent(app).await?.tool_rate_limit_rpm;
        if per_minute == 0 {
            return Ok(None);
        }
        let Some(name) = name_of(app, ran).await? else { return Ok(None) };
        let counted = (who, name);
        let standing = self.0.count(per_minute, &counted);
        Ok(standing.map(|standing| (counted.1, standing)))
    }
}

/// The name that clients know a live tool, prompt or resource by, no two of which have the same.
async fn name_of(app: &App, ran: Ran<'_>) -> Result<Option<String>> {
    let found = match ran {
        Ran::Own(name) => return Ok(Some(name.to_owned())),
        Ran::Named(kind, name) => calls::live_name(app, kind, name).await,
        Ran::Resource(uri) => calls::read_name(app, uri).await,
    };
    match found {
        Ok(name) => Ok(Some(name)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
