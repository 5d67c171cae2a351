//! Capabilities: what a revision declares to use. What it may use is that, as far as it is granted.

mod effect;
mod needs;
mod risk;

use sandbox::Asking;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::revisions::Revision;
use uuid::Uuid;

pub use self::effect::Lacking;
pub(crate) use self::effect::{Effective, covers_module};
pub use self::needs::{Need, NeedKind, needs};
pub use self::risk::{Hints, hints, risk};
use crate::packages::{self, Kept};
use crate::{App, Result, external_sources, grants, network, policy, secrets};

/// Stands for every host that is granted.
pub const EVERY_HOST: &str = "*";

/// What a revision declares, each list in order and without repetition. A part of its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// Modules beside those that every tool may import, as `import` names them. Those of packages
    /// that the server did not have are among them.
    pub modules: Vec<String>,
    /// Packages, as `name==version`; without the version where the server did not have them.
    pub packages: Vec<String>,
    /// Hosts, as `host` or `host:port`; `*` stands for every host that is granted.
    pub hosts: Vec<String>,
    /// Secrets of its server, by name.
    pub secrets: Vec<String>,
    /// Other tools that it calls, by the names that clients use.
    pub tools: Vec<String>,
}

impl From<sandbox::Declared> for Capabilities {
    fn from(found: sandbox::Declared) -> Self {
        let sandbox::Declared { modules, packages, hosts, secrets, tools } = found;
        Self { modules, packages, hosts, secrets, tools }
    }
}

/// What one list has more and less than another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `modules`, `packages`, `hosts`, `secrets` or `tools`.
    pub list: &'static str,
    /// What is new.
    pub added: Vec<String>,
    /// What is gone.
    pub removed: Vec<String>,
}

/// A declaration, and how it stands on its server now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What is declared.
    pub declared: Capabilities,
    /// What of it is not had.
    pub lacking: Lacking,
    /// What the tool could do, in one plain line.
    pub risk: String,
}

/// How the declaration of a revision stands on its server now.
pub async fn standing(app: &App, server_id: Uuid, revision: &Revision) -> Result<Standing> {
    let grants = grants::of(app, server_id).await?;
    let all_public = policy::get(app).await?.allows_all_public();
    let declared = Capabilities::of(revision);
    let held = secrets::set_among(app, server_id, &declared.secrets).await?;
    // What waits or is written gets the packages that the server has before it can be live.
    let meant = if crate::revisions::is_open(revision.state) {
        declared.clone().resolved(grants.lock.as_deref())
    } else {
        declared.clone()
    };
    let lacking = meant.lacking(&grants, all_public, &held)?;
    let risk = match &revision.imported {
        Some(imported) => external_sources::risk(app, imported).await?,
        None => risk(&declared, &Asking::among(&revision.remarks), &lacking),
    };
    Ok(Standing { declared, lacking, risk })
}

impl Capabilities {
    /// What a revision declares; nothing where its row cannot be read, so that it may do nothing.
    pub fn of(revision: &Revision) -> Self {
        Self::deserialize(&revision.capabilities).unwrap_or_default()
    }

