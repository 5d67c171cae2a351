//! Style sheet, script and icon, embedded in the program and kept by browsers for good.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::errors::{Answer, Problem};

#[derive(RustEmbed)]
#[folder = "../../web/assets"]
struct Files;

/// The address of a file; it changes with the file.
pub(crate) fn address(file: &str) -> String {
    let hash = Files::get(file).map(|found| hash_of(&found)).unwrap_or_default();
    format!("/assets/{hash}/{file}")
}

/// Serves a file under the address of [`address`].
pub(crate) async fn serve(
    Path((hash, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let found = Files::get(&file).filter(|found| hash_of(found) == hash);
    let (Some(found), Some(kind)) = (found, kind_of(&file)) else {
        return Err(Problem::not_found("there is no such file; load the page again"));
    };
    let tag = format!("\"{hash}\"");
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching = [(CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()), (ETAG, tag)];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    Ok((caching, [(CONTENT_TYPE, kind)], found.data).into_response())
}

fn hash_of(file: &EmbeddedFile) -> String {
    let bytes = file.metadata.sha256_hash();
    let first = bytes.first_chunk().copied().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(first))
}

fn kind_of(file: &str) -> Option<&'static str> {
    match file.rsplit_once('.')?.1 {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{HeaderValue, Request};
    use axum::response::Response;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(address: &str, known: Option<&HeaderValue>) -> Response {
        let router: Router = Router::new().route("/assets/{hash}/{file}", get(serve));
        let mut request = Request::builder().uri(address);
        if let Some(tag) = known {
            request = request.header(IF_NONE_MATCH, tag);
        }
        router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn every_file_that_pages_name_is_served_for_good() {
        for file in ["style.css", "htmx.min.js", "icon.svg"] {
            let served = ask(&address(file), None).await;
            assert_eq!(served.status(), StatusCode::OK, "{file}");
            let caching = served.headers().get(CACHE_CONTROL).unwrap().to_str().unwrap();
            assert!(caching.contains("immutable"), "{caching}");
            let again = ask(&address(file), served.headers().get(ETAG)).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{file}");
        }
    }

    #[tokio::test]
    async fn other_hashes_and_other_files_are_not_served() {
        for address in ["/assets/0000/style.css".to_owned(), address("README.md"), address("x.js")]
        {
            assert_eq!(ask(&address, None).await.status(), StatusCode::NOT_FOUND, "{address}");
        }
    }
}
