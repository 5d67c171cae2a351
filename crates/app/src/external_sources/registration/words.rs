//! The words in which registrations and files speak of sources, and what each means here.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use store::external_sources::{RefreshOwner, Transport};

use super::written::WrittenTokens;
use crate::external_sources::OauthGrant;
use crate::external_sources::oauth::NewTokens;
use crate::{Error, Result, clock};

/// The longest token that is taken, in bytes.
const TOKEN_MAX: usize = 16_384;

/// How a source proves who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    None,
    Bearer,
    Basic,
    ApiKey,
    Oauth,
}

pub(super) fn transport(word: &str) -> Result<Transport> {
    match word.to_ascii_lowercase().as_str() {
        "http" | "streamable_http" | "streamablehttp" | "streamable-http" => {
            Ok(Transport::StreamableHttp)
        }
        "sse" => Ok(Transport::Sse),
        "stdio" => Ok(Transport::Stdio),
        _ => Err(Error::invalid(
            "transport",
            "expected `http` (or `streamable_http`), `sse` or `stdio`",
        )),
    }
}

pub(super) fn kind(word: &str) -> Result<Kind> {
    match word.to_ascii_lowercase().as_str() {
        "" | "none" => Ok(Kind::None),
        "bearer" => Ok(Kind::Bearer),
        "basic" => Ok(Kind::Basic),
        "api_key" | "apikey" | "header" | "authheaders" => Ok(Kind::ApiKey),
        "oauth2.1" | "oauth2" | "oauth" => Ok(Kind::Oauth),
        "query_param" => Err(Error::invalid(
            "auth_type",
            "a credential in an address ends up in the logs of whoever passes it on; use `api_key` or `bearer`",
        )),
        _ => Err(Error::invalid(
            "auth_type",
            "expected `oauth2.1` (or `oauth2`), `bearer`, `basic`, `api_key` or `none`",
        )),
    }
}

pub(super) fn grant(word: Option<&str>) -> Result<OauthGrant> {
    match word {
        None | Some("authorization_code") => Ok(OauthGrant::AuthorizationCode),
        Some("client_credentials") => Ok(OauthGrant::ClientCredentials),
        Some(_) => Err(Error::invalid(
            "grant_type",
            "expected `authorization_code` or `client_credentials`",
        )),
    }
}

pub(super) fn refresh_owner(word: &str) -> Result<RefreshOwner> {
    match word {
        "gateway" => Ok(RefreshOwner::Gateway),
        "client" => Ok(RefreshOwner::Client),
        _ => Err(Error::invalid("refresh_owner", "expected `gateway` or `client`")),
    }
}

/// Refuses anything but S256, which is always used.
pub(super) fn check_pkce(word: Option<&str>) -> Result<()> {
    match word.map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "s256" | "required") => Ok(()),
        Some(_) => Err(Error::invalid(
            "pkce_required",
            "codes are always bound to this program by S256; write `true`, or leave it out",
        )),
    }
}

/// What tokens mean; adds to `warnings` what had to be guessed.
pub(super) fn tokens(written: &WrittenTokens, warnings: &mut Vec<String>) -> Result<NewTokens> {
    check_token("access_token", &written.access_token)?;
    if let Some(token) = &written.refresh_token {
        check_token("refresh_token", token)?;
    }
    let kind = written.token_type.as_deref().unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(Error::invalid("token_type", "only tokens of the type `Bearer` can be sent"));
    }
    let expires_at = match (&written.expires_at, written.expires_in) {
        (Some(text), _) => Some(expiry(text, warnings)?),
        (None, Some(seconds)) => Some(after(seconds)?),
        (None, None) => None,
    };
    if expires_at.is_some_and(|at| at <= clock::now()) {
        warnings.push(
            "expires_at lies in the past: the token may be refused until a new one comes"
                .to_owned(),
        );
    }
    Ok(NewTokens {
        access_token: written.access_token.clone(),
        refresh_token: written.refresh_token.clone(),
        token_type: Some("Bearer".to_owned()),
        expires_at,
        scope: written.scope.clone().filter(|scope| !scope.trim().is_empty()),
    })
}

/// A token as a header field holds it; the text does not repeat it.
fn check_token(field: &'static str, token: &SecretString) -> Result<()> {
    let token = token.expose_secret();
    let fits = token.bytes().all(|byte| byte.is_ascii_graphic());
    if !token.is_empty() && token.len() <= TOKEN_MAX && fits {
        return Ok(());
    }
    Err(Error::invalid(
        field,
        format!("expected 1 to {TOKEN_MAX} visible ASCII characters without spaces"),
    ))
}

