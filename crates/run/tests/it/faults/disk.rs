//! What is on disk when the power is cut.
//!
//! The file system under the tests forgets nothing, so this keeps a model of a disk that does: of a file it has the
//! bytes that were there when it was last synced, of a folder the names that were in it when it was last synced.
//! Whatever was written, linked, renamed, created or removed since may or may not be there: that is a matter of luck,
//! and a test asks for the kind it wants.
//!
//! SQLite syncs by itself. Of the catalog the model has the file as it is, and as much of the write-ahead log as was
//! there when a commit was last synced: what is lost is the very end of the log, with the progress that was written
//! since without a sync.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use lockgate_types::Witness;

/// What becomes of the writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Luck {
    /// All are lost.
    None,
    /// Names are there, and what they name is as long as it was, but nothing in it is.
    NamesOnly,
    /// Any of them may be there, as the seed has it.
    Mixed(u64),
}

impl Luck {
    /// As the page tells it.
    pub(crate) fn says(self) -> &'static str {
        match self {
            Luck::None => "lost: new and changed names are gone, files that were never synced are empty",
            Luck::NamesOnly => "half there: every name is there, and files that were never synced are zeros",
            Luck::Mixed(_) => "there or not, by a seed: of each name and each file, the synced or the written state",
        }
    }
}

pub(crate) const LUCKS: [Luck; 3] = [Luck::None, Luck::NamesOnly, Luck::Mixed(7)];

/// The disk below one folder.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of files that were ever synced, by inode.
    synced: HashMap<u64, Synced>,
    /// Of folders that were ever synced.
    names: HashMap<PathBuf, BTreeMap<OsString, Entry>>,
    /// How much of the catalog's log is safe.
    log_bytes: u64,
    /// Everything as it was when the power went: what was synced, and what was only written.
    cut: Option<Catalog>,
}

#[derive(Debug)]
struct Synced {
    bytes: Vec<u8>,
    /// Kept open, so that its inode is nobody else's.
    _file: File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Folder,
    File(u64),
}

/// The catalog's files at the cut; `None` before there were any.
#[derive(Debug, Default)]
struct Catalog {
    main: Option<Vec<u8>>,
    log: Option<Vec<u8>>,
}

const MAIN: &str = ".lockgate/catalog.db";
const LOG: &str = ".lockgate/catalog.db-wal";

impl Disk {
    /// Everything that lies below `root` now is on disk.
    pub(crate) fn new(root: &Path) -> Disk {
        let mut state = State::default();
        let mut open = vec![root.to_owned()];
        while let Some(folder) = open.pop() {
            let names = names_in(&folder);
            for (name, entry) in &names {
                match entry {
                    Entry::Folder => open.push(folder.join(name)),
                    Entry::File(_) => state.sync(&folder.join(name)),
                }
            }
            state.names.insert(folder, names);
        }
        Disk { root: root.to_owned(), state: Mutex::new(state) }
    }

    /// Lays out, below `to`, what is on disk after the cut. Needs the folder as the run left it.
    pub(crate) fn lay_out(&self, to: &Path, luck: Luck) {
        let state = self.state();
        let cut = state.cut.as_ref().expect("the power was cut");
        let mut chance = Chance(match luck {
            Luck::Mixed(seed) => seed,
            Luck::None | Luck::NamesOnly => 0,
        });
        self.lay_out_folder(&state, Path::new(""), to, luck, &mut chance);
        let Some(main) = &cut.main else { return };
        let is_named = |names: &BTreeMap<OsString, Entry>| names.contains_key(OsStr::new(".lockgate"));
        if luck == Luck::None && !state.names.get(&self.root).is_some_and(is_named) {
            return;
        }
        let safe = usize::try_from(state.log_bytes).unwrap();
        let log = cut.log.as_deref().unwrap_or_default();
        let log = if luck == Luck::NamesOnly { log } else { &log[..safe.min(log.len())] };
        std::fs::create_dir_all(to.join(".lockgate")).unwrap();
        std::fs::write(to.join(MAIN), main).unwrap();
        std::fs::write(to.join(LOG), log).unwrap();
    }

