//! A number of the profile is what its history lets expect: robust against outliers, aware of seasons. Not built yet.
//!
//! ```yaml
//! - anomaly: { of: "mean(load_mw)" }
//! ```
//!
//! Using it is an error in this build, so that nobody believes it runs. `change` compares with the live version.

use super::{CheckKind, Parsed, Scope};
use crate::codes::NOT_BUILT;
use crate::read::Reading;

#[derive(Debug)]
pub(crate) struct Anomaly;

impl CheckKind for Anomaly {
    fn name(&self) -> &'static str {
        "anomaly"
    }

    fn source(&self) -> &'static str {
        include_str!("anomaly.rs")
    }

    fn body(&self) -> &'static str {
        "map"
    }

    fn scope(&self) -> Scope {
        Scope::Groups
    }

    fn read(&self, reading: &mut Reading<'_>) -> Vec<Parsed> {
        let span = reading.entry.kind_span;
        reading.error(span, &NOT_BUILT, "the check `anomaly` is not built yet", |d| {
            d.hint("`change` compares with the live version")
        });
        Vec::new()
    }
}
