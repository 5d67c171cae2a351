//! What the pages of packages show: plans, how far sets are, sizes.

use app::packages::{Change, Plan, Preparation};
use app::requests::{Request, State as RequestState};
use askama::Template;
use uuid::Uuid;

use crate::view::Frame;

/// A plan as HTML.
#[derive(Debug, Clone, Template)]
#[template(path = "packages/plan.html")]
pub(crate) struct PlanView {
    pub(super) plan: Plan,
}

impl askama::filters::HtmlSafe for PlanView {}

impl PlanView {
    fn vulnerable(&self) -> usize {
        self.plan.advisories().count()
    }
}

/// How far the packages of a server are, as HTML.
#[derive(Debug, Clone, Template)]
#[template(path = "packages/state.html")]
pub(crate) struct StateView {
    pub(crate) server_id: Uuid,
    pub(crate) preparation: Preparation,
}

impl askama::filters::HtmlSafe for StateView {}

#[derive(Template)]
#[template(path = "packages/review.html")]
pub(super) struct ReviewPage {
    pub(super) frame: Frame,
    pub(super) request: Request,
    pub(super) public_name: String,
    pub(super) server_name: String,
    pub(super) plan: Option<PlanView>,
    pub(super) problem: Option<String>,
}

#[derive(Template)]
#[template(path = "packages/add.html")]
pub(super) struct AddPage {
    pub(super) frame: Frame,
    pub(super) server_id: Uuid,
    pub(super) server_name: String,
    pub(super) view: PlanView,
    pub(super) problem: Option<&'static str>,
}

