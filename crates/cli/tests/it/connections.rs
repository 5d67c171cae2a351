//! Clients that open connections and send little or nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use crate::database::Database;
use testkit::http::send;
use testkit::program::{Program, Start};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;

const FOR_MCP: [(&str, &str); 2] =
    [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

#[test]
fn idle_connections_to_one_door_leave_the_other_open_and_their_own_when_they_end() {
    let database = Database::sqlite();
    let program = serve_with_few_files(&database);
    let idle: Vec<_> = (0..200).map(|_| connect(&program.mcp)).collect();
    let health = send(&program.admin, "GET", "/health", &[], "");
    assert_eq!(health.status, 200, "{health:?}");
    assert_eq!(health.json()["status"], "healthy", "database and workers still answer");
    drop(idle);
    let answer = send(&program.mcp, "POST", "/mcp", &FOR_MCP, INITIALIZE);
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_head_that_stays_unfinished_is_cut_and_a_whole_one_is_answered() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut slow = connect(&program.mcp);
    slow.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n").expect("sent");
    let mut whole = connect(&program.mcp);
    whole.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("sent");
    assert!(until_closed(&mut whole).starts_with("HTTP/1.1 200 "));
    assert!(!until_closed(&mut slow).starts_with("HTTP/1.1 200 "));
}

#[test]
fn a_body_that_stays_unfinished_ends_with_408_at_both_doors() {
    let database = Database::sqlite();
    let program = database.serve();
    let doors = [(&program.mcp, "/mcp"), (&program.admin, "/auth/login")];
    let halves = doors.map(|(door, path)| {
        let mut half = connect(door);
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: 100\r\n\r\n{{"
        );
        half.write_all(head.as_bytes()).expect("sent");
        half
    });
    for mut half in halves {
        let answer = until_closed(&mut half);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    assert_eq!(send(&program.mcp, "POST", "/mcp", &FOR_MCP, INITIALIZE).status, 200);
}

#[test]
fn a_signal_to_end_does_not_wait_for_idle_connections() {
    let database = Database::sqlite();
    let program = database.serve();
    let mut idle = connect(&program.mcp);
    let mut kept_open = connect(&program.admin);
    kept_open.write_all(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").expect("sent");
    let mut first = [0];
    kept_open.read_exact(&mut first).expect("an answer");
    assert!(program.terminate().success());
    assert_eq!(until_closed(&mut idle), "");
}

/// `mcpbox serve` that may have 256 files open, and cannot raise that.
fn serve_with_few_files(database: &Database) -> Program {
    let data_dir = database.data_dir();
    let start = Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &[] };
    let program = start.command();
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"ulimit -n 256; exec "$@""#, "sh"]);
    limited.arg(program.get_program()).args(program.get_args());
    limited.env_remove("MCPBOX_DATABASE_URL");
    limited.current_dir(program.get_current_dir().expect("a directory"));
    start.run_as(limited)
}

fn connect(door: &str) -> TcpStream {
    let address = door.trim_start_matches("http://").trim_end_matches("/mcp");
    let stream = TcpStream::connect(address).expect("the door listens");
    stream.set_read_timeout(Some(Duration::from_mins(2))).expect("a timeout");
    stream
}

/// What the server sends until it closes the connection; a connection left open is an error.
fn until_closed(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the server closes the connection");
    text
}
