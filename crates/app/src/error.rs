//! What a verb can answer instead of its result.

use std::error::Error as StdError;

/// The result of a verb.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a verb did not do what was asked. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("{what} {id} not found")]
    NotFound {
        /// The noun, for instance `Tool`.
        what: &'static str,
        /// The id or name that was asked for.
        id: String,
    },
    /// The state of a thing forbids it now.
    #[error("{0}")]
    Conflict(String),
    /// What was sent cannot be used.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field or parameter that is wrong.
        field: &'static str,
        /// What is wrong with it and what is expected.
        reason: String,
    },
    /// Source text that cannot become a tool.
    #[error("{}", source_text(message, *line, *column))]
    Source {
        /// What the Python parser says.
        message: String,
        /// Line, from 1.
        line: Option<u32>,
        /// Column, from 1.
        column: Option<u32>,
    },
    /// Who asks is unknown or its credentials are wrong.
    #[error("{0}")]
    Unauthenticated(String),
    /// Who asks may not do this.
    #[error("{0}")]
    Denied(String),
    /// Too much at once; trying again later helps.
    #[error("{reason}")]
    Busy {
        /// What is exhausted.
        reason: String,
        /// After how many seconds it is worth trying again.
        retry_after_seconds: u64,
    },
    /// An external source could not do what was asked of it.
    #[error("source `{name}`: {reason}")]
    Upstream {
        /// Its name.
        name: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A part of the program did not start or does not answer.
    #[error("{part} is not available: {source}")]
    Unavailable {
        /// The part, for instance `the sandbox`.
        part: &'static str,
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A call was carried out, and its row could not be kept; the source is for the log.
    #[error(
        "the call was carried out, but it could not be written to the execution log, so its result is not given: find out what it has done before you call again, and tell the operator that the database takes no more (its disk may be full)"
    )]
    Unlogged(#[source] Box<dyn StdError + Send + Sync>),
    /// A defect or a failure below; its source is for the log, not for the one who asks.
    #[error("internal error; the server's log has the cause")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// A stable word for each kind, for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Invalid { .. } => "invalid",
            Self::Source { .. } => "invalid_source",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Denied(_) => "denied",
            Self::Busy { .. } => "busy",
            Self::Upstream { .. } => "upstream",
            Self::Unavailable { .. } => "unavailable",
            Self::Unlogged(_) => "unlogged",
            Self::Internal(_) => "internal",
        }
    }

    pub(crate) fn not_found(what: &'static str, id: &impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::Invalid { field, reason: reason.into() }
    }

    /// All that is wrong with what was sent, in one error; anything else goes first.
    pub(crate) fn together(checks: impl IntoIterator<Item = Result<()>>) -> Result<()> {
        let mut told: Option<(&'static str, String)> = None;
        for check in checks {
            match check {
                Ok(()) => {}
                Err(Self::Invalid { field, reason }) => match &mut told {
                    None => told = Some((field, reason)),
                    Some((_, reasons)) => *reasons = format!("{reasons}; {field}: {reason}"),
                },
                Err(other) => return Err(other),
            }
        }
        told.map_or(Ok(()), |(field, reason)| Err(Self::Invalid { field, reason }))
    }

    pub(crate) fn unavailable(
        part: &'static str,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::Unavailable { part, source: Box::new(source) }
    }
}

impl From<store::Error> for Error {
    fn from(source: store::Error) -> Self {
        if source.is_busy() {
            return Self::Busy {
                reason: "the database is busy; try again".to_owned(),
                retry_after_seconds: 1,
            };
        }
        if source.is_gone() {
            return Self::Conflict(
                "what this belongs to was deleted at the same time; look again".to_owned(),
            );
        }
        Self::Internal(Box::new(source))
    }
}

fn source_text(message: &str, line: Option<u32>, column: Option<u32>) -> String {
    match (line, column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: {message}"),
        (Some(line), None) => format!("line {line}: {message}"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_together_and_another_error_goes_first() {
        let wrong = |field| Err(Error::invalid(field, "is odd"));
        assert!(Error::together([Ok(()), Ok(())]).is_ok());
        let told = |checks: [Result<()>; 3]| Error::together(checks).unwrap_err().to_string();
        assert_eq!(told([Ok(()), wrong("b"), Ok(())]), "b: is odd");
        assert_eq!(told([wrong("a"), Ok(()), wrong("c")]), "a: is odd; c: is odd");
        let other = || Err(Error::Conflict("taken".to_owned()));
        assert_eq!(told([wrong("a"), other(), Ok(())]), "taken");
    }
}