/// A size as a person writes it.
pub(crate) fn size(bytes: impl std::borrow::Borrow<u64>) -> String {
    match *bytes.borrow() {
        0 => "size unknown".to_owned(),
        bytes @ ..1000 => format!("{bytes} B"),
        bytes @ 1000..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        bytes => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use app::packages::{Advisory, Held, Kept, Locked, Lost, Planned};
    use app::requests::Kind;

    use super::*;
    use crate::requests::tests::request;
    use crate::view;

    fn locked(name: &str, requires: &[&str]) -> Locked {
        Locked {
            name: name.parse().unwrap(),
            version: "3.1.6".parse().unwrap(),
            wheel: format!("{name}-3.1.6-py3-none-any.whl"),
            url: format!("https://files.example/{name}-3.1.6-py3-none-any.whl"),
            sha256: "ab".repeat(32),
            bytes: 134_900,
            requires: requires.iter().map(|name| name.parse().unwrap()).collect(),
            provided: Vec::new(),
            yanked: None,
            without_compiled: false,
        }
    }

    /// What a server has, for samples of its page.
    pub(crate) fn kept() -> Kept {
        let held = |name: &str, requires: &[&str]| Held {
            locked: locked(name, requires),
            modules: vec![name.to_owned()],
            left_out: Vec::new(),
            summary: Some("Templates & <more>".to_owned()),
            license: None,
            home_page: None,
        };
        let packages = vec![held("jinja2", &["markupsafe"]), held("markupsafe", &[])];
        Kept { digest: "cd".repeat(32), packages }
    }

    fn planned(locked: Locked, change: Change) -> Planned {
        Planned {
            is_asked_for: locked.name.as_str() == "jinja2",
            change,
            required_by: Vec::new(),
            summary: Some("Templates & <more>".to_owned()),
            license: Some("BSD-3-Clause".to_owned()),
            home_page: Some("https://jinja.example/".to_owned()),
            left_out: Vec::new(),
            advisories: Vec::new(),
            locked,
        }
    }

    fn plan() -> Plan {
        let mut markup = planned(locked("markupsafe", &[]), Change::New);
        markup.required_by = vec!["jinja2".parse().unwrap()];
        markup.locked.without_compiled = true;
        markup.left_out = vec!["markupsafe/_speedups.so".to_owned()];
        markup.locked.yanked = Some("it <i>broke</i>".to_owned());
        let mut jinja = planned(
            locked("jinja2", &["markupsafe"]),
            Change::Changed { from: "3.0.0".parse().unwrap() },
        );
        jinja.locked.provided = vec!["tzdata".parse().unwrap()];
        jinja.advisories = vec![Advisory {
            id: "GHSA-1".to_owned(),
            package: "jinja2".parse().unwrap(),
            aliases: vec!["CVE-2026-1".to_owned()],
            summary: "Escapes <nothing>".to_owned(),
            severity: Some("HIGH".to_owned()),
            fixed: vec!["3.1.7".to_owned()],
            url: "https://osv.dev/vulnerability/GHSA-1".to_owned(),
        }];
        Plan {
            digest: "ef".repeat(32),
            package: "jinja2".parse().unwrap(),
            version: "3.1.6".parse().unwrap(),
            replaces: Some("3.0.0".parse().unwrap()),
            granted: vec!["jinja2==3.1.6".to_owned()],
            before: None,
            after: "cd".repeat(32),
            packages: vec![jinja, markup],
            removed: vec![Lost {
                name: "babel".parse().unwrap(),
                version: "2.17.0".parse().unwrap(),
            }],
            not_checked: Some("the feed was slow".to_owned()),
        }
    }

    fn review(state: RequestState, plan: Option<Plan>, problem: Option<&str>) -> String {
        let mut request = request(Kind::Package, "jinja2==3.1.6");
        request.state = state;
        let page = ReviewPage {
            frame: Frame::sample("/approvals"),
            request,
            public_name: "weather__forecast".to_owned(),
            server_name: "weather".to_owned(),
            plan: plan.map(|plan| PlanView { plan }),
            problem: problem.map(str::to_owned),
        };
        page.render().unwrap()
    }

    #[test]
    fn a_plan_shows_every_package_and_all_that_speaks_against_it() {
        let html = review(RequestState::Pending, Some(plan()), None);
        view::sample("package", &html);
        for part in [
            "<bdi>weather__forecast</bdi>",
            "<a href=\"https://jinja.example/\" rel=\"noreferrer\"><bdi>https://jinja.example/",
            "Templates &#38; &#60;more&#62;",
            "BSD-3-Clause",
            "from 3.0.0",
            "required by jinja2",
            "135 kB",
            "GHSA-1",
            "Escapes &#60;nothing&#62;",
            "Mended in <bdi>3.1.7",
            "markupsafe/_speedups.so",
            "it &#60;i&#62;broke",
            "tzdata already",
            "babel 2.17.0",
            "the feed was slow",
            "Takes the place of version 3.0.0",
            "value=\"efef",
            "value=\"reject\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }

    #[test]
    fn without_a_plan_nothing_can_be_approved_and_what_is_approved_not_again() {
        let html = review(RequestState::Pending, None, Some("the index is <down>"));
        assert!(html.contains("the index is &#60;down&#62;"), "{html}");
        assert!(!html.contains("value=\"approve\"") && html.contains("value=\"reject\""), "{html}");
        let rejected = review(RequestState::Rejected, Some(plan()), None);
        assert!(rejected.contains("value=\"approve\"") && !rejected.contains("value=\"reject\""));
        let approved = review(RequestState::Approved, Some(plan()), None);
        assert!(!approved.contains("value=\"approve\""), "{approved}");
    }

    #[test]
    fn only_what_goes_on_by_itself_is_asked_for_again() {
        let state =
            |preparation| StateView { server_id: Uuid::nil(), preparation }.render().unwrap();
        let fetching = state(Preparation::Fetching { done: 1, all: 3 });
        assert!(fetching.contains("hx-get") && fetching.contains("1 of 3"), "{fetching}");
        let failed = std::collections::BTreeMap::from([("a.b".to_owned(), "no <c>".to_owned())]);
        let ready = state(Preparation::Ready { failed, fallen_back: None });
        assert!(!ready.contains("hx-get") && ready.contains("no &#60;c&#62;"), "{ready}");
        assert!(ready.contains("note good") && ready.contains("<details>"), "{ready}");
        let failed = [("sympy".to_owned(), "no <c>".to_owned())].into();
        let broken = state(Preparation::Ready { failed, fallen_back: None });
        assert!(!broken.contains("note good") && !broken.contains("<details>"), "{broken}");
        let said = "<code><bdi>sympy</bdi></code> cannot be imported: <bdi>no &#60;c&#62;</bdi>";
        assert!(broken.contains(said), "{broken}");
        let failed = state(Preparation::Failed { reason: "the disk is full".to_owned() });
        assert!(!failed.contains("hx-get") && failed.contains("the disk is full"), "{failed}");
    }

    #[test]
    fn sizes_are_written_as_people_do() {
        let sizes = [0, 999, 1000, 134_900, 999_999, 1_000_000, 12_345_678].map(size);
        let expected = ["size unknown", "999 B", "1 kB", "135 kB", "1000 kB", "1.0 MB", "12.3 MB"];
        assert_eq!(sizes, expected);
    }
}
