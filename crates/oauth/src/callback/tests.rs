//! Answers to logins: right ones, wrong ones, and those of somebody else.

use super::*;
use crate::login::{Wish, begin};
use crate::{AuthorizationServer, Client, Endpoint, Issuer, PlainHttp, Scopes};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// The state of a login with its record.
fn begun(promises_iss: bool) -> (String, Login) {
    let endpoint = |text| Some(Endpoint::read("a test", text, PlainHttp::Refused).unwrap());
    let issuer = Issuer::read("https://a.example", PlainHttp::Refused).unwrap();
    let token = endpoint("https://a.example/token").unwrap();
    let mut server =
        AuthorizationServer::given(issuer, endpoint("https://a.example/authorize"), token);
    server.promises_iss = promises_iss;
    let client = Client::given(&server, "me", None);
    let wish = Wish { resource: None, scopes: &Scopes::default(), redirect_uri: "x", owner: "y" };
    let begun = begin(&server, &client, wish, now()).unwrap();
    (begun.state.expose().to_owned(), begun.login)
}

fn accepted(promises_iss: bool, fields: &str) -> Result<String, CallbackError> {
    let (state, login) = begun(promises_iss);
    let callback = Callback::read(&format!("state={state}&{fields}"))?;
    assert_eq!(callback.digest(), login.state);
    login.accept(&callback, now()).map(|code| code.expose().to_owned())
}

#[test]
fn a_code_comes_back() {
    assert_eq!(accepted(false, "code=a%26b").unwrap(), "a&b");
    assert_eq!(accepted(false, "code=a&session_state=x&scope=y").unwrap(), "a");
}

#[test]
fn the_issuer_is_compared_byte_for_byte_wherever_it_is_named() {
    for promises in [true, false] {
        assert!(accepted(promises, "code=a&iss=https%3A%2F%2Fa.example").is_ok());
        for other in ["https://a.example/", "https://A.example", "https://b.example", ""] {
            for answer in ["code=a", "error=access_denied", "error=server_error"] {
                let refused = accepted(promises, &format!("{answer}&iss={other}")).unwrap_err();
                assert!(matches!(refused, CallbackError::OtherIssuer { .. }), "{other}: {refused}");
            }
        }
    }
    for answer in ["code=a", "error=access_denied"] {
        let refused = accepted(true, answer).unwrap_err();
        assert_eq!(refused, CallbackError::NoIssuer("https://a.example".to_owned()));
    }
    assert!(accepted(false, "code=a").is_ok());
}

#[test]
fn errors_are_told() {
    assert_eq!(accepted(false, "error=access_denied&code=a"), Err(CallbackError::Denied));
    let error = accepted(false, "error=invalid_scope&error_description=no%0A+such").unwrap_err();
    assert!(error.to_string().contains("`invalid_scope` (no such): check"), "{error}");
    let error = accepted(false, "error=redirect_uri_mismatch").unwrap_err();
    assert!(error.to_string().contains("`redirect_uri_mismatch`: check"), "{error}");
}

#[test]
fn another_state_or_one_that_is_too_old_is_refused() {
    let (state, login) = begun(false);
    let read = |state: &str| Callback::read(&format!("code=a&state={state}")).unwrap();
    assert_eq!(login.accept(&read("x"), now()).unwrap_err(), CallbackError::Unknown);
    assert_eq!(login.accept(&read(&begun(false).0), now()).unwrap_err(), CallbackError::Unknown);
    let end = login.expires_at;
    assert_eq!(login.accept(&read(&state), end).unwrap_err(), CallbackError::Expired);
    assert!(login.accept(&read(&state), end - chrono::TimeDelta::seconds(1)).is_ok());
}

#[test]
fn what_is_no_answer_is_unreadable() {
    let long = format!("state=a&code={}", "x".repeat(LONGEST));
    for query in [
        "",
        "code=a",
        "state=&code=a",
        "state=a",
        "state=a&code=",
        "state=a&state=a&code=b",
        "state=a&code=b&code=c",
        "state=a&code=b&iss=c&iss=d",
        &long,
    ] {
        assert_eq!(Callback::read(query).unwrap_err(), CallbackError::Unreadable, "{query}");
    }
    assert!(Callback::read("state=a&code=b&x=1&x=2").is_ok());
}
