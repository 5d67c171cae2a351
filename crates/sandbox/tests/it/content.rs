//! What results hold beside JSON, what JSON holds, and what errors tell.

use std::sync::Arc;

use sandbox::{
    Block, FailureKind, Limits, Media, MediaKind, ModulePolicy, NoHost, Outcome, Run, Sandbox,
};
use serde_json::{Value, json};

use crate::{main_of, run, sandbox, tool};

/// Pictures and files as tools make them.
const MEDIA: &str = "
import struct, zlib, base64
from mcpbox import File, Image

def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

PNG = b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 2, 2, 8, 2, 0, 0, 0)) + chunk(
    b'IDAT', zlib.compress(b'\\0\\xff\\0\\0\\0\\xff\\0' * 2)) + chunk(b'IEND', b'')
WAV = b'RIFF' + struct.pack('<I', 36) + b'WAVEfmt ' + bytes(24)
";

async fn returning(sandbox: &Sandbox, annotation: &str, value: &str) -> Outcome {
    let promise = if annotation.is_empty() { String::new() } else { format!(" -> {annotation}") };
    run(sandbox, &format!("{MEDIA}\nasync def main(){promise}:\n    return {value}\n")).await
}

fn value(outcome: &Outcome) -> Value {
    let text = outcome.result.as_ref().expect("a result");
    serde_json::from_str(text).expect("JSON")
}

/// Kind, type and name of each block; the text of those that are text.
fn shown(outcome: &Outcome) -> Vec<String> {
    let blocks = outcome.blocks.iter().map(|block| match block {
        Block::Text(text) => format!("text {text}"),
        Block::Media(Media { kind, mime_type, name, .. }) => {
            let named = name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("{kind:?} {mime_type}{named}")
        }
    });
    blocks.collect()
}

#[tokio::test]
async fn pictures_sound_and_files_are_blocks() {
    let sandbox = sandbox(1).await;
    for (returned, blocks) in [
        ("PNG", &["Image image/png"][..]),
        ("Image(PNG)", &["Image image/png"]),
        ("bytearray(PNG)", &["Image image/png"]),
        ("Image(b'<svg/>')", &["File image/svg+xml"]),
        ("Image(b'RAW', 'image/x-raw')", &["File image/x-raw"]),
        ("WAV", &["Audio audio/wav"]),
        ("b'%PDF-1.7'", &["File application/pdf"]),
        ("File('a,b\\n', 'a.csv')", &["File text/csv a.csv"]),
        (
            "File(b'PK\\x03\\x04', 'a.xlsx')",
            &["File application/vnd.openxmlformats-officedocument.spreadsheetml.sheet a.xlsx"],
        ),
        ("File(b'\\x00', 'a')", &["File application/octet-stream a"]),
        ("File('words')", &["File text/plain"]),
        (
            "['before', PNG, {'n': 1}, 'after', 2]",
            &["text before", "Image image/png", "text {\"n\": 1}", "text after", "text 2"],
        ),
        (
            "(PNG, PNG)",
            &[
                "Image image/png",
                "text {\"attachment\": 1, \"mime_type\": \"image/png\", \"bytes\": 74}",
            ],
        ),
    ] {
        let outcome = returning(&sandbox, "", returned).await;
        assert!(outcome.result.is_ok(), "{returned}: {outcome:?}");
        assert_eq!(shown(&outcome), blocks, "{returned}");
    }
}

#[tokio::test]
async fn data_arrives_byte_for_byte() {
    let sandbox = sandbox(1).await;
    let source = "from mcpbox import File\nasync def main():\n    return File(bytes(range(256)) * 400, 'all.bin', 'application/x-all')\n";
    let outcome = run(&sandbox, source).await;
    let data: Vec<u8> = (0..=255).cycle().take(256 * 400).collect();
    let file = Media {
        kind: MediaKind::File,
        mime_type: "application/x-all".to_owned(),
        name: Some("all.bin".to_owned()),
        data,
    };
    assert_eq!(outcome.blocks, [Block::Media(file)]);
    let reference = json!({"attachment": 1, "mime_type": "application/x-all", "bytes": 102_400, "name": "all.bin"});
    assert_eq!(value(&outcome), reference);
}

