//! Requests of tools: to what a person allowed, each in the log, and nowhere else.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use isolated_network::{Dns, run};
use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::Start;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

/// Addresses of the internet and of somebody's own network.
const PUBLIC: &str = "93.184.216.34";
const LAN: &str = "192.168.7.1";
const NAME_SERVER: &str = "192.168.7.53:53";

const CODE: &str = "# mcpbox: hosts=*
import httpx

async def main(url: str, follow: bool = False) -> str:
    response = await http.get(url, follow_redirects=follow, headers={'X-Key': 'hidden-header'})
    return response.raise_for_status().text
";

#[test]
fn a_tool_reaches_what_a_person_allowed_and_nothing_else() {
    run(async || {
        let dns = Dns::start(NAME_SERVER.parse().expect("an address")).await;
        dns.answer("api.example.com", &[PUBLIC]);
        dns.answer("nas.example.com", &[LAN]);
        dns.answer("rebound.example.com", &["127.0.0.1"]);
        serve(&format!("{PUBLIC}:80"), "200 OK", "", "from the internet");
        serve(&format!("{LAN}:8123"), "200 OK", "", "from the house");
        serve("127.0.0.1:8124", "200 OK", "", "from this machine");
        serve(&format!("{PUBLIC}:81"), "302 Found", "Location: http://127.0.0.1:8124/\r\n", "");
        tokio::task::spawn_blocking(guarded).await.expect("it passes");
    });
}

fn guarded() {
    let database = Database::sqlite();
    let arguments = ["--log", "warn", "--dns-server", NAME_SERVER];
    let start = Start {
        command: "serve",
        data_dir: &database.data_dir(),
        database_url: None,
        arguments: &arguments,
    };
    let program = start.run();
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = publish(&mut model, &api, "weather", "get", CODE);
    let server_id = api.ok("GET", "/api/servers", &Value::Null)["items"][0]["id"].clone();
    let server = format!("/api/servers/{}", server_id.as_str().expect("an id"));
    let hosts = format!("{server}/allowed-hosts");
    let ask = |url: &str| json!({"url": url});

    let api_url = "http://api.example.com/now?key=hidden-value&city=Lund";
    let refused = model.fails("weather__get", &ask(api_url));
    assert!(refused.contains("mcpbox_request_network_access"), "{refused}");
    assert!(refused.contains("api.example.com"), "{refused}");
    let wish = json!({"tool_id": tool_id, "host": "api.example.com", "justification": "weather"});
    let asked = model.ok("mcpbox_request_network_access", &wish);
    let path =
        format!("/api/approvals/network/{}/action", asked["request_id"].as_str().expect("an id"));
    api.ok("POST", &path, &json!({"action": "approve"}));
    let result = model.ok("weather__get", &ask(api_url));
    assert_eq!(result, json!({"result": "from the internet"}));

    // What resolves into the house is reached once a person allows its name.
    let house = ask("http://nas.example.com:8123/");
    model.fails("weather__get", &house);
    api.ok("POST", &hosts, &json!({"host": "nas.example.com", "port": 8123}));
    assert_eq!(model.ok("weather__get", &house), json!({"result": "from the house"}));

    // This machine is not, whatever is allowed: by a name, by a redirect, by its address.
    api.ok("POST", &hosts, &json!({"host": "rebound.example.com"}));
    for (url, follow) in
        [("http://rebound.example.com:8124/", false), ("http://api.example.com:81/", true)]
    {
        let refused = model.fails("weather__get", &json!({"url": url, "follow": follow}));
        assert!(refused.contains("no approval can allow"), "{url}: {refused}");
        assert!(!refused.contains("from this machine"), "{refused}");
    }
    let never = api.send("POST", &hosts, &json!({"host": "127.0.0.1"}));
    assert_eq!(never.status, 422, "{never:?}");

    told(&api, &server);
    api.ok("DELETE", &format!("{hosts}/api.example.com"), &Value::Null);
    let refused = model.fails("weather__get", &ask(api_url));
    assert!(refused.contains("mcpbox_request_network_access"), "{refused}");
}

/// The log has every request, the server every refusal, and neither a value.
fn told(api: &Api, server: &str) {
    let log = api.ok("GET", "/api/execution-logs?success=true", &Value::Null);
    assert!(!log.to_string().contains("hidden-header"), "{log}");
    let sent: Vec<&Value> =
        log["items"].as_array().expect("a list").iter().map(|call| &call["requests"][0]).collect();
    let [house, internet] = sent.as_slice() else { panic!("two calls succeeded: {log}") };
    assert_eq!(house["url"], "http://nas.example.com:8123/", "{house}");
    assert_eq!(internet["url"], "http://api.example.com/now?key&city", "{internet}");
    assert_eq!((&internet["method"], &internet["status"]), (&json!("GET"), &json!(200)));
    assert_eq!(internet["received_bytes"], 17, "{internet}");
    assert!(internet["duration_us"].as_i64().is_some_and(|time| time > 0), "{internet}");

    let server = api.ok("GET", server, &Value::Null);
    let refused = server["refused_attempts"].as_array().expect("a list");
    let refused: Vec<(&str, i64)> = refused
        .iter()
        .filter_map(|attempt| Some((attempt["host"].as_str()?, attempt["port"].as_i64()?)))
        .collect();
    assert_eq!(
        refused,
        [
            ("127.0.0.1", 8124),
            ("rebound.example.com", 8124),
            ("nas.example.com", 8123),
            ("api.example.com", 80),
        ]
    );
}

/// Answers every request at `address` in the same way, until the test ends.
fn serve(address: &str, status: &str, headers: &str, body: &str) {
    let listener = TcpListener::bind(address).expect("the address is free");
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let answer = answer.clone();
            std::thread::spawn(move || answer_all(&stream, &answer));
        }
    });
}

fn answer_all(mut stream: &std::net::TcpStream, answer: &str) {
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() && stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
