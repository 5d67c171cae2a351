//! The pages of sources as they are rendered.

use app::external_sources::{
    ExternalSource, Found, RefreshOwner, SourceTokens, TokenState, Transport,
};
use serde_json::json;

use super::rows::{Card, Row};
use super::*;

/// One that a model asked for.
pub(crate) fn source() -> ExternalSource {
    let now = app::clock::now();
    ExternalSource {
        id: Uuid::nil(),
        server_id: Uuid::nil(),
        name: "files".to_owned(),
        description: String::new(),
        transport: Transport::StreamableHttp,
        url: Some("https://mcp.example/mcp?a=<b>".to_owned()),
        command: None,
        auth_type: AuthType::Bearer,
        auth_secret_name: Some("API_KEY".to_owned()),
        auth_header_name: None,
        oauth: None,
        refresh_owner: RefreshOwner::Gateway,
        imports_all: false,
        enabled: true,
        managed_by: None,
        grants: "[]".parse().unwrap(),
        granted_at: None,
        granted_by: None,
        rejection_reason: None,
        failure: None,
        failed_at: None,
        discovered: None,
        tool_count: 0,
        last_discovered_at: None,
        created_by: "claude at 127.0.0.1".to_owned(),
        created_at: now,
        updated_at: now,
    }
}

pub(crate) fn detail() -> Detail {
    Detail { source: source(), tokens: None }
}

pub(crate) fn tokens() -> SourceTokens {
    SourceTokens {
        source_id: Uuid::nil(),
        issuer: "https://auth.example".to_owned(),
        resource: "https://mcp.example/mcp".to_owned(),
        owner: "server".to_owned(),
        secret_id: Uuid::nil(),
        version: 1,
        state: TokenState::Connected,
        failure: None,
        has_refresh_token: true,
        scope: Some("files.read".to_owned()),
        expires_at: Some(app::clock::now()),
        renewing_until: None,
        updated_at: app::clock::now(),
    }
}

fn granted() -> ExternalSource {
    ExternalSource {
        grants: "[\"mcp.example:443\"]".parse().unwrap(),
        granted_at: Some(app::clock::now()),
        granted_by: Some("grace".to_owned()),
        ..source()
    }
}

fn page(source: ExternalSource) -> ShowPage {
    ShowPage {
        frame: Frame::sample("/servers"),
        server_name: "box".to_owned(),
        host: Ok(Some("mcp.example:443".to_owned())),
        command: None,
        login: None,
        offered: None,
        outcome: Outcome::default(),
        detail: Detail { source, tokens: None },
    }
}

fn found(name: &str, remarks: &[&str], fault: Option<&str>) -> Found {
    Found {
        name: name.to_owned(),
        definition: json!({
            "name": name,
            "description": "Looks for <files>.",
            "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}},
            "annotations": {"readOnlyHint": true},
        }),
        remarks: remarks.iter().map(|remark| (*remark).to_owned()).collect(),
        fault: fault.map(str::to_owned),
        imported_as: None,
        quarantine: None,
    }
}

