//! What comes with a request, read into types; what does not fit is answered by a diagnostic that names it.

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use lockgate_types::{AssetName, VersionNumber};
use serde::de::DeserializeOwned;

use crate::codes::{BAD_REQUEST, NO_REASON, TOO_MUCH};
use crate::problem::{ApiError, ApiResult};

/// Parameters behind the `?`.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Params(params)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                Err(bad(format!("a parameter has the wrong form: {}", error.body_text())))
            }
            Err(error) => Err(bad(error.body_text())),
        }
    }
}

/// A body of JSON.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> ApiResult<Self> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Body(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(ApiError::coded(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                &BAD_REQUEST,
                "the body is not said to be JSON",
            )
            .expected("Content-Type: application/json")),
            Err(JsonRejection::BytesRejection(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => Err(
                ApiError::coded(StatusCode::PAYLOAD_TOO_LARGE, &TOO_MUCH, "the body is larger than the server takes"),
            ),
            Err(error) => Err(bad(format!("the body has the wrong form: {}", error.body_text()))),
        }
    }
}

/// The id of a thing in the path.
#[derive(Debug)]
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let Path(id) = <Path<String> as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map_err(|error| bad(error.body_text()))?;
        Ok(Id(id))
    }
}

/// The name of an asset in the path.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) AssetName);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let Id(text) = Id::from_request_parts(parts, state).await?;
        asset_name(&text).map(Named)
    }
}

/// An asset and one of its versions in the path.
#[derive(Debug)]
pub(crate) struct AtVersion(pub(crate) AssetName, pub(crate) Pick);

impl<S: Send + Sync> FromRequestParts<S> for AtVersion {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let Path((name, number)) = <Path<(String, String)> as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map_err(|error| bad(error.body_text()))?;
        Ok(AtVersion(asset_name(&name)?, Pick::parse(&number)?))
    }
}

/// One version of an asset, as it is named in paths and parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    Live,
    Held,
    Number(VersionNumber),
}

impl Pick {
    pub(crate) fn parse(text: &str) -> ApiResult<Pick> {
        match text {
            "live" => Ok(Pick::Live),
            "held" => Ok(Pick::Held),
            // What the catalog can count: 63 bits.
            number => match number.parse::<u64>() {
                Ok(number) if (1..=u64::MAX / 2).contains(&number) => Ok(Pick::Number(VersionNumber(number))),
                _ => Err(bad(format!("`{text}` is not a version")).expected("a number from 1, `live` or `held`")),
            },
        }
    }
}

/// The key of a request that may be repeated, if one was sent.
#[derive(Clone, Debug)]
pub(crate) struct IdempotencyKey(pub(crate) String);

impl<S: Send + Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Option<Self>> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(None) };
        match value.to_str() {
            Ok(key) if (1..=200).contains(&key.len()) => Ok(Some(IdempotencyKey(key.to_owned()))),
            _ => Err(bad("the Idempotency-Key is not a short text").expected("1 to 200 visible ASCII characters")),
        }
    }
}

pub(crate) fn asset_name(text: &str) -> ApiResult<AssetName> {
    text.parse().map_err(|error: lockgate_types::NameError| bad(error.to_string()).expected("schema.table"))
}

pub(crate) fn asset_names(texts: &[String]) -> ApiResult<Vec<AssetName>> {
    texts.iter().map(|text| asset_name(text)).collect()
}

/// An instant as the command line takes it: RFC 3339, or a bare day.
pub(crate) fn instant(name: &str, text: Option<&str>) -> ApiResult<Option<chrono::DateTime<chrono::Utc>>> {
    text.filter(|text| !text.is_empty())
        .map(|text| {
            lockgate_types::time::parse_instant(text)
                .map_err(|error| bad(format!("`{name}`: {error}")).expected("RFC 3339, or a day"))
        })
        .transpose()
}

/// What a person decides has a reason.
pub(crate) fn reason(why: &str) -> ApiResult<&str> {
    match why.trim() {
        "" => Err(ApiError::coded(StatusCode::UNPROCESSABLE_ENTITY, &NO_REASON, "a reason is missing")
            .expected("a sentence in `why`")),
        why if why.len() > 2_000 => Err(bad("the reason is longer than 2,000 characters")),
        why => Ok(why),
    }
}

pub(crate) fn bad(message: impl Into<String>) -> ApiError {
    ApiError::coded(StatusCode::BAD_REQUEST, &BAD_REQUEST, message)
}
