//! The pages of external sources: as forms without JavaScript, and in a real browser.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testkit::peer::Node;
use testkit::program::ACCOUNT;

use super::World;
use crate::client::{python, script};
use crate::pages::Browser;

/// Lets a person do in a browser what a script says.
fn drive(name: &str, world: &World, arguments: &[&str]) {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
    std::fs::create_dir_all(&pictures).expect("a folder for the pictures");
    let mut browser = Command::new(python());
    browser.arg(script(name)).arg(pictures).args([ACCOUNT.0, ACCOUNT.1]).args(arguments);
    let output = browser.output().expect("the browser's driver starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "at {}: {said}", world.program.admin);
}

#[test]
fn a_person_decides_by_plain_forms() {
    let mut world = World::new();
    let browser = Browser::sign_in(&world.program.admin);
    let source = world.asked();
    let id = source["source_id"].as_str().expect("an id").to_owned();
    let waiting = browser.get("/approvals");
    let host = format!("127.0.0.1:{}", world.peer.port);
    assert!(waiting.body.contains(&host) && waiting.body.contains("/grant\""), "{waiting:?}");
    assert!(browser.get("/").body.contains("1 external source<"));
    assert!(browser.get("/approvals/count").body.contains('1'));
    let page = format!("/sources/{id}");
    let silent = browser.post(&format!("{page}/reject"), "reason=");
    assert!(silent.status == 422 && silent.body.contains("say why"), "{silent:?}");
    let refused = browser.post(&format!("{page}/reject"), "reason=no+need");
    assert_eq!(refused.status, 303, "{refused:?}");
    assert!(browser.get(&page).body.contains("no need"));
    let early = browser.post(&format!("{page}/discover"), "");
    assert!(early.status == 409 && early.body.contains("a person refused it"), "{early:?}");
    let moved = browser.post(&format!("{page}/grant"), "host=elsewhere.example%3A443");
    assert!(moved.status == 409 && moved.body.contains("look at it again"), "{moved:?}");
    let shown = format!("host={}", host.replace(':', "%3A"));
    assert!(waiting.body.contains(&format!("name=\"host\" value=\"{host}\"")), "{waiting:?}");
    assert_eq!(browser.post(&format!("{page}/grant"), &shown).status, 303);
    assert_eq!(browser.post(&format!("{page}/discover"), "").status, 303);
    assert!(!browser.get("/approvals").body.contains(&host), "nothing waits");
    let health = browser.post(&format!("{page}/health"), "");
    assert!(health.body.contains("It answers"), "{health:?}");
    let imported = browser.post(&format!("{page}/import"), "tool=add&tool=nothing");
    assert!(imported.body.contains("1 tool was imported"), "{imported:?}");
    assert!(imported.body.contains("the source did not list it"), "{imported:?}");
    let wrong = browser.post(&format!("{page}/delete"), "name=other");
    assert!(wrong.status == 422 && wrong.body.contains("to delete it"), "{wrong:?}");
    assert_eq!(browser.post(&format!("{page}/delete"), "name=Peer").status, 303);
    assert_eq!(browser.get(&page).status, 404);
}

#[test]
fn the_form_adds_what_a_person_wrote_and_says_what_is_wrong() {
    let world = World::new();
    let browser = Browser::sign_in(&world.program.admin);
    let add = format!("/servers/{}/sources/add", world.server_id);
    assert!(browser.get(&add).body.contains("name=\"transport\""));
    let wrong = browser.post(&add, "name=Mine&transport=sse&url=nowhere&auth_type=none");
    assert!(wrong.status == 422 && wrong.body.contains("value=\"nowhere\""), "{wrong:?}");
    let oauth = "name=Mine&transport=streamable_http&url=https%3A%2F%2Fmcp.example%2Fmcp\
                 &auth_type=oauth&client_id=abc&scopes=a+b&secret=left&env=";
    let made = browser.post(&add, oauth);
    assert_eq!(made.status, 303, "{made:?}");
    let sources = world.api.ok("GET", "/api/external-sources", &Value::Null);
    let source = &sources["items"][0];
    assert_eq!(
        (&source["status"], &source["auth_secret_name"]),
        (&json!("needs_login"), &Value::Null)
    );
    assert_eq!(source["oauth"]["scopes"], json!(["a", "b"]), "{source}");
    let page = format!("/sources/{}", source["id"].as_str().expect("an id"));
    assert!(browser.get(&page).body.contains("/oauth/connect\""));
    let shown = browser.get(&format!("{page}/edit"));
    assert!(
        shown.body.contains("value=\"abc\"") && shown.body.contains("value=\"a b\""),
        "{shown:?}"
    );
    let changed = browser.post(
        &format!("{page}/edit"),
        "name=Other&transport=streamable_http&url=https%3A%2F%2Fmcp.example%2Fmcp&auth_type=none",
    );
    assert_eq!(changed.status, 303, "{changed:?}");
    assert!(browser.get(&page).body.contains("Other"));
    let back = browser.get("/oauth/callback?state=made-up&code=c");
    assert!((400..500).contains(&back.status) && back.body.contains("Not connected"), "{back:?}");
}

#[test]
fn a_person_allows_chooses_and_approves_in_a_browser() {
    let mut world = World::new();
    world.asked();
    drive("sources_browser.py", &world, &[&world.program.admin]);
    let answer = world.model.ok("sums__peer_add", &json!({"a": 2, "b": 3}));
    assert_eq!(answer["result"], 5, "{answer}");
}

#[test]
fn a_person_logs_in_for_a_source_in_a_browser() {
    let world = World::new();
    let server = Node::authorization(3600);
    let port = |index: usize| server.ports.get(index).expect("a port").to_string();
    // Under another name than that of the authorization server: the way back is from another site.
    let admin = world.program.admin.replace("127.0.0.1", "localhost");
    drive("sources_login.py", &world, &[&admin, &port(1), &port(0)]);
    let sources = world.api.ok("GET", "/api/external-sources", &Value::Null);
    let source = &sources["items"][0];
    assert_eq!((&source["status"], &source["oauth_tokens"]), (&json!("needs_login"), &Value::Null));
}
