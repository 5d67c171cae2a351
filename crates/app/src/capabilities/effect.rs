//! What of a declaration holds under the grants of a server, and what is lacking.

use std::collections::BTreeSet;

use outbound::grant::Grant;
use outbound::{Policy, Public};
use sandbox::{ModulePolicy, ModuleStanding, allowed_modules};

use super::{Capabilities, EVERY_HOST, Need, NeedKind};
use crate::grants::Grants;
use crate::{Error, Result, network};

/// What a run of a revision may use: what it declares, as far as that is granted.
#[derive(Debug, Clone)]
pub(crate) struct Effective {
    /// What it may import.
    pub(crate) modules: ModulePolicy,
    /// What it may reach.
    pub(crate) network: Policy,
}

/// What a revision declares and has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lacking {
    /// Modules of Python that nobody granted.
    pub modules: Vec<String>,
    /// Packages, and modules of packages, that the server does not have.
    pub packages: Vec<String>,
    /// Hosts that a person may allow and nobody has.
    pub hosts: Vec<String>,
    /// Secrets that the server does not have, or that have no value.
    pub secrets: Vec<String>,
}

impl Lacking {
    /// Whether nothing is lacking.
    pub fn is_empty(&self) -> bool {
        self.modules.is_empty()
            && self.packages.is_empty()
            && self.hosts.is_empty()
            && self.secrets.is_empty()
    }
}

impl Effective {
    /// What holds of a declaration under these grants. With `all_public` every declared host on the
    /// internet is granted.
    pub(crate) fn new(declared: &Capabilities, grants: &Grants, all_public: bool) -> Result<Self> {
        Ok(Self {
            modules: modules(declared, grants)?,
            network: reachable(declared, grants, all_public),
        })
    }
}

impl Capabilities {
    /// What is declared and not had; `secrets` are those of the server that have a value.
    pub(crate) fn lacking(
        &self,
        grants: &Grants,
        all_public: bool,
        secrets: &[String],
    ) -> Result<Lacking> {
        let policy = grants.module_policy()?;
        let mut lacking = Lacking::default();
        for module in &self.modules {
            match policy.standing(module) {
                Some(ModuleStanding::Grantable) => lacking.modules.push(module.clone()),
                Some(ModuleStanding::Unknown) => lacking.packages.push(module.clone()),
                _ => {}
            }
        }
        let held = held(grants);
        let missing = self.packages.iter().filter(|package| !held.contains(*package));
        lacking.packages.extend(missing.cloned());
        let reachable = |host: &&String| {
            let asked = network::normal_host(host, None);
            asked.is_ok_and(|asked| {
                !all_public && !grants.hosts.iter().any(|granted| network::covers(granted, &asked))
            })
        };
        lacking.hosts.extend(self.hosts.iter().filter(reachable).cloned());
        let unset = |name: &&String| !secrets.contains(name);
        lacking.secrets.extend(self.secrets.iter().filter(unset).cloned());
        Ok(lacking)
    }

    /// Whether what a run was refused is declared.
    pub(crate) fn declares(&self, need: &Need) -> bool {
        match need.kind {
            NeedKind::Host => self.declares_host(&need.name),
            NeedKind::Secret => self.secrets.contains(&need.name),
            NeedKind::Module | NeedKind::Package => true,
        }
    }

    /// Whether a host of a grant or of a request is declared.
    pub(crate) fn declares_host(&self, name: &str) -> bool {
        self.hosts.iter().any(|host| host == EVERY_HOST || network::covers(host, name))
    }
}

