//! Scopes: which ones are asked for at first, and which when a server wants more (RFC 6749 §3.3).

use std::fmt;

use serde::{Deserialize, Serialize};

/// The scope that stands for refresh tokens (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// How often more is asked for during one operation; with the first login that makes three.
pub const MOST_STEP_UPS: u32 = 2;

/// The longest list that is read, in names and in bytes of a name.
const MOST: usize = 256;

/// Names without repetition, in the order in which they came. Written with spaces between them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Scopes(Vec<String>);

/// What is known when scopes are chosen; what is not known is empty.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What an admin wrote down. Nothing else is asked for then.
    pub configured: &'a Scopes,
    /// `scope` of the challenge that led here.
    pub challenged: &'a Scopes,
    /// `scopes_supported` of the protected resource.
    pub resource: &'a Scopes,
    /// `scopes_supported` of the authorization server.
    pub server: &'a Scopes,
}

/// Why asking for more scopes would lead nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepUpError {
    /// The bound of [`MOST_STEP_UPS`] is reached.
    #[error(
        "the server asked for more scopes again and again: the account that connected it may lack \
         the right; connect it with another account, or set the scopes of the source"
    )]
    TooOften,
    /// Everything the server names was asked for before.
    #[error(
        "the server wants the scopes `{0}`, which were asked for already: the account that connected \
         it may lack the right, or its owner did not agree; connect it anew"
    )]
    NothingNew(Scopes),
    /// The server did not say which.
    #[error(
        "the server wants more scopes and does not say which: look at its documentation and set the \
         scopes of the source"
    )]
    Unnamed,
}

impl Scopes {
    /// Reads names with spaces between them. What can be no name (RFC 6749 §3.3) is left out.
    pub fn read(text: &str) -> Self {
        text.split_ascii_whitespace().collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether it has this name.
    pub fn has(&self, name: &str) -> bool {
        self.iter().any(|own| own == name)
    }

    /// Whether it has all these names.
    pub fn cover(&self, others: &Self) -> bool {
        others.iter().all(|name| self.has(name))
    }

    /// These, then those of the others that are new.
    pub fn union(&self, others: &Self) -> Self {
        self.iter().chain(others.iter()).collect()
    }

    /// What to ask for at a first login; nothing where the `scope` parameter is left out.
    ///
    /// The challenge knows best, then the resource. `offline_access` is asked for where the
    /// authorization server lists it, and only there. Alone it would narrow what the server gives by itself.
    pub fn choose(known: Known<'_>) -> Self {
        if !known.configured.is_empty() {
            return known.configured.clone();
        }
        let named = if known.challenged.is_empty() { known.resource } else { known.challenged };
        let wanted: Self = named.iter().filter(|name| *name != OFFLINE_ACCESS).collect();
        let lasting = known.server.has(OFFLINE_ACCESS) && !wanted.is_empty();
        wanted.iter().chain(lasting.then_some(OFFLINE_ACCESS)).collect()
    }

    /// What to ask for when a server answered `insufficient_scope` (RFC 6750 §3.1): what was asked for before and what
    /// the challenge names. `step_ups` is how often this operation has led here before.
    pub fn step_up(&self, challenged: &Self, step_ups: u32) -> Result<Self, StepUpError> {
        if step_ups >= MOST_STEP_UPS {
            return Err(StepUpError::TooOften);
        }
        if challenged.is_empty() {
            return Err(StepUpError::Unnamed);
        }
        if self.cover(challenged) {
            return Err(StepUpError::NothingNew(challenged.clone()));
        }
        Ok(self.union(challenged))
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Self {
        let mut kept = Self::default();
        for name in names.into_iter().filter(|name| is_name(name)) {
            if kept.0.len() < MOST && !kept.has(name) {
                kept.0.push(name.to_owned());
            }
        }
        kept
    }
}

/// Whether it is a `scope-token` of RFC 6749 §3.3, of a length that a server can mean.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !name.is_empty() && name.len() <= MOST && name.bytes().all(allowed)
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(" "))
    }
}

impl From<String> for Scopes {
    fn from(text: String) -> Self {
        Self::read(&text)
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(text: &str) -> Scopes {
        Scopes::read(text)
    }

    fn chosen(configured: &str, challenged: &str, resource: &str, server: &str) -> String {
        let [configured, challenged, resource, server] =
            [configured, challenged, resource, server].map(scopes);
        let known = Known {
            configured: &configured,
            challenged: &challenged,
            resource: &resource,
            server: &server,
        };
        Scopes::choose(known).to_string()
    }

    #[test]
    fn the_challenge_knows_better_than_the_resource_and_an_admin_best() {
        assert_eq!(chosen("mine", "a b", "c", "a b c offline_access"), "mine");
        assert_eq!(chosen("", "a b", "c", "a b c"), "a b");
        assert_eq!(chosen("", "", "c d", "a b"), "c d");
        assert_eq!(chosen("", "", "", "a b"), "");
    }

    #[test]
    fn offline_access_is_asked_for_only_where_the_server_lists_it() {
        assert_eq!(chosen("", "a", "", "offline_access a"), "a offline_access");
        assert_eq!(chosen("", "offline_access a", "", "a"), "a");
        assert_eq!(chosen("", "", "", "offline_access"), "");
        assert_eq!(chosen("a offline_access", "", "", ""), "a offline_access");
    }

    #[test]
    fn a_step_up_adds_what_is_new_and_ends() {
        let asked = scopes("a b");
        assert_eq!(asked.step_up(&scopes("c a"), 0).unwrap(), scopes("a b c"));
        assert_eq!(asked.step_up(&scopes("c"), 1).unwrap(), scopes("a b c"));
        assert_eq!(asked.step_up(&scopes("c"), 2), Err(StepUpError::TooOften));
        assert_eq!(asked.step_up(&scopes("b"), 0), Err(StepUpError::NothingNew(scopes("b"))));
        assert_eq!(asked.step_up(&scopes(""), 0), Err(StepUpError::Unnamed));
    }

    #[test]
    fn what_can_be_no_name_is_left_out() {
        assert_eq!(scopes("  a\ta  \"b\" c\\d é files:read ").to_string(), "a files:read");
        let many: Vec<String> = (0..1000).map(|number| format!("s{number}")).collect();
        assert_eq!(scopes(&many.join(" ")).iter().count(), MOST);
    }
}
