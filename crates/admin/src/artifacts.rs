//! Downloads of what calls have left that was too large for their answers.

use app::artifacts::{self, Artifact, READ_MAX};
use app::identity::{Admin, Who};
use app::{App, Error};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::IntoResponse as _;
use futures::stream;
use uuid::Uuid;

use crate::errors::Answer;
use crate::extract::Id;
use crate::session::SignedIn;
use crate::view::percent_encoded;

/// GET /artifacts/{id}
pub(crate) async fn of_page(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    download(app, admin, id).await
}

/// GET /api/artifacts/{id}
pub(crate) async fn of_api(
    State(app): State<App>,
    SignedIn(admin): SignedIn,
    Id(id): Id,
) -> Answer {
    download(app, admin, id).await
}

/// The whole of an artifact, read from the database piece by piece.
async fn download(app: App, admin: Admin, id: Uuid) -> Answer {
    let who = Who::from(admin);
    let artifact = artifacts::find(&app, &who, id).await?;
    // Never shown in the page's place: a tool has written it.
    let headers = [
        (CONTENT_TYPE, artifact.mime_type.clone()),
        (CONTENT_LENGTH, artifact.bytes.to_string()),
        (CONTENT_DISPOSITION, disposition(&artifact)),
    ];
    let pieces = stream::try_unfold(Some(0), move |next| {
        let (app, who) = (app.clone(), who.clone());
        async move {
            let Some(offset) = next else { return Ok::<_, Error>(None) };
            let part = artifacts::read(&app, &who, id, offset, Some(READ_MAX)).await?;
            let next = part.next();
            Ok(Some((part.data, next)))
        }
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// `attachment` with the name that the file is to have.
fn disposition(artifact: &Artifact) -> String {
    let name = artifact.name.clone().unwrap_or_else(|| {
        let ending = match artifact.mime_type.as_str() {
            "application/json" => "json",
            "text/plain" => "txt",
            "image/png" => "png",
            "image/jpeg" => "jpg",
            _ => "bin",
        };
        format!("{}.{ending}", artifact.id)
    });
    format!("attachment; filename*=UTF-8''{}", percent_encoded(&name.replace('/', "_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_is_named_by_the_tool_or_by_its_type() {
        let artifact = |name: Option<&str>| Artifact {
            id: Uuid::nil(),
            call_id: Uuid::nil(),
            owner: "local".to_owned(),
            mime_type: "application/json".to_owned(),
            name: name.map(str::to_owned),
            is_text: true,
            bytes: 1,
            created_at: app::clock::now(),
            expires_at: app::clock::now(),
        };
        let named = disposition(&artifact(Some("a \"b\"/\r\nc.csv")));
        assert_eq!(named, "attachment; filename*=UTF-8''a%20%22b%22_%0D%0Ac.csv");
        let nil = Uuid::nil();
        assert_eq!(
            disposition(&artifact(None)),
            format!("attachment; filename*=UTF-8''{nil}.json")
        );
    }
}
