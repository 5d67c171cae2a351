//! The pages of servers as they are rendered.

use app::packages::Preparation;
use app::servers::{Server, Status};

use super::*;
use crate::packages::views::tests::kept;
use crate::requests::tests::request;
use crate::tools::tests::{revision, tool};

pub(crate) fn server(status: Status) -> Server {
    let now = app::clock::now();
    Server {
        id: Uuid::nil(),
        name: "weather".to_owned(),
        description: "Forecasts & warnings for a place.".to_owned(),
        status,
        tool_prefix: None,
        default_timeout_ms: 30_000,
        created_at: now,
        updated_at: now,
    }
}

#[test]
fn a_list_shows_each_server_and_its_number_of_tools() {
    let html = ListPage {
        frame: Frame::sample("/servers"),
        servers: vec![
            Summary { server: server(Status::Running), tool_count: 3 },
            Summary { server: server(Status::Imported), tool_count: 0 },
        ],
        pager: Pager::new(Page { number: 2, size: 50 }, 120, "/servers"),
    }
    .render()
    .unwrap();
    view::sample("servers", &html);
    assert!(html.contains("/servers/00000000-0000-0000-0000-000000000000"), "{html}");
    assert!(html.contains("/servers?page=3"), "{html}");
}

#[test]
fn a_running_server_can_be_stopped_and_a_stopped_one_started() {
    for (status, action) in [(Status::Running, "/stop"), (Status::Stopped, "/start")] {
        let html = page(status, vec![(tool(), Newest::from(&revision(2, "x")))]).render().unwrap();
        view::sample("server", &html);
        assert!(html.contains(action), "{html}");
    }
}

