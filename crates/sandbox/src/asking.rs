//! What a tool can ask of the client that calls it, as the notes of an inspection tell.

/// One thing that a source can ask of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asking {
    /// A form for the user.
    Form,
    /// An address for the user to open.
    Address,
    /// An answer of the caller's model.
    Model,
    /// The places that the caller works in.
    Roots,
    /// Perhaps any of these: the source does not tell.
    Unknown,
}

impl Asking {
    const ALL: [Self; 5] = [Self::Form, Self::Address, Self::Model, Self::Roots, Self::Unknown];

    /// What the tool can do, as a part of a sentence; the guest notes the same (`asking.py`).
    pub fn ability(self) -> &'static str {
        match self {
            Self::Form => "can question the caller's user",
            Self::Address => "can send the caller's user to an address",
            Self::Model => "can use the caller's model",
            Self::Roots => "can see the caller's roots",
            Self::Unknown => "may ask its caller anything, by what it does with `ctx`",
        }
    }

    /// What the notes of an inspection tell, each once and in order.
    pub fn among(notes: &[String]) -> Vec<Self> {
        let told = |asking: &Self| {
            let noted = format!(": it {}", asking.ability());
            notes.iter().any(|note| note.ends_with(&noted))
        };
        Self::ALL.into_iter().filter(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Asking;

    #[test]
    fn notes_tell_what_is_asked_whatever_their_lines() {
        let notes = [
            "line 7: it can use the caller's model",
            "lines 3, 4: it can question the caller's user",
            "line 9: it can use the caller's model, or so",
        ];
        let notes = notes.map(str::to_owned);
        assert_eq!(Asking::among(&notes), [Asking::Form, Asking::Model]);
        assert_eq!(Asking::among(&[]), []);
    }
}