/// Whether a module is the one above, or in it.
pub(crate) fn covers_module(above: &str, name: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn modules(declared: &Capabilities, grants: &Grants) -> Result<ModulePolicy> {
    let mut granted = BTreeSet::new();
    for name in &declared.modules {
        for grant in &grants.modules {
            if covers_module(grant, name) {
                granted.insert(name.clone());
            } else if covers_module(name, grant) {
                granted.insert(grant.clone());
            }
        }
    }
    // What is on the list of all tools, was taken from it and granted again, no revision declares.
    let on_list = |name: &&String| allowed_modules().any(|above| covers_module(above, name));
    granted.extend(grants.modules.iter().filter(on_list).cloned());
    let of_lock = grants.lock.iter().flat_map(|lock| &lock.packages);
    for package in of_lock {
        let name = format!("{}=={}", package.locked.name, package.locked.version);
        if declared.packages.contains(&name) {
            granted.extend(package.modules.iter().cloned());
        }
    }
    let policy = grants.module_policy()?;
    let undeclared = policy.granted().iter().filter(|name| !granted.contains(*name)).cloned();
    let undeclared: Vec<String> = undeclared.collect();
    let removed = policy.removed().to_vec();
    ModulePolicy::new(removed, granted.into_iter().collect())
        .and_then(|policy| policy.with_undeclared(undeclared))
        .map_err(|error| Error::Internal(Box::new(error)))
}

/// The packages of the lock, as `name==version`.
fn held(grants: &Grants) -> BTreeSet<String> {
    let of_lock = grants.lock.iter().flat_map(|lock| &lock.packages);
    let names = of_lock.map(|held| format!("{}=={}", held.locked.name, held.locked.version));
    names.collect()
}

fn reachable(declared: &Capabilities, grants: &Grants, all_public: bool) -> Policy {
    let read = |names: &[String]| -> Vec<Grant> {
        names.iter().filter_map(|name| name.parse().ok()).collect()
    };
    let granted = read(&grants.hosts);
    if declared.hosts.iter().any(|host| host == EVERY_HOST) {
        let public = if all_public { Public::Every } else { Public::Nothing };
        return Policy::Tool { grants: granted, undeclared: Vec::new(), public };
    }
    let declared = read(&declared.hosts);
    let mut both = Vec::new();
    for one in &declared {
        for grant in &granted {
            if grant.covers(one) {
                both.push(one.clone());
            } else if one.covers(grant) {
                both.push(grant.clone());
            }
        }
    }
    let public = if all_public { Public::Declared(declared) } else { Public::Nothing };
    Policy::Tool { grants: both, undeclared: granted, public }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use outbound::Refusal;

    use super::super::tests::capabilities;
    use super::*;
    use crate::packages::samples::{kept, locked};

    fn grants(modules: &[&str], hosts: &[&str]) -> Grants {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let lock = kept(vec![locked("jinja2", "3.1.6", &[]), locked("six", "1.17.0", &[])]);
        Grants {
            modules: owned(modules),
            hosts: owned(hosts),
            packages: owned(&["jinja2==3.1.6", "six==1.17.0"]),
            lock: Some(Arc::new(lock)),
            ..Grants::default()
        }
    }

    fn reaches(effective: &Effective, host: &str, port: u16) -> std::result::Result<(), Refusal> {
        effective.network.check_host(&outbound::host::parse(host).unwrap(), port)
    }

    #[test]
    fn a_module_may_be_imported_where_it_is_declared_and_granted() {
        let grants = grants(&["xml.dom", "sqlite3"], &[]);
        let declared =
            capabilities(&["modules=xml.dom.minidom,turtle", "packages=jinja2==3.1.6,six==1.16.0"]);
        let effective = Effective::new(&declared, &grants, false).unwrap();
        assert_eq!(effective.modules.granted(), ["jinja2", "xml.dom.minidom"]);
        let wide = Effective::new(&capabilities(&["modules=xml"]), &grants, false).unwrap();
        assert_eq!(wide.modules.granted(), ["xml.dom"], "no more than is granted");
        let again = Effective::new(&Capabilities::default(), &self::grants(&["csv"], &[]), false);
        assert_eq!(again.unwrap().modules.granted(), ["csv"], "on the list of all tools");
    }

    #[test]
    fn a_host_is_reached_where_it_is_declared_and_granted() {
        let grants = grants(&[], &["a.example", "b.example:8443", "c.example"]);
        let declared = capabilities(&["hosts=a.example:443,b.example,d.example"]);
        let effective = Effective::new(&declared, &grants, false).unwrap();
        assert_eq!(reaches(&effective, "a.example", 443), Ok(()));
        assert_eq!(reaches(&effective, "b.example", 8443), Ok(()));
        let undeclared = |host, port| {
            matches!(reaches(&effective, host, port), Err(Refusal::NotDeclared { .. }))
        };
        assert!(undeclared("a.example", 80) && undeclared("c.example", 443));
        let unapproved = |host, port| {
            matches!(reaches(&effective, host, port), Err(Refusal::NotApproved { .. }))
        };
        assert!(unapproved("b.example", 443) && unapproved("d.example", 443));
    }

    #[test]
    fn every_host_stands_for_what_is_granted_and_for_no_more() {
        let declared = capabilities(&["hosts=*"]);
        let grants = grants(&[], &["a.example"]);
        let effective = Effective::new(&declared, &grants, false).unwrap();
        assert_eq!(reaches(&effective, "a.example", 443), Ok(()));
        assert!(reaches(&effective, "b.example", 443).is_err());
        let open = Effective::new(&declared, &grants, true).unwrap();
        assert_eq!(reaches(&open, "b.example", 443), Ok(()));
        assert!(reaches(&open, "10.0.0.1", 443).is_err(), "not on the internet");
    }

    #[test]
    fn where_the_internet_is_open_a_host_still_has_to_be_declared() {
        let declared = capabilities(&["hosts=a.example"]);
        let effective = Effective::new(&declared, &grants(&[], &[]), true).unwrap();
        assert_eq!(reaches(&effective, "a.example", 443), Ok(()));
        assert!(reaches(&effective, "b.example", 443).is_err());
    }

    #[test]
    fn what_is_lacking_is_what_a_person_can_still_give() {
        let declared = capabilities(&[
            "modules=http.cookies,pygments,xml.dom",
            "packages=jinja2==3.1.6,six==1.16.0",
            "hosts=a.example,localhost,*,b.example:80",
            "secrets=KEY,OTHER",
        ]);
        let lacking = declared
            .lacking(&grants(&["xml"], &["b.example"]), false, &["KEY".to_owned()])
            .unwrap();
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(lacking.modules, owned(&["http.cookies"]));
        assert_eq!(lacking.packages, owned(&["pygments", "six==1.16.0"]));
        assert_eq!(lacking.hosts, owned(&["a.example"]));
        assert_eq!(lacking.secrets, owned(&["OTHER"]));
        let has_all = capabilities(&["packages=jinja2==3.1.6", "hosts=b.example", "secrets=KEY"]);
        let lacking =
            has_all.lacking(&grants(&[], &["b.example"]), false, &["KEY".to_owned()]).unwrap();
        assert!(lacking.is_empty(), "{lacking:?}");
    }
}
