//! What an imported tool is at its source, for the person who decides about it.

use app::external_sources;
use app::tools::Revision;
use app::{App, Error};
use askama::Template;
use serde_json::Value;
use uuid::Uuid;

use crate::errors::Problem;
use crate::view;

/// The definition of an imported tool, as HTML.
#[derive(Debug, Clone, Template)]
#[template(path = "sources/definition.html")]
pub(crate) struct Definition {
    source_id: Uuid,
    /// Nothing where the source is removed.
    source_name: Option<String>,
    /// The name of the tool there.
    name: String,
    description: String,
    /// Each with its heading.
    parts: Vec<(&'static str, String)>,
}

impl askama::filters::HtmlSafe for Definition {}

/// What of a definition is shown beside name and description.
const PARTS: [(&str, &str); 5] = [
    ("title", "Title"),
    ("annotations", "What it says of itself (annotations)"),
    ("inputSchema", "Parameters (JSON Schema)"),
    ("outputSchema", "Result (JSON Schema)"),
    ("icons", "Icons"),
];

impl Definition {
    /// That of a revision; nothing where it has code of its own.
    pub(crate) async fn of(app: &App, revision: &Revision) -> Result<Option<Self>, Problem> {
        let Some(imported) = &revision.imported else { return Ok(None) };
        let name = match external_sources::get(app, imported.source_id).await {
            Ok(detail) => Some(detail.source.name),
            Err(Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self::new(revision, name))
    }

    pub(crate) fn new(revision: &Revision, source_name: Option<String>) -> Option<Self> {
        let imported = revision.imported.as_ref()?;
        let part = |(field, heading): (&str, &'static str)| {
            Some((heading, written(imported.definition.get(field)?)))
        };
        Some(Self {
            source_id: imported.source_id,
            source_name,
            name: imported.name().to_owned(),
            description: text(&imported.definition, "description"),
            parts: PARTS.into_iter().filter_map(part).collect(),
        })
    }
}

/// The fields of a definition with their values as people read them: what differs is found line by line.
pub(crate) fn fields(revision: &Revision) -> Vec<(&'static str, String)> {
    let none = Value::Null;
    let definition = revision.imported.as_ref().map_or(&none, |imported| &imported.definition);
    let mut all = vec![
        ("Name at the source", text(definition, "name")),
        ("Description", text(definition, "description")),
    ];
    let part = |field: &str| definition.get(field).map_or_else(|| "none".to_owned(), written);
    all.extend(PARTS.iter().map(|(field, heading)| (*heading, part(field))));
    all
}

/// A text as it is, and anything else as JSON with line breaks.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| view::pretty(value), str::to_owned)
}

fn text(definition: &Value, field: &str) -> String {
    definition.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}
