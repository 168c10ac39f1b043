//! Catalogs in temporary folders.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use lockgate_catalog::conformance::{Backend, Shared};
use lockgate_catalog::{Catalog, open_sqlite};
use lockgate_types::Effects;
use tempfile::TempDir;

pub(crate) struct Sqlite;

pub(crate) struct Folder {
    pub(crate) folder: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Folder { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(".lockgate/catalog.db")
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn create(&self) -> Box<dyn Shared> {
        Box::new(Folder::new())
    }
}

#[async_trait]
impl Shared for Folder {
    async fn open(&self, effects: Effects) -> Arc<dyn Catalog> {
        open_sqlite(&self.path(), effects).await.unwrap()
    }
}
