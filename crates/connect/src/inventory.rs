//! Which files a source has read, and how those that are there now stand against them.
//!
//! Kept in a version's `source_state`. Comparing costs one look at each file; only one whose time moved while its size
//! did not is read, to hash it: a touched file with the same content is no change.

use serde::{Deserialize, Serialize};

use lockgate_kind::OutsideChanges;
use lockgate_types::Version;

use crate::error::ConnectError;
use crate::http;
use crate::input::{LocalFile, Stamp, hash};
use crate::locate::{Found, Where, is_url};

/// What a version remembers of its files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourceState {
    /// 1.
    pub(crate) format: u32,
    /// Hash of the settings that the files were read with.
    pub(crate) read: String,
    /// Sorted by name.
    pub(crate) files: Vec<Known>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) stamp: Stamp,
    /// BLAKE3 of its bytes.
    pub(crate) hash: String,
    /// Rows read of it, rejected ones included.
    pub(crate) rows: u64,
    pub(crate) rejected: u64,
    /// When reading began, nanoseconds since 1970.
    pub(crate) read_at_ns: i64,
    /// Of a URL: what its server called this content (`ETag`, or `Last-Modified` and length).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
}

impl SourceState {
    /// That of a version; `None` when there is none that this build can read.
    pub(crate) fn of(live: Option<&Version>) -> Option<SourceState> {
        SourceState::read_from(&live?.source_state)
    }

    pub(crate) fn read_from(state: &serde_json::Value) -> Option<SourceState> {
        let state: SourceState = serde_json::from_value(state.clone()).ok()?;
        (state.format == 1).then_some(state)
    }

    /// Files by their content: one that was only touched is no change.
    pub(crate) fn changes_to(&self, after: &SourceState) -> OutsideChanges {
        let is_new = |file: &&Known| self.known(&file.name).is_none();
        let is_changed = |file: &&Known| self.known(&file.name).is_some_and(|before| before.hash != file.hash);
        let is_gone = |file: &&Known| after.known(&file.name).is_none();
        let names = |files: Vec<&Known>| files.into_iter().map(|file| file.name.clone()).collect();
        OutsideChanges {
            added: names(after.files.iter().filter(is_new).collect()),
            changed: names(after.files.iter().filter(is_changed).collect()),
            removed: names(self.files.iter().filter(is_gone).collect()),
        }
    }

    fn known(&self, name: &str) -> Option<&Known> {
        self.files.binary_search_by(|file| file.name.as_str().cmp(name)).ok().map(|index| &self.files[index])
    }
}

/// How files stand against a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) new: Vec<Found>,
    /// They have other content than when they were read.
    pub(crate) changed: Vec<String>,
    /// They were read and are no more.
    pub(crate) gone: Vec<String>,
    /// Hashed from what was seen; equal keys mean the same files.
    pub(crate) key: String,
}

/// Hashes names of files and what was seen of them.
#[derive(Default)]
struct Key(blake3::Hasher);

impl Key {
    fn note(&mut self, name: &str, what: &str) {
        for part in [name, what] {
            self.0.update(&(part.len() as u64).to_le_bytes());
            self.0.update(part.as_bytes());
        }
    }

    fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// The key that [`compare`] would have given for these files just as they were read; `None` when they are those of `before`.
pub(crate) fn key_of_read(files: &[Known], before: Option<&SourceState>) -> Option<String> {
    let mut key = Key::default();
    let mut same = before.is_some_and(|before| before.files.len() == files.len());
    for file in files {
        let earlier = before.and_then(|before| before.known(&file.name));
        same &= earlier.is_some_and(|earlier| earlier.hash == file.hash);
        let what = match (&file.identity, earlier) {
            (Some(identity), None) => identity.clone(),
            _ if is_url(&file.name) => file.hash.clone(),
            (_, earlier) => told(file.stamp, earlier.filter(|earlier| earlier.hash != file.hash), || file.hash.clone()),
        };
        key.note(&file.name, &what);
    }
    (!same).then(|| key.finish())
}

/// What the key says of a file on this machine. `other` is what was known of the same name, with other content: a change
/// that moved neither size nor time must show.
fn told(stamp: Stamp, other: Option<&Known>, hash: impl FnOnce() -> String) -> String {
    let by_stamp = format!("{} {}", stamp.size_bytes, stamp.modified_ns);
    if other.is_some_and(|other| other.stamp == stamp) { format!("{by_stamp} {}", hash()) } else { by_stamp }
}

impl Comparison {
    pub(crate) fn is_same(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.gone.is_empty()
    }

