//! What a request of a tool costs, in a network of its own: one by one beside the request itself, and many that wait.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use testkit::http::Api;
use testkit::program::{Program, Start};

use crate::client::{Connection, add, publish, request};
use crate::process::processor_time;
use crate::sample::Sample;

const CALLS: usize = 1000;

/// As many as fit the 512 calls that may run at once, and the 512 requests of one server's tools.
const WAITING: usize = 500;

/// A machine in somebody's house.
const PEER: &str = "192.168.7.1:8123";

/// How long the peer takes for `/later`.
const LATER: Duration = Duration::from_millis(500);

const ASKING: &str = "async def main(path: str) -> dict:
    response = await http.get(f'http://192.168.7.1:8123{path}')
    return response.raise_for_status().json()
";

const SILENT: &str = "async def main(path: str) -> dict:
    return json.loads('{\"sum\": 3}')
";

const ANSWER: &str = r#""structuredContent":{"sum":3}"#;

/// Runs this program again in a network of its own, and there the program with its tools.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<()> {
    if !isolated_network::is_inside() {
        let status = isolated_network::again(&["network"]).status();
        let status = status.context("`unshare` (package util-linux) has to be there")?;
        ensure!(status.success(), "the measurement in a network of its own failed");
        return Ok(());
    }
    isolated_network::set_up();
    // Both ends of all connections to the peer's stand-in are here.
    rlimit::increase_nofile_limit(4096).context("the limit of open files cannot be raised")?;
    serve()?;
    let data_dir = directory.join("data");
    // Nobody is asked: the address is none that would have to be resolved.
    let arguments = ["--log", "warn", "--dns-server", "192.168.7.53:53"];
    let start =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments };
    let program = start.run();
    let api = Api::sign_in(&program.admin);
    let server = publish(&api, "bench", "ask", ASKING);
    add(&api, &server, "keep_silent", SILENT);
    let host = json!({"host": "192.168.7.1", "port": 8123});
    api.ok("POST", &format!("/api/servers/{server}/allowed-hosts"), &host);
    one_by_one(&program)?;
    waiting(&program.mcp)
}

/// A request by a plain client, a call without a request and one with it, in turn.
fn one_by_one(program: &Program) -> anyhow::Result<()> {
    let mcp = program.mcp.as_str();
    let plain = format!("GET /now HTTP/1.1\r\nHost: {PEER}\r\nAccept: */*\r\n\r\n");
    let call = |tool| request(mcp, tool, &json!({"path": "/now"}));
    let mut kinds = [
        Kind::new("a request by a plain client", PEER, plain, r#"{"sum": 3}"#)?,
        Kind::new("a call without a request", mcp, call("bench__keep_silent"), ANSWER)?,
        Kind::new("a call with a request", mcp, call("bench__ask"), ANSWER)?,
    ];
    for _ in 0..CALLS / 4 {
        kinds.iter_mut().try_for_each(Kind::ask)?;
    }
    for kind in &mut kinds {
        kind.times.clear();
    }
    for _ in 0..CALLS {
        kinds.iter_mut().try_for_each(Kind::ask)?;
    }
    for kind in kinds.iter_mut().skip(1) {
        kind.print_processor_time(program)?;
    }
    let [direct, silent, asking] = kinds.map(Kind::median);
    let more = asking.saturating_sub(silent + direct);
    println!("      beyond the call and the request itself (p50): {} us", more.as_micros());
    Ok(())
}

/// One kind of what is compared.
struct Kind {
    what: &'static str,
    connection: Connection,
    request: String,
    expected: &'static str,
    times: Vec<Duration>,
}

impl Kind {
    fn new(
        what: &'static str,
        address: &str,
        request: String,
        expected: &'static str,
    ) -> anyhow::Result<Self> {
        let connection = Connection::open(address)?;
        Ok(Self { what, connection, request, expected, times: Vec::new() })
    }

    fn ask(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        let body = self.connection.ask(&self.request)?;
        self.times.push(began.elapsed());
        ensure!(body.contains(self.expected), "unexpected answer: {body}");
        Ok(())
    }

    /// The time that processors spend on it, which other programs beside it change least.
    fn print_processor_time(&mut self, program: &Program) -> anyhow::Result<()> {
        let calls = CALLS;
        let before = processor_time(program);
        let times = std::mem::take(&mut self.times);
        for _ in 0..calls {
            self.ask()?;
        }
        self.times = times;
        let after = processor_time(program);
        println!(
            "{:<58} server {:>7} us   workers {:>5} us of processors",
            self.what,
            after.0.saturating_sub(before.0).as_micros() / calls as u128,
            after.1.saturating_sub(before.1).as_micros() / calls as u128,
        );
        Ok(())
    }

    fn median(self) -> Duration {
        let elapsed = self.times.iter().sum();
        let sample = Sample::new(self.times, elapsed);
        sample.print(self.what);
        sample.quantile(0.5)
    }
}

/// Many calls at once that each wait for the peer: first on connections that are new to all.
fn waiting(mcp: &str) -> anyhow::Result<()> {
    for round in ["first", "again"] {
        let together = Arc::new(Barrier::new(WAITING + 1));
        let clients: Vec<_> = (0..WAITING)
            .map(|_| {
                let (mcp, together) = (mcp.to_owned(), Arc::clone(&together));
                std::thread::spawn(move || -> anyhow::Result<Duration> {
                    let connection = Connection::open(&mcp);
                    let request = request(&mcp, "bench__ask", &json!({"path": "/later"}));
                    together.wait();
                    let began = Instant::now();
                    let body = connection?.ask(&request)?;
                    ensure!(body.contains(ANSWER), "unexpected answer: {body}");
                    Ok(began.elapsed())
                })
            })
            .collect();
        together.wait();
        let began = Instant::now();
        let mut times = Vec::new();
        for client in clients {
            let Ok(took) = client.join() else { anyhow::bail!("a client panicked") };
            times.push(took?);
        }
        let elapsed = began.elapsed();
        let what = format!("{WAITING} calls that wait 0.5 s for the network, {round}");
        Sample::new(times, elapsed).print(&what);
        println!("      together {} ms", elapsed.as_millis());
    }
    Ok(())
}

/// Answers every request at [`PEER`] until the program ends: `/now` at once, `/later` later.
fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind(PEER).context("the peer's address")?;
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(&stream));
        }
    });
    Ok(())
}

fn answer(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut later = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line.starts_with("GET ") {
            later = line.starts_with("GET /later ");
        }
        if line.is_empty() {
            if later {
                std::thread::sleep(LATER);
            }
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10";
            stream.write_all(format!("{head}\r\n\r\n{{\"sum\": 3}}").as_bytes())?;
        }
    }
    Ok(())
}