#[tokio::test]
async fn json_refers_to_what_follows_it() {
    let sandbox = sandbox(1).await;
    let returned = "{'title': 'x', 'charts': [Image(PNG), File('a', 'a.txt')]}";
    let outcome = returning(&sandbox, "", returned).await;
    let whole = json!({"title": "x", "charts": [
        {"attachment": 1, "mime_type": "image/png", "bytes": 74},
        {"attachment": 2, "mime_type": "text/plain", "bytes": 1, "name": "a.txt"},
    ]});
    assert_eq!(value(&outcome), whole);
    let blocks = shown(&outcome);
    assert_eq!(
        blocks.get(1..),
        Some(&["Image image/png".to_owned(), "File text/plain a.txt".to_owned()][..])
    );
    let text = blocks.first().and_then(|text| text.strip_prefix("text ")).expect("a text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), whole);
}

#[tokio::test]
async fn data_that_says_nothing_of_itself_or_was_promised_as_text_stays_base64() {
    let sandbox = sandbox(1).await;
    for (annotation, returned, expected) in [
        ("", "b'abc'", json!("YWJj")),
        ("", "{'a': b'\\xff\\xfe'}", json!({"a": "//4="})),
        ("dict[str, bytes]", "{'a': b'%PDF-'}", json!({"a": "JVBERi0="})),
    ] {
        let outcome = returning(&sandbox, annotation, returned).await;
        assert_eq!(value(&outcome), expected, "{returned}");
        assert!(outcome.blocks.is_empty(), "{returned}");
    }
    let recognised = returning(&sandbox, "bytes", "b'%PDF-'").await;
    assert_eq!(shown(&recognised), ["File application/pdf"]);
    let promised = returning(&sandbox, "dict[str, Image]", "{'a': Image(PNG)}").await;
    assert_eq!(shown(&promised).len(), 2, "{promised:?}");
    let broken = returning(&sandbox, "dict[str, Image]", "{'a': 'no picture'}").await;
    let failure = broken.result.expect_err("no picture");
    assert_eq!(failure.kind, FailureKind::ReturnType, "{failure:?}");
    assert!(failure.message.contains("result.a"), "{failure:?}");
}

#[tokio::test]
async fn a_picture_is_no_object_for_a_schema_and_an_attachment_in_one_is() {
    let sandbox = sandbox(1).await;
    let schemas = async |annotation: &str| {
        let source = format!(
            "from mcpbox import Image, File\nasync def main(x: File) -> {annotation}: ...\n"
        );
        let found = sandbox
            .inspect(&source, &ModulePolicy::default(), None, crate::GROUP)
            .await
            .expect("an inspection");
        assert!(found.notes.is_empty(), "{found:?}");
        (found.input_schema.expect("an input schema"), found.output_schema)
    };
    let (input, none) = schemas("Image").await;
    assert_eq!(input["properties"]["x"], json!({"type": "string", "contentEncoding": "base64"}));
    assert_eq!(none, None);
    let (_, output) = schemas("dict[str, Image]").await;
    let output = output.expect("a schema of an object");
    let attached = &output["additionalProperties"];
    assert_eq!(attached["required"], json!(["attachment", "mime_type", "bytes"]));
}

#[tokio::test]
async fn attachments_that_are_none_are_refused_with_a_reason() {
    let sandbox = sandbox(1).await;
    for (made, text) in [
        ("Image(b'words')", "no picture but text/plain"),
        ("Image('text')", "data must be bytes, not str"),
        ("File(b'', 'a', 'text')", "'text' is not a media type"),
        ("File(b'', 'x' * 201)", "1 to 200 characters"),
        ("[File('a') for _ in range(101)]", "more than 100 attachments"),
    ] {
        let failure = returning(&sandbox, "", made).await.result.expect_err(made);
        assert!(failure.message.contains(text), "{made}: {failure:?}");
    }
    let fits = returning(&sandbox, "", "[File('a') for _ in range(100)]").await;
    assert_eq!(fits.blocks.len(), 100);
}

#[tokio::test]
async fn attachments_count_towards_the_limit_of_the_result() {
    let sandbox = sandbox(1).await;
    let limits = Limits { result_bytes: 4_000, ..Limits::default() };
    let of = |bytes: usize| Run {
        limits,
        ..tool(&format!(
            "from mcpbox import File\nasync def main():\n    return File(bytes({bytes}), 'a')\n"
        ))
    };
    let fits = sandbox.run(of(2_700), Arc::new(NoHost)).await;
    assert!(fits.result.is_ok(), "{fits:?}");
    let large = sandbox.run(of(3_001), Arc::new(NoHost)).await.result.expect_err("too large");
    assert_eq!(large.kind, FailureKind::ResultTooLarge, "{large:?}");
}

#[tokio::test]
async fn every_type_of_value_has_its_form() {
    let sandbox = sandbox(1).await;
    let source = "
import collections, dataclasses, datetime, decimal, enum, fractions, ipaddress, uuid, zoneinfo
class Colour(enum.Enum):
    RED = 'red'
class Point(enum.Enum):
    ORIGIN = (0, 0)
class Bits(enum.Flag):
    A = 1
    B = 2
class Word(enum.StrEnum):
    YES = 'yes'
class Number(enum.IntEnum):
    TWO = 2
Pair = collections.namedtuple('Pair', 'a b')
@dataclasses.dataclass
class Inner:
    when: datetime.datetime
    price: decimal.Decimal
@dataclasses.dataclass
class Outer:
    inner: list[Inner]
async def main():
    when = datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.timezone.utc)
    return {
        'outer': Outer([Inner(when, decimal.Decimal('1.50'))]),
        'enums': [Colour.RED, Point.ORIGIN, Bits.A | Bits.B, Word.YES, Number.TWO],
        'times': [when.date(), when.time(), datetime.timedelta(hours=1)],
        'texts': [fractions.Fraction(1, 3), uuid.UUID(int=7), ipaddress.ip_address('::1'), zoneinfo.ZoneInfo('Europe/Berlin')],
        'sets': [{3, 1, 2}, frozenset('ba'), {}.keys()],
        'others': [b'abc', Pair(1, 2), collections.deque([1]), range(3), 2**64 + 1, -(2**200), 1e300, True, None],
        1: 2, None: 3, Word.YES: 4, uuid.UUID(int=1): 5, datetime.date(2026, 1, 31): 6,
    }
";
    let outcome = run(&sandbox, source).await;
    let expected = json!({
        "outer": {"inner": [{"when": "2026-01-31T12:30:00+00:00", "price": "1.50"}]},
        "enums": ["red", "ORIGIN", 3, "yes", 2],
        "times": ["2026-01-31", "12:30:00", "PT3600S"],
        "texts": ["1/3", "00000000-0000-0000-0000-000000000007", "::1", "Europe/Berlin"],
        "sets": [[1, 2, 3], ["a", "b"], []],
        "others": ["YWJj", [1, 2], [1], [0, 1, 2], "N1", "N2", "F", true, null],
        "1": 2, "null": 3, "yes": 4, "00000000-0000-0000-0000-000000000001": 5, "2026-01-31": 6,
    });
    let power = "-1606938044258990275541962092341162602522202993782792835301376";
    let expected = expected
        .to_string()
        .replace("\"N1\"", "18446744073709551617")
        .replace("\"N2\"", power)
        .replace("\"F\"", "1e+300");
    assert_eq!(value(&outcome), serde_json::from_str::<Value>(&expected).expect("JSON"));
}

