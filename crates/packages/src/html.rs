//! The older form of an index's answer: a page with a link for each file (PEP 503, 592, 658, 714).

use std::collections::BTreeMap;

use html5gum::{StartTag, Token, Tokenizer};
use url::Url;

use crate::index::{File, Flag};

/// Whether an answer is a page rather than JSON.
pub(crate) fn is_page(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

/// The files that a page links to. `base` is where the page is, unless it says otherwise itself.
pub(crate) fn files(bytes: &[u8], base: &Url) -> Vec<File> {
    let mut base = base.clone();
    let mut files = Vec::new();
    for Ok(token) in Tokenizer::new(bytes) {
        let Token::StartTag(tag) = token else { continue };
        match &**tag.name {
            b"a" => files.extend(file(&tag, &base)),
            b"base" => {
                if let Some(given) = attribute(&tag, "href").and_then(|href| base.join(&href).ok())
                {
                    base = given;
                }
            }
            _ => {}
        }
    }
    files
}

fn file(tag: &StartTag<()>, base: &Url) -> Option<File> {
    let mut url = base.join(&attribute(tag, "href")?).ok()?;
    let hashes = url.fragment().and_then(hash).into_iter().collect();
    url.set_fragment(None);
    let name = url.path_segments()?.next_back()?;
    let filename = percent_encoding::percent_decode_str(name).decode_utf8().ok()?.into_owned();
    Some(File {
        filename,
        url: url.into(),
        hashes,
        requires_python: attribute(tag, "data-requires-python"),
        size: None,
        yanked: attribute(tag, "data-yanked").map_or(Flag::Missing, Flag::Text),
        core_metadata: metadata(tag, "data-core-metadata"),
        dist_info_metadata: metadata(tag, "data-dist-info-metadata"),
    })
}

/// `sha256=…`, as the name of the hash and its digits.
fn hash(text: &str) -> Option<(String, String)> {
    text.split_once('=').map(|(name, digits)| (name.to_owned(), digits.to_owned()))
}

/// `true`, or the hash of the metadata.
fn metadata(tag: &StartTag<()>, name: &str) -> Flag {
    match attribute(tag, name) {
        None => Flag::Missing,
        Some(text) => match hash(&text) {
            Some(found) => Flag::Hashes(BTreeMap::from([found])),
            None => Flag::Bare(text == "true"),
        },
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let found = tag.attributes.get(name.as_bytes())?;
    Some(String::from_utf8_lossy(found).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Listing, Version};

    const PAGE: &str = r#"<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head>
        <body><h1>Links for shop</h1>
        <a href="../../files/shop-1.0-py3-none-any.whl#sha256=HASH" data-requires-python="&gt;=3.8" data-core-metadata="sha256=HASH">shop-1.0-py3-none-any.whl</a><br>
        <A HREF='https://other.example/shop-1.1-py3-none-any.whl#sha256=HASH' data-yanked="broken &amp; gone">x</A>
        <a href="shop-1.2-py3-none-any.whl#sha256=HASH" data-requires-python="&lt;3" data-dist-info-metadata="true">x</a>
        <a href="shop-1.3.tar.gz#sha256=HASH">x</a>
        <a href="shop-1.4-py3-none-any.whl">no hash</a>
        <a href="other-1.0-py3-none-any.whl#sha256=HASH">another</a>
        <a name="top">no link</a><a href="mailto:someone@example.com">mail</a>
        <!-- <a href="shop-9.0-py3-none-any.whl#sha256=HASH">hidden</a> -->"#;

    #[test]
    fn a_page_says_the_same_as_json() {
        let page = PAGE.replace("HASH", &"a".repeat(64));
        let base = Url::parse("https://index.example/simple/shop/").unwrap();
        assert!(is_page(page.as_bytes()) && !is_page(b" {}"));
        let listing = Listing::read(&"shop".parse().unwrap(), page.as_bytes(), &base).unwrap();
        let release = |text: &str| listing.release(&text.parse::<Version>().unwrap());
        let first = release("1.0").unwrap().unwrap();
        assert_eq!(first.url, "https://index.example/files/shop-1.0-py3-none-any.whl");
        let metadata = "https://index.example/files/shop-1.0-py3-none-any.whl.metadata".to_owned();
        assert_eq!(first.metadata, Some((metadata, Some("a".repeat(64)))));
        let yanked = release("1.1").unwrap().unwrap();
        assert_eq!(yanked.yanked.as_deref(), Some("broken & gone"));
        let reasons = ["1.2", "1.3", "1.4"].map(|text| release(text).unwrap().unwrap_err());
        let expected = ["Python 3.14", "source only", "without a SHA-256"];
        for (reason, expected) in reasons.iter().zip(expected) {
            assert!(reason.to_string().contains(expected), "{reason}");
        }
        assert!(release("9.0").is_none() && listing.releases().count() == 5);
    }

    #[test]
    fn a_page_may_say_what_its_links_are_relative_to() {
        let page = b"<base href='/elsewhere/'><a href='a/b%2Bc.whl'></a><a href='http://[bad'></a>";
        let found = files(page, &Url::parse("http://index.lan/simple/x/").unwrap());
        let found: Vec<_> =
            found.iter().map(|file| (file.url.as_str(), file.filename.as_str())).collect();
        assert_eq!(found, [("http://index.lan/elsewhere/a/b%2Bc.whl", "b+c.whl")]);
    }
}
