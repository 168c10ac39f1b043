//! A SQL session over pinned versions.
