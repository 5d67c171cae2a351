//! `mcpbox doctor`: what is well, and what is not.

use std::process::{Command, Output};

use testkit::program::binary;

use crate::database::Database;

fn doctor(database: &Database, more: &[&str]) -> (bool, String) {
    let dir = database.data_dir();
    let mut arguments = vec!["--data-dir", dir.to_str().expect("a path in ASCII")];
    arguments.extend(database.url().into_iter().flat_map(|url| ["--database-url", url]));
    arguments.extend(more);
    run(&arguments)
}

fn run(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.arg("doctor").args(arguments).env_clear().current_dir(std::env::temp_dir());
    let Output { status, stdout, .. } = command.output().expect("the program runs");
    (status.success(), String::from_utf8(stdout).expect("text"))
}

/// Listeners on ports that nobody has, and an index that nobody needs.
const FREE: [&str; 6] = [
    "--admin-listen",
    "127.0.0.1:0",
    "--mcp-listen",
    "127.0.0.1:0",
    "--package-index",
    "http://127.0.0.1:1/simple/",
];

#[test]
fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let database = Database::sqlite();
    let (well, text) = doctor(&database, &FREE);
    assert!(well, "{text}");
    assert!(text.contains("the first start makes it"), "{text}");
    assert!(text.contains("ok     sandbox"), "{text}");
    assert!(text.contains("note   package index") && text.contains("127.0.0.1:1"), "{text}");
    assert!(!database.data_dir().join("mcpbox.db").exists());
    assert!(!database.data_dir().join("key").exists());
}

#[test]
fn beside_a_running_program_every_part_is_well() {
    for database in [Database::sqlite(), Database::postgres()] {
        let program = database.serve();
        let (well, text) = doctor(&database, &FREE);
        assert!(well, "{text}");
        for part in ["data directory", "database", "key", "sandbox", "admin listener"] {
            assert!(text.contains(&format!("ok     {part}")), "{part}: {text}");
        }
        assert!(text.contains("held by `mcpbox serve` at 127.0.0.1:"), "{text}");
        drop(program);
    }
}

#[test]
fn what_is_wrong_is_named_with_what_to_do() {
    let database = Database::sqlite();
    drop(database.serve());
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let (well, text) =
        doctor(&database, &["--admin-listen", &address, FREE[2], FREE[3], FREE[4], FREE[5]]);
    assert!(!well && text.contains("free it or choose another"), "{text}");

    let nowhere = ["--data-dir", "/proc/nowhere/data"];
    let (well, text) = run(&[&nowhere[..], &FREE].concat());
    assert!(!well && text.contains("wrong  data directory"), "{text}");
    let unreachable = ["--database-url", "postgres://nobody@127.0.0.1:1/nothing"];
    let (well, text) = run(&[&unreachable[..], &FREE].concat());
    assert!(!well && text.contains("wrong  database") && text.contains("refused"), "{text}");

    let mut more = FREE.to_vec();
    more[5] = "ftp://pypi.example/simple/";
    let (well, text) = doctor(&database, &more);
    assert!(!well && text.contains("wrong  package index"), "{text}");

    let other_key = "ab".repeat(32);
    let mut more = FREE.to_vec();
    more.extend(["--encryption-key", &other_key]);
    let (well, text) = doctor(&database, &more);
    assert!(!well && text.contains("wrong  key"), "{text}");

    std::fs::write(database.data_dir().join("mcpbox.db"), "no database").expect("written");
    let (well, text) = doctor(&database, &FREE);
    assert!(!well && text.contains("wrong  database"), "{text}");
}