fn after(seconds: i64) -> Result<DateTime<Utc>> {
    let wrong = || Error::invalid("expires_in", "expected a number of seconds, such as 3600");
    let life = TimeDelta::try_seconds(seconds).filter(|_| seconds >= 0).ok_or_else(wrong)?;
    clock::now().checked_add_signed(life).ok_or_else(wrong)
}

/// A time; one that does not say where on Earth it is meant is taken as UTC.
fn expiry(text: &str, warnings: &mut Vec<String>) -> Result<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Some(time) = text.parse().ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)) {
        return Ok(time);
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
            warnings.push(
                "expires_at names no time zone and is taken as UTC; send it as 2027-01-31T12:00:00Z"
                    .to_owned(),
            );
            return Ok(time.and_utc());
        }
    }
    Err(Error::invalid("expires_at", "expected a time such as 2027-01-31T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(expires_at: &str, token_type: &str) -> WrittenTokens {
        WrittenTokens {
            access_token: "at-1".into(),
            refresh_token: None,
            token_type: Some(token_type.to_owned()),
            expires_at: Some(expires_at.to_owned()),
            expires_in: None,
            scope: Some(" ".to_owned()),
        }
    }

    fn read(written: &WrittenTokens) -> Result<(NewTokens, Vec<String>)> {
        let mut warnings = Vec::new();
        tokens(written, &mut warnings).map(|tokens| (tokens, warnings))
    }

    #[test]
    fn a_time_without_a_zone_is_utc_with_a_warning_and_one_with_a_zone_has_none() {
        let expected: DateTime<Utc> = "2999-01-31T12:00:00Z".parse().unwrap();
        for text in ["2999-01-31T12:00:00.000000", "2999-01-31T12:00:00", "2999-01-31 12:00:00"] {
            let (tokens, warnings) = read(&written(text, "bearer")).unwrap();
            assert_eq!(tokens.expires_at, Some(expected), "{text}");
            assert!(warnings.iter().any(|warning| warning.contains("UTC")), "{warnings:?}");
        }
        for text in ["2999-01-31T13:00:00+01:00", "32474779200"] {
            let (tokens, warnings) = read(&written(text, "BEARER")).unwrap();
            assert_eq!(tokens.expires_at, Some(expected), "{text}");
            assert_eq!(warnings, [""; 0], "{text}");
        }
        assert!(read(&written("tomorrow", "bearer")).is_err());
    }

    #[test]
    fn other_tokens_than_bearer_tokens_are_refused_without_repeating_them() {
        assert!(read(&written("2999-01-31T12:00:00Z", "mac")).is_err());
        let broken = WrittenTokens {
            access_token: "very secret".into(),
            ..written("2999-01-31T12:00:00Z", "bearer")
        };
        let error = read(&broken).unwrap_err().to_string();
        assert!(error.contains("access_token") && !error.contains("very secret"), "{error}");
    }

    #[test]
    fn a_token_of_the_past_is_taken_with_a_warning() {
        let (_, warnings) = read(&written("2001-01-31T12:00:00Z", "Bearer")).unwrap();
        assert!(warnings[0].contains("in the past"), "{warnings:?}");
    }

    #[test]
    fn plain_codes_are_refused_and_s256_is_not() {
        for word in [None, Some("true"), Some("S256")] {
            assert!(check_pkce(word).is_ok(), "{word:?}");
        }
        for word in ["plain", "false"] {
            assert!(check_pkce(Some(word)).is_err(), "{word}");
        }
    }

    #[test]
    fn every_usual_word_is_understood_and_others_name_what_is_expected() {
        for word in ["http", "HTTP", "streamable_http", "STREAMABLEHTTP"] {
            assert_eq!(transport(word).unwrap(), Transport::StreamableHttp, "{word}");
        }
        assert_eq!(transport("SSE").unwrap(), Transport::Sse);
        assert!(transport("websocket").unwrap_err().to_string().contains("sse"));
        for word in ["oauth2.1", "OAuth2"] {
            assert_eq!(kind(word).unwrap(), Kind::Oauth, "{word}");
        }
        assert_eq!(kind("authheaders").unwrap(), Kind::ApiKey);
        assert!(kind("query_param").unwrap_err().to_string().contains("logs"));
    }
}
