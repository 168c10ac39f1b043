//! A store and one environment in it.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use lockgate_types::{AssetName, Effects};
use object_store::path::Path as StorePath;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::store::{Disk, Store, create_folders};
use crate::{LakeError, Table};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lake {
    store: Store,
    /// `tables`, or `env/NAME/tables`.
    tables: StorePath,
    effects: Effects,
}

impl Lake {
    /// Opens STORE, creating it when it is missing. The environment `default` has its tables in STORE/tables, any other in
    /// STORE/env/NAME/tables.
    ///
    /// # Errors
    /// [`LakeError::ReadOnly`] when it is missing and this user cannot create it, [`LakeError::Full`] when the disk is
    /// full.
    pub fn open(root: &Path, environment: &str, effects: Effects) -> Result<Lake, LakeError> {
        let root = std::path::absolute(root).map_err(|source| LakeError::io("opening", root, source))?;
        let disk = Disk::new(&root, effects.faults.clone());
        create_folders(&disk, &root).map_err(|source| match source.kind() {
            // Whatever is missing, it is not a file of a table.
            ErrorKind::NotFound => LakeError::Io { what: "creating folder", path: root.clone(), source },
            _ => LakeError::io("creating folder", &root, source),
        })?;
        let tables = match environment {
            "default" => StorePath::from("tables"),
            name => StorePath::from_iter(["env", name, "tables"]),
        };
        let store = Store::local(&root, effects.faults.clone())?;
        let folder = store.file(&tables);
        create_folders(&disk, &folder).map_err(|source| LakeError::io("creating folder", &folder, source))?;
        Ok(Lake { store, tables, effects })
    }

    /// Makes sure that this user can write here, before work is done whose end could not be kept. Reading needs no
    /// such leave.
    ///
    /// # Errors
    /// As [`Lake::open`].
    pub fn ensure_writable(&self) -> Result<(), LakeError> {
        let folder = self.store.file(&self.tables);
        // A name of its own, so that no other process is in the way. What a crash leaves, gc takes away.
        let probe = folder.join(format!(".write-probe-{}", self.effects.ids.next()));
        let disk = self.store.disk();
        let tried = disk.create(&probe).and_then(|_| disk.remove(&probe));
        tried.map_err(|source| LakeError::io("writing to", &folder, source))
    }

    /// Makes sure that the store keeps a second writer from overwriting a file: of two conditional creates, the second
    /// must fail. For `init` and `doctor`.
    pub async fn probe(&self) -> Result<(), LakeError> {
        let path = self.tables.clone().join(format!(".create-probe-{}", self.effects.ids.next()));
        let first = self.store.create(&path, Bytes::from_static(b"first")).await?;
        let second = self.store.create(&path, Bytes::from_static(b"second")).await?;
        let content = self.store.get(&path).await?;
        let file = self.store.file(&path);
        let removed = self.store.objects().delete(&path).await;
        removed.map_err(|source| LakeError::store("removing", &file, source))?;
        if first && !second && content.as_deref() == Some(b"first") {
            Ok(())
        } else {
            Err(LakeError::NotExclusive { path: file })
        }
    }

    /// Rooted at STORE. Writes through it are durable when they return.
    pub fn object_store(&self) -> Arc<dyn ObjectStore> {
        self.store.objects()
    }

    pub(crate) fn disk(&self) -> &Disk {
        self.store.disk()
    }

    pub(crate) fn tables_folder(&self) -> std::path::PathBuf {
        self.store.file(&self.tables)
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        self.store.root()
    }

    /// Nothing is read or created.
    pub fn table(&self, asset: &AssetName) -> Table {
        let prefix = self.tables.clone().join(asset.schema()).join(asset.table());
        Table::new(self.store.clone(), asset.clone(), prefix, self.effects.faults.clone())
    }
}