    /// As the database keeps it.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::json!(self)
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// The lists with their names.
    pub fn lists(&self) -> [(&'static str, &[String]); 5] {
        [
            ("modules", &self.modules),
            ("packages", &self.packages),
            ("hosts", &self.hosts),
            ("secrets", &self.secrets),
            ("tools", &self.tools),
        ]
    }

    /// In which lists this differs from `before`.
    pub fn differences(&self, before: &Self) -> Vec<Difference> {
        let pairs = self.lists().into_iter().zip(before.lists());
        let all = pairs.map(|((list, now), (_, then))| {
            let lacks = |of: &[String], from: &[String]| -> Vec<String> {
                of.iter().filter(|name| !from.contains(name)).cloned().collect()
            };
            Difference { list, added: lacks(now, then), removed: lacks(then, now) }
        });
        all.filter(|one| !one.added.is_empty() || !one.removed.is_empty()).collect()
    }

    /// The same with hosts in their normal form, and with packages at the versions that the server
    /// has: a module that one of them brings stands for the package.
    pub(crate) fn resolved(mut self, lock: Option<&Kept>) -> Self {
        for host in &mut self.hosts {
            if let Ok(normal) = network::normal_host(host, None) {
                *host = normal;
            }
        }
        if let Some(lock) = lock {
            let mut modules = std::mem::take(&mut self.modules);
            modules.retain(|module| match bringing(lock, module) {
                Some(package) => {
                    self.packages.push(package);
                    false
                }
                None => true,
            });
            self.modules = modules;
            for package in &mut self.packages {
                if let Some(held) = held(lock, package) {
                    *package = held;
                }
            }
        }
        for list in [&mut self.modules, &mut self.packages, &mut self.hosts] {
            list.sort();
            list.dedup();
        }
        self
    }
}

/// The package that brings a module, as `name==version`.
fn bringing(lock: &Kept, module: &str) -> Option<String> {
    let covers = |above: &String| covers_module(above, module);
    let held = lock.packages.iter().find(|held| held.modules.iter().any(covers))?;
    Some(full_name(held))
}

/// A package that is declared by its name alone, as the server has it.
fn held(lock: &Kept, package: &str) -> Option<String> {
    let (name, version) = packages::parts(package);
    let same = |held: &&packages::Held| held.locked.name.to_string() == name;
    let found = lock.packages.iter().find(same)?;
    version.is_empty().then(|| full_name(found))
}

fn full_name(held: &packages::Held) -> String {
    format!("{}=={}", held.locked.name, held.locked.version)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::packages::samples::{kept, locked};

    /// `kind=a,b` for each list that is not empty.
    pub(crate) fn capabilities(lists: &[&str]) -> Capabilities {
        let mut made = Capabilities::default();
        for text in lists {
            let (list, names) = text.split_once('=').unwrap();
            let names: Vec<String> = names.split(',').map(str::to_owned).collect();
            match list {
                "modules" => made.modules = names,
                "packages" => made.packages = names,
                "hosts" => made.hosts = names,
                "secrets" => made.secrets = names,
                "tools" => made.tools = names,
                other => panic!("{other}"),
            }
        }
        made
    }

    #[test]
    fn packages_are_named_at_the_versions_that_the_server_has() {
        let lock = kept(vec![locked("jinja2", "3.1.6", &[]), locked("six", "1.17.0", &[])]);
        let declared =
            capabilities(&["modules=jinja2.ext,pygments,xml.dom", "packages=other==1.0,six"]);
        let expected = capabilities(&[
            "modules=pygments,xml.dom",
            "packages=jinja2==3.1.6,other==1.0,six==1.17.0",
        ]);
        assert_eq!(declared.clone().resolved(Some(&lock)), expected);
        assert_eq!(declared.clone().resolved(None), declared);
        // What names a version stays with it, whatever the server has now.
        let older = capabilities(&["packages=six==1.16.0"]);
        assert_eq!(older.clone().resolved(Some(&lock)), older);
    }

    #[test]
    fn hosts_have_one_spelling_and_stand_once() {
        let declared = capabilities(&["hosts=API.example.com,*,api.example.com.,localhost"]);
        assert_eq!(declared.resolved(None), capabilities(&["hosts=*,api.example.com,localhost"]));
    }

    #[test]
    fn differences_name_what_is_new_and_what_is_gone() {
        let before = capabilities(&["hosts=a.example,b.example", "secrets=KEY"]);
        let now = capabilities(&["hosts=b.example,c.example", "secrets=KEY"]);
        let expected = Difference {
            list: "hosts",
            added: vec!["c.example".to_owned()],
            removed: vec!["a.example".to_owned()],
        };
        assert_eq!(now.differences(&before), [expected]);
        assert_eq!(now.differences(&now), []);
    }
}
