//! The hostile programs of `guest/tests/hostile`, each in real workers, held against its own header.
//!
//! Its README says what a header may hold and what is demanded after every program.

mod ground;
mod header;
mod hosts;
mod processes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ground::Ground;
use header::Program;

/// The fewest programs that mean harm; controls are not counted.
const HOSTILE_MIN: usize = 150;

/// Set to a part of a program's name, it leaves out all others.
const ONLY: &str = "HOSTILE_ONLY";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/tests/hostile")
}

/// The names of what lies in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names: BTreeSet<String> =
        names.map(|name| name.into_string().expect("a plain name")).collect();
    names.into_iter().collect()
}

fn programs(folder: &str) -> Vec<String> {
    let names = names(&root().join(folder)).into_iter();
    names.filter(|name| name != "__pycache__").map(|name| format!("{folder}/{name}")).collect()
}

fn is_control(name: &str) -> bool {
    name.contains("/control_")
}

#[expect(clippy::print_stdout, reason = "each program has its line in the test's output")]
async fn run(folder: &str) {
    let only = std::env::var(ONLY).unwrap_or_default();
    let mut chosen = programs(folder);
    chosen.retain(|name| name.contains(&only));
    if chosen.is_empty() {
        return;
    }
    let ground = Ground::prepare().await;
    let mut failures = Vec::new();
    for name in &chosen {
        let source = std::fs::read_to_string(root().join(name)).expect("the program is readable");
        let ended = match Program::parse(&source) {
            Ok(program) => ground.put(&program).await,
            Err(mistake) => Err(format!("its header: {mistake}")),
        };
        match ended {
            Ok(how) => println!("hostile {name}: as demanded: {how}"),
            Err(why) => {
                println!("hostile {name}: FAILED: {why}");
                failures.push(format!("{name}: {why}"));
            }
        }
    }
    ground.leave().await;
    assert!(failures.is_empty(), "{}\n", failures.join("\n"));
}

/// One test per folder, so that folders run beside each other and are counted.
macro_rules! folders {
    ($($folder:ident)*) => {
        const FOLDERS: &[&str] = &[$(stringify!($folder)),*];
        $(
            #[tokio::test]
            async fn $folder() {
                run(stringify!($folder)).await;
            }
        )*
    };
}

folders! {
    attributes bytecode codecs compiler event_loop evil_objects exceptions forgery frames host_calls
    imports machine memory neighbours nesting numbers output persistence pickles regexes
}

#[test]
fn there_are_as_many_programs_as_promised_and_each_kind_has_a_control() {
    let on_disk = names(&root()).into_iter().filter(|name| !name.contains('.'));
    assert_eq!(on_disk.collect::<Vec<_>>(), FOLDERS, "every folder has its test");
    let mut hostile = 0;
    for folder in FOLDERS {
        let all = programs(folder);
        let controls = all.iter().filter(|name| is_control(name)).count();
        assert!(controls > 0, "{folder} has no control");
        hostile += all.len() - controls;
        for name in &all {
            assert_eq!(Path::new(name).extension(), Some("py".as_ref()), "{name}");
            let source = std::fs::read_to_string(root().join(name)).expect("it is readable");
            let program = Program::parse(&source).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(program.must.is_exact() || !is_control(name), "{name} demands nothing");
        }
    }
    assert!(hostile >= HOSTILE_MIN, "{hostile} programs, there should be {HOSTILE_MIN}");
}
