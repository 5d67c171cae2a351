//! The lists of `/mcp`, what the door itself costs, and how soon clients hear of a change.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use app::{App, Location, Page};
use serde_json::json;
use testkit::http::Api;
use testkit::program::{Program, Start};

use crate::client::{Connection, add, publish, request, rpc, session_stream};
use crate::sample::{ADD, Sample};

const ASKED: usize = 2000;
const TOOLS: usize = 2000;
const LISTED: usize = 200;
const CHANGES: usize = 20;
/// How the name of each of them begins where it is listed.
const LISTED_NAME: &str = "\"name\":\"many__tool_";

/// Starts the program, measures the door with nothing behind it, then with 2,000 tools.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<()> {
    let data_dir = directory.join("lists");
    let arguments = ["--log", "warn"];
    let program =
        Start { command: "serve", data_dir: &data_dir, database_url: None, arguments: &arguments }
            .run();
    nothing(&program, &data_dir)?;
    let api = Api::sign_in(&program.admin);
    let server = publish(&api, "many", "tool_0000", &ADD.source(true));
    changes(&program, &api, &server)?;
    let began = Instant::now();
    for number in 1..TOOLS {
        add(&api, &server, &format!("tool_{number:04}"), &ADD.source(true));
    }
    println!("{TOOLS} tools made and approved: {} s", began.elapsed().as_secs());
    lists(&program, &api, &server)
}

/// A management tool that has nothing to do, beside a method that does nothing at all.
fn nothing(program: &Program, data_dir: &Path) -> anyhow::Result<()> {
    let call = request(&program.mcp, "mcpbox_list_servers", &json!({}));
    timed(program, &call, "\"total\":0", "tools/call of mcpbox_list_servers, no server")?;
    verb(data_dir)?;
    let discover = rpc(&program.mcp, "server/discover", &json!({}));
    timed(program, &discover, "supportedVersions", "server/discover")
}

/// What that tool does, called within this process: what it takes less is what the door adds.
fn verb(data_dir: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (times, elapsed) = runtime.block_on(async {
        let app = App::open_without_sandbox(&Location::Sqlite(data_dir.join("mcpbox.db"))).await?;
        let page = Page { number: 1, size: 50 };
        let mut times = Vec::with_capacity(ASKED);
        let began = Instant::now();
        for _ in 0..ASKED {
            let asked = Instant::now();
            let listed = tokio::spawn({
                let app = app.clone();
                async move { app::servers::list(&app, page).await }
            });
            ensure!(listed.await??.total == 0, "there are servers");
            times.push(asked.elapsed());
        }
        Ok((times, began.elapsed()))
    })?;
    Sample::new(times, elapsed).print("what that tool does, without the door");
    Ok(())
}

fn timed(program: &Program, request: &str, expected: &str, what: &str) -> anyhow::Result<()> {
    let mut connection = Connection::open(&program.mcp)?;
    let mut times = Vec::with_capacity(ASKED);
    let began = Instant::now();
    for _ in 0..ASKED {
        let asked = Instant::now();
        let body = connection.ask(request)?;
        times.push(asked.elapsed());
        ensure!(body.contains(expected), "unexpected answer: {body}");
    }
    Sample::new(times, began.elapsed()).print(what);
    Ok(())
}

/// All pages of the list: read anew after a change, and as it was kept.
fn lists(program: &Program, api: &Api, server: &str) -> anyhow::Result<()> {
    let mut connection = Connection::open(&program.mcp)?;
    let (mut anew, mut kept) = (Vec::new(), Vec::new());
    let began = Instant::now();
    for number in 0..LISTED {
        if number % 10 == 0 {
            let description = json!({ "description": format!("changed {number} times") });
            api.ok("PATCH", &format!("/api/servers/{server}"), &description);
        }
        let asked = Instant::now();
        let listed = every_page(program, &mut connection)?;
        let times = if number % 10 == 0 { &mut anew } else { &mut kept };
        times.push(asked.elapsed());
        ensure!(listed >= TOOLS, "{listed} tools listed");
    }
    Sample::new(anew, began.elapsed())
        .print("tools/list of 2,000 tools, all pages, after a change");
    Sample::new(kept, began.elapsed()).print("tools/list of 2,000 tools, all pages, unchanged");
    let first = rpc(&program.mcp, "tools/list", &json!({}));
    timed(program, &first, "nextCursor", "tools/list, the first page of them")
}

fn every_page(program: &Program, connection: &mut Connection) -> anyhow::Result<usize> {
    let mut listed = 0;
    let mut params = json!({});
    loop {
        let body = connection.ask(&rpc(&program.mcp, "tools/list", &params))?;
        // Not read as JSON: that takes longer than the answer does.
        listed += body.matches(LISTED_NAME).count();
        let Some((_, rest)) = body.split_once("\"nextCursor\":\"") else { return Ok(listed) };
        let cursor = rest.split('"').next().context("the cursor's end")?;
        params = json!({ "cursor": cursor });
    }
}

/// How soon clients hear of a change: by a request that listens, and on the stream of a session.
fn changes(program: &Program, api: &Api, server: &str) -> anyhow::Result<()> {
    let filter = json!({ "notifications": { "toolsListChanged": true } });
    let mut stream = Connection::open(&program.mcp)?;
    stream.listen(&rpc(&program.mcp, "subscriptions/listen", &filter))?;
    stream.wait_for("notifications/subscriptions/acknowledged")?;
    let add_one = |name: &str| add(api, server, name, &ADD.source(true));
    heard(stream, "heard_alone", "subscriptions/listen", add_one)?;
    let stream = session_stream(&program.mcp)?;
    heard(stream, "heard_in_session", "a session's GET stream", add_one)
}

/// From the approval's answer until the notification is read.
fn heard(
    mut stream: Connection,
    name: &str,
    on: &str,
    add_one: impl Fn(&str),
) -> anyhow::Result<()> {
    let mut times = Vec::with_capacity(CHANGES);
    let began = Instant::now();
    for number in 0..CHANGES {
        add_one(&format!("{name}_{number:02}"));
        let approved = Instant::now();
        stream.wait_for("notifications/tools/list_changed")?;
        times.push(approved.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    Sample::new(times, began.elapsed()).print(&format!("from an approval to list_changed, {on}"));
    Ok(())
}