#[test]
fn what_waits_shows_the_host_that_would_be_reached_and_both_decisions() {
    let html = page(source()).render().unwrap();
    view::sample("source-pending", &html);
    for part in [
        "mcp.example:443",
        "/grant\"",
        "/reject\"",
        "https://mcp.example/mcp?a=&#60;b&#62;",
        "Nothing is connected to before",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert!(!html.contains("/discover\""), "{html}");
    let mut refused = page(source());
    refused.host = Err("url: it is a loopback address".to_owned());
    let html = refused.render().unwrap();
    assert!(html.contains("loopback address") && !html.contains("/grant\""), "{html}");
}

#[test]
fn what_is_allowed_can_be_asked_and_its_tools_chosen() {
    let mut page = page(granted());
    let html = page.render().unwrap();
    assert!(html.contains("/discover\"") && !html.contains("/grant\""), "{html}");
    let mut known = found("known", &[], None);
    known.imported_as = Some(Uuid::from_u128(7));
    page.offered = Some(Discovered {
        source: granted(),
        tools: vec![
            found("search", &["description: speaks to the model: \"…<IMPORTANT>…\""], None),
            found("broken", &[], Some("its input schema cannot be published")),
            known,
        ],
        left_out: vec![("huge".to_owned(), "it is too large".to_owned())],
    });
    page.outcome.imported = 2;
    page.outcome.skipped = vec![Skipped {
        name: "gone".to_owned(),
        status: "skipped_not_found",
        reason: "the source did not list it".to_owned(),
    }];
    let html = page.render().unwrap();
    view::sample("source-tools", &html);
    for part in [
        "name=\"tool\" value=\"search\"",
        "speaks to the model",
        "cannot be published",
        "it is too large",
        "/tools/00000000-0000-0000-0000-000000000007",
        "did not list it",
        "2 tools were imported",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    for name in ["broken", "known", "huge"] {
        assert!(!html.contains(&format!("name=\"tool\" value=\"{name}\"")), "{name}: {html}");
    }
}

#[test]
fn a_login_is_shown_without_what_is_secret() {
    let mut page = page(ExternalSource { auth_type: AuthType::Oauth, ..granted() });
    let settings = OauthSettings { client_id: Some("id".to_owned()), ..OauthSettings::default() };
    page.login = Some(Login { settings, has_secret: true, has_key: false });
    let html = page.render().unwrap();
    assert!(html.contains("/oauth/connect\"") && html.contains(">Connect<"), "{html}");
    page.detail.tokens = Some(tokens());
    let html = page.render().unwrap();
    view::sample("source-connected", &html);
    for part in ["/oauth/disconnect\"", "files.read", "https://auth.example", ">Reconnect<"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    page.detail.tokens = Some(SourceTokens {
        state: TokenState::Reconnect,
        failure: Some("the server has taken it back".to_owned()),
        ..tokens()
    });
    let html = page.render().unwrap();
    assert!(
        html.contains("the server has taken it back") && html.contains("needs login"),
        "{html}"
    );
}

#[test]
fn a_source_of_the_configuration_file_is_not_changed_here() {
    let fixed = ExternalSource { managed_by: Some("config".to_owned()), ..granted() };
    let html = page(fixed).render().unwrap();
    assert!(html.contains("configuration file") && html.contains("/discover\""), "{html}");
    for action in ["/reject\"", "/delete\"", "/edit\"", "/enabled\""] {
        assert!(!html.contains(action), "{action}: {html}");
        let own = page(granted()).render().unwrap();
        assert!(own.contains(action), "{action}: {own}");
    }
}

#[test]
fn a_process_shows_its_command_and_its_secrets_by_name() {
    let command = json!({"command": "python3", "args": ["-m", "a b"], "env": {"K": "secret:KEY"}});
    let mut page = page(ExternalSource {
        transport: Transport::Stdio,
        url: None,
        command: Some(command.to_string().parse().unwrap()),
        auth_type: AuthType::None,
        ..granted()
    });
    page.command = serde_json::from_value(command).unwrap();
    page.host = Ok(None);
    let html = page.render().unwrap();
    for part in ["python3", "a b", "secret:KEY"] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn all_sources_are_listed_with_how_they_stand() {
    let row =
        |source| Row { detail: Detail { source, tokens: None }, server_name: "box".to_owned() };
    let failed = ExternalSource { failure: Some("refused".to_owned()), ..granted() };
    let html = ListPage {
        frame: Frame::sample("/servers"),
        status: None,
        sources: vec![row(source()), row(failed)],
        pager: Pager::new(app::Page { number: 1, size: 50 }, 2, "/sources"),
    }
    .render()
    .unwrap();
    view::sample("sources", &html);
    for part in ["pending", "error", "/sources/00000000", "refused"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let card = Card { row: row(source()), host: Ok(Some("mcp.example:443".to_owned())) };
    let html = card.render().unwrap();
    assert!(html.contains("/grant\"") && html.contains("mcp.example:443"), "{html}");
}
