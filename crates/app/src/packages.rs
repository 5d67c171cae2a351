//! Packages: what the tools of a server import beside Python, who allowed it, and how it gets here.

mod held;

pub(crate) use self::held::kept;
pub use self::held::{Held, Kept};

/// The name and the version in the name of a grant or of a request, `name==version`.
pub fn parts(name: &str) -> (&str, &str) {
    name.split_once("==").unwrap_or((name, ""))
}
