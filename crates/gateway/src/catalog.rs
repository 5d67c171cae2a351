//! What clients can list, rendered once for each state of the database.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError, RwLock};

use app::App;
use app::capabilities::{self, Capabilities};
use app::prompts;
use app::tools::{self, Kind, LiveName, LiveTool};
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::source_states::SourceStates;

/// Everything that is live, in the order of the lists.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// By public name.
    pub(crate) tools: Vec<Arc<Entry>>,
    places: HashMap<String, usize>,
    /// By public name.
    pub(crate) prompts: Vec<Arc<Entry>>,
    /// Those with a URI of their own, by it.
    pub(crate) resources: Vec<Arc<Entry>>,
    /// Those with a template, by it.
    pub(crate) templates: Vec<Arc<Entry>>,
    /// What makes the resource of each URI and template.
    made_by: HashMap<String, Uuid>,
    pub(crate) prints: Prints,
    /// How many revisions were known before to have been changed behind our back.
    altered: usize,
    /// What was rendered, for the next catalog: a revision does not change, nor how it is listed under
    /// a name. Nothing for one that is not listed.
    rendered: HashMap<Key, Option<Arc<Entry>>>,
}

/// What an entry is made of: a revision, and the public name that it has.
type Key = (Uuid, String);

/// One thing of a list.
#[derive(Debug)]
pub(crate) struct Entry {
    /// What the list is ordered by: a public name or a URI.
    pub(crate) name: String,
    /// What clients are shown, as JSON.
    pub(crate) listed: String,
    /// The arguments that a client repeats in headers.
    pub(crate) mirrored: Vec<Mirrored>,
    /// Which list it belongs to.
    pub(crate) list: List,
    /// Tells it from others.
    print: u64,
}

/// A list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Tools,
    Prompts,
    Resources,
    Templates,
}

impl Entry {
    pub(crate) fn new(list: List, name: String, listed: &Value) -> Self {
        let listed = listed.to_string();
        let mut hasher = DefaultHasher::new();
        listed.hash(&mut hasher);
        let print = hasher.finish();
        Self { name, listed, mirrored: Vec::new(), list, print }
    }
}

/// An argument that a client repeats in the header `Mcp-Param-…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirrored {
    /// The keys that lead to it.
    pub(crate) path: Vec<String>,
    /// The rest of the header's name.
    pub(crate) header: String,
}

impl Mirrored {
    /// The argument, where there is one.
    pub(crate) fn value_in<'a>(&self, arguments: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(arguments.get(first)?, |value, key| value.get(key))
    }
}

/// A state of the lists: a number for each, another one for another content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Prints {
    /// Where the counter of changes stood when they were read.
    pub(crate) counter: i64,
    pub(crate) tools: u64,
    pub(crate) prompts: u64,
    /// Templates, too.
    pub(crate) resources: u64,
    /// The sources of tools, for those who may read them.
    pub(crate) sources: Option<u64>,
}

/// The catalog of this process, made anew where the database has changed.
pub(crate) struct Catalogs {
    app: App,
    current: RwLock<Arc<Catalog>>,
    /// One at a time makes a new one; the others wait for it.
    making: Mutex<()>,
    /// The sources of tools, which are read for those alone who listen and may read them.
    sources: Mutex<Arc<SourceStates>>,
}

impl Catalogs {
    pub(crate) fn new(app: App) -> Self {
        // No counter of a database is below zero.
        let none = Prints { counter: -1, ..Prints::default() };
        let none = Catalog { prints: none, ..Catalog::default() };
        Self {
            app,
            current: RwLock::new(Arc::new(none)),
            making: Mutex::new(()),
            sources: Mutex::new(Arc::new(SourceStates::unread())),
        }
    }

    /// Moves whenever there may be another catalog.
    pub(crate) fn changes(&self) -> watch::Receiver<i64> {
        self.app.changes()
    }

    /// The catalog as the database has it now.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn get(&self) -> app::Result<Arc<Catalog>> {
        self.since(self.app.counter().await?).await
    }

    /// A catalog that is at least as new as this counter.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn since(&self, counter: i64) -> app::Result<Arc<Catalog>> {
        if let Some(current) = self.standing(counter) {
            return Ok(current);
        }
        let _making = self.making.lock().await;
        if let Some(current) = self.standing(counter) {
            return Ok(current);
        }
        // Read before what it stands for: a change in between makes it outdated, not wrong.
        let counter = self.app.counter().await?;
        let before = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let made = Arc::new(Catalog::read(&self.app, counter, &before).await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&made);
        Ok(made)
    }

    /// The sources of tools, at least as new as this counter.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sources(&self, counter: i64) -> app::Result<Arc<SourceStates>> {
        let mut sources = self.sources.lock().await;
        if sources.counter < counter {
            let counter = self.app.counter().await?;
            *sources = Arc::new(SourceStates::read(&self.app, counter).await?);
        }
        Ok(Arc::clone(&sources))
    }

    fn standing(&self, counter: i64) -> Option<Arc<Catalog>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        // One that was never read stands for nothing.
        let standing = current.prints.counter;
        let is_new = standing >= counter && current.altered == tools::altered(&self.app);
        let stands = standing >= 0 && is_new;
        stands.then(|| Arc::clone(&current))
    }
}