#[tokio::test]
async fn integers_of_any_size_are_read_and_written_whole() {
    let sandbox = sandbox(1).await;
    let outcome = run(&sandbox, &main_of("return 10**20000 + 7")).await;
    let expected = format!("1{}7", "0".repeat(19_999));
    assert_eq!(outcome.result.as_deref(), Ok(expected.as_str()));
    let source = "async def main(n: int):\n    return [n + 1, len(str(n)), {n: 1}]\n";
    let arguments = format!("{{\"n\": {}}}", "9".repeat(6_000));
    let call = Run { arguments: arguments.into(), ..tool(source) };
    let outcome = sandbox.run(call, Arc::new(NoHost)).await;
    let (next, same) = (format!("1{}", "0".repeat(6_000)), "9".repeat(6_000));
    assert_eq!(outcome.result, Ok(format!("[{next}, 6000, {{\"{same}\": 1}}]")));
}

#[tokio::test]
async fn what_json_cannot_say_is_refused_with_its_place() {
    let sandbox = sandbox(1).await;
    for (returned, text) in [
        ("{'a': [1, float('nan')]}", "result['a'][1] is nan"),
        ("[float('-inf')]", "result[0] is -inf"),
        ("['\\ud800']", "half of a surrogate pair"),
        ("{'a': object()}", "result['a'] is of type object"),
        ("{(1, 2): 3}", "key of type tuple"),
        ("[print]", "was a call meant"),
    ] {
        let outcome = run(&sandbox, &main_of(&format!("return {returned}"))).await;
        let failure = outcome.result.expect_err(returned);
        assert_eq!(failure.kind, FailureKind::NotSerializable, "{failure:?}");
        assert!(failure.message.contains(text), "{returned}: {failure:?}");
    }
}
