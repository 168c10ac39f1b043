//! What goes wrong inside, before it is known of which file and with which time-out.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use lockgate_types::Fault;

use crate::CatalogError;

pub(super) type Outcome<T> = Result<T, Trouble>;

#[derive(Debug)]
pub(super) enum Trouble {
    Sql(sqlx::Error),
    /// What is stored cannot be what was written.
    Corrupt(String),
    Told(CatalogError),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Trouble::Sql(error)
    }
}

impl From<CatalogError> for Trouble {
    fn from(error: CatalogError) -> Self {
        Trouble::Told(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Told(CatalogError::Fault(fault))
    }
}

impl Trouble {
    pub(super) fn explain(self, path: &Path, busy_timeout: Duration) -> CatalogError {
        match self {
            Trouble::Told(error) => error,
            Trouble::Corrupt(detail) => CatalogError::Corrupt { path: path.to_owned(), detail },
            Trouble::Sql(error) => explain_sql(error, path, busy_timeout),
        }
    }
}

/// By SQLite's primary result codes, <https://www.sqlite.org/rescode.html>.
fn explain_sql(error: sqlx::Error, path: &Path, busy_timeout: Duration) -> CatalogError {
    let path = path.to_owned();
    let locked =
        |path| CatalogError::Locked { path, waited_ms: u64::try_from(busy_timeout.as_millis()).unwrap_or(u64::MAX) };
    match &error {
        sqlx::Error::Database(database) => {
            let detail = database.message().to_owned();
            if database.code().is_some_and(|code| code == SHMSIZE) {
                return CatalogError::DiskFull { path };
            }
            match database.code().as_deref().and_then(primary_code) {
                Some(BUSY | LOCKED) => locked(path),
                Some(PERM | READONLY | CANTOPEN | AUTH) => CatalogError::ReadOnly { path, detail },
                Some(CORRUPT | NOTADB) => CatalogError::Corrupt { path, detail },
                Some(FULL) => CatalogError::DiskFull { path },
                _ => CatalogError::Database { path, source: error },
            }
        }
        sqlx::Error::PoolTimedOut => locked(path),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            CatalogError::Corrupt { path, detail: error.to_string() }
        }
        _ => CatalogError::Database { path, source: error },
    }
}

/// `SQLITE_IOERR_SHMSIZE`: the index of the write-ahead log cannot be made longer. It is the first file that a full disk
/// hits, before SQLite has anything to write, and SQLite does not look why.
const SHMSIZE: &str = "4874";
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const AUTH: i32 = 23;
const NOTADB: i32 = 26;

/// The lowest byte of an extended result code.
fn primary_code(code: &str) -> Option<i32> {
    code.parse::<i32>().ok().map(|code| code & 0xff)
}

/// Reading text back, when it should have been written by us.
pub(super) fn corrupt<E: std::fmt::Display>(what: impl Into<Cow<'static, str>>) -> impl FnOnce(E) -> Trouble {
    let what = what.into();
    move |error| Trouble::Corrupt(format!("{what}: {error}"))
}
