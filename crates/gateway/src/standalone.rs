//! Requests that stand alone (from revision 2026-07-28 on): what they say of their client, and that headers and body agree.

use app::conversation::{Abilities, Level};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Number, Value, json};

use crate::rpc::{Error, Request};
use crate::version::{self, Version};
use crate::{catalog, client};

/// Headers and body contradict each other, or a header lacks.
const HEADER_MISMATCH: i32 = -32020;

/// The client lacks what the request needs of it.
const MISSING_CAPABILITY: i32 = -32021;

/// The revision is none that this server speaks.
const UNSUPPORTED_VERSION: i32 = -32022;

const METHOD: &str = "mcp-method";
const NAME: &str = "mcp-name";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// What a request says of its client.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) client: Option<String>,
    pub(crate) abilities: Abilities,
    /// From which level on the client wants to hear of this request; nothing where it is none.
    pub(crate) log_level: Option<Level>,
}

/// Checks a request as far as it can be without what it asks for.
///
/// # Errors
/// -32602 where `_meta` lacks or names a level that there is not, -32020 where headers and body differ, -32022 for another revision.
pub(crate) fn check(headers: &HeaderMap, request: &Request) -> Result<Statement, Error> {
    let meta = request.params.get("_meta").and_then(Value::as_object);
    let said = meta.and_then(|meta| meta.get(version::META)).and_then(Value::as_str);
    let Some((meta, said)) = meta.zip(said) else {
        return Err(lacking(version::META, "the revision of the protocol, such as \"2026-07-28\""));
    };
    match one(headers, version::HEADER)? {
        Some(named) if named == said => {}
        Some(named) => {
            return Err(mismatch(&format!(
                "`MCP-Protocol-Version: {named}` differs from `_meta`, which says {said}"
            )));
        }
        None => return Err(mismatch(&format!("send the header `MCP-Protocol-Version: {said}`"))),
    }
    check_method(headers, request)?;
    let Some(capabilities) = meta.get(CAPABILITIES).and_then(Value::as_object) else {
        return Err(lacking(CAPABILITIES, "an object of what the client can do, {} for nothing"));
    };
    if Version::named(said) != Some(Version::July2026) {
        return Err(unsupported(said));
    }
    Ok(Statement {
        client: meta.get(CLIENT_INFO).and_then(client::name),
        abilities: client::abilities(capabilities),
        log_level: log_level(meta)?,
    })
}

/// From which level on the client wants to hear; it says none where it wants to hear nothing.
fn log_level(meta: &Map<String, Value>) -> Result<Option<Level>, Error> {
    let Some(named) = meta.get(LOG_LEVEL).filter(|named| !named.is_null()) else {
        return Ok(None);
    };
    let level = named.as_str().and_then(client::level);
    level.map(Some).ok_or_else(|| {
        let text = format!("Invalid params: `{LOG_LEVEL}` must be one of {}", client::LEVELS);
        Error { status: StatusCode::BAD_REQUEST, ..Error::invalid_params(text) }
    })
}

/// Checks the headers that repeat the method and what it is asked for.
fn check_method(headers: &HeaderMap, request: &Request) -> Result<(), Error> {
    let method = &*request.method;
    match one(headers, METHOD)? {
        Some(named) if named == method => {}
        Some(named) => {
            return Err(mismatch(&format!(
                "`Mcp-Method: {named}` differs from the method of the body, {method}"
            )));
        }
        None => return Err(mismatch(&format!("send the header `Mcp-Method: {method}`"))),
    }
    let field = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return Ok(()),
    };
    // What is no text is refused by the method itself.
    let Some(asked) = request.params.get(field).and_then(Value::as_str) else { return Ok(()) };
    match one(headers, NAME)? {
        Some(named) if decoded(named)? == asked => Ok(()),
        Some(_) => Err(mismatch(&format!("`Mcp-Name` differs from `params.{field}`"))),
        None => Err(mismatch(&format!("send the header `Mcp-Name` with `params.{field}`"))),
    }
}

/// Checks that arguments which a tool wants repeated in headers are.
///
/// # Errors
/// -32020 naming the header.
pub(crate) fn check_parameters(
    headers: &HeaderMap,
    mirrored: &[catalog::Mirrored],
    arguments: &Map<String, Value>,
) -> Result<(), Error> {
    for mirror in mirrored {
        let value = mirror.value_in(arguments).filter(|value| !value.is_null());
        let name = format!("mcp-param-{}", mirror.header.to_ascii_lowercase());
        let header = one(headers, &name)?;
        let Some(value) = value else { continue };
        let Some(header) = header else {
            return Err(mismatch(&format!(
                "the tool wants `{}` in the header `Mcp-Param-{}`, too",
                mirror.path.join("."),
                mirror.header
            )));
        };
        if !says(&decoded(header)?, value) {
            return Err(mismatch(&format!(
                "`Mcp-Param-{}` differs from the argument `{}`",
                mirror.header,
                mirror.path.join(".")
            )));
        }
    }
    Ok(())
}

