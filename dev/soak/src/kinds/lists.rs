//! What the server says of itself, and its lists to their ends.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::tools;
use crate::visitor::Visitor;

pub(super) async fn discover(visitor: &mut Visitor) -> Result<()> {
    let result = visitor.ask("server/discover", &json!({})).await?;
    let versions = result.get("supportedVersions").and_then(Value::as_array);
    ensure!(versions.is_some_and(|versions| versions.len() == 4), "{result}");
    Ok(())
}

pub(super) async fn tools(visitor: &mut Visitor) -> Result<()> {
    let session =
        if visitor.random.random_bool(0.5) { Some(visitor.session().await?) } else { None };
    let listed = every_page(visitor, session.as_deref(), "tools/list", "tools", "name").await?;
    for tool in tools::ALL.iter().filter(|tool| tool.kind == "tool") {
        let name = format!("{}__{}", tools::SERVER, tool.name);
        ensure!(listed.contains(&name), "{name} is not listed");
    }
    let many = listed.iter().filter(|name| name.starts_with(tools::MANY)).count();
    ensure!(many == visitor.stage.plan.listed, "{many} of the many are listed");
    Ok(())
}

pub(super) async fn others(visitor: &mut Visitor) -> Result<()> {
    let (method, list, key, expected) = match visitor.random.random_range(0..3) {
        0 => ("prompts/list", "prompts", "name", Some("load__words")),
        1 => (
            "resources/templates/list",
            "resourceTemplates",
            "uriTemplate",
            Some("load://notes/{day}"),
        ),
        _ => ("resources/list", "resources", "uri", None),
    };
    let listed = every_page(visitor, None, method, list, key).await?;
    ensure!(expected.is_none_or(|expected| listed.contains(expected)), "{method}: {listed:?}");
    Ok(())
}

/// What names the elements of a list, on all of its pages. Nothing may be on two of them: the list
/// only grows at its end, or loses something, meanwhile.
async fn every_page(
    visitor: &mut Visitor,
    session: Option<&str>,
    method: &str,
    list: &str,
    key: &str,
) -> Result<BTreeSet<String>> {
    let mut listed = BTreeSet::new();
    let mut params = json!({});
    loop {
        let mut result = match session {
            Some(session) => visitor.ask_in(session, method, &params).await?,
            None => visitor.ask(method, &params).await?,
        };
        let elements = result.get_mut(list).map(Value::take);
        let elements = elements.as_ref().and_then(Value::as_array).context("a list")?;
        for element in elements {
            let name = element.get(key).and_then(Value::as_str);
            let name = name.with_context(|| format!("a name: {element}"))?;
            ensure!(listed.insert(name.to_owned()), "{name} is listed twice");
        }
        match result.get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return Ok(listed),
        }
    }
}
