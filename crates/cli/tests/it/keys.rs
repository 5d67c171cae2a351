//! `mcpbox keys` beside running programs.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::{Start, binary};

use crate::client::Client;
use crate::database::Database;
use crate::secrets::put;
use crate::whole_loop::publish;

/// Runs the command; whether it succeeded, and what it said.
fn keys(database: &Database, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.arg("keys").args(arguments).arg("--data-dir").arg(database.data_dir());
    command.args(database.url().into_iter().flat_map(|url| ["--database-url", url]));
    command.env_clear().current_dir(std::env::temp_dir());
    let output = command.output().expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("text"))
}

#[test]
fn the_keys_are_replaced_while_both_doors_work_on_sqlite() {
    replaced(&Database::sqlite());
}

#[test]
fn the_keys_are_replaced_while_both_doors_work_on_postgresql() {
    replaced(&Database::postgres());
}

fn replaced(database: &Database) {
    let dir = database.data_dir();
    let start =
        |command| Start { command, data_dir: &dir, database_url: database.url(), arguments: &[] };
    let (admin, gateway) = (start("admin").run(), start("gateway").run());
    let mut model = Client::connect(&gateway.mcp, "auto");
    let api = Api::sign_in(&admin.admin);
    let code = "async def main(n: int) -> int:\n    return n\n";
    publish(&mut model, &api, "box", "echo", code);
    let servers = api.ok("GET", "/api/servers", &Value::Null);
    let server_id = servers["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/servers/{server_id}/secrets");
    for number in 0..120 {
        let key = format!("KEY_{number}");
        api.ok("POST", &path, &json!({ "key_name": key }));
        put(&api, &server_id, &key, "a value to seal");
    }
    let old = std::fs::read_to_string(dir.join("key")).expect("the key");

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                put(&api, &server_id, "KEY_7", "changed meanwhile");
            }
        });
        scope.spawn(|| {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) {
                assert_eq!(model.ok("box__echo", &json!({ "n": n }))["result"], json!(n));
                n += 1;
            }
        });
        for _ in 0..2 {
            let (well, said) = keys(database, &["rotate"]);
            assert!(well && said.contains("new master key is in use"), "{said}");
        }
        done.store(true, Ordering::Relaxed);
    });
    let (well, said) = keys(database, &["status"]);
    assert!(
        well && said.contains("generation 3") && said.contains("rotation       none"),
        "{said}"
    );
    assert!(said.contains("sealed values  120"), "{said}");
    let new = std::fs::read_to_string(dir.join("key")).expect("the key");
    assert_ne!(new, old);
    assert!(!dir.join("key.next").exists());
    put(&api, &server_id, "KEY_1", "what runs goes on with the new key");
    drop((admin, gateway));
    let program = database.serve();
    put(&Api::sign_in(&program.admin), &server_id, "KEY_2", "and so does what starts");
    drop(program);
    std::fs::write(dir.join("key"), &old).expect("written");
    let refused = start("serve").refused();
    assert!(refused.contains("is not the one that this database is used with"), "{refused}");
}

#[test]
fn a_key_of_the_environment_is_replaced_in_two_commands() {
    let database = Database::sqlite();
    let dir = database.data_dir();
    let (old, new) = ("0a".repeat(32), "0b".repeat(32));
    let serve = |key: &str| {
        let arguments = ["--encryption-key", key];
        let start =
            Start { command: "serve", data_dir: &dir, database_url: None, arguments: &arguments };
        drop(start.run());
    };
    serve(&old);
    let run = |key: &str, arguments: &[&str]| {
        keys(&database, &[arguments, &["--encryption-key", key]].concat())
    };
    let (well, said) = run(&old, &["rotate"]);
    assert!(!well && said.contains("MCPBOX_NEW_ENCRYPTION_KEY"), "{said}");
    let (well, said) = run(&"00".repeat(32), &["status"]);
    assert!(!well && said.contains("zeros"), "{said}");
    let (well, said) = run(&old, &["rotate", "--new-encryption-key", &new]);
    assert!(well && said.contains("mcpbox keys finish"), "{said}");
    let (well, said) = run(&old, &["status"]);
    assert!(well && said.contains("on its way"), "{said}");
    for key in [&old, &new] {
        serve(key);
    }
    let (well, said) = run(&old, &["finish"]);
    assert!(!well && said.contains("still the old key"), "{said}");
    let (well, said) = run(&new, &["finish"]);
    assert!(well && said.contains("new master key is in use"), "{said}");
    serve(&new);
    let (well, said) = run(&old, &["status"]);
    assert!(!well && said.contains("is not the one"), "{said}");
}
