//! The same work by a `python3` that is spawned for each call.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::sample::Sample;

const CALLS: usize = 30;

const PROGRAM: &str = "import json, sys, asyncio\nasync def main(a, b):\n    return {'sum': a + b}\nprint(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))";

/// Spawns `python3 -I -c` for each call.
pub(crate) fn measure() -> anyhow::Result<()> {
    let mut times = Vec::with_capacity(CALLS);
    let all = Instant::now();
    for _ in 0..CALLS {
        let began = Instant::now();
        let output = Command::new("python3")
            .args(["-I", "-c", PROGRAM, r#"{"a": 1, "b": 2}"#])
            .output()
            .context("python3 cannot be spawned")?;
        times.push(began.elapsed());
        ensure!(output.status.success(), "{output:?}");
    }
    Sample::new(times, all.elapsed()).print("python3 -I -c, spawned for each call");
    Ok(())
}
