//! A store and one environment in it.

use std::path::Path;
use std::sync::Arc;

use lockgate_types::{AssetName, Effects};
use object_store::ObjectStore;

use crate::{LakeError, Table};

#[derive(Clone, Debug)]
pub struct Lake {}

impl Lake {
    /// `environment` `default` is STORE/tables, any other STORE/env/NAME/tables.
    pub fn open(root: &Path, environment: &str, effects: Effects) -> Result<Lake, LakeError> {
        todo!()
    }

    /// A second conditional create must fail.
    pub async fn probe(&self) -> Result<(), LakeError> {
        todo!()
    }

    /// Rooted at STORE.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        todo!()
    }

    pub fn table(&self, asset: &AssetName) -> Table {
        todo!()
    }
}
