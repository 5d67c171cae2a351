//! Where metadata is looked for, and what of it is believed.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn places(server: &str, challenge: Option<&str>) -> Vec<String> {
    let challenge = challenge.map(|place| BearerChallenge {
        resource_metadata: Some(place.to_owned()),
        ..BearerChallenge::default()
    });
    let urls = metadata_urls(&url(server), challenge.as_ref(), PlainHttp::Refused);
    urls.iter().map(ToString::to_string).collect()
}

fn read(server: &str, body: &str) -> Result<ProtectedResource, ResourceError> {
    ProtectedResource::read(body.as_bytes(), &url(server), PlainHttp::Refused)
}

fn accepts(server: &str, resource: &str) -> bool {
    let body = format!("{{\"resource\": \"{resource}\"}}");
    match read(server, &body) {
        Ok(read) => read.resource == resource,
        Err(ResourceError::OtherResource { .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_place_of_the_challenge_comes_first_then_the_path_then_the_root() {
    let known = "https://a.example/.well-known/oauth-protected-resource";
    let inserted = format!("{known}/v1/mcp");
    assert_eq!(places("https://a.example/v1/mcp", None), [inserted.as_str(), known]);
    let named = "https://a.example/elsewhere";
    assert_eq!(places("https://a.example/v1/mcp/", Some(named)), [named, &inserted, known]);
    assert_eq!(places("https://a.example/v1/mcp", Some(known)), [known, &inserted]);
    assert_eq!(places("https://a.example/", None), [known]);
    assert_eq!(places("https://a.example/x?y=1", None), [&format!("{known}/x?y=1"), known]);
}

#[test]
fn a_place_that_may_not_be_asked_is_as_if_absent() {
    let without = places("https://a.example/mcp", None);
    for place in ["http://a.example/x", "file:///etc/passwd", "x", "https://u@a.example/"] {
        assert_eq!(places("https://a.example/mcp", Some(place)), without, "{place}");
    }
}

#[test]
fn the_resource_is_the_server_or_above_it() {
    let server = "https://a.example/v1/mcp";
    for named in
        [server, "https://a.example/v1/mcp/", "https://A.example:443/v1", "https://a.example"]
    {
        assert!(accepts(server, named), "{named}");
    }
    for named in [
        "https://evil.example/v1/mcp",
        "https://a.example/v1/mcp/more",
        "https://a.example/v1/m",
        "https://a.example/v2",
        "https://a.example:8443/v1/mcp",
        "http://a.example/v1/mcp",
        "https://a.example/v1/mcp?x=1",
        "https://a.example/v1/mcp#x",
        "https://u@a.example/v1/mcp",
        "a.example",
    ] {
        assert!(!accepts(server, named), "{named}");
    }
    assert!(accepts("https://a.example/mcp?x=1", "https://a.example/mcp?x=1"));
    assert!(accepts("https://mcp.box.example", "https://mcp.box.example/"));
    assert!(accepts("https://a.example/mcp/", "https://a.example/mcp"));
}

#[test]
fn the_document_of_box_is_read() {
    let body = r#"{"resource": "https://mcp.box.example/", "authorization_servers": ["https://api.box.example/"],
        "bearer_methods_supported": ["header"], "resource_name": "Box Model Context Protocol Server", "x": [1]}"#;
    let read = read("https://mcp.box.example", body).unwrap();
    assert_eq!(read.resource, "https://mcp.box.example/");
    assert_eq!(read.authorization_servers[0].as_str(), "https://api.box.example/");
    assert!(read.scopes_supported.is_empty());
    assert_eq!(read.resource_name.as_deref(), Some("Box Model Context Protocol Server"));
}

#[test]
fn servers_that_cannot_be_used_are_left_out_and_none_is_an_error() {
    let body = |servers: &str| {
        format!("{{\"resource\": \"https://a.example\", \"authorization_servers\": {servers}}}")
    };
    let some = body(r#"["http://b.example", "https://c.example", 3]"#);
    let names = read("https://a.example", &some).unwrap().authorization_servers;
    assert_eq!(names.iter().map(Issuer::as_str).collect::<Vec<_>>(), ["https://c.example"]);
    let error = read("https://a.example", &body(r#"["http://b.example"]"#)).unwrap_err();
    assert!(matches!(error, ResourceError::NoServer(_)), "{error}");
    let own = read("https://a.example/mcp", &body("[]")).unwrap().authorization_servers;
    assert_eq!(own[0].as_str(), "https://a.example");
}

#[test]
fn a_server_without_metadata_is_its_own_authorization_server() {
    let server = url("https://a.example:8443/v1/mcp#x");
    let read = ProtectedResource::without_metadata(&server, PlainHttp::Refused).unwrap();
    assert_eq!(read.resource, "https://a.example:8443/v1/mcp");
    assert_eq!(read.authorization_servers[0].as_str(), "https://a.example:8443");
    assert_eq!(canonical(&url("https://a.example/")), "https://a.example");
    assert_eq!(canonical(&url("https://a.example/mcp/")), "https://a.example/mcp/");
}

#[test]
fn what_is_no_metadata_is_unreadable() {
    for body in ["", "[]", "{}", "<html>", r#"{"resource": ["https://a.example"]}"#] {
        assert_eq!(read("https://a.example", body), Err(ResourceError::Unreadable), "{body}");
    }
}
