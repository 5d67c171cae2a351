//! The pages of packages, as a browser without JavaScript uses them.

use package_index::Wheel;
use serde_json::json;
use testkit::http::Api;

use super::{ask, id, index, ready, serve, server_id};
use crate::client::Client;
use crate::database::Database;
use crate::pages::{Browser, field};
use crate::whole_loop::approve_unfiled;

const CODE: &str = "async def main() -> int:\n    return 1\n";

#[test]
fn a_person_reads_a_plan_and_approves_exactly_that() {
    let (database, index) = (Database::sqlite(), index());
    index.vulnerable("greeting", "1.0", json!({"id": "GHSA-2", "summary": "Rude <i>words</i>"}));
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let browser = Browser::sign_in(&program.admin);
    let path = format!("/approvals/packages/{}", id(&asked));
    for list in ["/approvals", "/approvals/requests"] {
        let page = browser.get(list);
        assert!(page.body.contains(&format!("href=\"{path}\"")), "{list}: {page:?}");
    }
    let page = browser.get(&path);
    for part in ["Rude &#60;i&#62;", "GHSA-2", "required by greeting", "Greets &#60;b&#62;", "MIT"]
    {
        assert!(page.body.contains(part), "{part}: {page:?}");
    }
    let seen = field(&page, "plan").to_owned();

    // The index has meanwhile another wheel of what it requires.
    index.add(&Wheel::new("other", "1.0"));
    let server = format!("/servers/{}", server_id(&api));
    let look = browser.get(&format!("{server}/packages/plan?package=other&version="));
    assert_eq!((look.status, field(&look, "version")), (200, "1.0"), "{look:?}");
    let form = format!("package=other&version=1.0&plan={}", field(&look, "plan"));
    assert_eq!(browser.post(&format!("{server}/packages"), &form).status, 303);
    let differs = browser.post(&path, &format!("action=approve&plan={seen}"));
    assert_eq!(differs.status, 409, "{differs:?}");
    assert!(differs.body.contains("Nothing is allowed yet"), "{differs:?}");
    let now = field(&differs, "plan");
    assert_ne!(now, seen);
    let done = browser.post(&path, &format!("action=approve&plan={now}"));
    assert_eq!(done.status, 303, "{done:?}");

    let page = browser.get(&server);
    assert!(page.body.contains("greeting==1.0") && page.body.contains("other==1.0"), "{page:?}");
    ready(&api, &server_id(&api));
    let state = browser.get(&format!("{server}/packages/state"));
    assert!(state.body.contains("Ready") && !state.body.contains("hx-get"), "{state:?}");
    let removed = browser.post(&format!("{server}/packages/remove"), "package=greeting");
    assert_eq!(removed.status, 303, "{removed:?}");
    let page = browser.get(&server);
    assert!(!page.body.contains("greeting==1.0") && page.body.contains("other==1.0"), "{page:?}");
    let history = browser.get("/approvals/history");
    assert!(history.body.contains("package <code>") && history.body.contains("removed"));
}

#[test]
fn what_is_wrong_with_a_form_is_said() {
    let (database, index) = (Database::sqlite(), index());
    let program = serve(&database, &index);
    let mut model = Client::connect(&program.mcp, "auto");
    let api = Api::sign_in(&program.admin);
    let tool_id = approve_unfiled(&mut model, &api, "doors", "greet", CODE);
    let asked = model.ok("mcpbox_request_module", &ask(&tool_id, "greeting", Some("1.0")));
    let browser = Browser::sign_in(&program.admin);
    let one = format!("/approvals/packages/{}", id(&asked));
    let server = format!("/servers/{}/packages", server_id(&api));
    for (path, form, status) in [
        (one.as_str(), "action=maybe", 422),
        (&one, "action=reject&reason=", 422),
        (&one, "action=approve&plan=x", 409),
        ("/approvals/packages/01890000-0000-7000-8000-000000000000", "action=approve&plan=x", 404),
        (&server, "package=gree+ting&plan=x", 422),
        (&server, "package=greeting&version=1.0&plan=x", 409),
        (&format!("{server}/remove"), "package=greeting", 404),
        (&one, "action=reject&reason=no", 303),
    ] {
        let answer = browser.post(path, form);
        assert_eq!(answer.status, status, "{path} {form}: {answer:?}");
    }
    for (path, status) in [
        (format!("{server}/plan?package=greetings"), 422),
        (format!("{server}/plan"), 422),
        (format!("{server}/plan?package=greeting"), 200),
        (format!("{server}/state"), 200),
    ] {
        let answer = browser.get(&path);
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
}
