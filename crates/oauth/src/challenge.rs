//! `WWW-Authenticate`: what a server says about who may come in (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1).

use crate::scope::Scopes;
use crate::text::shown;

/// The most that is read of one header field.
pub(crate) const LONGEST: usize = 16 * 1024;

/// The most challenges of one header field, and parameters of one challenge.
const MOST: usize = 32;

/// One challenge: a scheme with its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme in lower case, such as `bearer`.
    pub scheme: String,
    /// Names in lower case with their values, in order.
    pub parameters: Vec<(String, String)>,
}

/// What a challenge of the scheme `Bearer` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BearerChallenge {
    /// Where the metadata of the protected resource is (RFC 9728 §5.1). Nothing is checked of it.
    pub resource_metadata: Option<String>,
    /// The scopes that the request needs.
    pub scopes: Scopes,
    /// The error's code (RFC 6750 §3.1).
    pub error: Option<String>,
    /// What the server says of it, fit to be shown.
    pub error_description: Option<String>,
}

impl Challenge {
    /// Reads all challenges of a header field. What cannot be understood is left out.
    pub fn read(field: &str) -> Vec<Self> {
        let mut rest = Rest(field.get(..field.floor_char_boundary(LONGEST)).unwrap_or_default());
        let mut found: Vec<Self> = Vec::new();
        // A word is a scheme where a list may have a new member: at the start and after a comma.
        let mut begins = true;
        while !rest.0.is_empty() {
            begins |= rest.skip_separators();
            let word = rest.token();
            if word.is_empty() {
                // A quoted text at the wrong place must not be taken apart into words.
                if rest.quoted().is_none() {
                    rest.skip_one();
                }
                begins = false;
            } else if let Some(value) = rest.value() {
                if let Some(challenge) = found.last_mut() {
                    challenge.add(word, value);
                }
                begins = false;
            } else if begins && found.len() < MOST {
                found.push(Self { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
                rest.skip_token68();
                begins = false;
            }
        }
        found
    }

    /// The value of a parameter, by its name in lower case. The first counts where it is repeated.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    fn add(&mut self, name: &str, value: String) {
        if self.parameters.len() < MOST {
            self.parameters.push((name.to_ascii_lowercase(), value));
        }
    }
}

impl BearerChallenge {
    /// The `Bearer` challenge of an answer with these `WWW-Authenticate` fields: the first that says where the
    /// metadata is, else the first.
    pub fn find<T: AsRef<[u8]>>(fields: impl IntoIterator<Item = T>) -> Option<Self> {
        let read = |field: T| Challenge::read(&String::from_utf8_lossy(field.as_ref()));
        let all =
            fields.into_iter().flat_map(read).filter(|challenge| challenge.scheme == "bearer");
        let found: Vec<Self> = all.map(|challenge| Self::of(&challenge)).collect();
        let complete = found.iter().position(|challenge| challenge.resource_metadata.is_some());
        found.into_iter().nth(complete.unwrap_or(0))
    }

    /// Whether the token was good and its scopes too few (RFC 6750 §3.1).
    pub fn wants_scopes(&self) -> bool {
        self.error.as_deref() == Some("insufficient_scope")
    }

    fn of(challenge: &Challenge) -> Self {
        let get = |name| challenge.get(name).filter(|value| !value.is_empty());
        Self {
            resource_metadata: get("resource_metadata").map(str::to_owned),
            scopes: Scopes::read(get("scope").unwrap_or_default()),
            error: get("error").map(shown),
            error_description: get("error_description").map(shown),
        }
    }
}

/// What is still to be read of a field.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes what holds from the front.
    fn take(&mut self, holds: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|letter| !holds(letter)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    fn skip_one(&mut self) {
        let mut letters = self.0.chars();
        letters.next();
        self.0 = letters.as_str();
    }

    /// Skips spaces and commas; whether there was a comma.
    fn skip_separators(&mut self) -> bool {
        self.take(|letter| is_space(letter) || letter == ',').contains(',')
    }

    fn token(&mut self) -> &'a str {
        self.take(|letter| letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(letter))
    }

    /// `=` and a value, quoted or not; nothing is taken where there is none.
    fn value(&mut self) -> Option<String> {
        let before = self.0;
        self.take(is_space);
        let Some(value) = self.0.strip_prefix('=') else {
            self.0 = before;
            return None;
        };
        self.0 = value;
        self.take(is_space);
        // Unquoted URLs are met, though no token may have their letters.
        let unquoted = |rest: &mut Self| {
            rest.take(|letter| !is_space(letter) && letter != ',' && letter != '"').to_owned()
        };
        Some(self.quoted().unwrap_or_else(|| unquoted(self)))
    }

    /// A quoted text without its quotes and backslashes; one that is not closed reaches to the end.
    fn quoted(&mut self) -> Option<String> {
        let mut letters = self.0.strip_prefix('"')?.chars();
        let mut text = String::new();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => text.extend(letters.next()),
                other => text.push(other),
            }
        }
        self.0 = letters.as_str();
        Some(text)
    }

    /// Skips the one word that a scheme may have in the place of parameters (`token68`).
    fn skip_token68(&mut self) {
        let before = self.0;
        self.take(is_space);
        let word = |letter: char| letter.is_ascii_alphanumeric() || "-._~+/".contains(letter);
        self.take(word);
        self.take(|letter| letter == '=');
        self.take(is_space);
        if !(self.0.is_empty() || self.0.starts_with(',')) {
            self.0 = before;
        }
    }
}

fn is_space(letter: char) -> bool {
    matches!(letter, ' ' | '\t' | '\r' | '\n')
}

#[cfg(test)]
mod tests;
