//! Plans: what a server's packages would become with one more, for a person to look at and approve.

use std::collections::BTreeMap;

use packages::{Advisory, Lock, Locked, PackageName, Version};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::Kept;
use crate::digest;

/// What approving one package would do to a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Names all that an approval decides about: the server, its packages before and after.
    pub digest: String,
    /// The package that is asked for.
    pub package: PackageName,
    /// At exactly this version.
    pub version: Version,
    /// The version that people allowed before, where this one takes its place.
    pub replaces: Option<Version>,
    /// What people will have allowed then, as `name==version`; by name.
    pub granted: Vec<String>,
    /// Names the set of packages that the server has now, if it has any.
    pub before: Option<String>,
    /// Names the set that it would have.
    pub after: String,
    /// Every package of that set, by name.
    pub packages: Vec<Planned>,
    /// What the server has and would lose.
    pub removed: Vec<Lost>,
    /// Why nothing is known about vulnerabilities, or not all.
    pub not_checked: Option<String>,
}

/// A package of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// Which one, and its place in the lock.
    pub locked: Locked,
    /// What becomes different.
    pub change: Change,
    /// Whether a person allowed it, or would, by its name.
    pub is_asked_for: bool,
    /// The packages that require it, by name.
    pub required_by: Vec<PackageName>,
    /// What it is, in its author's words.
    pub summary: Option<String>,
    /// Its licence, as it says itself.
    pub license: Option<String>,
    /// Where to read about it.
    pub home_page: Option<String>,
    /// Compiled parts that its wheel has and the sandbox leaves out, where they are known.
    pub left_out: Vec<String>,
    /// Its known vulnerabilities.
    pub advisories: Vec<Advisory>,
}

/// A package that a server would no longer have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
}

/// How a package of a plan differs from what the server has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// The server does not have it.
    New,
    /// The server has exactly this wheel.
    Kept,
    /// The server has another wheel of it.
    Changed {
        /// The version it has.
        from: Version,
    },
}

/// What is known of a package beside its place in the lock.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) summary: Option<String>,
    pub(super) license: Option<String>,
    pub(super) home_page: Option<String>,
    pub(super) left_out: Vec<String>,
}

/// What a plan is made of.
pub(super) struct Draft<'a> {
    pub(super) server_id: Uuid,
    pub(super) asked: (PackageName, Version),
    /// What people allowed before.
    pub(super) granted: &'a [(PackageName, Version)],
    pub(super) before: Option<&'a Kept>,
    pub(super) after: Lock,
    pub(super) known: BTreeMap<PackageName, Known>,
}

impl Draft<'_> {
    /// The plan, with nothing known about vulnerabilities yet.
    pub(super) fn plan(self) -> Plan {
        let (package, version) = self.asked;
        let replaced = self.granted.iter().find(|(name, _)| *name == package);
        let roots = with(self.granted, &package, &version);
        let present = self.before.map(Kept::lock).unwrap_or_default();
        let granted: Vec<String> =
            roots.iter().map(|(name, version)| full_name(name, version)).collect();
        let packages = self.after.packages.iter().map(|locked| {
            let known = self.known.get(&locked.name).cloned().unwrap_or_default();
            let requires = |other: &&Locked| other.requires.contains(&locked.name);
            Planned {
                change: Change::between(present.get(&locked.name), locked),
                is_asked_for: roots.iter().any(|(name, _)| *name == locked.name),
                required_by: self
                    .after
                    .packages
                    .iter()
                    .filter(requires)
                    .map(|other| other.name.clone())
                    .collect(),
                summary: known.summary,
                license: known.license,
                home_page: known.home_page,
                left_out: known.left_out,
                advisories: Vec::new(),
                locked: locked.clone(),
            }
        });
        let removed = present.packages.iter().filter(|old| self.after.get(&old.name).is_none());
        let mut plan = Plan {
            digest: String::new(),
            replaces: replaced.map(|(_, version)| version.clone()),
            package,
            version,
            granted,
            before: self.before.map(|kept| kept.digest.clone()),
            after: self.after.digest(),
            packages: packages.collect(),
            removed: removed
                .map(|old| Lost { name: old.name.clone(), version: old.version.clone() })
                .collect(),
            not_checked: None,
        };
        plan.digest = plan.digest_for(self.server_id);
        plan
    }
}

impl Plan {
    /// Covers what a decision is about; not what is only told, such as summaries and vulnerabilities.
    fn digest_for(&self, server_id: Uuid) -> String {
        let packages = self.packages.iter().map(|planned| {
            let Locked { name, version, sha256, yanked, without_compiled, .. } = &planned.locked;
            json!([name, version, sha256, yanked, without_compiled])
        });
        digest::of_json(&json!({
            "server": server_id,
            "granted": self.granted,
            "before": self.before,
            "packages": packages.collect::<Vec<_>>(),
        }))
    }

    /// The name of the grant that it asks for, `name==version`.
    pub fn name(&self) -> String {
        full_name(&self.package, &self.version)
    }

    /// The lock that it leads to.
    pub(crate) fn lock(&self) -> Lock {
        Lock { packages: self.packages.iter().map(|planned| planned.locked.clone()).collect() }
    }

    /// How many bytes would be fetched, as far as the index says.
    pub fn new_bytes(&self) -> u64 {
        let new = self.packages.iter().filter(|planned| planned.change != Change::Kept);
        new.map(|planned| planned.locked.bytes).sum()
    }

    /// All known vulnerabilities in it.
    pub fn advisories(&self) -> impl Iterator<Item = &Advisory> {
        self.packages.iter().flat_map(|planned| &planned.advisories)
    }
}

