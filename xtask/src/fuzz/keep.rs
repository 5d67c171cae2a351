//! Chooses which of the inputs that were found the repository keeps.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Fuzzers, files};
use crate::steps;

/// The most inputs of one target: more would weigh upon a checkout, and those that are chosen last
/// reach little that is new.
const INPUTS_MAX: usize = 33;

/// Puts the inputs that together reach most in the place of the kept ones.
pub(super) fn run(fuzzers: &Fuzzers<'_>, target: &str) -> Result<()> {
    let (kept, found) = (fuzzers.kept(target), fuzzers.found(target));
    let scratch = fuzzers.workspace.target("fuzz/chosen").join(target);
    let (merged, report) = (scratch.join("merged"), scratch.join("report.txt"));
    if scratch.exists() {
        fs::remove_dir_all(&scratch)
            .with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    fs::create_dir_all(&merged).with_context(|| format!("cannot make {}", merged.display()))?;

    let mut merger = fuzzers.command(target, &[&merged, &kept, &found]);
    // What is reached counts, not how often.
    merger.args(["-merge=1", "-use_counters=0"]);
    merger.arg(format!("-merge_control_file={}", report.display()));
    steps::run(&format!("choosing what to keep of {target}"), &mut merger)?;

    let report =
        fs::read_to_string(&report).with_context(|| format!("cannot read {}", report.display()))?;
    let inputs = inputs(&report);
    let chosen = chosen(&inputs);
    let reach = |inputs: &mut dyn Iterator<Item = &Input>| {
        inputs.flat_map(|input| &input.reached).collect::<BTreeSet<_>>().len()
    };
    steps::say(&format!(
        "==> {} of {} inputs of {target} reach {} of {} places",
        chosen.len(),
        inputs.len(),
        reach(&mut chosen.iter().copied()),
        reach(&mut inputs.iter())
    ));
    replace(&kept, &chosen)
}

/// Writes the chosen inputs before it removes the others, which may be the same files.
fn replace(kept: &Path, chosen: &[&Input]) -> Result<()> {
    let mut names = BTreeSet::new();
    for input in chosen {
        let name = input.path.file_name().context("a file has a name")?;
        let content = fs::read(&input.path)
            .with_context(|| format!("cannot read {}", input.path.display()))?;
        fs::write(kept.join(name), content)
            .with_context(|| format!("cannot write to {}", kept.display()))?;
        names.insert(name.to_owned());
    }
    for path in files(kept)? {
        if path.file_name().is_some_and(|name| !names.contains(name)) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// An input, and the places in the code that it reaches, as libFuzzer numbers them.
#[derive(Debug, PartialEq, Eq)]
struct Input {
    path: PathBuf,
    reached: BTreeSet<u32>,
}

/// Reads the control file of libFuzzer's `-merge=1`: two numbers, a path per line, then what each
/// input reached as `FT NUMBER PLACES…`.
fn inputs(report: &str) -> Vec<Input> {
    let mut inputs: Vec<Input> = report
        .lines()
        .skip(2)
        .take_while(|line| !line.starts_with("STARTED "))
        .map(|path| Input { path: path.into(), reached: BTreeSet::new() })
        .collect();
    for line in report.lines() {
        let mut numbers = line.strip_prefix("FT ").into_iter().flat_map(str::split_whitespace);
        let input = numbers.next().and_then(|number| number.parse::<usize>().ok());
        if let Some(input) = input.and_then(|number| inputs.get_mut(number)) {
            input.reached.extend(numbers.filter_map(|place| place.parse::<u32>().ok()));
        }
    }
    inputs
}

/// Again and again the input that reaches most of what those before it do not; the first, which
/// libFuzzer lists because it is the shortest, where several do.
fn chosen(inputs: &[Input]) -> Vec<&Input> {
    let mut reached = BTreeSet::new();
    let mut chosen = Vec::new();
    while chosen.len() < INPUTS_MAX {
        let news = |input: &Input| input.reached.difference(&reached).count();
        let best = inputs.iter().rev().max_by_key(|input| news(input));
        let Some(best) = best.filter(|best| news(best) > 0) else { break };
        reached.extend(best.reached.iter().copied());
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{INPUTS_MAX, chosen, inputs};

    /// Three inputs of which the last reaches all but one place.
    const REPORT: &str = "3\n0\nfound/a\nfound/b c\nfound/d\n\
        STARTED 0 1\nFT 0 1 2\nCOV 0 1 2\nSTARTED 1 2\nFT 1 9\nCOV 1 9\nSTARTED 2 3\nFT 2 1 2 3\n";

    #[test]
    fn the_fewest_inputs_that_reach_everything_are_chosen() {
        let inputs = inputs(REPORT);
        assert_eq!(inputs.len(), 3);
        let paths: Vec<_> = chosen(&inputs).iter().map(|input| input.path.clone()).collect();
        assert_eq!(paths, ["found/d", "found/b c"].map(PathBuf::from));
    }

    #[test]
    fn of_many_inputs_those_that_reach_most_are_chosen() {
        let mut lines = vec!["100".to_owned(), "0".to_owned()];
        lines.extend((0..100).map(|number| format!("found/{number}")));
        lines.extend((0..100).map(|number| format!("FT {number} {number}")));
        lines.insert(102, "STARTED 0 1".to_owned());
        lines.push("FT 99 100".to_owned());
        let report = lines.join("\n");
        let inputs = inputs(&report);
        let chosen = chosen(&inputs);
        assert_eq!(chosen.len(), INPUTS_MAX);
        assert_eq!(chosen.first().map(|input| input.reached.len()), Some(2));
    }
}
