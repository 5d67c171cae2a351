//! Wheels: those that were fetched for the tests, and such as a test makes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::archive::{self, Entry};

/// The wheels that `cargo xtask test` has fetched, by file name.
///
/// # Panics
/// Where they are not there.
pub fn wheels() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/wheels");
    let files = fs::read_dir(&folder).unwrap_or_else(|reason| {
        panic!("{}: {reason}; `cargo xtask test` fetches it", folder.display())
    });
    let paths = files.map(|file| file.expect("a file").path());
    let wheels = paths.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheels
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&path).expect("a wheel"))
        })
        .collect()
}

/// A wheel that a test makes: in order, until the test changes an entry.
#[derive(Debug, Clone)]
pub struct Wheel {
    name: String,
    version: String,
    metadata: String,
    format: String,
    files: Vec<(String, Vec<u8>)>,
}

impl Wheel {
    /// A release with one module, named like the package.
    pub fn new(name: &str, version: &str) -> Self {
        let metadata = format!("Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n");
        let module = format!("{}.py", name.replace('-', "_"));
        let format = "Wheel-Version: 1.0\nTag: py3-none-any".to_owned();
        let files = vec![(module, format!("VERSION = {version:?}\n").into_bytes())];
        Self { name: name.to_owned(), version: version.to_owned(), metadata, format, files }
    }

    /// The same without a file.
    pub fn empty(name: &str, version: &str) -> Self {
        Self { files: Vec::new(), ..Self::new(name, version) }
    }

    /// The same with one more requirement.
    pub fn requires(self, requirement: &str) -> Self {
        self.says(&format!("Requires-Dist: {requirement}"))
    }

    /// The same with one more line of metadata.
    pub fn says(mut self, line: &str) -> Self {
        self.metadata.push_str(line);
        self.metadata.push('\n');
        self
    }

    /// The same with this content of the file `WHEEL`.
    pub fn format(self, format: &str) -> Self {
        Self { format: format.to_owned(), ..self }
    }

    /// The same with one more file.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// The file name of a wheel for every system.
    pub fn file_name(&self) -> String {
        format!("{}-{}-py3-none-any.whl", self.name.replace('-', "_"), self.version)
    }

    /// The metadata alone.
    pub fn metadata(&self) -> Vec<u8> {
        self.metadata.clone().into_bytes()
    }

    /// The folder that describes the release.
    pub fn dist_info(&self) -> String {
        format!("{}-{}.dist-info", self.name.replace('-', "_"), self.version)
    }

    /// All files with RECORD, as entries of an archive.
    pub fn entries(&self) -> Vec<Entry> {
        let folder = self.dist_info();
        let own = [("METADATA", &self.metadata), ("WHEEL", &self.format)];
        let mut files = self.files.clone();
        files.extend(
            own.map(|(file, content)| (format!("{folder}/{file}"), content.clone().into_bytes())),
        );
        let mut record = Vec::new();
        for (path, content) in &files {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
            record.push(format!("{path},sha256={hash},{}\n", content.len()));
        }
        record.push(format!("{folder}/RECORD,,\n"));
        files.push((format!("{folder}/RECORD"), record.concat().into_bytes()));
        files.iter().map(|(path, content)| Entry::deflated(path, content)).collect()
    }

    /// The archive.
    pub fn bytes(&self) -> Vec<u8> {
        archive::write(&self.entries())
    }
}
