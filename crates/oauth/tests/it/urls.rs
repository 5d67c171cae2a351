//! What holds of every URL: nothing leads elsewhere, or to a place without TLS.

use oauth::{
    AuthorizationServer, BearerChallenge, Endpoint, Issuer, PlainHttp, ProtectedResource,
    ResourceError, canonical, metadata_urls,
};
use proptest::prelude::*;
use serde_json::json;
use url::Url;

const PLAIN: PlainHttp = PlainHttp::Refused;

fn hosts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}\\.example(:[1-9][0-9]{2,3})?",
        Just("[2001:db8::1]".to_owned()),
        Just("192.0.2.1".to_owned()),
    ]
}

fn paths() -> impl Strategy<Value = String> {
    "(/[a-zA-Z0-9._~-]{1,6}){0,4}/?"
}

/// URLs of servers, with and without queries.
fn servers() -> impl Strategy<Value = Url> {
    let query = prop_oneof![Just(String::new()), "\\?[a-z]{1,3}=[a-z0-9]{0,3}"];
    let parts = (hosts(), paths(), query);
    parts.prop_map(|(host, path, query)| {
        Url::parse(&format!("https://{host}{path}{query}")).unwrap()
    })
}

fn resource(named: &str, server: &Url) -> Result<ProtectedResource, ResourceError> {
    ProtectedResource::read(json!({"resource": named}).to_string().as_bytes(), server, PLAIN)
}

proptest! {
    #[test]
    fn metadata_is_looked_for_at_the_server_itself(server in servers()) {
        let urls = metadata_urls(&server, None, PLAIN);
        prop_assert!(!urls.is_empty() && urls.len() <= 2);
        for url in &urls {
            prop_assert_eq!(url.origin(), server.origin());
            prop_assert!(url.path().starts_with("/.well-known/oauth-protected-resource"));
            prop_assert!(!url.path().ends_with('/'));
        }
    }

    #[test]
    fn what_a_challenge_names_adds_one_place_with_tls_at_most(server in servers(), named in "\\PC*") {
        let challenge =
            BearerChallenge { resource_metadata: Some(named), ..BearerChallenge::default() };
        let (with, without) =
            (metadata_urls(&server, Some(&challenge), PLAIN), metadata_urls(&server, None, PLAIN));
        prop_assert!(with.ends_with(&without) || with.len() == without.len());
        prop_assert!(with.len() <= without.len() + 1);
        prop_assert!(with.iter().all(|url| url.scheme() == "https"));
    }

    #[test]
    fn a_server_is_its_own_resource_with_and_without_a_slash(server in servers()) {
        let name = canonical(&server);
        prop_assert!(resource(&name, &server).is_ok(), "{}", name);
        if server.query().is_none() {
            let other = name.strip_suffix('/').map_or_else(|| format!("{name}/"), str::to_owned);
            prop_assert!(resource(&other, &server).is_ok(), "{}", other);
        }
    }

    #[test]
    fn a_resource_of_another_origin_is_refused(server in servers(), other in servers()) {
        prop_assume!(server.origin() != other.origin());
        let refused = resource(other.as_str(), &server);
        let refused = matches!(refused, Err(ResourceError::OtherResource { .. }));
        prop_assert!(refused, "{} for {}", other, server);
    }

    #[test]
    fn an_issuer_is_looked_for_at_its_own_origin(host in hosts(), path in paths()) {
        let text = format!("https://{host}{path}");
        let issuer = Issuer::read(&text, PLAIN).unwrap();
        prop_assert_eq!(issuer.as_str(), &text);
        for url in issuer.metadata_urls() {
            prop_assert_eq!(url.origin(), Url::parse(&text).unwrap().origin());
            prop_assert!(url.path().contains("/.well-known/") && !url.path().contains("//"));
        }
    }

    #[test]
    fn no_issuer_speaks_for_another(one in servers(), other in servers()) {
        let read = |url: &Url| Issuer::read(url.as_str().split('?').next().unwrap(), PLAIN).unwrap();
        let (one, other) = (read(&one), read(&other));
        let body = json!({"issuer": other.as_str(), "token_endpoint": "https://a.example/t"});
        let taken = AuthorizationServer::read(body.to_string().as_bytes(), &one, PLAIN).is_ok();
        let bare = |issuer: &Issuer| issuer.as_str().strip_suffix('/').unwrap_or(issuer.as_str()).to_owned();
        prop_assert_eq!(taken, bare(&one) == bare(&other));
    }

    #[test]
    fn no_text_becomes_an_endpoint_without_tls(text in "\\PC*", scheme in "(https?|ftp|file|javascript|data):[/\\\\@:]{0,3}[a-z.]{0,9}") {
        for text in [&text, &scheme] {
            if let Ok(endpoint) = Endpoint::read("a test", text, PLAIN) {
                prop_assert_eq!(endpoint.url().scheme(), "https");
                prop_assert!(endpoint.url().host().is_some());
            }
        }
    }
}
