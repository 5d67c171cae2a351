//! A file of the index: what is served, and what the index says about it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::archive;
use crate::wheel::Wheel;

/// A file that the index lists. Each field may be made to lie.
#[derive(Debug, Clone)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What is served.
    pub content: Vec<u8>,
    /// What is served beside it as its metadata.
    pub metadata: Option<Vec<u8>>,
    /// The SHA-256 that the index gives.
    pub sha256: Option<String>,
    /// Where the index says it is, if not on the index itself.
    pub url: Option<String>,
    /// What the index says of it: `requires-python`, `yanked` and other fields.
    pub fields: Value,
}

impl File {
    /// A file without metadata beside it, such as a source archive.
    pub fn new(name: &str, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        let sha256 = Some(hex::encode(Sha256::digest(&content)));
        let fields = json!({});
        Self { name: name.to_owned(), content, metadata: None, sha256, url: None, fields }
    }

    /// A wheel with its metadata beside it.
    pub fn wheel(name: &str, content: impl Into<Vec<u8>>) -> Self {
        let file = Self::new(name, content);
        let metadata = archive::content_of(&file.content, ".dist-info/METADATA");
        Self { metadata: Some(metadata), ..file }
    }

    /// The same, of which the index says one more thing.
    pub fn with(mut self, field: &str, value: Value) -> Self {
        if let Value::Object(fields) = &mut self.fields {
            fields.insert(field.to_owned(), value);
        }
        self
    }

    /// The normalized name of the package, as far as the file name says it.
    pub fn package(&self) -> String {
        let name = self.name.split('-').next().unwrap_or_default();
        name.replace(['_', '.'], "-").to_lowercase()
    }

    /// What the index says about it.
    pub(crate) fn listed(&self) -> Value {
        let url = self.url.clone().unwrap_or_else(|| format!("../../files/{}", self.name));
        let mut listed = json!({
            "filename": self.name, "url": url, "size": self.content.len(), "hashes": {},
            "requires-python": null, "yanked": false,
        });
        if let Some(sha256) = &self.sha256 {
            listed["hashes"] = json!({"sha256": sha256});
        }
        if let Some(metadata) = &self.metadata {
            let hash = json!({"sha256": hex::encode(Sha256::digest(metadata))});
            listed["core-metadata"] = hash.clone();
            listed["data-dist-info-metadata"] = hash;
        }
        for (field, value) in self.fields.as_object().into_iter().flatten() {
            listed[field] = value.clone();
        }
        listed
    }
}

impl From<&Wheel> for File {
    fn from(wheel: &Wheel) -> Self {
        Self::wheel(&wheel.file_name(), wheel.bytes())
    }
}
