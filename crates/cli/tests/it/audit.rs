//! `mcpbox audit`: the log is walked and exported while a server runs, and what was altered is found.

use std::process::{Command, Output};

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::binary;

use crate::client::{Client, python};
use crate::database::Database;

/// `mcpbox audit …` on the state of `database`.
fn audit(database: &Database, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(["audit", "--data-dir"]).arg(database.data_dir());
    if let Some(url) = database.url() {
        command.args(["--database-url", url]);
    }
    command.args(arguments).output().expect("the command runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Runs a statement in the database, as somebody else would.
fn alter(database: &Database, statement: &str) {
    if database.url().is_some() {
        return database.execute(statement);
    }
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=30) as database:\n    database.execute(sys.argv[2])\n";
    let file = database.data_dir().join("mcpbox.db");
    let done = Command::new(python()).args(["-c", script]).arg(file).arg(statement).status();
    assert!(done.expect("Python runs").success(), "{statement}");
}

#[test]
fn the_log_is_walked_and_exported_and_alterations_are_found_on_sqlite() {
    whole_and_altered(&Database::sqlite());
}

#[test]
fn the_log_is_walked_and_exported_and_alterations_are_found_on_postgresql() {
    whole_and_altered(&Database::postgres());
}

fn whole_and_altered(database: &Database) {
    let program = database.serve();
    let api = Api::sign_in(&program.admin);
    let mut model = Client::connect(&program.mcp, "auto");
    model.ok("mcpbox_list_servers", &json!({}));
    let made = api.ok("POST", "/api/tokens", &json!({"name": "phone", "scopes": ["call"]}));
    let id = made["id"].as_str().expect("an id");
    api.ok("DELETE", &format!("/api/tokens/{id}"), &Value::Null);
    api.ok("PATCH", "/api/settings/security-policy", &json!({"log_retention_days": 3}));

    let listed = api.ok("GET", "/api/audit?page_size=2", &Value::Null);
    assert_eq!((&listed["total"], &listed["pages"]), (&json!(5), &json!(3)), "{listed}");
    assert_eq!(listed["items"][0]["action"], "setting.changed");
    assert_eq!(listed["items"][0]["address"], "127.0.0.1");
    assert_eq!(listed["items"][0]["detail"], json!({"old": "30", "new": "3"}));
    let of_token = api.ok("GET", &format!("/api/audit?subject_id={id}"), &Value::Null);
    assert_eq!(of_token["total"], 2, "{of_token}");
    for (query, status) in
        [("actor=nobody", 200), ("action=%00", 200), ("subject_id=x", 422), ("page=0", 422)]
    {
        let answer = api.send("GET", &format!("/api/audit?{query}"), &Value::Null);
        assert_eq!(answer.status, status, "{query}: {answer:?}");
    }

    let whole = audit(database, &["verify"]);
    let said = text(&whole.stdout);
    assert!(whole.status.success() && said.starts_with("5 rows"), "{whole:?}");
    let hash = said.split_whitespace().last().expect("a hash").to_owned();
    assert_eq!(listed["items"][0]["hash"], hash.as_str());
    let exported = audit(database, &["export"]);
    let lines: Vec<Value> = text(&exported.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON on each line"))
        .collect();
    let numbers = lines.iter().map(|line| line["number"].as_i64().expect("a number"));
    assert!(numbers.eq(1..=5), "{lines:?}");
    assert_eq!(lines[4]["hash"], hash.as_str());

    alter(database, "UPDATE audit SET subject = 'another' WHERE number = 3");
    let broken = audit(database, &["verify"]);
    assert_eq!(broken.status.code(), Some(1), "{broken:?}");
    assert!(text(&broken.stderr).contains("row 3 has another hash"), "{broken:?}");
    alter(database, "UPDATE audit SET subject = 'phone' WHERE number = 3");
    assert!(audit(database, &["verify", "--expect", &hash]).status.success());

    alter(database, "DELETE FROM audit WHERE number = 5");
    assert!(audit(database, &["verify"]).status.success(), "what is left is a chain");
    let cut = audit(database, &["verify", "--expect", &hash]);
    assert_eq!(cut.status.code(), Some(1), "{cut:?}");
    assert!(text(&cut.stderr).contains("removed from the end"), "{cut:?}");
    let wrong = audit(database, &["verify", "--expect", "xyz"]);
    assert!(!wrong.status.success() && text(&wrong.stderr).contains("64 hexadecimal"), "{wrong:?}");
}
