//! Who is reading: one file per opened project under `.lockgate/readers/`, locked for as long as it is open.
//!
//! A process that reads pins versions in its own memory and asks nobody. So that `gc` takes no file away under it,
//! every [`crate::Workspace`] registers before it looks at what is live, and then writes down the catalog's epoch.
//! Marking versions expired raises the epoch; a reader that came at that epoch or later found them expired and cannot
//! have pinned them. No clock is asked, and no reader is: the operating system gives the lock back when it dies.
//!
//! The file is lines, each written whole: `process ID`, `epoch N`, and `run ID` for every run that it drives. A line
//! that is missing is read as the worst case.
//!
//! Cost: a reader makes one small file and removes it. A scan is linear in the files.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use lockgate_lake::StoredFile;
use lockgate_types::RunId;

/// Behind the name of a file that is not locked yet.
const UNNAMED: &str = ".new";

/// How often a registration is tried again when a scan took its unlocked file for a dead one's.
const TRIES: usize = 100;

/// This process, as one of the readers of a project. Dropping it takes the file away.
#[derive(Debug)]
pub(crate) struct Reader {
    id: String,
    /// The last that was written down.
    epoch: AtomicU64,
    /// Why not, when the folder cannot be written: nobody sees this reader.
    registered: io::Result<(PathBuf, File)>,
}

impl Reader {
    /// Makes the file and locks it. A reader whose folder cannot be written goes on unseen.
    pub(crate) fn register(folder: &Path, id: &str) -> Reader {
        let registered = register(folder, id);
        if let Err(error) = &registered {
            tracing::debug!(folder = %folder.display(), %error, "this reader is not registered");
        }
        Reader { id: id.to_owned(), epoch: AtomicU64::new(u64::MAX), registered }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What it reads from now on was there at this epoch.
    pub(crate) fn entered(&self, epoch: u64) {
        // Who lives long says it again and again.
        if self.epoch.swap(epoch, Ordering::Relaxed) == epoch {
            return;
        }
        // Without the line it counts as the oldest of all.
        if let Err(error) = self.write(&format!("epoch {epoch}\n")) {
            tracing::debug!(%error, "the epoch of this reader is not written down");
        }
    }

    /// It drives a run. Others take a run for dead that no living reader drives.
    pub(crate) fn drives(&self, run: &RunId) -> io::Result<()> {
        self.write(&format!("run {run}\n"))
    }

    fn write(&self, line: &str) -> io::Result<()> {
        match &self.registered {
            // One call for the whole line.
            Ok((_, file)) => (&mut &*file).write_all(line.as_bytes()),
            // As it was then: a full disk may have space by now, but nobody sees this process.
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Ok((path, _)) = &self.registered {
            // What stays is unlocked in a moment, and goes with the next gc.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn register(folder: &Path, id: &str) -> io::Result<(PathBuf, File)> {
    // The project's private folder may be made here. Its name is made durable with the catalog, as long as there is none.
    std::fs::create_dir_all(folder)?;
    let (unnamed, path) = (folder.join(format!("{id}{UNNAMED}")), folder.join(id));
    for _ in 0..TRIES {
        let file = OpenOptions::new().create(true).truncate(false).append(true).open(&unnamed)?;
        match file.try_lock() {
            Ok(()) => {}
            // Somebody is looking whether we live.
            Err(TryLockError::WouldBlock) => {
                std::thread::yield_now();
                continue;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        (&file).write_all(format!("process {}\n", std::process::id()).as_bytes())?;
        match std::fs::rename(&unnamed, &path) {
            Ok(()) => return Ok((path, file)),
            // It was removed between its making and its locking.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::ResourceBusy.into())
}

/// A reader whose lock is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alive {
    pub(crate) id: String,
    /// `None` when it cannot be read.
    pub(crate) process: Option<u32>,
    /// It may have pinned whatever expired later.
    pub(crate) epoch: u64,
    pub(crate) runs: BTreeSet<RunId>,
}

/// The readers at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readers {
    pub(crate) alive: Vec<Alive>,
    /// Files of readers that are gone.
    pub(crate) dead: Vec<PathBuf>,
}

impl Readers {
    /// Looks at every file once. Who registers after it sees whatever was recorded before it.
    pub(crate) fn scan(folder: &Path) -> io::Result<Readers> {
        let mut readers = Readers::default();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(readers),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            match lock(&path) {
                Ok(Some(_)) => readers.dead.push(path),
                // One that is still without its name has not looked at anything.
                Ok(None) if name.ends_with(UNNAMED) => {}
                Ok(None) => readers.alive.push(read(name, &path)),
                // It has ended meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // Another user's: who cannot be asked lives.
                Err(_) => readers.alive.push(Alive { id: name.to_owned(), ..Alive::default() }),
            }
        }
        readers.alive.sort_by(|a, b| a.id.cmp(&b.id));
        readers.dead.sort();
        Ok(readers)
    }

    /// Takes away what dead ones left; how many files went.
    pub(crate) fn remove_dead(&self) -> u64 {
        let is_gone = |path: &&PathBuf| match lock(path) {
            // Held until it is removed, so that nobody registers under this name meanwhile.
            Ok(Some(_lock)) => std::fs::remove_file(path).is_ok(),
            Ok(None) | Err(_) => false,
        };
        self.dead.iter().filter(is_gone).count() as u64
    }

    /// Whether the holder of a lease (`ACTOR-ID`) is one of them.
    pub(crate) fn has_holder(&self, holder: &str) -> bool {
        let id = holder.rsplit_once('-').map_or(holder, |(_, id)| id);
        self.alive.iter().any(|reader| reader.id == id)
    }

    pub(crate) fn drives(&self, run: &RunId) -> bool {
        // One that cannot be read may drive any.
        self.alive.iter().any(|reader| reader.process.is_none() || reader.runs.contains(run))
    }

    pub(crate) fn has_process(&self, process: u32) -> bool {
        self.alive.iter().any(|reader| reader.process.is_none_or(|id| id == process))
    }

    /// Whether a temporary file may be one that a living process is writing.
    pub(crate) fn may_write(&self, file: &StoredFile) -> bool {
        self.alive.iter().any(|reader| reader.process.is_none_or(|process| file.is_written_by(process)))
    }

    /// How many came before an epoch, so that they may have pinned what expired at it. `own` knows what it reads.
    pub(crate) fn before(&self, epoch: u64, own: &str) -> u64 {
        self.alive.iter().filter(|reader| reader.id != own && reader.epoch < epoch).count() as u64
    }
}

/// The lock on a file, if nobody has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn read(name: &str, path: &Path) -> Alive {
    let mut text = String::new();
    // What cannot be read is the worst case.
    let _ = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    parse(name, &text)
}

fn parse(name: &str, text: &str) -> Alive {
    let mut alive = Alive { id: name.to_owned(), ..Alive::default() };
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        match line.split_once(' ') {
            Some(("process", id)) => alive.process = id.parse().ok(),
            Some(("epoch", number)) => alive.epoch = number.parse().unwrap_or(0),
            Some(("run", id)) => {
                alive.runs.insert(RunId(id.to_owned()));
            }
            _ => {}
        }
    }
    alive
}

#[cfg(test)]
mod tests;
