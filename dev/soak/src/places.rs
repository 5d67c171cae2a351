//! Calls in all places of the workers at once, so that what each place keeps is there before memory is measured.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use crate::stage::Stage;
use crate::tools;
use crate::visitor::Visitor;

/// How long the calls hold their places, in seconds, each try longer than the one before: a slow machine
/// needs more time to begin them all.
const NAPS: [u64; 5] = [1, 3, 9, 27, 81];

/// Holds every place there is at once.
pub(crate) async fn fill(stage: &Arc<Stage>) -> Result<()> {
    let mut most = 0;
    for seconds in NAPS {
        most = most.max(held(stage, seconds).await?);
        if most >= stage.plan.places {
            return Ok(());
        }
    }
    bail!("only {most} of {} places were held at once", stage.plan.places)
}

/// As many calls as there are places; how many of them ran at once.
async fn held(stage: &Arc<Stage>, seconds: u64) -> Result<usize> {
    let mut naps = JoinSet::new();
    for number in 0..stage.plan.places {
        let mut visitor = Visitor::new(stage, u64::try_from(number)? * 10);
        naps.spawn(async move {
            let number = visitor.stage.number();
            let arguments = json!({"number": number, "seconds": seconds});
            let params = json!({"name": format!("{}__nap", tools::SERVER), "arguments": arguments});
            let result = visitor.ask("tools/call", &params).await?;
            let woken = result.pointer("/structuredContent/result");
            ensure!(woken == Some(&json!(number)), "{result}");
            Ok(())
        });
    }
    let mut watcher = Visitor::new(stage, 0);
    let mut most = 0;
    loop {
        most = most.max(running(&watcher.metrics().await?));
        tokio::select! {
            woken = naps.join_next() => match woken {
                Some(woken) => woken??,
                None => return Ok(most),
            },
            () = sleep(Duration::from_millis(20)) => {}
        }
    }
}

fn running(metrics: &str) -> usize {
    let value = metrics.lines().find_map(|line| line.strip_prefix("mcpbox_calls_running "));
    value
        .and_then(|value| value.parse::<Value>().ok()?.as_u64())
        .and_then(|value| usize::try_from(value).ok())
        .unwrap_or_default()
}
