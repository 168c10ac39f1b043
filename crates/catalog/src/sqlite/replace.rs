//! Another file in the place of a catalog.

use std::path::{Path, PathBuf};

use super::open::{BUSY_TIMEOUT, beside, cannot, lock, sync_folder};
use crate::Result;

/// Puts the catalog `new` in the place of the one at `path`. What stood there is moved aside, to `path` with `aside`
/// behind its name, never removed; the answer is where it is now. `check` is asked while nobody can open the catalog;
/// its error stops everything.
///
/// Both files have to be in one folder, and `new` closed. A crash on the way leaves the old file where it was, or the
/// new one in its place; the old one is then aside as well.
///
/// # Errors
/// `Locked`, `ReadOnly`, `Io`; those of `check`.
pub async fn replace_sqlite<E: From<crate::CatalogError>>(
    path: &Path,
    new: &Path,
    aside: &str,
    check: impl FnOnce() -> std::result::Result<(), E>,
) -> std::result::Result<Option<PathBuf>, E> {
    // Invariant: everybody opens under this lock, so nobody is between the old file and the new one.
    let _lock = lock(path, BUSY_TIMEOUT).await?;
    check()?;
    Ok(swap(path, new, aside)?)
}

fn swap(path: &Path, new: &Path, aside: &str) -> Result<Option<PathBuf>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let kept = beside(path, aside);
    let moved = path.exists();
    if moved {
        // A second name first: at no time is there no catalog, which the next command would make anew and empty.
        std::fs::hard_link(path, &kept).map_err(|source| cannot("keep", &kept, source))?;
        sync_folder(folder)?;
    }
    // Its log belongs to the old file; beside the new one it would be taken for the new one's.
    for suffix in ["-wal", "-shm"] {
        let (from, to) = (beside(path, suffix), beside(&kept, suffix));
        if from.exists() {
            std::fs::rename(&from, &to).map_err(|source| cannot("move", &from, source))?;
        }
    }
    sync_folder(folder)?;
    std::fs::rename(new, path).map_err(|source| cannot("move", new, source))?;
    sync_folder(folder)?;
    Ok(moved.then_some(kept))
}
