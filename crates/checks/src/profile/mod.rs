//! The profile of a version, gathered a batch at a time: one accumulator per column, merged at the end.

mod column;
mod distinct;
pub(crate) mod hash;
mod quantiles;
mod sum;

pub(crate) use column::{ColumnAccumulator, Scratch, StoredColumn};

#[cfg(test)]
mod tests;