    fn lay_out_folder(&self, state: &State, at: &Path, to: &Path, luck: Luck, chance: &mut Chance) {
        let here = self.root.join(at);
        let safe = state.names.get(&here).cloned().unwrap_or_default();
        let written = names_in(&here);
        let mut all: Vec<&OsString> = safe.keys().chain(written.keys()).collect();
        all.sort();
        all.dedup();
        for name in all {
            let entry = match luck {
                Luck::None => safe.get(name),
                Luck::NamesOnly => written.get(name),
                Luck::Mixed(_) => {
                    if chance.coin() {
                        safe.get(name)
                    } else {
                        written.get(name)
                    }
                }
            };
            let path = at.join(name);
            match entry {
                // Its files are laid out by themselves; who reads and what was spilled is of no interest any more.
                Some(Entry::Folder) if path == Path::new(".lockgate") => {}
                Some(Entry::Folder) => {
                    std::fs::create_dir_all(to.join(&path)).unwrap();
                    self.lay_out_folder(state, &path, to, luck, chance);
                }
                Some(Entry::File(inode)) => {
                    let bytes = self.bytes(state, *inode, &here.join(name), luck, chance);
                    std::fs::write(to.join(&path), bytes).unwrap();
                    keep_time(&here.join(name), &to.join(&path));
                }
                None => {}
            }
        }
    }

    fn bytes(&self, state: &State, inode: u64, path: &Path, luck: Luck, chance: &mut Chance) -> Vec<u8> {
        if let Some(synced) = state.synced.get(&inode) {
            return synced.bytes.clone();
        }
        let written = std::fs::read(path).unwrap_or_default();
        match luck {
            Luck::None => Vec::new(),
            Luck::NamesOnly => vec![0; written.len()],
            Luck::Mixed(_) if chance.coin() => written,
            Luck::Mixed(_) => written[..written.len() / 2].to_vec(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What is told after the cut did not happen.
    fn note(&self, note: impl FnOnce(&mut State)) {
        let mut state = self.state();
        if state.cut.is_none() {
            note(&mut state);
        }
    }
}

impl Witness for Disk {
    fn file_synced(&self, path: &Path) {
        self.note(|state| state.sync(path));
    }

    fn folder_synced(&self, path: &Path) {
        self.note(|state| {
            state.names.insert(path.to_owned(), names_in(path));
        });
    }

    fn catalog_synced(&self, path: &Path) {
        assert_eq!(path, self.root.join(MAIN));
        let log_bytes = self.root.join(LOG).metadata().map_or(0, |metadata| metadata.len());
        self.note(|state| state.log_bytes = log_bytes);
    }

    fn cut(&self) {
        let read = |path: &str| std::fs::read(self.root.join(path)).ok();
        // The log first: what is merged into the file meanwhile is then in both.
        let log = read(LOG);
        self.note(|state| state.cut = Some(Catalog { main: read(MAIN), log }));
    }
}

impl State {
    fn sync(&mut self, path: &Path) {
        // A build that failed takes its files away while another thread of it still syncs one.
        let Ok(file) = File::open(path) else { return };
        let inode = file.metadata().unwrap().ino();
        let Ok(bytes) = std::fs::read(path) else { return };
        self.synced.insert(inode, Synced { bytes, _file: file });
    }
}

fn names_in(folder: &Path) -> BTreeMap<OsString, Entry> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            // One that goes away meanwhile is not there.
            let metadata = entry.metadata().ok()?;
            let is = if metadata.is_dir() { Entry::Folder } else { Entry::File(metadata.ino()) };
            Some((entry.file_name(), is))
        })
        .collect()
}

/// A source that only got younger is read again.
fn keep_time(from: &Path, to: &Path) {
    let Ok(modified) = from.metadata().and_then(|metadata| metadata.modified()) else { return };
    File::options().write(true).open(to).unwrap().set_modified(modified).unwrap();
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn coin(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) & 1 == 1
    }
}
