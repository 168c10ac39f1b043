//! What is recorded of a publication: of which versions, by whom and why.

use lockgate_types::{Actor, AssetName, Version, VersionNumber};

/// One version that is about to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishIntent {
    pub asset: AssetName,
    pub number: VersionNumber,
    /// The version that was live when it was judged and has to be live still; `None` when there was none.
    pub base: Option<VersionNumber>,
    /// The Delta version that its commit goes on top of; `None` when the table has none.
    pub base_delta_version: Option<u64>,
}

/// By whom and why versions are published. Recorded durably before the first commit is put, so that whoever
/// completes the publication after a crash need not know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    pub actor: Actor,
    /// The reason, when a person publishes by hand or rolls back.
    pub why: Option<String>,
    /// The version that was live is `retracted` (a rollback), not `superseded`.
    pub retract: bool,
}

/// Versions that are `publishing`: begun together, so they switch together.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenPublication {
    pub by: Publication,
    /// In the order of their names.
    pub members: Vec<Version>,
}
