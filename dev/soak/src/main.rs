//! `cargo xtask soak`: a minute of load on the program beside this one, or waves of one kind of traffic.
#![expect(clippy::print_stdout, reason = "a measurement prints its numbers")]

use anyhow::{Context as _, Result, bail};
use soak::Plan;

fn main() -> Result<()> {
    let mut plan = Plan::of_seconds(60);
    let mut waves = 0;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{flag} wants a value"))?;
        match flag.as_str() {
            "--seconds" => plan.seconds = value.parse()?,
            "--connections" => plan.connections = value.parse()?,
            "--seed" => plan.seed = value.parse()?,
            "--hostile" => plan.hostile_percent = value.parse()?,
            "--listed" => plan.listed = value.parse()?,
            "--places" => plan.places = value.parse()?,
            "--waves" => waves = value.parse()?,
            "--only" => plan.only = value.split(',').map(str::to_owned).collect(),
            other => bail!(
                "there is no `{other}`; there are --seconds, --connections, --seed, --hostile, --waves and --only"
            ),
        }
    }
    let Plan { connections, seconds, hostile_percent, seed, .. } = plan;
    println!("{connections} connections, {seconds} s, {hostile_percent} % hostile, seed {seed}");
    if waves > 0 {
        let report = soak::waves(plan, waves, |wave, memory| {
            println!("wave {wave}: server {} KiB, workers {} KiB", memory.server, memory.workers);
        })?;
        println!("{report}");
        return report.judge_answers();
    }
    let report = soak::run(plan)?;
    println!("{report}");
    report.judge_answers()?;
    report.judge_memory()
}
