//! Results that are more than a little JSON, as the official client gets them.

use serde_json::{Value, json};
use testkit::http::Api;
use testkit::program::Program;

use crate::client::Client;
use crate::database::Database;
use crate::whole_loop::publish;

/// A tool for each sort of result.
const TOOLS: [(&str, &str); 6] = [
    ("chart", PICTURE),
    ("mixed", MIXED),
    ("big", BIG),
    ("power", "async def main(exponent: int) -> dict[str, int]:\n    return {'n': 2**exponent}\n"),
    ("promised", "async def main(size: int) -> dict[str, str]:\n    return {'text': 'x' * size}\n"),
    ("broken", "async def main():\n    rows = []\n    # the first\n    return rows[0]\n"),
];

const PICTURE: &str = "
import struct, zlib
from mcpbox import Image

def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

async def main(side: int = 4) -> Image:
    rows = b''.join(b'\\0' + b'\\xff\\x80\\0' * side for _ in range(side))
    head = struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    parts = [chunk(b'IHDR', head), chunk(b'IDAT', zlib.compress(rows)), chunk(b'IEND', b'')]
    return Image(b'\\x89PNG\\r\\n\\x1a\\n' + b''.join(parts))
";

const MIXED: &str = "
from mcpbox import File
async def main():
    return ['Sales of the year', b'GIF89a\\1\\0\\1\\0\\0\\0\\0;', {'total': 3}, File('a,b\\n1,2\\n', 'sales.csv')]
";

/// Text and data of which every part differs from every other.
const BIG: &str = "
from mcpbox import File
async def main(kind: str):
    match kind:
        case 'text':
            return ''.join(f'{number:06}\u{e4}\u{20ac}\\n' for number in range(250_000))
        case 'json':
            return {'rows': [[number, str(number)] for number in range(150_000)]}
        case 'file':
            return [File(b''.join(number.to_bytes(4) for number in range(400_000)), 'all.bin'), 'small']
        case _:
            return 'x' * 40_000_000
";

struct Setting {
    _database: Database,
    program: Program,
    model: Client,
    api: Api,
}

fn setting(database: Database, mode: &str, tools: &[&str]) -> Setting {
    let program = database.serve();
    let mut model = Client::connect(&program.mcp, mode);
    let api = Api::sign_in(&program.admin);
    for (name, code) in TOOLS.iter().filter(|(name, _)| tools.contains(name)) {
        publish(&mut model, &api, "results", name, code);
    }
    Setting { _database: database, program, model, api }
}

