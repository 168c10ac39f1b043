//! A table as a version is read.

use std::sync::Arc;

use lockgate_lake::Table;
use lockgate_types::{AssetName, DataFile, Schema, Version};

/// An explicit list of Parquet files; never a listing, never the Delta log.
#[derive(Clone, Debug)]
pub struct PinnedTable {
    pub name: AssetName,
    pub schema: Schema,
    /// Columns that are not in the files but in their folders' names.
    pub partition_by: Vec<String>,
    pub files: Arc<Vec<DataFile>>,
    /// Of the table's folder in the store: `tables/raw/orders`.
    pub prefix: String,
}

impl PinnedTable {
    pub fn of(version: &Version, table: &Table) -> Self {
        PinnedTable {
            name: version.asset.clone(),
            schema: version.schema.clone(),
            partition_by: version.partition_by.clone(),
            files: Arc::new(version.files.clone()),
            prefix: table.prefix().to_string(),
        }
    }

    /// The rows that a version rejected; `table` is the rejects table, `lake.table(&asset.rejects())`.
    pub fn rejects_of(version: &Version, table: &Table) -> Option<Self> {
        let rejected = version.rejects.as_ref()?;
        Some(PinnedTable {
            name: version.asset.rejects(),
            schema: rejected.schema.clone(),
            partition_by: Vec::new(),
            files: Arc::new(rejected.files.clone()),
            prefix: table.prefix().to_string(),
        })
    }

    /// A table without rows: for planning without opening anything.
    pub fn empty(name: AssetName, schema: Schema) -> Self {
        PinnedTable { name, schema, partition_by: Vec::new(), files: Arc::default(), prefix: String::new() }
    }
}
