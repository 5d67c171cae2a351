//! The browser of a person who agrees to everything.

use anyhow::{Context as _, Result, ensure};
use testkit::http;
use url::Url;

/// Visits the address of a login; gives the query of the address that the browser is sent back to.
pub(crate) fn visit(address: &str) -> Result<String> {
    let url = Url::parse(address).context("the address of the login")?;
    let host = url.host_str().context("its host")?;
    let port = url.port_or_known_default().context("its port")?;
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let answer = http::send(&format!("http://{host}:{port}"), "GET", &target, &[], "");
    ensure!((300..400).contains(&answer.status), "no redirect: {answer:?}");
    let mut fields = answer.head.lines().filter_map(|line| line.split_once(':'));
    let location = fields.find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let (_, location) = location.context("a redirect without an address")?;
    let back = url.join(location.trim()).context("the address to come back to")?;
    Ok(back.query().unwrap_or_default().to_owned())
}
