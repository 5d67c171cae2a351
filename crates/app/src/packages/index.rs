//! The package index: listings, metadata and wheels, asked for once in a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use outbound::{Bounds, Configured, RequestError};
use packages::{
    ACCEPT, Candidate, LARGEST_LISTING, LARGEST_METADATA, Listing, Metadata, NameError, PackageName,
};
use tokio::sync::OnceCell;
use url::Url;

use crate::{Error, Result};

/// What [`Error::Unavailable`] calls it.
pub(crate) const INDEX: &str = "the package index";

/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(15);

/// How long a wheel may take.
const WHEEL_TIME: Duration = Duration::from_mins(2);

/// The largest wheel that is fetched, in bytes.
const WHEEL_MAX: usize = 100_000_000;

/// For how long an answer is not asked for again.
const FRESH: Duration = Duration::from_mins(5);

/// The most bytes of answers that are kept in memory.
const KEPT_MAX: usize = 64 << 20;

/// An index that speaks the Simple API.
pub(crate) struct Index {
    client: Configured,
    answers: Mutex<HashMap<String, Kept>>,
}

/// What an address answered; nothing for 404.
type Answer = Option<Arc<Found>>;

struct Found {
    /// The address that answered in the end: what links are relative to.
    url: Url,
    body: Vec<u8>,
}

struct Kept {
    since: Instant,
    answer: Arc<OnceCell<Answer>>,
}

impl Index {
    pub(crate) fn new(client: Configured) -> Self {
        Self { client, answers: Mutex::default() }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        self.client.url()
    }

    /// What there is of a package; nothing where the index does not know it.
    pub(crate) async fn listing(&self, name: &PackageName) -> Result<Option<Listing>> {
        let answer = self.answer(&self.project(name), ACCEPT, LARGEST_LISTING).await?;
        let Some(found) = answer else { return Ok(None) };
        let name = name.clone();
        // It can take its processor time.
        let reading =
            tokio::task::spawn_blocking(move || Listing::read(&name, &found.body, &found.url));
        let listing = reading.await.map_err(|error| Error::Internal(Box::new(error)))?;
        listing.map(Some).map_err(|error| self.unavailable(error))
    }

    /// What a wheel says of itself, or why that cannot be used.
    pub(crate) async fn metadata(
        &self,
        candidate: &Candidate,
    ) -> Result<std::result::Result<Metadata, String>> {
        let beside = match &candidate.metadata {
            Some((url, _)) => self.answer(url, "*/*", LARGEST_METADATA).await?,
            None => None,
        };
        if let Some(found) = beside {
            return Ok(candidate.read_metadata(&found.body).map_err(|error| error.to_string()));
        }
        let bytes = match self.wheel(&candidate.url).await {
            Ok(bytes) => bytes,
            Err(Error::Conflict(reason)) => return Ok(Err(reason)),
            Err(error) => return Err(error),
        };
        let candidate = candidate.clone();
        let reading = tokio::task::spawn_blocking(move || candidate.read_wheel(&bytes));
        let read = reading.await.map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(read.map_err(|error| error.to_string()))
    }

    /// The bytes of a wheel, whose hash nobody has checked yet.
    pub(crate) async fn wheel(&self, url: &str) -> Result<Vec<u8>> {
        let bounds = Bounds { bytes: WHEEL_MAX, time: WHEEL_TIME };
        let found = self.client.get(url, "*/*", bounds).await;
        let found = found.map_err(|error| match error.kind() {
            outbound::Kind::ResponseTooLarge => {
                let most = WHEEL_MAX / 1_000_000;
                Error::Conflict(format!(
                    "the wheel has more than {most} MB, the most that is taken"
                ))
            }
            _ => self.failed(error),
        })?;
        match found.status() {
            200 => Ok(found.into_body()),
            status => Err(self.unavailable(refusal(status, url))),
        }
    }

    /// Whether it answers as an index does, for a diagnosis.
    pub(crate) async fn check(&self) -> Result<()> {
        // Small, and on every mirror of the public index; a private one may not have it.
        let name: PackageName =
            "six".parse().map_err(|error: NameError| self.unavailable(error))?;
        self.listing(&name).await.map(drop)
    }

    /// The address of what there is of a package.
    fn project(&self, name: &PackageName) -> String {
        format!("{}{name}/", self.client.url())
    }

    /// An error that names the index and what to do about it.
    pub(crate) fn unavailable<E: std::error::Error>(&self, cause: E) -> Error {
        let text = format!("{} cannot be used: {}", self.url(), chain(&cause));
        Error::unavailable(INDEX, std::io::Error::other(text))
    }

    fn failed(&self, error: RequestError) -> Error {
        if error.is_refusal() {
            let text = format!(
                "{error}; if the index keeps its files there, the operator names the host with --package-host"
            );
            return self.unavailable(std::io::Error::other(text));
        }
        self.unavailable(error)
    }

    /// What an address answers; asked once by all who want it in the next minutes.
    async fn answer(&self, url: &str, accept: &str, most: usize) -> Result<Answer> {
        let cell = self.cell(url);
        let asking = async {
            let bounds = Bounds { bytes: most, time: ANSWER_TIME };
            let found = self.client.get(url, accept, bounds).await;
            let found = found.map_err(|error| self.failed(error))?;
            match found.status() {
                200 => {
                    let url = Url::parse(&found.url).map_err(|error| self.unavailable(error))?;
                    Ok(Some(Arc::new(Found { url, body: found.into_body() })))
                }
                404 | 410 => Ok(None),
                status => Err(self.unavailable(refusal(status, url))),
            }
        };
        cell.get_or_try_init(|| asking).await.cloned()
    }

    fn cell(&self, url: &str) -> Arc<OnceCell<Answer>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|_, kept| kept.since.elapsed() < FRESH);
        let bytes: usize = answers.values().map(Kept::bytes).sum();
        if bytes > KEPT_MAX {
            answers.clear();
        }
        let kept = answers
            .entry(url.to_owned())
            .or_insert_with(|| Kept { since: Instant::now(), answer: Arc::default() });
        Arc::clone(&kept.answer)
    }
}

impl Kept {
    fn bytes(&self) -> usize {
        self.answer.get().and_then(Option::as_ref).map_or(0, |found| found.body.len())
    }
}

fn refusal(status: u16, url: &str) -> std::io::Error {
    std::io::Error::other(format!("it answered {status} for {url}"))
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        // Some repeat what lies beneath.
        let beneath = found.to_string();
        if !text.contains(&beneath) {
            text = format!("{text}: {beneath}");
        }
        cause = found.source();
    }
    text
}