/// Whether a header says what an argument does; integers are compared as numbers.
fn says(header: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => header == text,
        Value::Bool(yes) => header == if *yes { "true" } else { "false" },
        Value::Number(number) => header == number.to_string() || is_equal(header, number),
        _ => false,
    }
}

/// Whether a header is another way to write a number.
fn is_equal(header: &str, number: &Number) -> bool {
    let named = serde_json::from_str::<Number>(header).ok().and_then(|named| named.as_f64());
    // Beyond this, different integers have the same value here.
    let is_exact = |value: f64| value.abs() < 9_007_199_254_740_992.0;
    named.zip(number.as_f64()).is_some_and(|(a, b)| a.to_bits() == b.to_bits() && is_exact(a))
}

/// The error for a client that lacks what a request needs of it.
pub(crate) fn missing_capability(capability: &str) -> Error {
    let mut needed = json!({});
    let mut place = &mut needed;
    for part in capability.split('.') {
        place = match place.as_object_mut() {
            Some(object) => object.entry(part).or_insert_with(|| json!({})),
            None => break,
        };
    }
    let text = format!(
        "this needs a client that declares the capability `{capability}`; use another client, or a tool that does without"
    );
    Error::new(StatusCode::BAD_REQUEST, MISSING_CAPABILITY, text)
        .with_data(json!({ "requiredCapabilities": needed }))
}

/// The error for a revision that this server does not speak.
fn unsupported(asked: &str) -> Error {
    let supported = Version::names();
    let text = format!("Unsupported protocol version; this server speaks {}", supported.join(", "));
    Error::new(StatusCode::BAD_REQUEST, UNSUPPORTED_VERSION, text)
        .with_data(json!({ "supported": supported, "requested": asked }))
}

fn lacking(field: &str, what: &str) -> Error {
    let text = format!("Invalid params: `_meta` must have `{field}`: {what}");
    Error { status: StatusCode::BAD_REQUEST, ..Error::invalid_params(text) }
}

fn mismatch(text: &str) -> Error {
    Error::new(StatusCode::BAD_REQUEST, HEADER_MISMATCH, format!("Header mismatch: {text}"))
}

/// The one value of a header, without the spaces around it.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(mismatch(&format!("`{name}` comes more than once")));
    }
    let text = value.to_str().ok();
    let text = text.ok_or_else(|| {
        mismatch(&format!("`{name}` holds what is not ASCII; encode it as =?base64?…?="))
    })?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}

