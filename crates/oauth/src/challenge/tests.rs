//! Challenges as servers send them, well made and not.

use super::*;

fn bearer(field: &str) -> BearerChallenge {
    BearerChallenge::find([field]).expect("a Bearer challenge")
}

fn schemes(field: &str) -> Vec<String> {
    Challenge::read(field).into_iter().map(|challenge| challenge.scheme).collect()
}

#[test]
fn one_with_everything_is_read() {
    let field = "Bearer error=\"insufficient_scope\", scope=\"files:read  files:write\", \
                 resource_metadata=\"https://a.example/.well-known/oauth-protected-resource/mcp\", \
                 error_description=\"More, \\\"please\\\"\"";
    let read = bearer(field);
    assert!(read.wants_scopes());
    assert_eq!(read.scopes, Scopes::read("files:read files:write"));
    let place = "https://a.example/.well-known/oauth-protected-resource/mcp";
    assert_eq!(read.resource_metadata.as_deref(), Some(place));
    assert_eq!(read.error_description.as_deref(), Some("More, \"please\""));
}

#[test]
fn that_of_box_is_read() {
    let read = bearer(
        "Bearer realm=\"Service\", error=\"invalid_request\", error_description=\"The access token was not \
         found.\", resource_metadata=\"https://mcp.box.example/.well-known/oauth-protected-resource\"",
    );
    assert_eq!(read.error.as_deref(), Some("invalid_request"));
    assert!(!read.wants_scopes() && read.scopes.is_empty() && read.resource_metadata.is_some());
}

#[test]
fn schemes_and_names_are_read_in_any_case() {
    let read = bearer("bEARER Resource_Metadata=\"https://a.example/\", SCOPE=a");
    assert_eq!(read.resource_metadata.as_deref(), Some("https://a.example/"));
    assert_eq!(read.scopes, Scopes::read("a"));
}

#[test]
fn several_challenges_in_one_field_are_told_apart() {
    let field = "Negotiate, Basic realm=\"a, Bearer scope=x\", NTLM TlRMTVNTUAAB==, Bearer scope=y, DPoP algs=\"ES256\"";
    assert_eq!(schemes(field), ["negotiate", "basic", "ntlm", "bearer", "dpop"]);
    assert_eq!(bearer(field).scopes, Scopes::read("y"));
    assert_eq!(Challenge::read(field)[1].get("realm"), Some("a, Bearer scope=x"));
}

#[test]
fn of_several_fields_the_one_with_metadata_counts() {
    let fields =
        ["Bearer realm=\"a\"", "Basic", "Bearer resource_metadata=\"https://a.example/m\""];
    let read = BearerChallenge::find(fields).unwrap();
    assert_eq!(read.resource_metadata.as_deref(), Some("https://a.example/m"));
    assert_eq!(BearerChallenge::find(["Basic realm=\"Bearer\""]), None);
    assert_eq!(BearerChallenge::find::<&str>([]), None);
}

#[test]
fn a_scheme_alone_is_a_challenge() {
    assert_eq!(bearer("Bearer"), BearerChallenge::default());
    assert_eq!(bearer("Basic realm=x , Bearer"), BearerChallenge::default());
}

#[test]
fn what_is_not_well_made_is_read_as_it_was_meant() {
    // Without commas, with spaces around `=`, unquoted URLs, a text that is not closed.
    assert_eq!(bearer("Bearer error=\"a\" scope=\"b\"").scopes, Scopes::read("b"));
    assert_eq!(bearer("Bearer scope = \"b\" ,, error = c").error.as_deref(), Some("c"));
    let read = bearer("Bearer resource_metadata=https://a.example/m?x=1, scope=b");
    assert_eq!(read.resource_metadata.as_deref(), Some("https://a.example/m?x=1"));
    assert_eq!(read.scopes, Scopes::read("b"));
    assert_eq!(bearer("Bearer scope=\"a b").scopes, Scopes::read("a b"));
    // Words where none may be are no scheme.
    assert_eq!(schemes("Bearer scope=a Basic b"), ["bearer"]);
    // The first of a repeated parameter counts.
    assert_eq!(bearer("Bearer scope=a, scope=b").scopes, Scopes::read("a"));
}

#[test]
fn odd_input_is_no_challenge() {
    for field in ["", " ,, ", "=", "=x", "\"Bearer\"", "\"", "é", "scope=a", "a=b, c=\"d"] {
        assert_eq!(Challenge::read(field), [], "{field}");
    }
    assert_eq!(BearerChallenge::find([&b"\xff\xfe Basic \x80"[..]]), None);
}

#[test]
fn long_fields_are_cut() {
    assert_eq!(Challenge::read(&"a,".repeat(LONGEST)).len(), MOST);
    let parameters = "Bearer ".to_owned() + &"a=b,".repeat(1000);
    assert_eq!(Challenge::read(&parameters)[0].parameters.len(), MOST);
    assert_eq!(Challenge::read(&"ä".repeat(LONGEST)), []);
}
