//! The pages, as a browser without JavaScript uses them.

use testkit::http::{Answer, send};
use testkit::program::ACCOUNT;

/// A browser with a session.
pub(crate) struct Browser {
    base: String,
    cookie: String,
}

impl Browser {
    /// Signs in with the first account, which is there.
    pub(crate) fn sign_in(base: &str) -> Self {
        let browser = Self { base: base.to_owned(), cookie: String::new() };
        let (name, password) = (ACCOUNT.0, ACCOUNT.1.replace(' ', "+"));
        let answer = browser.post("/login", &format!("username={name}&password={password}"));
        let field = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.to_owned())
        });
        let cookie = field.unwrap_or_else(|| panic!("no session: {answer:?}"));
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Self { cookie, ..browser }
    }

    /// Loads a page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let headers = [("Cookie", self.cookie.as_str()), ("Accept", "text/html")];
        send(&self.base, "GET", path, &headers, "")
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, form: &str) -> Answer {
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("Accept", "text/html"),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", self.base.as_str()),
        ];
        send(&self.base, "POST", path, &headers, form)
    }
}

/// The value of a hidden field.
pub(crate) fn field<'a>(page: &'a Answer, name: &str) -> &'a str {
    let begin = format!("name=\"{name}\" value=\"");
    let found = page.body.split_once(&begin).and_then(|(_, rest)| rest.split_once('"'));
    found.unwrap_or_else(|| panic!("no field {name}: {page:?}")).0
}