/// A header's value, out of base64 where it says that it is.
fn decoded(value: &str) -> Result<String, Error> {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let Some(encoded) = encoded else { return Ok(value.to_owned()) };
    let bytes = STANDARD.decode(encoded).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| mismatch("what is between =?base64? and ?= is not base64 of a text"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::rpc::Id;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn request(method: &str, params: Value) -> Request {
        let Value::Object(params) = params else { panic!("an object") };
        Request { id: Id::text("1"), method: method.to_owned(), params }
    }

    fn meta(version: &str) -> Value {
        json!({(version::META): version, (CAPABILITIES): {}})
    }

    fn code(pairs: &[(&str, &str)], method: &str, params: Value) -> Option<i32> {
        check(&headers(pairs), &request(method, params)).err().map(|error| error.code)
    }

    const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

    #[test]
    fn header_and_body_must_say_the_same() {
        let params = || json!({"_meta": meta("2026-07-28")});
        assert_eq!(code(&[VERSION, (METHOD, "tools/list")], "tools/list", params()), None);
        for wrong in ["prompts/list", "TOOLS/LIST"] {
            assert_eq!(code(&[VERSION, (METHOD, wrong)], "tools/list", params()), Some(-32020));
        }
        assert_eq!(code(&[VERSION], "tools/list", params()), Some(-32020));
        let twice = [VERSION, (METHOD, "a"), (METHOD, "a")];
        let mut both = headers(&twice[..2]);
        both.append(METHOD, HeaderValue::from_static("a"));
        assert_eq!(check(&both, &request("a", params())).unwrap_err().code, -32020);
    }

    #[test]
    fn a_revision_is_named_twice_and_known() {
        let asked = |header: &str, said: &str| {
            let pairs = [("mcp-protocol-version", header), (METHOD, "tools/list")];
            code(&pairs, "tools/list", json!({"_meta": meta(said)}))
        };
        assert_eq!(asked("2026-07-28", "2026-07-28"), None);
        assert_eq!(asked("2026-07-28", "v999"), Some(-32020));
        assert_eq!(asked("v999", "v999"), Some(-32022));
        let error = unsupported("v999");
        assert_eq!(error.data.unwrap()["requested"], "v999");
    }

    #[test]
    fn what_the_client_says_of_itself_must_be_there() {
        let pairs = [VERSION, (METHOD, "tools/list")];
        for params in [
            json!({}),
            json!({"_meta": {(CAPABILITIES): {}}}),
            json!({"_meta": {(version::META): "2026-07-28"}}),
            json!({"_meta": {(version::META): "2026-07-28", (CAPABILITIES): []}}),
        ] {
            assert_eq!(code(&pairs, "tools/list", params.clone()), Some(-32602), "{params}");
        }
    }

    #[test]
    fn a_level_of_the_log_is_one_of_those_that_there_are() {
        let pairs = [VERSION, (METHOD, "tools/list")];
        let asked = |level: Value| {
            let mut params = json!({"_meta": meta("2026-07-28")});
            params["_meta"][LOG_LEVEL] = level;
            check(&headers(&pairs), &request("tools/list", params))
        };
        for level in Level::ALL {
            let said = asked(json!(level.as_str())).unwrap();
            assert_eq!(said.log_level, Some(level));
            assert!(client::LEVELS.contains(level.as_str()), "{}", client::LEVELS);
        }
        assert_eq!(asked(Value::Null).unwrap().log_level, None);
        for wrong in [json!("loud"), json!("INFO"), json!(""), json!(3), json!(["info"])] {
            let refused = asked(wrong).unwrap_err();
            assert_eq!((refused.status, refused.code), (StatusCode::BAD_REQUEST, -32602));
            assert!(refused.message.contains("emergency"), "{}", refused.message);
        }
    }

    #[test]
    fn names_are_compared_once_decoded() {
        let call = |name: &str| {
            let params = json!({"_meta": meta("2026-07-28"), "name": "größe"});
            code(&[VERSION, (METHOD, "tools/call"), (NAME, name)], "tools/call", params)
        };
        assert_eq!(call("=?base64?Z3LDtsOfZQ==?="), None);
        assert_eq!(call("=?base64?Z3LDtsOfZQ?="), Some(-32020));
        assert_eq!(call("other"), Some(-32020));
        let plain = json!({"_meta": meta("2026-07-28"), "name": "a"});
        let pairs = [VERSION, (METHOD, "tools/call"), (NAME, "  a  ")];
        assert_eq!(code(&pairs, "tools/call", plain.clone()), None);
        assert_eq!(code(&pairs[..2], "tools/call", plain), Some(-32020));
    }

    #[test]
    fn mirrored_arguments_stand_in_their_headers() {
        let mirrored = [catalog::Mirrored {
            path: vec!["a".to_owned(), "b".to_owned()],
            header: "X".to_owned(),
        }];
        let check = |header: Option<&str>, value: Value| {
            let pairs: Vec<_> = header.map(|value| ("mcp-param-x", value)).into_iter().collect();
            let Value::Object(arguments) = json!({"a": {"b": value}}) else { panic!() };
            check_parameters(&headers(&pairs), &mirrored, &arguments).is_ok()
        };
        assert!(check(Some("Hello"), json!("Hello")));
        assert!(check(Some("=?base64?SGVsbG8=?="), json!("Hello")));
        assert!(!check(Some("=?base64?SGVsbG8?="), json!("Hello")));
        assert!(check(Some("SGVsbG8="), json!("SGVsbG8=")));
        assert!(check(Some("=?base64?SGVsbG8="), json!("=?base64?SGVsbG8=")));
        assert!(!check(None, json!("Hello")));
        assert!(check(None, json!(null)));
        assert!(check(Some("42"), json!(42)) && check(Some("42.0"), json!(42)));
        assert!(check(Some("true"), json!(true)) && !check(Some("1"), json!(true)));
    }

    #[test]
    fn a_capability_that_lacks_is_named_as_an_object() {
        let data = missing_capability("elicitation.url").data.unwrap();
        assert_eq!(*data, json!({"requiredCapabilities": {"elicitation": {"url": {}}}}));
    }
}