#[test]
fn a_server_is_changed_where_its_values_stand_and_deleted_by_its_name() {
    let mut page = page(Status::Running, vec![(tool(), Newest::from(&revision(2, "x")))]);
    page.pager = Pager::new(Page { number: 2, size: 50 }, 2_000, "/servers/1");
    let html = page.render().unwrap();
    for part in [
        "name=\"name\" value=\"weather\"",
        "value=\"name\" checked",
        "name=\"seen\"",
        "/delete#settings\"",
        "/restart\"",
        "Page 2 of 40",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    page.settings.prefix = "own".to_owned();
    page.settings.tool_prefix = "<w>".to_owned();
    page.settings.problem = "tool_prefix: <no>".to_owned();
    page.settings.not_deleted = "name: type it".to_owned();
    let html = page.render().unwrap();
    view::sample("server-settings", &html);
    for part in ["value=\"&#60;w&#62;\"", "&#60;no&#62;", "value=\"own\" checked", "type it"] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn an_empty_server_says_what_to_do_next() {
    let html = page(Status::Imported, vec![]).render().unwrap();
    assert!(html.contains("mcpbox_create_tool"), "{html}");
    assert!(html.contains("mcpbox_request_network_access"), "{html}");
    assert!(!html.contains("allowed-hosts/remove"), "{html}");
}

#[test]
fn hosts_can_be_taken_back_and_what_waits_is_named() {
    let mut page = page(Status::Running, vec![]);
    page.hosts = vec![grant(Kind::Host, "api.example.com:8443")];
    page.waiting = vec![request(Kind::Host, "nas.example")];
    page.refusals = vec![refusal("tracker.example", NOT_APPROVED)];
    let html = page.render().unwrap();
    view::sample("server-hosts", &html);
    assert!(html.contains("name=\"host\" value=\"api.example.com:8443\""), "{html}");
    assert!(html.contains("nas.example") && !html.contains("no network"), "{html}");
    assert!(html.contains("<bdi>tracker.example</bdi>:443") && html.contains("3 times"), "{html}");
}

#[test]
fn what_a_person_may_allow_is_allowed_beside_what_was_refused() {
    let mut page = page(Status::Running, vec![]);
    page.refusals = vec![refusal("tracker.example", NOT_APPROVED)];
    let html = page.render().unwrap();
    let form = "<input type=\"hidden\" name=\"host\" value=\"tracker.example\"><input type=\"hidden\" name=\"port\" value=\"443\">";
    assert!(html.contains(form) && html.contains("Nobody has allowed it"), "{html}");
    assert!(!html.contains("mcpbox_request_network_access (host"), "{html}");
    page.hosts = vec![grant(Kind::Host, "tracker.example")];
    let html = page.render().unwrap();
    assert!(!html.contains(form) && html.contains("Allowed since"), "{html}");
    page.refusals = vec![refusal("tracker.example", "it is a loopback address")];
    let html = page.render().unwrap();
    assert!(!html.contains(form) && html.contains("it is a loopback address"), "{html}");
}

#[test]
fn what_waits_stands_in_the_card_of_its_kind() {
    let mut page = page(Status::Running, vec![]);
    page.waiting = vec![
        request(Kind::Package, "jinja2==3.1.6"),
        request(Kind::Host, "nas.example"),
        request(Kind::Module, "sched"),
    ];
    let html = page.render().unwrap();
    let (before, cards) = html.split_once("id=\"hosts\"").unwrap();
    let (hosts, packages) = cards.split_once("id=\"packages\"").unwrap();
    assert!(before.contains("<bdi>sched</bdi>") && !before.contains("nas.example"), "{html}");
    assert!(hosts.contains("nas.example") && !hosts.contains("jinja2"), "{hosts}");
    assert!(packages.contains("jinja2==3.1.6") && !packages.contains("nas"), "{packages}");
}

#[test]
fn what_was_typed_and_cannot_be_used_is_shown_with_the_reason() {
    let mut page = page(Status::Running, vec![]);
    page.package = Typed {
        name: "gree<ting".to_owned(),
        detail: "1".to_owned(),
        problem: "package: no <name>".to_owned(),
    };
    let html = page.render().unwrap();
    view::sample("server-typed", &html);
    for part in ["value=\"gree&#60;ting\"", "value=\"1\"", "no &#60;name&#62;", "aria-invalid"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let untouched = self::page(Status::Running, vec![]).render().unwrap();
    assert!(!untouched.contains("aria-invalid"), "{untouched}");
}

#[test]
fn packages_are_shown_with_what_they_require_and_can_be_removed() {
    let mut page = page(Status::Running, vec![]);
    page.packages.grants = vec![grant(Kind::Package, "jinja2==3.1.6")];
    page.packages.kept = Some(kept());
    page.state.preparation = Preparation::Fetching { done: 0, all: 2 };
    let html = page.render().unwrap();
    view::sample("server-packages", &html);
    for part in [
        "name=\"package\" value=\"jinja2\"",
        "All 2 with what they require",
        "<code><bdi>markupsafe</bdi></code>",
        "0 of 2",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn secrets_show_whether_they_are_set_and_take_a_value() {
    let mut page = page(Status::Running, vec![]);
    let secret = |key: &str, has_value, is_short| Secret {
        key: key.to_owned(),
        description: "The <key> of the service.".to_owned(),
        has_value,
        is_short,
        created_by: "claude".to_owned(),
        created_at: app::clock::now(),
        updated_by: "grace".to_owned(),
        updated_at: app::clock::now(),
    };
    page.secrets =
        vec![secret("UNSET", false, false), secret("PIN", true, true), secret("KEY", true, false)];
    let html = page.render().unwrap();
    view::sample("server-secrets", &html);
    let (_, card) = html.split_once("id=\"secrets\"").unwrap();
    for part in [
        "not set",
        "short: not redacted",
        "/secrets/KEY/value#secrets",
        "type=\"password\"",
        "The &#60;key&#62;",
        "/secrets/KEY/clear",
        "/secrets/UNSET/delete",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    assert!(!card.contains("/secrets/UNSET/clear"), "{card}");
    assert_eq!(card.matches("short: not redacted").count(), 1, "{card}");
    page.secret.problem = "key: expected".to_owned();
    assert!(page.render().unwrap().contains("id=\"secret-problem\""));
}

const NOT_APPROVED: &str = "'tracker.example' (port 443) is not approved for this server: ask for it with mcpbox_request_network_access (host 'tracker.example', port 443), a person then decides";

fn refusal(host: &str, reason: &str) -> Refusal {
    Refusal {
        server_id: Uuid::nil(),
        tool_name: "weather__now".to_owned(),
        host: host.to_owned(),
        port: 443,
        reason: reason.to_owned(),
        count: 3,
        last_at: app::clock::now(),
    }
}

fn grant(kind: Kind, name: &str) -> Grant {
    Grant {
        id: Uuid::nil(),
        kind,
        server_id: Some(Uuid::nil()),
        name: name.to_owned(),
        request_id: None,
        granted_by: "grace".to_owned(),
        granted_at: app::clock::now(),
    }
}

fn page(status: Status, tools: Vec<(Tool, Newest)>) -> ShowPage {
    let (tool_count, ready_tools) = (tools.len() as u64, 0);
    ShowPage {
        frame: Frame::sample("/servers"),
        pager: Pager::new(Page { number: 1, size: 50 }, tool_count, "/servers/1"),
        settings: Settings::of(&server(status)),
        server: Detail { server: server(status), tool_count, ready_tools },
        tools,
        hosts: vec![],
        packages: OfServer { grants: vec![], kept: None, preparation: Preparation::NotBegun },
        state: StateView { server_id: Uuid::nil(), preparation: Preparation::NotBegun },
        waiting: vec![],
        refusals: vec![],
        host: Typed::default(),
        package: Typed::default(),
        secrets: vec![],
        secret: Typed::default(),
        sources: vec![],
    }
}
