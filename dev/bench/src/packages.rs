//! Calls that use packages, beside one that uses none.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sandbox::{ModulePolicy, NoHost, Run, Sandbox, Set, SetSource};

use crate::sample::{ADD, Sample};
use crate::sandboxed::run;

const CALLS: usize = 1000;

const MODULES: [&str; 9] = [
    "bs4",
    "dateutil",
    "humanize",
    "jinja2",
    "markupsafe",
    "networkx",
    "soupsieve",
    "yaml",
    "typing_extensions",
];

/// Uses four packages a little, so that what is measured is having them.
const FOUR: &str = "
import bs4
import humanize
import jinja2
import yaml

async def main(a: int, b: int) -> dict:
    kinds = [bs4.BeautifulSoup, jinja2.Template, yaml.SafeLoader]
    return {\"sum\": a + b, \"text\": humanize.ordinal(a), \"kinds\": len(kinds)}
";
const FOUR_RESULT: &str = r#"{"sum": 3, "text": "1st", "kinds": 3}"#;

/// Uses them as tools do.
const WORK: &str = "
import bs4
import humanize
import jinja2
import yaml
from dateutil import parser

async def main(a: int, b: int) -> dict:
    page = bs4.BeautifulSoup('<ul><li>one</li><li>two</li></ul>', 'html.parser')
    items = [item.get_text() for item in page.find_all('li')]
    text = jinja2.Template('{% for i in items %}{{ i }},{% endfor %}').render(items=items)
    data = yaml.safe_load('a: [1, 2, {b: c}]')
    return {\"text\": text, \"data\": data, \"year\": parser.parse('3 March 2026').year, \"size\": humanize.naturalsize(a * 10**6)}
";
const WORK_RESULT: &str =
    r#"{"text": "one,two,", "data": {"a": [1, 2, {"b": "c"}]}, "year": 2026, "size": "1.0 MB"}"#;

/// Makes a set of the wheels that tests use, and calls tools with it and without it.
pub(crate) async fn measure(sandbox: &Sandbox) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let source = source()?;
    let files = source.files.len();
    let began = Instant::now();
    let set = sandbox.prepare_set("bench", source, folder.path(), |_| {}).await?;
    let took = began.elapsed().as_secs_f64();
    let report = set.report();
    println!(
        "a set of {files} files made in {took:.1} s: {} modules loaded, {} MB",
        report.loaded,
        report.bytes >> 20
    );
    let began = Instant::now();
    let kept = sandbox.kept_set("bench", folder.path()).await;
    println!("read from disk in {:.0} ms", began.elapsed().as_secs_f64() * 1e3);
    drop(kept);
    let with = |source: &str, set: Option<&Set>| -> anyhow::Result<Run> {
        let granted = MODULES.map(str::to_owned).to_vec();
        let modules = ModulePolicy::new(Vec::new(), granted)?;
        Ok(Run { set: set.cloned(), modules, ..run(source, ADD.arguments) })
    };
    for (name, run, result) in [
        ("no set", with(&ADD.source(true), None)?, ADD.result),
        ("a set, nothing of it used", with(&ADD.source(true), Some(&set))?, ADD.result),
        ("four packages imported", with(FOUR, Some(&set))?, FOUR_RESULT),
        (
            "four packages, not loaded ahead",
            with(&format!("{FOUR}\nfor _once in [0]:\n    pass\n"), Some(&set))?,
            FOUR_RESULT,
        ),
        ("four packages at work", with(WORK, Some(&set))?, WORK_RESULT),
    ] {
        calls(sandbox, &run, result, CALLS / 10).await?;
        let began = Instant::now();
        let times = calls(sandbox, &run, result, CALLS).await?;
        Sample::new(times, began.elapsed()).print(name);
    }
    Ok(())
}

/// What the wheels that tests use hold, without their compiled parts.
fn source() -> anyhow::Result<SetSource> {
    let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/wheels");
    let folder = tempfile::tempdir()?;
    for entry in
        std::fs::read_dir(&wheels).context("the wheels; `cargo xtask test` fetches them")?
    {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "whl") {
            let mut unpacking = Command::new("python3");
            unpacking.args(["-m", "zipfile", "-e"]).arg(&path).arg(folder.path());
            ensure!(unpacking.status()?.success(), "{} does not unpack", path.display());
        }
    }
    let mut files = Vec::new();
    read(folder.path(), folder.path(), &mut files)?;
    let is_compiled = |name: &str| Path::new(name).extension().is_some_and(|it| it == "so");
    files.retain(|(name, _)| !is_compiled(name));
    Ok(SetSource { files, modules: MODULES.map(str::to_owned).to_vec() })
}

fn read(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(root, &path, files)?;
        } else {
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.push((name, std::fs::read(&path)?));
        }
    }
    Ok(())
}

async fn calls(
    sandbox: &Sandbox,
    run: &Run,
    result: &str,
    count: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let run = run.clone();
        let began = Instant::now();
        let outcome = sandbox.run(run, Arc::new(NoHost)).await;
        times.push(began.elapsed());
        let text = outcome.result?;
        ensure!(text == result, "{text}");
    }
    Ok(times)
}
