//! Opening: folder, lock, journal mode, migrations, connections.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use lockgate_types::{Effects, Faults};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr};
use tokio::sync::Mutex;

use super::SqliteCatalog;
use super::trouble::Trouble;
use crate::faults::WRITE;
use crate::{Catalog, CatalogError, Result, ServiceCatalog};

/// How long a write waits for another process before it answers [`CatalogError::Locked`]. `LOCKGATE_BUSY_MS` shortens it
/// in tests.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

fn busy_timeout() -> Duration {
    let ms = std::env::var("LOCKGATE_BUSY_MS").ok().and_then(|text| text.parse().ok());
    ms.map_or(BUSY_TIMEOUT, Duration::from_millis)
}

/// Every migration, in order. Those that were released are never edited: their hashes are kept in the catalog.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../../migrations/0001_first.sql")),
    (2, "retention", include_str!("../../migrations/0002_retention.sql")),
    (3, "retries", include_str!("../../migrations/0003_retries.sql")),
    (4, "service", include_str!("../../migrations/0004_service.sql")),
];

/// The number of the newest.
pub(crate) fn newest_format() -> i64 {
    MIGRATIONS.iter().map(|(number, ..)| *number).max().unwrap_or(0)
}

/// Reads that go on at once within a process.
const READERS: u32 = 4;

/// Opens the catalog, creates it and its folder when there is none, and brings it to the newest format.
///
/// Cost: a few milliseconds; a migration is linear in what it changes.
///
/// # Errors
/// `ReadOnly` when the file or its folder cannot be written, `Corrupt` when the file is no catalog, `Newer` when a
/// newer Lockgate wrote it, `Locked` when another process is migrating it for longer than [`BUSY_TIMEOUT`].
pub async fn open_sqlite(path: &Path, effects: Effects) -> Result<Arc<dyn Catalog>> {
    open_sqlite_with(path, effects, busy_timeout()).await
}

/// [`open_sqlite`], for a server.
///
/// # Errors
/// The same.
pub async fn open_service_sqlite(path: &Path, effects: Effects) -> Result<Arc<dyn ServiceCatalog>> {
    Ok(Arc::new(open(path, effects, busy_timeout()).await?))
}

/// [`open_sqlite`] with another patience; for tests.
///
/// # Errors
/// The same.
pub async fn open_sqlite_with(path: &Path, effects: Effects, busy_timeout: Duration) -> Result<Arc<dyn Catalog>> {
    Ok(Arc::new(open(path, effects, busy_timeout).await?))
}

pub(super) async fn open(path: &Path, effects: Effects, busy_timeout: Duration) -> Result<SqliteCatalog> {
    let begun = effects.faults.begin(&WRITE, "open")?;
    create_folder(path, &effects.faults)?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy_timeout)
        // What `fsync` leaves in the drive's cache on macOS; nothing elsewhere.
        .pragma("fullfsync", "on")
        .pragma("checkpoint_fullfsync", "on")
        // A log that one big transaction blew up is cut back.
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging();
    prepare(path.to_owned(), options.clone(), busy_timeout).await?;
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(0)
            .acquire_timeout(busy_timeout.saturating_mul(2))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            // A commit that fails because the disk is full ends the transaction for SQLite, and not for sqlx, which would
            // refuse every later one on this connection.
            .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
    };
    let durable = pool(1).connect_lazy_with(options.clone().synchronous(SqliteSynchronous::Full));
    let progress = pool(1).connect_lazy_with(options.clone().synchronous(SqliteSynchronous::Normal));
    begun.answer()?;
    let readers = pool(READERS).connect_lazy_with(options.pragma("query_only", "on"));
    Ok(SqliteCatalog {
        path: path.to_owned(),
        durable,
        progress,
        readers,
        turn: Arc::new(Mutex::new(())),
        busy_timeout,
        effects,
    })
}

/// Creates the file, and brings it to the newest format. Boxed, and of owned values: the compiler cannot see that a
/// future which holds a borrowed connection is `Send` for every lifetime.
fn prepare(
    path: PathBuf,
    options: SqliteConnectOptions,
    busy_timeout: Duration,
) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> {
    Box::pin(async move {
        // Invariant: only who has this lock switches the journal mode, which SQLite's busy handler does not cover, or
        // migrates. The operating system gives it back when the process dies.
        let _lock = lock(&path, busy_timeout).await?;
        let told = |error: sqlx::Error| Trouble::from(error).explain(&path, busy_timeout);
        let create = options.create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(create).await.map_err(told)?;
        let migrations = MIGRATIONS.iter().map(|(number, name, sql)| {
            Migration::new(*number, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false)
        });
        let migrated = Migrator::with_migrations(migrations.collect()).run(&pool).await;
        pool.close().await;
        migrated.map_err(|error| explain_migration(error, &path, busy_timeout))
    })
}

fn explain_migration(error: MigrateError, path: &Path, busy_timeout: Duration) -> CatalogError {
    match error {
        MigrateError::VersionMissing(format) => {
            CatalogError::Newer { path: path.to_owned(), format, known: newest_format() }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            Trouble::from(error).explain(path, busy_timeout)
        }
        other => CatalogError::Corrupt { path: path.to_owned(), detail: other.to_string() },
    }
}

/// The lock around opening, a file of its own: SQLite's own locks are taken and given up several times on the way.
pub(super) async fn lock(path: &Path, patience: Duration) -> Result<File> {
    const PAUSE: Duration = Duration::from_millis(10);
    let lock_path = beside(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|source| cannot("create", &lock_path, source))?;
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(cannot("lock", &lock_path, source)),
            Err(TryLockError::WouldBlock) if waited >= patience => {
                let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                return Err(CatalogError::Locked { path: path.to_owned(), waited_ms });
            }
            Err(TryLockError::WouldBlock) => {
                tokio::time::sleep(PAUSE).await;
                waited += PAUSE;
            }
        }
    }
}

/// `catalog.db` → `catalog.db.lock`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates the catalog's folder. Every folder that gets a new entry is synced, or a power cut could take the whole
/// catalog; SQLite itself syncs the one that its files stand in. As long as there is no catalog, that is also done for
/// a folder that is there: whoever made it may have failed, or ended, before it was synced.
fn create_folder(path: &Path, faults: &Faults) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    if path.exists() {
        return Ok(());
    }
    let missing =
        folder.ancestors().skip(1).take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists());
    let mut missing: Vec<&Path> = missing.collect();
    missing.insert(0, folder);
    for new in missing.into_iter().rev() {
        match std::fs::create_dir(new) {
            Ok(()) => {}
            // By another process, or earlier.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(cannot("create", new, source)),
        }
        let parent = new.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(parent)?;
        if let Some(witness) = faults.witness() {
            witness.folder_synced(parent);
        }
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| cannot("sync", folder, source))
}

/// Elsewhere a folder cannot be opened as a file, and needs no sync.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn cannot(action: &'static str, path: &Path, source: std::io::Error) -> CatalogError {
    match source.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            CatalogError::ReadOnly { path: path.to_owned(), detail: source.to_string() }
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            CatalogError::DiskFull { path: path.to_owned() }
        }
        _ => CatalogError::Io { action, path: path.to_owned(), source },
    }
}
