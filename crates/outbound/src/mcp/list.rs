//! The tools of a source, page by page to the end.

use super::error::Error;
use super::{limits, mirror};
use serde_json::{Map, Value};

/// What a source lists.
#[derive(Debug, Default)]
pub struct Tools {
    /// The tools, as they came, in order.
    pub tools: Vec<Value>,
    /// Tools that cannot be called as the protocol demands.
    pub left_out: Vec<LeftOut>,
}

/// A tool that is not taken over.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name, where it has one.
    pub name: String,
    /// Why, in a sentence.
    pub why: String,
}

/// A list on its way to the end.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    tools: Vec<Value>,
    taken: usize,
    bytes: usize,
    cursor: Option<String>,
}

impl Pages {
    /// What to ask for the next page.
    pub(crate) fn params(&self) -> Map<String, Value> {
        let cursor = self.cursor.clone().map(|cursor| ("cursor".to_owned(), Value::String(cursor)));
        cursor.into_iter().collect()
    }

    /// Takes a page; whether another follows.
    pub(crate) fn take(&mut self, mut page: Value) -> Result<bool, Error> {
        self.bytes = self.bytes.saturating_add(page.to_string().len());
        let Some(Value::Array(tools)) = page.get_mut("tools").map(Value::take) else {
            return Err(Error::NotMcp("its list of tools holds no `tools`".to_owned()));
        };
        self.tools.extend(tools);
        self.taken += 1;
        let cursor = match page.get("nextCursor") {
            Some(Value::String(cursor)) => Some(cursor.clone()),
            _ => None,
        };
        if cursor.is_some() && cursor == self.cursor {
            return Err(Error::NotMcp("its list of tools gives the same page again".to_owned()));
        }
        self.cursor = cursor;
        let more = self.cursor.is_some();
        if self.bytes > limits::LIST {
            return Err(Error::TooLarge { most: limits::LIST });
        }
        if self.tools.len() > limits::TOOLS || (more && self.taken >= limits::PAGES) {
            return Err(Error::NotMcp("its list of tools has no end".to_owned()));
        }
        Ok(more)
    }

    /// The tools. In the modern era those are left out whose headers cannot be made.
    pub(crate) fn finish(self, modern: bool) -> Tools {
        let mut all = Tools::default();
        for tool in self.tools {
            let checked = match tool.get("inputSchema") {
                Some(schema) if modern => mirror::check(schema),
                _ => Ok(()),
            };
            let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
            match checked {
                _ if name.is_empty() => {
                    let why = "it has no name".to_owned();
                    all.left_out.push(LeftOut { name: String::new(), why });
                }
                Err(why) => all.left_out.push(LeftOut { name: name.to_owned(), why }),
                Ok(()) => all.tools.push(tool),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Pages, limits};
    use serde_json::{Value, json};

    fn page(names: &[&str], next: Option<&str>) -> Value {
        let tools: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"tools": tools, "nextCursor": next})
    }

    #[test]
    fn a_list_is_read_to_its_end() {
        let mut pages = Pages::default();
        assert!(pages.params().is_empty());
        assert!(pages.take(page(&["a"], Some("2"))).unwrap());
        assert_eq!(pages.params()["cursor"], "2");
        assert!(!pages.take(page(&["b", ""], None)).unwrap());
        let all = pages.finish(true);
        assert_eq!((all.tools.len(), all.left_out.len()), (2, 1));
    }

    #[test]
    fn a_list_without_end_is_refused() {
        let mut same = Pages::default();
        same.take(page(&[], Some("1"))).unwrap();
        assert!(matches!(same.take(page(&[], Some("1"))), Err(Error::NotMcp(_))));
        let mut many = Pages::default();
        let failed = (0..=limits::PAGES)
            .find(|number| many.take(page(&["a"], Some(&number.to_string()))).is_err());
        assert_eq!(failed, Some(limits::PAGES - 1));
        assert!(Pages::default().take(json!({})).is_err());
        let large = json!({"tools": ["x".repeat(limits::LIST)]});
        assert!(matches!(Pages::default().take(large), Err(Error::TooLarge { .. })));
    }

    #[test]
    fn headers_matter_in_the_modern_era_alone() {
        let tool = json!({"tools": [{"name": "a", "inputSchema": {
            "properties": {"b": {"type": "number", "x-mcp-header": "B"}}}}]});
        for (modern, kept) in [(true, 0), (false, 1)] {
            let mut pages = Pages::default();
            pages.take(tool.clone()).unwrap();
            assert_eq!(pages.finish(modern).tools.len(), kept);
        }
    }
}
