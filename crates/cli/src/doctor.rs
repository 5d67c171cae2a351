//! `mcpbox doctor`: tries what the program needs, part by part, and says what to mend.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use app::doctor::{self, Verdict};

use crate::addresses::Addresses;
use crate::arguments::{Common, Doctor};
use crate::lock::Lock;
use crate::{listener, logging, serve};

/// Prints a line for each part; an error when one of them cannot do its work.
pub(crate) async fn run(settings: Doctor) -> anyhow::Result<()> {
    let Doctor { common, admin_listen, mcp_listen } = settings;
    // What is wrong is told in the lines themselves.
    logging::start(if common.log == "info" { "error" } else { &common.log })?;
    let mut wrong = 0;
    let mut tell = |part: &str, verdict: Verdict| {
        wrong += usize::from(matches!(verdict, Verdict::Broken(_)));
        println!("{}", Line { part, verdict: &verdict });
    };
    tell("data directory", data_dir(&common.data_dir));
    let settings = serve::settings(&common, &Addresses::default())?;
    for (part, verdict) in doctor::examine(&settings).await {
        tell(part, verdict);
    }
    tell("admin listener", listens(&common, "admin", admin_listen));
    tell("MCP listener", listens(&common, "gateway", mcp_listen));
    anyhow::ensure!(wrong == 0, "{wrong} of the parts above cannot do their work");
    Ok(())
}

struct Line<'a> {
    part: &'a str,
    verdict: &'a Verdict,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, text) = match self.verdict {
            Verdict::Well(text) => ("ok", text),
            Verdict::Weaker(text) => ("note", text),
            Verdict::Broken(text) => ("wrong", text),
        };
        write!(formatter, "{word:<6} {:<16} {text}", self.part)
    }
}

/// Whether files can be made there. A directory that is not there yet is made at the first start.
fn data_dir(dir: &Path) -> Verdict {
    let shown = dir.display();
    let tried = match std::fs::metadata(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return missing(dir);
        }
        Err(error) => Err(error),
        Ok(found) if !found.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
        Ok(_) => tempfile::tempfile_in(dir).map(drop),
    };
    match tried {
        Ok(()) => Verdict::Well(shown.to_string()),
        Err(error) => Verdict::Broken(format!("{shown} cannot be written to: {error}")),
    }
}

/// Whether the directory can be made, tried with another name where it would be.
fn missing(dir: &Path) -> Verdict {
    let shown = dir.display();
    let above =
        dir.ancestors().skip(1).find(|place| place.as_os_str().is_empty() || place.exists());
    let above = above.filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match tempfile::tempdir_in(above) {
        Ok(_) => Verdict::Weaker(format!("{shown} is not there yet; the first start makes it")),
        Err(error) => Verdict::Broken(format!(
            "{shown} cannot be made: nothing can be written in {}: {}",
            above.display(),
            error.kind()
        )),
    }
}

/// Whether a door could listen at `address`, or already does so for this data directory.
fn listens(common: &Common, door: &str, address: SocketAddr) -> Verdict {
    if common.data_dir.is_dir()
        && let Some(holder) = Lock::holder(&common.data_dir, door)
    {
        return Verdict::Well(format!("held by {holder}"));
    }
    match listener::bind(address) {
        Ok(_listener) => Verdict::Well(format!("{address} is free")),
        Err(error) => Verdict::Broken(format!(
            "{address} cannot be listened on ({error}); free it or choose another address"
        )),
    }
}
