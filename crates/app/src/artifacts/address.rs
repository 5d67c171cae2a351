//! The addresses of artifacts: `mcpbox://artifacts/{id}?offset=…&length=…`.

use std::fmt;

use uuid::Uuid;

use crate::{Error, Result};

const PREFIX: &str = "mcpbox://artifacts/";

/// All addresses, as an RFC 6570 template.
pub const TEMPLATE: &str = "mcpbox://artifacts/{id}{?offset,length}";

/// Which part of which artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The artifact.
    pub id: Uuid,
    /// From which byte on.
    pub offset: u64,
    /// How many bytes; as many as may be read at once when absent.
    pub length: Option<u64>,
}

impl Address {
    /// The address of an artifact from its beginning on.
    pub fn of(id: Uuid) -> Self {
        Self { id, offset: 0, length: None }
    }

    /// Reads an address.
    ///
    /// # Errors
    /// [`Error::NotFound`] for what is no address of an artifact, [`Error::Invalid`] for a range that
    /// cannot be read.
    pub fn parse(uri: &str) -> Result<Self> {
        let unknown = || Error::not_found("Resource", &uri.chars().take(200).collect::<String>());
        let rest = uri.strip_prefix(PREFIX).ok_or_else(unknown)?;
        let (id, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut address = Self::of(id.parse().map_err(|_error| unknown())?);
        for field in query.split('&').filter(|field| !field.is_empty()) {
            match field.split_once('=') {
                Some(("offset", number)) => address.offset = count("offset", number)?,
                Some(("length", number)) => address.length = Some(count("length", number)?),
                _ => {
                    let reason = "the only fields of the query are `offset` and `length`";
                    return Err(Error::invalid("uri", reason));
                }
            }
        }
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}{}", self.id)?;
        match (self.offset, self.length) {
            (0, None) => Ok(()),
            (offset, None) => write!(out, "?offset={offset}"),
            (offset, Some(length)) => write!(out, "?offset={offset}&length={length}"),
        }
    }
}

fn count(field: &'static str, number: &str) -> Result<u64> {
    number.parse().map_err(|_error| Error::invalid(field, "expected a whole number of bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let id = Uuid::from_u128(7);
        for address in [
            Address::of(id),
            Address { offset: 4096, ..Address::of(id) },
            Address { offset: 0, length: Some(10), ..Address::of(id) },
            Address { offset: 5, length: Some(10), ..Address::of(id) },
        ] {
            assert_eq!(Address::parse(&address.to_string()).unwrap(), address, "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let id = Uuid::from_u128(7);
        for (uri, code) in [
            ("file:///etc/passwd".to_owned(), "not_found"),
            ("mcpbox://artifacts/x".to_owned(), "not_found"),
            (format!("mcpbox://artifacts/{id}/more"), "not_found"),
            (format!("mcpbox://artifacts/{id}?offset=-1"), "invalid"),
            (format!("mcpbox://artifacts/{id}?length=all"), "invalid"),
            (format!("mcpbox://artifacts/{id}?page=2"), "invalid"),
        ] {
            assert_eq!(Address::parse(&uri).unwrap_err().code(), code, "{uri}");
        }
    }
}
