//! What the design names and this version has not: refused with LG0110, never ignored. Whoever builds one removes
//! its word here (keys are marked in their tables, with [`crate::KeyDoc::NOT_BUILT`]).

use lockgate_types::{Diagnostic, Place};

use crate::codes;

/// Kinds of assets.
pub(crate) const KINDS: &[&str] = &["model", "document", "index", "export", "release"];
/// Ways to load, whether as a word or as a map.
pub(crate) const LOADS: &[&str] = &["cdc"];
/// Kinds of checks.
pub(crate) const CHECKS: &[&str] = &["anomaly"];
/// Stores, by the start of their URL.
pub(crate) const STORES: &[&str] = &["s3://", "gs://", "az://"];
/// Catalogs, by the start of their URL.
pub(crate) const CATALOGS: &[&str] = &["postgres://", "postgresql://"];

/// `what` is a phrase, such as "the kind `forecast`".
pub(crate) fn not_built(what: &str, place: Place) -> Diagnostic {
    Diagnostic::error(&codes::NOT_BUILT, format!("{what} is not built yet")).at(place)
}