impl Catalog {
    /// Reads what `before` does not have.
    async fn read(app: &App, counter: i64, before: &Self) -> app::Result<Self> {
        let altered = tools::altered(app);
        let names = tools::live_names(app).await?;
        let key = |name: &LiveName| (name.revision_id, name.public_name());
        let is_new = |name: &&LiveName| !before.rendered.contains_key(&key(name));
        let new: Vec<Uuid> = names.iter().filter(is_new).map(|name| name.tool_id).collect();
        let live = tools::live_of(app, &new).await?;
        let rendered =
            live.iter().map(|live| ((live.revision.id, live.public_name()), entry(live)));
        let rendered: HashMap<Key, Option<Arc<Entry>>> = rendered.collect();
        let mut catalog = Self { altered, ..Self::default() };
        for name in &names {
            let key = key(name);
            // What changed between the two looks is in the next catalog.
            let found = before.rendered.get(&key).or_else(|| rendered.get(&key)).cloned();
            if let Some(entry) = found {
                if let Some(entry) = &entry {
                    catalog.add(entry, name.revision_id);
                }
                catalog.rendered.insert(key, entry);
            }
        }
        catalog.resources.sort_by(|a, b| a.name.cmp(&b.name));
        catalog.templates.sort_by(|a, b| a.name.cmp(&b.name));
        catalog.prints = Prints {
            counter,
            tools: print(&[&catalog.tools]),
            prompts: print(&[&catalog.prompts]),
            resources: print(&[&catalog.resources, &catalog.templates]),
            sources: None,
        };
        Ok(catalog)
    }

    fn add(&mut self, entry: &Arc<Entry>, revision_id: Uuid) {
        let list = match entry.list {
            List::Tools => {
                self.places.insert(entry.name.clone(), self.tools.len());
                &mut self.tools
            }
            List::Prompts => &mut self.prompts,
            List::Resources => &mut self.resources,
            List::Templates => &mut self.templates,
        };
        list.push(Arc::clone(entry));
        if matches!(entry.list, List::Resources | List::Templates) {
            self.made_by.insert(entry.name.clone(), revision_id);
        }
    }

    /// The URIs and templates whose resources are made in another way than before.
    pub(crate) fn updated_since(&self, before: &Self) -> Vec<String> {
        let is_other =
            |(uri, id): &(&String, &Uuid)| before.made_by.get(*uri).is_some_and(|old| old != *id);
        self.made_by.iter().filter(is_other).map(|(uri, _)| uri.clone()).collect()
    }

    /// The arguments that a client of this tool repeats in headers.
    pub(crate) fn mirrored(&self, tool: &str) -> &[Mirrored] {
        let entry = self.places.get(tool).and_then(|place| self.tools.get(*place));
        entry.map_or(&[], |entry| &entry.mirrored)
    }
}

fn print(lists: &[&[Arc<Entry>]]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for entry in lists.iter().copied().flatten() {
        entry.print.hash(&mut hasher);
    }
    hasher.finish()
}

/// Something live as clients see it.
fn entry(live: &LiveTool) -> Option<Arc<Entry>> {
    let entry = match (live.revision.kind, live.revision.uri.as_deref()) {
        (Kind::Tool, _) => tool(live)?,
        (Kind::Prompt, _) => prompt(live),
        (Kind::Resource, Some(uri)) => resource(live, uri),
        (Kind::Resource, None) => {
            tracing::error!(resource = %live.public_name(), "not listed: it has no URI");
            return None;
        }
    };
    Some(Arc::new(entry))
}

/// A live tool as clients see it. One definition of a wrong shape makes clients refuse the whole
/// list, so such a tool is left out.
fn tool(live: &LiveTool) -> Option<Entry> {
    let name = live.public_name();
    let revision = &live.revision;
    if !is_object_schema(&revision.input_schema) {
        tracing::error!(tool = %name, "not listed: its input schema does not describe an object");
        return None;
    }
    let hints = capabilities::hints(&Capabilities::of(revision));
    let mut listed = described("name", &name, live);
    listed.insert("inputSchema".to_owned(), revision.input_schema.clone());
    if let Some(output) = revision.output_schema.as_ref().filter(|schema| is_object_schema(schema))
    {
        listed.insert("outputSchema".to_owned(), output.clone());
    }
    let annotations = json!({
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "openWorldHint": hints.open_world,
    });
    listed.insert("annotations".to_owned(), annotations);
    let mirrored = mirrored(&revision.input_schema);
    Some(Entry { mirrored, ..Entry::new(List::Tools, name, &Value::Object(listed)) })
}

