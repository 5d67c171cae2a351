//! What handlers take from a request, with every refusal as a [`Problem`].

use app::Page;
use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::errors::Problem;

/// The most items on a page of the API.
const PAGE_SIZE_MAX: u64 = 100;

/// The longest text to search for, in characters.
const SEARCH_MAX: usize = 200;

/// A JSON body.
pub(crate) struct Body<T>(pub(crate) T);

/// A form that a page sent.
pub(crate) struct Fields<T>(pub(crate) T);

/// The query of an address.
pub(crate) struct Search<T>(pub(crate) T);

/// The id in a path; one that is no UUID cannot name anything.
pub(crate) struct Id(pub(crate) Uuid);

/// An id in a path and a name after it.
pub(crate) struct IdAndName(pub(crate) Uuid, pub(crate) String);

/// Which part of a list an API client wants.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Paging {
    page: Option<u64>,
    page_size: Option<u64>,
}

/// What became of the items of a list that an API client wants, and what is in their texts.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Status {
    pub(crate) status: Option<String>,
    search: Option<String>,
}

impl Status {
    /// What is to be in the texts, if that matters.
    pub(crate) fn text(&self) -> Result<Option<String>, Problem> {
        text(self.search.as_deref().unwrap_or_default())
    }
}

/// What somebody searches for; nothing if it is empty.
pub(crate) fn text(search: &str) -> Result<Option<String>, Problem> {
    let search = search.trim();
    if search.chars().count() > SEARCH_MAX {
        return Err(Problem::invalid("search", &format!("at most {SEARCH_MAX} characters")));
    }
    Ok((!search.is_empty()).then(|| search.to_owned()))
}

impl Paging {
    /// The page that was asked for; 50 items unless the client says otherwise.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        let number = self.page.unwrap_or(1);
        let size = self.page_size.unwrap_or(50);
        if number == 0 {
            return Err(Problem::invalid("page", "pages are counted from 1"));
        }
        if !(1..=PAGE_SIZE_MAX).contains(&size) {
            return Err(Problem::invalid("page_size", "expected 1 to 100"));
        }
        Ok(Page { number, size })
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(body) =
            Json::from_request(request, state).await.map_err(|refusal| bad_json(&refusal))?;
        Ok(Self(body))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let refused = |refusal: FormRejection| {
            Problem::new(refusal.status(), "bad_form", refusal.body_text())
        };
        let Form(fields) = Form::from_request(request, state).await.map_err(refused)?;
        Ok(Self(fields))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Search<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let refused = |refusal: QueryRejection| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_query", refusal.body_text())
        };
        let Query(search) = Query::from_request_parts(parts, state).await.map_err(refused)?;
        Ok(Self(search))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<Uuid>::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(no_id(parts)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdAndName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<(Uuid, String)>::from_request_parts(parts, state).await {
            Ok(Path((id, name))) => Ok(Self(id, name)),
            Err(_) => Err(no_id(parts)),
        }
    }
}

fn no_id(parts: &Parts) -> Problem {
    let path = parts.uri.path();
    Problem::not_found(format!("there is nothing at {path}: the id in it is not a UUID"))
}

fn bad_json(refusal: &JsonRejection) -> Problem {
    let code = match refusal {
        JsonRejection::JsonSyntaxError(_) => "bad_json",
        JsonRejection::JsonDataError(_) => "invalid",
        JsonRejection::MissingJsonContentType(_) => "unsupported_media_type",
        _ => "bad_body",
    };
    Problem::new(refusal.status(), code, refusal.body_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_trimmed_and_bounded() {
        assert_eq!(text(" a b ").unwrap().as_deref(), Some("a b"));
        assert_eq!(text("  ").unwrap(), None);
        assert!(text(&"x".repeat(200)).is_ok() && text(&"x".repeat(201)).is_err());
    }

    #[test]
    fn pages_within_the_bounds_are_taken_and_others_refused() {
        let asked = |page, page_size| Paging { page, page_size }.page();
        assert_eq!(asked(None, None).unwrap(), Page { number: 1, size: 50 });
        assert_eq!(asked(Some(3), Some(100)).unwrap(), Page { number: 3, size: 100 });
        for (page, size) in [(Some(0), None), (None, Some(0)), (None, Some(101))] {
            assert!(asked(page, size).is_err(), "{page:?} {size:?}");
        }
    }
}
