//! Values between Rust and rows.

use chrono::{DateTime, Utc};
use lockgate_types::{AssetName, VersionNumber, VersionState};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::trouble::{Outcome, Trouble, corrupt};

/// SQLite's integers are signed. Nothing that is counted here comes near the limit.
pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// For `limit`.
pub(super) fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn instant_of(micros: i64) -> Outcome<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| Trouble::Corrupt(format!("{micros} is not an instant")))
}

pub(super) fn count_of(value: i64) -> Outcome<u64> {
    u64::try_from(value).map_err(|_| Trouble::Corrupt(format!("{value} should not be negative")))
}

pub(super) fn text(row: &SqliteRow, column: &str) -> Outcome<String> {
    Ok(row.try_get(column)?)
}

pub(super) fn text_or_null(row: &SqliteRow, column: &str) -> Outcome<Option<String>> {
    Ok(row.try_get(column)?)
}

pub(super) fn count(row: &SqliteRow, column: &str) -> Outcome<u64> {
    count_of(row.try_get(column)?)
}

pub(super) fn count_or_null(row: &SqliteRow, column: &str) -> Outcome<Option<u64>> {
    row.try_get::<Option<i64>, _>(column)?.map(count_of).transpose()
}

pub(super) fn number(row: &SqliteRow, column: &str) -> Outcome<VersionNumber> {
    Ok(VersionNumber(count(row, column)?))
}

pub(super) fn number_or_null(row: &SqliteRow, column: &str) -> Outcome<Option<VersionNumber>> {
    Ok(count_or_null(row, column)?.map(VersionNumber))
}

pub(super) fn instant(row: &SqliteRow, column: &str) -> Outcome<DateTime<Utc>> {
    instant_of(row.try_get(column)?)
}

pub(super) fn instant_or_null(row: &SqliteRow, column: &str) -> Outcome<Option<DateTime<Utc>>> {
    row.try_get::<Option<i64>, _>(column)?.map(instant_of).transpose()
}

pub(super) fn asset(row: &SqliteRow, column: &str) -> Outcome<AssetName> {
    text(row, column)?.parse().map_err(corrupt("a name"))
}

pub(super) fn asset_or_null(row: &SqliteRow, column: &str) -> Outcome<Option<AssetName>> {
    text_or_null(row, column)?.map(|name| name.parse().map_err(corrupt("a name"))).transpose()
}

/// A column that has JSON in it.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Outcome<T> {
    serde_json::from_str(row.try_get(column)?).map_err(corrupt(column))
}

/// JSON for a column. The types that come here are maps with text keys, lists and scalars: they always have a form.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Outcome<String> {
    serde_json::to_string(value).map_err(corrupt("a value has no JSON form"))
}

pub(super) fn state(row: &SqliteRow, column: &str) -> Outcome<VersionState> {
    parsed(&text(row, column)?, "state", VersionState::parse)
}

/// A word out of a fixed list.
pub(super) fn parsed<T>(word: &str, what: &str, parse: impl FnOnce(&str) -> Option<T>) -> Outcome<T> {
    parse(word).ok_or_else(|| Trouble::Corrupt(format!("`{word}` is not a {what}")))
}
