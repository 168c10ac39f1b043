//! What kind of fault an error is: whether the same work may go well when it is done again.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Every crate gives each of its errors one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It may go well when tried again: a network, a lock, a busy disk.
    Transient,
    /// The other side asks to slow down, and may say for how long.
    Throttled { retry_after: Option<Duration> },
    /// It fails the same way again until someone mends something.
    Permanent,
}

/// The same as a word, for events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultWord {
    Transient,
    Throttled,
    Permanent,
}

impl FaultKind {
    pub fn word(self) -> FaultWord {
        match self {
            FaultKind::Transient => FaultWord::Transient,
            FaultKind::Throttled { .. } => FaultWord::Throttled,
            FaultKind::Permanent => FaultWord::Permanent,
        }
    }

    /// What the system says of a file or a connection. A full disk is permanent: it is a person who makes room.
    pub fn of_io(kind: io::ErrorKind) -> FaultKind {
        match kind {
            io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::WriteZero
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::Unsupported => FaultKind::Permanent,
            // The list of the standard library is open: time-outs, resets, what is busy, and what it has no word for.
            _ => FaultKind::Transient,
        }
    }
}