    /// For people: `2 new files`, `data/orders.csv changed`.
    pub(crate) fn why(&self) -> String {
        let new: Vec<String> = self.new.iter().map(|file| file.name.clone()).collect();
        let parts = [(&new, "new"), (&self.changed, "changed"), (&self.gone, "gone")];
        let said: Vec<String> = parts
            .iter()
            .filter_map(|(names, word)| match names.as_slice() {
                [] => None,
                [name] if *word == "new" => Some(format!("{name} is new")),
                [name] if *word == "gone" => Some(format!("{name} is gone")),
                [name] => Some(format!("{name} {word}")),
                names => Some(format!("{} files {word}", names.len())),
            })
            .collect();
        said.join(", ")
    }
}

/// A file system's clock may be this much coarser than ours: a file that was changed right after it was read can bear the
/// time it had before.
const CLOCK_STEP_NS: i64 = 50_000_000;

/// Compares without downloading or reading more than it must. Blocking work is done off the runtime.
pub(crate) async fn compare(found: Vec<Found>, state: Option<SourceState>) -> Result<Comparison, ConnectError> {
    let mut result = Comparison::default();
    let state = state.unwrap_or_default();
    let mut key = Key::default();
    result.gone = state
        .files
        .iter()
        .filter(|known| found.iter().all(|file| file.name != known.name))
        .map(|known| known.name.clone())
        .collect();
    for file in found {
        let known = state.known(&file.name).cloned();
        let was_known = known.is_some();
        let seen = match &file.place {
            Where::Local(path) => {
                let local = LocalFile { name: file.name.clone(), path: path.clone() };
                blocking(move || look(&local, known.as_ref())).await?
            }
            Where::Url(url) => http::look(&file.name, url, known.as_ref()).await?,
        };
        key.note(&file.name, &seen.what);
        if !was_known {
            result.new.push(file);
        } else if !seen.same {
            result.changed.push(file.name);
        }
    }
    result.key = key.finish();
    Ok(result)
}

/// Runs blocking work off the runtime.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConnectError> + Send + 'static,
) -> Result<T, ConnectError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ConnectError::Broken { what: format!("a task did not end: {error}") }),
    }
}

/// What a look at one file told.
pub(crate) struct Seen {
    /// Whether it is what was read.
    pub(crate) same: bool,
    /// A text for the key: equal for the same file, whatever was known of it before, so that the same files have the
    /// same key after a rollback.
    pub(crate) what: String,
}

fn look(file: &LocalFile, known: Option<&Known>) -> Result<Seen, ConnectError> {
    let stamp = Stamp::at(&file.path).map_err(|error| ConnectError::unreadable(&file.name, error))?;
    let by_stamp = |same| Seen { same, what: told(stamp, None, String::new) };
    let Some(known) = known.filter(|known| known.stamp.size_bytes == stamp.size_bytes) else {
        return Ok(by_stamp(false));
    };
    let settled = known.stamp.modified_ns + CLOCK_STEP_NS < known.read_at_ns;
    if stamp == known.stamp && settled {
        return Ok(by_stamp(true));
    }
    let whole = hash(file)?;
    let same = whole.hash == known.hash;
    Ok(Seen { same, what: told(stamp, Some(known).filter(|_| !same), || whole.hash) })
}