impl Change {
    fn between(before: Option<&Locked>, after: &Locked) -> Self {
        match before {
            None => Self::New,
            Some(before) if before.sha256 == after.sha256 => Self::Kept,
            Some(before) => Self::Changed { from: before.version.clone() },
        }
    }
}

/// The name of a grant.
pub(super) fn full_name(name: &PackageName, version: &Version) -> String {
    format!("{name}=={version}")
}

/// What people allowed, with one more; another version of it goes.
pub(super) fn with(
    granted: &[(PackageName, Version)],
    name: &PackageName,
    version: &Version,
) -> Vec<(PackageName, Version)> {
    let mut roots: Vec<_> = granted.iter().filter(|(other, _)| other != name).cloned().collect();
    roots.push((name.clone(), version.clone()));
    roots.sort();
    roots
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::Held;
    use super::*;

    pub(crate) fn locked(name: &str, version: &str, requires: &[&str]) -> Locked {
        Locked {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
            wheel: format!("{name}-{version}-py3-none-any.whl"),
            url: format!("https://files.example/{name}-{version}-py3-none-any.whl"),
            sha256: super::super::wheels::hash(format!("{name} {version}").as_bytes()),
            bytes: 1000,
            requires: requires.iter().map(|name| name.parse().unwrap()).collect(),
            provided: Vec::new(),
            yanked: None,
            without_compiled: false,
        }
    }

    pub(crate) fn kept(packages: Vec<Locked>) -> Kept {
        let held = packages.into_iter().map(|locked| Held {
            modules: vec![locked.name.in_file_names()],
            left_out: Vec::new(),
            summary: None,
            license: None,
            home_page: None,
            locked,
        });
        Kept::new(held.collect())
    }

    fn root(name: &str, version: &str) -> (PackageName, Version) {
        (name.parse().unwrap(), version.parse().unwrap())
    }

    fn draft<'a>(
        granted: &'a [(PackageName, Version)],
        before: Option<&'a Kept>,
        after: Vec<Locked>,
    ) -> Draft<'a> {
        Draft {
            server_id: Uuid::nil(),
            asked: root("jinja2", "3.1.6"),
            granted,
            before,
            after: Lock { packages: after },
            known: BTreeMap::new(),
        }
    }

    #[test]
    fn a_plan_says_of_each_package_what_changes_and_why_it_is_there() {
        let before = kept(vec![
            locked("babel", "2.17.0", &[]),
            locked("jinja2", "3.0.0", &["babel", "markupsafe"]),
            locked("markupsafe", "2.0.0", &[]),
            locked("six", "1.17.0", &[]),
        ]);
        let granted = [root("jinja2", "3.0.0"), root("six", "1.17.0")];
        let after = vec![
            locked("blinker", "1.9.0", &[]),
            locked("jinja2", "3.1.6", &["blinker", "markupsafe"]),
            locked("markupsafe", "3.0.3", &[]),
            locked("six", "1.17.0", &[]),
        ];
        let plan = draft(&granted, Some(&before), after).plan();
        assert_eq!(plan.granted, ["jinja2==3.1.6", "six==1.17.0"]);
        assert_eq!(plan.replaces, Some("3.0.0".parse().unwrap()));
        let changes: Vec<_> = plan.packages.iter().map(|planned| planned.change.clone()).collect();
        let from = |version: &str| Change::Changed { from: version.parse().unwrap() };
        assert_eq!(changes, [Change::New, from("3.0.0"), from("2.0.0"), Change::Kept]);
        assert_eq!(plan.packages[2].required_by, ["jinja2".parse().unwrap()]);
        assert!(!plan.packages[2].is_asked_for && plan.packages[3].is_asked_for);
        assert_eq!(plan.removed[0].name.as_str(), "babel");
        assert_eq!(plan.new_bytes(), 3000);
        assert_eq!(plan.before.as_ref(), Some(&before.digest));
        assert_eq!(plan.after, plan.lock().digest());
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn another_plan_has_another_digest() {
        let jinja = || locked("jinja2", "3.1.6", &[]);
        let first = draft(&[], None, vec![jinja()]).plan();
        assert_eq!(draft(&[], None, vec![jinja()]).plan().digest, first.digest);
        let mut told = draft(&[], None, vec![jinja()]);
        told.known.insert(
            "jinja2".parse().unwrap(),
            Known { summary: Some("A template engine".to_owned()), ..Known::default() },
        );
        let told = told.plan();
        assert_eq!(told.digest, first.digest, "what is only told does not count");
        assert_eq!(told.packages[0].summary.as_deref(), Some("A template engine"));

        let mut other_wheel = jinja();
        other_wheel.sha256 = "0".repeat(64);
        let mut yanked = jinja();
        yanked.yanked = Some("broken".to_owned());
        let mut stripped = jinja();
        stripped.without_compiled = true;
        let more = vec![jinja(), locked("six", "1.17.0", &[])];
        for after in [vec![other_wheel], vec![yanked], vec![stripped], more] {
            assert_ne!(draft(&[], None, after).plan().digest, first.digest);
        }
        let before = kept(vec![jinja()]);
        assert_ne!(draft(&[], Some(&before), vec![jinja()]).plan().digest, first.digest);
        let granted = [root("six", "1.17.0")];
        assert_ne!(draft(&granted, None, vec![jinja()]).plan().digest, first.digest);
        let elsewhere = Draft { server_id: Uuid::max(), ..draft(&[], None, vec![jinja()]) };
        assert_ne!(elsewhere.plan().digest, first.digest);
    }
}
