//! A call through `/mcp` by plain HTTP clients that keep their connections open.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde_json::json;
use testkit::http::Api;
use testkit::program::Start;

use crate::client::{Connection, publish, request};
use crate::process::memory_kib;
use crate::sample::{ADD, Sample};

const CALLS: usize = 2000;

/// Starts the program twice, publishes a tool and calls it over 1 and 32 connections.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<()> {
    let data_dir = directory.join("data");
    let arguments = ["--log", "warn"];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let began = Instant::now();
    drop(start.run());
    println!("first start until ready: {} ms", began.elapsed().as_millis());
    let began = Instant::now();
    let program = start.run();
    println!("later start until ready: {} ms", began.elapsed().as_millis());
    std::thread::sleep(Duration::from_secs(1));
    let (own, workers) = memory_kib(&program);
    println!("idle memory (PSS): server {} MiB, workers {} MiB", own / 1024, workers / 1024);

    publish(&Api::sign_in(&program.admin), "bench", "add", &ADD.source(true));
    calls(&program.mcp, CALLS / 4)?;
    for connections in [1, 32] {
        let each = CALLS / connections;
        let began = Instant::now();
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                let address = program.mcp.clone();
                std::thread::spawn(move || calls(&address, each))
            })
            .collect();
        let mut times = Vec::new();
        for client in clients {
            let Ok(done) = client.join() else { anyhow::bail!("a client panicked") };
            times.extend(done?);
        }
        let what = format!("tools/call through /mcp, {connections} connection(s), each logged");
        Sample::new(times, began.elapsed()).print(&what);
    }
    let (own, workers) = memory_kib(&program);
    println!(
        "memory after the calls (PSS): server {} MiB, workers {} MiB",
        own / 1024,
        workers / 1024
    );
    Ok(())
}

/// Calls the tool over one connection, one call after the other.
fn calls(address: &str, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(address)?;
    let request = request(address, "bench__add", &json!({"a": 1, "b": 2}));
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        let body = connection.ask(&request)?;
        times.push(began.elapsed());
        ensure!(body.contains(r#""structuredContent":{"sum":3}"#), "unexpected answer: {body}");
    }
    Ok(times)
}
