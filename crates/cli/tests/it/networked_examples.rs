//! The example tools that make requests, from writing them to calling them, against stand-ins for their services.

use std::path::{Path, PathBuf};

use isolated_network::{Dns, run};
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::Start;

use crate::client::Client;
use crate::database::Database;
use crate::services::Services;

const NAME_SERVER: &str = "192.168.7.53:53";

/// Where the services of the internet are, and the one in the house.
const PUBLIC: &str = "93.184.216.34";
const HOUSE: &str = "192.168.7.20";

/// The services' names; the one in the house also has its address.
const NAMES: [&str; 7] = [
    "api.frankfurter.dev",
    "api.github.com",
    "api.open-meteo.com",
    "daily.example.com",
    "geocoding-api.open-meteo.com",
    "project.example.org",
    "homeassistant.local",
];

const EXAMPLES: [&str; 5] = [
    "convert_at_daily_rate",
    "latest_news",
    "repository_issues",
    "switch_lights",
    "weather_forecast",
];

#[test]
fn money_is_converted_at_the_rate_of_a_day() {
    run(async || whole_way("convert_at_daily_rate").await);
}

#[test]
fn feeds_are_fetched_and_merged() {
    run(async || whole_way("latest_news").await);
}

#[test]
fn the_issues_of_a_repository_are_listed_over_all_pages() {
    run(async || whole_way("repository_issues").await);
}

#[test]
fn lights_in_the_house_are_switched() {
    run(async || whole_way("switch_lights").await);
}

#[test]
fn the_weather_of_a_city_is_forecast() {
    run(async || whole_way("weather_forecast").await);
}

#[test]
fn each_of_them_is_tested_here_and_in_the_index_with_its_hosts() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder of the examples")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, EXAMPLES);
    let index = std::fs::read_to_string(folder().join("../README.md")).expect("the index");
    for name in EXAMPLES {
        let link = format!("[{name}](network/{name}.py)");
        let row = index.lines().find(|line| line.contains(&link));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the index"));
        for host in hosts(&example(name).1) {
            assert!(row.contains(&format!("`{host}`")), "{name}: {host} is not in its row");
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/network")
}

/// The source of an example, and what is beside it: hosts, calls, failures.
fn example(name: &str) -> (String, Value) {
    let path = folder().join(format!("{name}.py"));
    let source = std::fs::read_to_string(&path).expect("a source");
    let beside = std::fs::read_to_string(path.with_extension("json")).expect("its calls");
    (source, serde_json::from_str(&beside).expect("JSON"))
}

/// The hosts that an example needs.
fn hosts(beside: &Value) -> Vec<&str> {
    let hosts = beside["hosts"].as_array().expect("a list").iter();
    hosts.map(|host| host.as_str().expect("a text")).collect()
}

/// From writing an example to calling it in every way that is beside it.
async fn whole_way(name: &'static str) {
    let dns = Dns::start(NAME_SERVER.parse().expect("an address")).await;
    for name in NAMES {
        dns.answer(name, &[if name == "homeassistant.local" { HOUSE } else { PUBLIC }]);
    }
    tokio::task::spawn_blocking(move || published(name)).await.expect("it passes");
}

fn published(name: &str) {
    let database = Database::sqlite();
    let authority = tempfile::NamedTempFile::new().expect("a file");
    let mut services = Services::start(authority.path(), &NAMES);
    let file = authority.path().to_str().expect("a text");
    let arguments = ["--log", "warn", "--dns-server", NAME_SERVER, "--ca-file", file];
    let start = Start {
        command: "serve",
        data_dir: &database.data_dir(),
        database_url: None,
        arguments: &arguments,
    };
    let program = start.run();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);

    let (source, beside) = example(name);
    let server = model.ok("mcpbox_create_server", &json!({"name": "outside"}));
    let new = json!({"server_id": server["id"], "name": name, "python_code": source});
    let made = model.ok("mcpbox_create_tool", &new);
    let id = made["id"].as_str().expect("an id");
    let first = &beside["calls"][0];
    let test = json!({"tool_id": id, "arguments": first["arguments"]});
    let approved = hosts(&beside);

    // Before anybody approved a host, the text says how to ask for one.
    let refused = model.call("mcpbox_test_code", &test).to_string();
    assert!(refused.contains("mcpbox_request_network_access"), "{name}: {refused}");
    assert!(
        approved.iter().any(|host| refused.contains(host_alone(host))),
        "{name} is told which host: {refused}"
    );
    services.check(name);
    for host in &approved {
        let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>().expect("a port"));
        let wish = json!({"tool_id": id, "host": host_alone(host), "port": port, "justification": "its service"});
        let asked = model.ok("mcpbox_request_network_access", &wish);
        let request = asked["request_id"].as_str().expect("an id");
        let path = format!("/api/approvals/network/{request}/action");
        api.ok("POST", &path, &json!({"action": "approve"}));
    }

    services.expect(&first["exchanges"]);
    let tested = model.ok("mcpbox_test_code", &test);
    assert_eq!(tested["result"], first["result"], "{name}: {tested}");
    services.check(name);
    model.ok("mcpbox_request_publish", &json!({"tool_id": id}));
    api.approve(id);
    called(name, &beside, &mut model, &mut services);
}

fn host_alone(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(host, _port)| host)
}

fn called(name: &str, beside: &Value, model: &mut Client, services: &mut Services) {
    let tool = format!("outside__{name}");
    let listed = model.tool(&tool);
    let parameters = listed["inputSchema"]["properties"].as_object().expect("an object");
    let told = parameters.values().all(|parameter| parameter["description"].is_string());
    assert!(told, "{name} describes its parameters: {listed}");
    for call in beside["calls"].as_array().expect("a list") {
        let shown = format!("{name} of {}", call["arguments"]);
        services.expect(&call["exchanges"]);
        let answer = model.ok(&tool, &call["arguments"]);
        let plain = if call["result"].is_object() { &answer } else { &answer["result"] };
        assert_eq!(plain, &call["result"], "{shown}");
        services.check(&shown);
    }
    for call in beside["failures"].as_array().expect("a list") {
        let shown = format!("{name} of {}", call["arguments"]);
        services.expect(&call["exchanges"]);
        let text = model.fails(&tool, &call["arguments"]);
        let message = call["message"].as_str().expect("a text");
        assert!(text.contains(message), "{shown}: {text}\nis not {message}");
        services.check(&shown);
    }
}
