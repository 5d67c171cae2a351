//! What the targets of `fuzz/` call: the readers of what tools and peers write, with what must hold.
//!
//! Each function returns how much of its input was understood, so that a corpus which has fallen
//! behind the code is noticed.

use crate::address::{Class, classify};
use crate::decode::{self, Coding};
use crate::grant::Grant;
use crate::host::{self, Host};
use crate::policy::{Policy, Public, Refusal};
use crate::request::Checked;
use crate::target::Target;
use crate::{limits, mcp, redirect, wire};
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::net::IpAddr;

/// What a body may decompress to here: little, so that short inputs reach it.
const BODY: usize = 50_000;

/// Reads text as a host, as a grant and as a URL; returns how many of these readers took it.
pub fn hosts(bytes: &[u8]) -> usize {
    let text = String::from_utf8_lossy(bytes);
    let host = host::parse(&text).ok();
    let grant = text.parse::<Grant>().ok();
    let target = Target::parse(&text).ok();
    if let Some(host) = &host {
        judge_host(host);
        if let Ok(address) = text.parse::<IpAddr>() {
            assert_eq!(*host, Host::from(address), "{text:?}");
        }
    }
    if let Some(grant) = &grant {
        assert_eq!(grant.to_string().parse().as_ref(), Ok(grant), "{text:?}");
    }
    if let Some(target) = &target {
        judge_target(target);
    }
    usize::from(host.is_some()) + usize::from(grant.is_some()) + usize::from(target.is_some())
}

/// Reads what a guest asks for, with the answer that redirects it: a head, the body from the first
/// zero byte on, the redirect's location from the second on. Returns how many steps it got.
pub fn requests(bytes: &[u8]) -> usize {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let [head, body, location] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let length = u32::try_from(head.len()).unwrap_or_default().to_be_bytes();
    let Ok(request) = wire::read_request([&length[..], head, body].concat()) else { return 0 };
    let Ok(sent) = Checked::new(&request) else { return 1 };
    judge_request(&sent);
    let Ok(location) = HeaderValue::from_bytes(location) else { return 2 };
    let answer = HeaderMap::from_iter([(LOCATION, location)]);
    let codes = [301, 302, 303, 307, 308].into_iter();
    let statuses = codes.filter_map(|code| StatusCode::from_u16(code).ok());
    let followed = statuses.filter_map(|status| redirect::follow(&sent, status, &answer).ok()?);
    let judged = followed.map(|next| {
        judge_request(&next);
        judge_redirect(&sent, &next);
    });
    2 + judged.count()
}

/// Decompresses a body by what its first byte says: three times two bits, and how many of these.
/// Returns how many bytes came of it.
pub fn bodies(bytes: &[u8]) -> usize {
    let Some((first, body)) = bytes.split_first() else { return 0 };
    let coding = |shift: u8| match (first >> shift) & 3 {
        0 => Coding::Gzip,
        1 => Coding::Deflate,
        2 => Coding::Brotli,
        _ => Coding::Zstd,
    };
    let codings: Vec<_> = [0, 2, 4].into_iter().map(coding).take(usize::from(first >> 6)).collect();
    let decoded = decode::decode(&codings, body.to_vec(), BODY).unwrap_or_default();
    assert!(decoded.len() <= BODY.max(body.len()), "{codings:?}: {} bytes", decoded.len());
    decoded.len()
}

/// Reads what an external source sends as a stream of events; returns how many messages came of it.
pub fn streams(bytes: &[u8]) -> usize {
    mcp::fuzzing::read_stream(bytes)
}

/// A host has one form, and no name in it is read as an address by another reader.
fn judge_host(host: &Host) {
    assert_eq!(host::parse(&host.to_string()).as_ref(), Ok(host));
    let class = match host {
        Host::Address(address) => {
            assert_eq!(*address, address.to_canonical(), "a mapped address");
            Some(classify(*address))
        }
        Host::Name(name) => {
            let last = name.rsplit('.').next().unwrap_or_default();
            let digits = last.bytes().all(|byte| byte.is_ascii_digit());
            let hexadecimal = last
                .strip_prefix("0x")
                .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(!last.is_empty() && !digits && !hexadecimal, "{name} may be an address");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            assert!(name.bytes().all(|byte| plain(byte) && !byte.is_ascii_uppercase()), "{name}");
            None
        }
    };
    judge_guard(host, class);
}

/// Nothing goes anywhere without a grant, and no grant leads to a special address.
fn judge_guard(host: &Host, class: Option<Class>) {
    let special = class.is_some_and(|class| !matches!(class, Class::Public | Class::Private));
    let grants = host.to_string().parse::<Grant>().into_iter().collect();
    let granted = tool(grants).check_host(host, 443);
    let bare = tool(Vec::new()).check_host(host, 443);
    assert!(bare.is_err(), "{host} was not granted");
    let refused = matches!(granted, Err(Refusal::Special { .. }));
    assert!(granted.is_ok() || refused, "{host} was granted: {granted:?}");
    assert!(refused == special || class.is_none(), "{host}: {granted:?}");
}

fn tool(grants: Vec<Grant>) -> Policy {
    Policy::Tool { grants, undeclared: Vec::new(), public: Public::Nothing }
}

/// What is connected to and what is sent are what was checked.
fn judge_target(target: &Target) {
    judge_host(target.host());
    let uri = target.uri();
    let sent = uri.host().map(host::parse);
    assert_eq!(sent, Some(Ok(target.host().clone())), "{uri}");
    let default = match uri.scheme_str() {
        Some("https") => 443,
        scheme => {
            assert_eq!(scheme, Some("http"));
            80
        }
    };
    assert_eq!(uri.port_u16().unwrap_or(default), target.port(), "{uri}");
    assert!(target.port() > 0, "{uri}");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    assert!(!authority.is_empty() && !authority.contains('@'), "{uri}");
    assert!(uri.to_string().bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
    let again = Target::parse(target.url().as_str()).map(|again| again.uri().to_string());
    // A longer spelling of the same URL may be longer than a URL may be.
    if target.url().as_str().len() <= limits::URL {
        assert_eq!(again.ok(), Some(uri.to_string()));
    }
}

/// A request is one request, with nothing in it that is the connection's.
fn judge_request(request: &Checked) {
    judge_target(&request.target);
    assert!(request.method != Method::CONNECT && request.method != Method::TRACE);
    assert!(request.headers.len() <= limits::HEADER_FIELDS && request.body.len() <= limits::BODY);
    for (name, value) in &request.headers {
        assert!(![CONNECTION, CONTENT_LENGTH, HOST].contains(name), "{name}");
        assert!(name != "transfer-encoding" && name != "upgrade", "{name}");
        let ends = |byte: &u8| [b'\r', b'\n', 0].contains(byte);
        assert!(!value.as_bytes().iter().any(ends), "{name}: {value:?}");
    }
}

/// A redirect takes no credentials elsewhere.
fn judge_redirect(sent: &Checked, next: &Checked) {
    if next.target.host() != sent.target.host() {
        let kept = [AUTHORIZATION, COOKIE].iter().any(|name| next.headers.contains_key(name));
        assert!(!kept, "{} to {}", sent.target.uri(), next.target.uri());
    }
    assert!(next.method == sent.method || next.body.is_empty());
}

#[cfg(test)]
mod tests;
