//! What clients can list, rendered once for each state of the database.

mod rendering;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, PoisonError, RwLock};

use app::App;
use app::tools::{self, LiveName};
use rendering::entry;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::source_states::SourceStates;
use crate::version::Version;

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
    /// The same for revision 2025-03-26, where that is something else.
    oldest: Option<String>,
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
        let oldest = oldest(listed);
        let listed = listed.to_string();
        let mut hasher = DefaultHasher::new();
        listed.hash(&mut hasher);
        let print = hasher.finish();
        Self { name, listed, oldest, mirrored: Vec::new(), list, print }
    }

    /// What clients of a revision are shown.
    pub(crate) fn shown(&self, version: Version) -> &str {
        let oldest = self.oldest.as_deref().filter(|_| version < Version::June2025);
        oldest.unwrap_or(&self.listed)
    }
}

/// What revision 2025-03-26 has of it, which knows no output schemas, and titles of tools among their
/// annotations alone; nothing where that is all.
fn oldest(listed: &Value) -> Option<String> {
    let mut known = listed.as_object()?.clone();
    let title = known.shift_remove("title");
    let output = known.shift_remove("outputSchema");
    if title.is_none() && output.is_none() {
        return None;
    }
    if let (Some(title), Some(Value::Object(annotations))) = (title, known.get_mut("annotations")) {
        annotations.insert("title".to_owned(), title);
    }
    Some(Value::Object(known).to_string())
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