/// A live prompt as clients see it.
fn prompt(live: &LiveTool) -> Entry {
    let name = live.public_name();
    let arguments = prompts::arguments(&live.revision).into_iter().map(|argument| {
        let mut told = Map::new();
        told.insert("name".to_owned(), Value::from(argument.name));
        if let Some(description) = argument.description {
            told.insert("description".to_owned(), Value::from(description));
        }
        told.insert("required".to_owned(), Value::Bool(argument.required));
        Value::Object(told)
    });
    let arguments: Vec<Value> = arguments.collect();
    let mut listed = described("name", &name, live);
    listed.insert("arguments".to_owned(), Value::Array(arguments));
    Entry::new(List::Prompts, name, &Value::Object(listed))
}

/// A live resource as clients see it: one of its own, or a template for many.
fn resource(live: &LiveTool, uri: &str) -> Entry {
    let (list, key) =
        if uri.contains('{') { (List::Templates, "uriTemplate") } else { (List::Resources, "uri") };
    let mut listed = described(key, uri, live);
    listed.insert("name".to_owned(), Value::from(live.public_name()));
    Entry::new(list, uri.to_owned(), &Value::Object(listed))
}

fn described(key: &str, name: &str, live: &LiveTool) -> Map<String, Value> {
    let mut listed = Map::new();
    listed.insert(key.to_owned(), Value::from(name));
    let description = match live.revision.description.trim() {
        "" => in_words(&live.revision.name),
        written => written.to_owned(),
    };
    listed.insert("description".to_owned(), Value::from(description));
    listed
}

/// A name as a sentence, for what nobody described: some clients refuse a list in which one description
/// lacks, and models choose by it.
fn in_words(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

/// Whether the root is an object and the properties are, which is all that clients of every revision
/// take.
fn is_object_schema(schema: &Value) -> bool {
    let fits = match schema.get("properties") {
        Some(Value::Object(properties)) => properties.values().all(Value::is_object),
        Some(_) => false,
        None => true,
    };
    fits && schema.get("type").is_some_and(|kind| kind == "object")
}

/// The arguments that a schema wants repeated in headers.
fn mirrored(schema: &Value) -> Vec<Mirrored> {
    let mut found = Vec::new();
    let mut open: Vec<(Vec<String>, &Value)> = vec![(Vec::new(), schema)];
    while let Some((path, schema)) = open.pop() {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let path: Vec<String> = path.iter().chain([name]).cloned().collect();
            if let Some(header) = property.get("x-mcp-header").and_then(Value::as_str) {
                found.push(Mirrored { path: path.clone(), header: header.to_owned() });
            }
            open.push((path, property));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn only_schemas_with_an_object_at_the_root_are_published() {
        assert!(is_object_schema(&json!({"type": "object"})));
        let properties = |properties| json!({"type": "object", "properties": properties});
        assert!(is_object_schema(&properties(json!({"a": {"type": "string"}, "b": {}}))));
        for schema in [
            json!({"type": "array"}),
            json!({}),
            json!(true),
            json!({"anyOf": []}),
            json!({"type": ["object", "null"]}),
            properties(json!([])),
            properties(json!({"a": true})),
        ] {
            assert!(!is_object_schema(&schema), "{schema}");
        }
    }

    #[test]
    fn what_nobody_described_is_described_by_its_name() {
        let described = |kind: Kind, name: &str, description: &str| {
            let mut revision = samples::live().newest;
            (revision.kind, revision.name) = (kind, name.to_owned());
            revision.uri = (kind == Kind::Resource).then(|| "a://b".to_owned());
            revision.description = description.to_owned();
            let live = LiveTool {
                server_id: Uuid::nil(),
                server_name: "weather".to_owned(),
                prefix: "weather".to_owned(),
                tool_id: revision.tool_id,
                default_timeout_ms: 30_000,
                revision,
            };
            let listed = &entry(&live).unwrap().listed;
            serde_json::from_str::<Value>(listed).unwrap()["description"].clone()
        };
        for kind in [Kind::Tool, Kind::Prompt, Kind::Resource] {
            assert_eq!(described(kind, "rain_of_day", " \n"), "Rain of day");
            assert_eq!(described(kind, "rain_of_day", "Millimetres. "), "Millimetres.");
        }
        assert_eq!(described(Kind::Tool, "_", ""), "_");
    }

    #[test]
    fn arguments_for_headers_are_found_at_any_depth() {
        let schema = json!({"type": "object", "properties": {
            "plain": {"type": "string"},
            "region": {"type": "string", "x-mcp-header": "Region"},
            "deep": {"type": "object", "properties": {"id": {"type": "integer", "x-mcp-header": "Id"}}},
        }});
        let mut found = mirrored(&schema);
        found.sort_by(|a, b| a.header.cmp(&b.header));
        let ids: Vec<_> = found.iter().map(|found| found.path.join(".")).collect();
        assert_eq!(ids, ["deep.id", "region"]);
        let arguments = json!({"deep": {"id": 7}});
        let arguments = arguments.as_object().unwrap();
        assert_eq!(found.first().and_then(|id| id.value_in(arguments)), Some(&json!(7)));
        assert_eq!(found.last().and_then(|region| region.value_in(arguments)), None);
    }
}
