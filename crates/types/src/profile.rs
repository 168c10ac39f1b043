//! The statistics of a version, gathered in the same scan as its checks.

use serde::{Deserialize, Serialize};

/// One version's profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub rows: u64,
    pub columns: Vec<ColumnProfile>,
}

impl Profile {
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column's statistics. Values are rendered as text in the form that the engine would cast them to, so that
/// they survive JSON exactly.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    pub name: String,
    pub nulls: u64,
    /// Approximate number of distinct values (HyperLogLog, standard error about 1.6 %).
    pub distinct: Option<u64>,
    pub min: Option<String>,
    pub max: Option<String>,
    /// Numbers only.
    pub mean: Option<f64>,
    /// Numbers only: approximate 5, 25, 50, 75 and 95 % quantiles.
    pub quantiles: Option<[f64; 5]>,
}