fn decoded(text: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let text = text.as_str().expect("base64");
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

#[test]
fn pictures_and_files_reach_the_client_as_content() {
    for mode in ["auto", "legacy"] {
        let mut setting = setting(Database::sqlite(), mode, &["chart", "mixed"]);
        let chart = setting.model.call("results__chart", &json!({}));
        assert_eq!(chart["content"].as_array().map(Vec::len), Some(1), "{chart}");
        let image = &chart["content"][0];
        assert_eq!((&image["type"], &image["mimeType"]), (&json!("image"), &json!("image/png")));
        assert!(decoded(&image["data"]).starts_with(b"\x89PNG\r\n\x1a\n"), "{chart}");
        assert!(chart.get("structuredContent").is_none(), "{chart}");

        let mixed = setting.model.call("results__mixed", &json!({}));
        let content = mixed["content"].as_array().expect("blocks");
        let kinds: Vec<_> = content.iter().map(|block| &block["type"]).collect();
        assert_eq!(kinds, ["text", "image", "text", "resource"], "{mixed}");
        assert_eq!(content[0]["text"], "Sales of the year");
        assert_eq!(content[1]["mimeType"], "image/gif");
        assert_eq!(content[2]["text"], "{\"total\": 3}");
        let file = &content[3]["resource"];
        assert_eq!((&file["mimeType"], &file["text"]), (&json!("text/csv"), &json!("a,b\n1,2\n")));
        let uri = file["uri"].as_str().expect("an address");
        assert!(uri.starts_with("mcpbox://calls/") && uri.ends_with("/sales.csv"), "{uri}");
        let refused = setting.model.ask(&json!({"do": "read", "uri": uri}));
        assert!(
            refused["error"].as_str().is_some_and(|text| text.contains("embedded")),
            "{refused}"
        );

        let logs = setting.api.ok("GET", "/api/execution-logs", &Value::Null);
        let logged = &logs["items"][0]["result"];
        assert_eq!(logged[1]["mime_type"], "image/gif", "{logged}");
    }
}

/// Reads an artifact from its beginning to its end, as its answers say.
fn read_through(model: &mut Client, uri: &str, length: usize) -> Vec<u8> {
    let mut next = Some(format!("{uri}?offset=0&length={length}"));
    let mut read = Vec::new();
    while let Some(uri) = next {
        let answer = model.ask(&json!({"do": "read", "uri": uri}));
        let contents = &answer["contents"][0];
        let meta = &contents["_meta"];
        assert_eq!(meta["mcpbox/offset"], json!(read.len()), "{meta}");
        match contents["text"].as_str() {
            Some(text) => read.extend(text.as_bytes()),
            None => read.extend(decoded(&contents["blob"])),
        }
        let note = answer["contents"][1]["text"].as_str().unwrap_or_default();
        next = meta["mcpbox/next"].as_str().map(str::to_owned);
        assert_eq!(note.contains("read on with"), next.is_some(), "{note}");
        assert!(meta["mcpbox/total"].as_u64().is_some_and(|total| total >= read.len() as u64));
    }
    read
}

/// The address of the artifact that an answer names, after what stands before it.
fn kept(answer: &Value, place: usize) -> String {
    let link = &answer["content"][place];
    assert_eq!(link["type"], "resource_link", "{link}");
    link["uri"].as_str().expect("an address").to_owned()
}

#[test]
fn a_large_result_is_read_back_by_ranges_byte_for_byte_on_both_databases() {
    for (database, mode) in [(Database::sqlite(), "auto"), (Database::postgres(), "legacy")] {
        let mut setting = setting(database, mode, &["big"]);
        let model = &mut setting.model;
        let answer = model.call("results__big", &json!({"kind": "text"}));
        assert_ne!(answer["isError"], json!(true), "{answer}");
        let head = answer["content"][0]["text"].as_str().expect("a text");
        assert!(head.starts_with("000000ä€\n000001ä€\n") && head.len() < 6_000, "{head}");
        assert!(head.contains("text/plain of 3000000 bytes"), "{head}");
        let uri = kept(&answer, 1);
        assert!(head.contains(&format!("resources/read of {uri}?offset=4")), "{head}");
        let expected: String =
            (0..250_000).fold(String::new(), |text, number| text + &format!("{number:06}ä€\n"));
        let read = read_through(model, &uri, 300_001);
        assert!(read == expected.as_bytes(), "{} bytes", read.len());
        let whole = model.ask(&json!({"do": "read", "uri": uri}));
        let length = whole["contents"][0]["_meta"]["mcpbox/length"].as_u64();
        assert!(
            length.is_some_and(|length| (1..=256 << 10).contains(&length)),
            "{:.300}",
            whole.to_string()
        );

        let answer = model.call("results__big", &json!({"kind": "json"}));
        let read = read_through(model, &kept(&answer, 1), 400_000);
        let rows: Value = serde_json::from_slice(&read).expect("JSON");
        assert_eq!(rows["rows"][149_999], json!([149_999, "149999"]));

        let answer = model.call("results__big", &json!({"kind": "file"}));
        assert_eq!(answer["content"][2]["text"], "small", "{answer}");
        let file = kept(&answer, 1);
        let expected: Vec<u8> = (0..400_000_u32).flat_map(u32::to_be_bytes).collect();
        assert!(read_through(model, &file, 499_999) == expected);

        let listed = model.ask(&json!({"do": "resources"}));
        assert_eq!(artifacts_in(&listed).len(), 3, "{listed}");
        assert_eq!(listed["resources"][0]["name"], "all.bin", "{listed}");
        let templates = model.ask(&json!({"do": "templates"}));
        let template = &templates["resourceTemplates"][0]["uriTemplate"];
        assert_eq!(template, "mcpbox://artifacts/{id}{?offset,length}");
        logged_and_downloaded(&setting.api, &expected);
    }
}

/// The artifacts among the resources of a list.
fn artifacts_in(listed: &Value) -> Vec<&Value> {
    let resources = listed["resources"].as_array().expect("a list").iter();
    let is_artifact = |uri: &str| uri.starts_with("mcpbox://artifacts/");
    resources.filter(|one| one["uri"].as_str().is_some_and(is_artifact)).collect()
}

/// The log has the beginning; a person downloads the whole.
fn logged_and_downloaded(api: &Api, expected: &[u8]) {
    let logs = api.ok("GET", "/api/execution-logs", &Value::Null);
    let rows = logs["items"].as_array().expect("rows");
    let json =
        rows.iter().find(|row| row["result"]["_artifacts"][0]["mime_type"] == "application/json");
    let json = json.expect("the call that returned JSON");
    let preview = json["result"]["_preview"].as_str().expect("a text");
    assert!(preview.starts_with("{\"rows\": [[0, \"0\"]") && preview.len() == 1000, "{json}");
    let newest = rows[0]["id"].as_str().expect("an id");
    let row = api.ok("GET", &format!("/api/logs/{newest}"), &Value::Null);
    let id = row["artifacts"][0]["id"].as_str().expect("an id");
    assert_eq!(row["artifacts"][0]["bytes"], json!(expected.len()));
    let download = api.send("GET", &format!("/api/artifacts/{id}"), &Value::Null);
    assert_eq!(download.status, 200, "{}", download.head);
    let head = download.head.to_ascii_lowercase();
    assert!(head.contains("content-disposition: attachment; filename*=utf-8''all.bin"), "{head}");
    assert!(head.contains(&format!("content-length: {}", expected.len())), "{head}");
}

#[test]
fn an_artifact_is_read_by_its_caller_alone_and_by_ranges_that_exist() {
    let database = Database::sqlite();
    let program = database.serve();
    let api = Api::sign_in(&program.admin);
    let token = |name: &str| {
        let made =
            api.ok("POST", "/api/tokens", &json!({"name": name, "scopes": ["call", "author"]}));
        made["token"].as_str().expect("a token").to_owned()
    };
    let (mine, other) = (token("mine"), token("other"));
    let mut nobody = Client::connect(&program.mcp, "auto");
    publish(&mut nobody, &api, "results", "big", BIG);
    let mut owner = Client::connect_with(&program.mcp, "auto", Some(&mine));
    let uri = kept(&owner.call("results__big", &json!({"kind": "text"})), 1);
    let mut again = Client::connect_with(&program.mcp, "legacy", Some(&mine));
    let mut stranger = Client::connect_with(&program.mcp, "auto", Some(&other));
    let read = json!({"do": "read", "uri": format!("{uri}?offset=2999990")});
    assert_eq!(again.ask(&read)["contents"][0]["_meta"]["mcpbox/next"], Value::Null);
    for client in [&mut stranger, &mut nobody] {
        let refused = client.ask(&read);
        assert!(
            refused["error"].as_str().is_some_and(|text| text.contains("not found")),
            "{refused}"
        );
        let listed = client.ask(&json!({"do": "resources"}));
        assert_eq!(artifacts_in(&listed), Vec::<&Value>::new());
    }
    for (range, text) in [
        ("?offset=3000001", "has 3000000 bytes"),
        ("?length=0", "1 to 1048576"),
        ("?offset=x", "whole number"),
        ("?page=1", "`offset` and `length`"),
    ] {
        let refused = owner.ask(&json!({"do": "read", "uri": format!("{uri}{range}")}));
        assert!(
            refused["error"].as_str().is_some_and(|told| told.contains(text)),
            "{range}: {refused}"
        );
    }
}

#[test]
fn what_is_larger_than_anything_that_is_kept_is_an_error() {
    let mut setting = setting(Database::sqlite(), "auto", &["big"]);
    let told = setting.model.fails("results__big", &json!({"kind": "more"}));
    assert!(told.contains("the most is"), "{told}");
    assert!(!setting.program.workers().is_empty(), "the workers are well");
}

#[test]
fn a_large_result_that_was_promised_as_an_object_says_where_it_is() {
    let mut setting = setting(Database::sqlite(), "auto", &["promised"]);
    let small = setting.model.ok("results__promised", &json!({"size": 3}));
    assert_eq!(small, json!({"text": "xxx"}));
    let large = setting.model.call("results__promised", &json!({"size": 2_000_000}));
    assert_eq!(large["isError"], json!(true), "{large}");
    let uri = kept(&large, 1);
    assert_eq!(read_through(&mut setting.model, &uri, 1 << 20).len(), 2_000_012);
    let logs = setting.api.ok("GET", "/api/execution-logs", &Value::Null);
    assert_eq!(logs["items"][0]["success"], json!(true), "the tool itself did not fail");
}

#[test]
fn integers_keep_every_digit_and_those_that_no_client_reads_are_text() {
    let mut setting = setting(Database::sqlite(), "auto", &["power"]);
    let mut power =
        |exponent: u32| setting.model.call("results__power", &json!({"exponent": exponent}));
    for (exponent, digits) in
        [(64, "18446744073709551616"), (127, "170141183460469231731687303715884105728")]
    {
        let answer = power(exponent);
        assert_eq!(answer["structuredContent"]["n"].to_string(), digits, "{answer}");
    }
    let large = power(10_000)["structuredContent"]["n"].to_string();
    assert_eq!((large.len(), large.get(..6)), (3_011, Some("199506")));
    let logs = setting.api.ok("GET", "/api/execution-logs", &Value::Null);
    assert_eq!(logs["items"][0]["result"]["n"].to_string(), large);
    let code = "async def main():\n    return 2**20000\n";
    publish(&mut setting.model, &setting.api, "results", "larger", code);
    let answer = setting.model.call("results__larger", &json!({}));
    let text = answer["content"][0]["text"].as_str().expect("a text");
    assert_eq!(text.len(), 6_021);
    assert!(text.starts_with("398027") && text.ends_with("309376"), "{text}");
    assert_eq!(answer["structuredContent"], json!({"result": text}));
}

#[test]
fn an_error_shows_the_line_with_its_surroundings() {
    let mut setting = setting(Database::sqlite(), "auto", &["broken"]);
    let told = setting.model.fails("results__broken", &json!({}));
    for part in [
        "IndexError: list index out of range (line 4, in main)",
        "     2 |     rows = []",
        ">    4 |     return rows[0]",
    ] {
        assert!(told.contains(part), "{told}");
    }
}
