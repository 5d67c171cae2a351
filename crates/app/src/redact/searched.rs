//! What is searched for: every form of some values, and the mark that stands in the place of each.

use std::collections::HashSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::Zeroizing;

use super::VALUE_MIN;
use super::forms::forms_of;

/// Where all forms together have more bytes, they are searched for in the way that takes the least
/// preparation.
const QUICK_BYTES: usize = 4 << 10;

pub(super) struct Searched {
    forms: AhoCorasick,
    /// The forms themselves.
    texts: Vec<Zeroizing<String>>,
    /// What stands in the place of each form.
    marks: Vec<String>,
}

impl Searched {
    /// Nothing where there is nothing to search for.
    pub(super) fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let mut known = HashSet::new();
        let (mut texts, mut marks) = (Vec::new(), Vec::new());
        let exposed = values.into_iter();
        for (name, value) in exposed.filter(|(_, value)| value.len() >= VALUE_MIN) {
            for form in forms_of(value) {
                if form.len() >= VALUE_MIN && known.insert(form.clone()) {
                    texts.push(Zeroizing::new(form));
                    marks.push(format!("[secret {name}]"));
                }
            }
        }
        if texts.is_empty() {
            return None;
        }
        // The longest form first: a value in which another begins is taken out whole.
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostLongest);
        if texts.iter().map(|text| text.len()).sum::<usize>() > QUICK_BYTES {
            // Tables that search faster take longer to make than most results take to search.
            builder.kind(Some(AhoCorasickKind::NoncontiguousNFA));
        }
        let built = builder.build(texts.iter().map(|text| text.as_bytes()));
        match built {
            Ok(forms) => Some(Self { forms, texts, marks }),
            Err(error) => {
                // Far more text than any server's secrets have. Nothing is shown then.
                tracing::error!(%error, "the secrets of a call cannot be searched for");
                let marks = vec!["[left out]".to_owned()];
                let everything = AhoCorasick::builder().build([""]);
                everything.ok().map(|forms| Self { forms, texts: Vec::new(), marks })
            }
        }
    }

    /// Whether data holds a value.
    pub(super) fn is_in(&self, data: &[u8]) -> bool {
        self.forms.is_match(data)
    }

    /// The text with a mark in the place of each value.
    pub(super) fn replaced(&self, text: &str) -> String {
        self.forms.replace_all(text, &self.marks)
    }

    fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.texts.iter().map(|text| text.as_str());
        texts.zip(self.marks.iter().map(String::as_str))
    }

    /// Without a value that begins at the end of the text.
    pub(super) fn without_beginning_of_value(&self, text: &str) -> String {
        let told = text.trim_end_matches(' ');
        let found = self.each().filter_map(|(form, mark)| Some((begun(told, form)?, mark)));
        match found.min_by_key(|(at, _)| *at) {
            Some((at, mark)) => {
                format!(
                    "{}{mark}{}",
                    told.get(..at).unwrap_or_default(),
                    " ".repeat(text.len() - told.len())
                )
            }
            None => text.to_owned(),
        }
    }

    /// Without a value that ends at the beginning of the text.
    pub(super) fn without_end_of_value(&self, text: &str) -> String {
        let told = text.trim_start_matches(' ');
        let found = self.each().filter_map(|(form, mark)| Some((ended(told, form)?, mark)));
        match found.max_by_key(|(at, _)| *at) {
            Some((at, mark)) => {
                format!(
                    "{}{mark}{}",
                    " ".repeat(text.len() - told.len()),
                    told.get(at..).unwrap_or_default()
                )
            }
            None => text.to_owned(),
        }
    }
}

/// Where a form begins that the end of the text cuts off, at least [`VALUE_MIN`] bytes of it.
fn begun(text: &str, form: &str) -> Option<usize> {
    let (text, form) = (text.as_bytes(), form.as_bytes());
    let first = (text.len() + 1).saturating_sub(form.len());
    let last = (text.len() + 1).saturating_sub(VALUE_MIN);
    (first..last).find(|at| text.get(*at..).is_some_and(|end| form.starts_with(end)))
}

/// Where a form ends that the beginning of the text cuts off, as many bytes of it.
fn ended(text: &str, form: &str) -> Option<usize> {
    let (text, form) = (text.as_bytes(), form.as_bytes());
    let longest = text.len().min(form.len().saturating_sub(1));
    (VALUE_MIN..=longest).rev().find(|at| text.get(..*at).is_some_and(|head| form.ends_with(head)))
}
