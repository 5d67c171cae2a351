//! The walls round a worker process: what it gives up before it takes its first call.
//!
//! Each wall holds by itself, so that a kernel without one of them still has the others.

#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod ruleset;

use serde::{Deserialize, Serialize};

use crate::system;

/// Descriptors that a worker may hold: its pipes, the runtime's and those of the guest's memory.
const FILES_MAX: u64 = 64;

/// Whether one wall stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wall {
    /// It stands; with what it covers here.
    InForce(String),
    /// It does not, and why.
    Absent(String),
}

/// What keeps a worker from the rest of the machine, wall by wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// No file can be opened, no TCP port used, no process outside signalled (Linux 5.13 and newer).
    pub landlock: Wall,
    /// No system call but those that running guests takes.
    pub seccomp: Wall,
    /// No program can be started that has more rights than the worker.
    pub no_new_privileges: Wall,
    /// None of root's rights is left, also where the server runs as root.
    pub no_capabilities: Wall,
    /// Processes of the same user cannot look into the worker, and it leaves no core file.
    pub not_dumpable: Wall,
    /// No core file, few descriptors, no further process.
    pub resource_limits: Wall,
}

/// What is done about a wall that the kernel does not offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WallsPolicy {
    /// The sandbox starts all the same and says so in the log and in its status.
    #[default]
    Preferred,
    /// The sandbox does not start.
    Required,
}

impl Wall {
    fn from_result<E: std::fmt::Display>(result: Result<String, E>) -> Self {
        match result {
            Ok(detail) => Self::InForce(detail),
            Err(error) => Self::Absent(error.to_string()),
        }
    }

    /// Whether the wall stands.
    pub fn is_in_force(&self) -> bool {
        matches!(self, Self::InForce(_))
    }

    fn or_worse(self, other: Self) -> Self {
        if self.is_in_force() { other } else { self }
    }
}

impl Walls {
    fn named(&self) -> [(&'static str, &Wall); 6] {
        [
            ("landlock", &self.landlock),
            ("seccomp", &self.seccomp),
            ("no_new_privileges", &self.no_new_privileges),
            ("no_capabilities", &self.no_capabilities),
            ("not_dumpable", &self.not_dumpable),
            ("resource_limits", &self.resource_limits),
        ]
    }

    /// The names of the walls that stand.
    pub fn standing(&self) -> impl Iterator<Item = &'static str> {
        let named = self.named().into_iter();
        named.filter_map(|(name, wall)| matches!(wall, Wall::InForce(_)).then_some(name))
    }

    /// The walls that do not stand and why, as one phrase; `None` when all stand.
    pub fn missing(&self) -> Option<String> {
        let absent = self.named().into_iter().filter_map(|(name, wall)| match wall {
            Wall::InForce(_) => None,
            Wall::Absent(reason) => Some(format!("{name} ({reason})")),
        });
        let absent: Vec<String> = absent.collect();
        (!absent.is_empty()).then(|| absent.join(", "))
    }

    /// Of each wall the worse of two workers.
    pub(crate) fn or_worse(self, other: Self) -> Self {
        Self {
            landlock: self.landlock.or_worse(other.landlock),
            seccomp: self.seccomp.or_worse(other.seccomp),
            no_new_privileges: self.no_new_privileges.or_worse(other.no_new_privileges),
            no_capabilities: self.no_capabilities.or_worse(other.no_capabilities),
            not_dumpable: self.not_dumpable.or_worse(other.not_dumpable),
            resource_limits: self.resource_limits.or_worse(other.resource_limits),
        }
    }
}

/// Shuts this process in, for good.
///
/// To be called from its only thread, once everything is open that it will need. `start_threads`
/// starts the threads that it will need: after the walls that a thread inherits from the one that
/// started it, and before the last one, which covers all threads and allows no more of them.
///
/// A wall that cannot be had is not an error here: the result says which, and the server decides.
pub fn raise(start_threads: impl FnOnce()) -> Walls {
    let said = |what: &str| {
        let what = what.to_owned();
        move |()| what
    };
    let not_dumpable = system::forbid_inspection().map(said("/proc and ptrace are closed"));
    let no_capabilities = system::drop_capabilities().map(said("none is left"));
    let no_new_privileges = system::forbid_new_privileges().map(said("set"));
    let landlock = restrict_files();
    start_threads();
    let resource_limits = limit_resources();
    let seccomp = filter_calls();
    Walls {
        landlock,
        seccomp,
        no_new_privileges: Wall::from_result(no_new_privileges),
        no_capabilities: Wall::from_result(no_capabilities),
        not_dumpable: Wall::from_result(not_dumpable),
        resource_limits: Wall::from_result(resource_limits),
    }
}

fn limit_resources() -> std::io::Result<String> {
    rlimit::Resource::CORE.set(0, 0)?;
    let (_, most) = rlimit::Resource::NOFILE.get()?;
    let files = FILES_MAX.min(most);
    rlimit::Resource::NOFILE.set(files, files)?;
    // Root is not bound by this one; for everybody else it is a second lock on that door.
    rlimit::Resource::NPROC.set(0, 0)?;
    Ok(format!("no core file, {files} descriptors, no process"))
}

#[cfg(target_os = "linux")]
fn restrict_files() -> Wall {
    Wall::from_result(ruleset::restrict())
}

#[cfg(target_os = "linux")]
fn filter_calls() -> Wall {
    Wall::from_result(filter::install())
}

#[cfg(not(target_os = "linux"))]
fn restrict_files() -> Wall {
    Wall::Absent("only Linux has it".to_owned())
}

#[cfg(not(target_os = "linux"))]
fn filter_calls() -> Wall {
    Wall::Absent("only Linux has it".to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Wall, Walls};

    /// All in force.
    pub(crate) fn walls() -> Walls {
        let wall = || Wall::InForce(String::new());
        Walls {
            landlock: wall(),
            seccomp: wall(),
            no_new_privileges: wall(),
            no_capabilities: wall(),
            not_dumpable: wall(),
            resource_limits: wall(),
        }
    }

    #[test]
    fn the_worse_of_two_workers_counts_wall_by_wall() {
        let absent = Wall::Absent("a reason".to_owned());
        let first = Walls { landlock: absent.clone(), ..walls() };
        let second = Walls { seccomp: absent.clone(), ..walls() };
        let worst = Walls { landlock: absent.clone(), seccomp: absent, ..walls() };
        assert_eq!(first.clone().or_worse(second.clone()), worst);
        assert_eq!(second.or_worse(first), worst);
        assert_eq!(walls().or_worse(walls()), walls());
    }

    #[test]
    fn what_is_missing_is_named_with_its_reason() {
        assert_eq!(walls().missing(), None);
        let without = Walls { seccomp: Wall::Absent("not built in".to_owned()), ..walls() };
        assert_eq!(without.missing().as_deref(), Some("seccomp (not built in)"));
    }
}
