//! Who looks on while others work: one reads through Lockgate, one reads the Delta logs and the Parquet files that they
//! list, and knows nothing of Lockgate. Both panic at the first state that should not be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use lockgate_lake::{Lake, LakeError};
use lockgate_types::{Column, DataFile, DataType, Effects, Schema};
use tokio::task::JoinSet;

use crate::growing::{ASSETS, files_of, look};
use crate::world::{World, name};

/// Between two looks, so that those who work have the machine for most of the time.
const PAUSE: Duration = Duration::from_millis(250);

/// Both readers, on tasks of their own until they are told to stop.
pub(crate) struct Onlookers {
    tasks: JoinSet<()>,
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    direct_looks: Arc<AtomicU64>,
}

impl Onlookers {
    pub(crate) fn start(root: &Path) -> Onlookers {
        let mut these = Onlookers {
            tasks: JoinSet::new(),
            stop: Arc::default(),
            looks: Arc::default(),
            direct_looks: Arc::default(),
        };
        let (path, stop, looks) = (root.to_owned(), Arc::clone(&these.stop), Arc::clone(&these.looks));
        these.tasks.spawn(async move { look_through_lockgate(&path, &stop, &looks).await });
        let (path, stop, looks) = (root.to_owned(), Arc::clone(&these.stop), Arc::clone(&these.direct_looks));
        these.tasks.spawn(async move { look_directly(&path, &stop, &looks).await });
        these
    }

    /// Ends them; what they found wrong is a panic here. Answers how often each of them saw something.
    pub(crate) async fn stop(mut self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                std::panic::resume_unwind(error.into_panic());
            }
        }
        (self.looks.load(Ordering::Relaxed), self.direct_looks.load(Ordering::Relaxed))
    }

    /// Panics when one of them has ended, which it does only at something wrong.
    pub(crate) async fn assert_content(&mut self) {
        if let Some(Err(error)) = self.tasks.try_join_next() {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn look_through_lockgate(root: &Path, stop: &AtomicBool, looks: &AtomicU64) {
    let world = World::at(root);
    let mut before: BTreeMap<String, u64> = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        match look(&world).await {
            Some(seen) => {
                let seen: BTreeMap<String, u64> = seen.into_iter().collect();
                assert_eq!(seen["pair.parts"], seen["pair.whole"], "members of a group switch together");
                let older = |(asset, files): (&String, &u64)| before.get(asset).is_some_and(|before| files < before);
                assert!(!seen.iter().any(older), "time went backwards from {before:?} to {seen:?}");
                before = seen;
                looks.fetch_add(1, Ordering::Relaxed);
            }
            None => assert!(before.is_empty(), "what was published is gone: {before:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look_directly(root: &Path, stop: &AtomicBool, looks: &AtomicU64) {
    let mut tables: Vec<DirectReader> = ASSETS.iter().map(|asset| DirectReader::new(root, asset)).collect();
    while !stop.load(Ordering::Relaxed) {
        for table in &mut tables {
            if table.catch_up() {
                table.read().await;
                looks.fetch_add(1, Ordering::Relaxed);
            }
        }
        tokio::time::sleep(PAUSE / 8).await;
    }
}

/// One table as its log tells it.
pub(crate) struct DirectReader {
    asset: &'static str,
    folder: PathBuf,
    lake: Lake,
    /// The Delta version that comes next.
    next: u64,
    /// The files that are live, by path, with their sizes.
    files: BTreeMap<String, u64>,
    /// The version number and the Delta version of every commit.
    pub(crate) published: Vec<(u64, u64)>,
    paths_ever: BTreeSet<String>,
    made_of: u64,
}

impl DirectReader {
    pub(crate) fn new(root: &Path, asset: &'static str) -> DirectReader {
        DirectReader {
            asset,
            folder: root.join("store/tables").join(asset.replace('.', "/")),
            lake: Lake::open(&root.join("store"), "default", Effects::real()).unwrap(),
            next: 0,
            files: BTreeMap::new(),
            published: Vec::new(),
            paths_ever: BTreeSet::new(),
            made_of: 0,
        }
    }

    /// Applies the commits that have come. Answers whether there were any.
    pub(crate) fn catch_up(&mut self) -> bool {
        let first = self.next;
        loop {
            let path = self.folder.join(format!("_delta_log/{:020}.json", self.next));
            match std::fs::read_to_string(path) {
                Ok(entry) => self.apply(&entry),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return self.next > first,
                Err(error) => panic!("{error}"),
            }
            self.next += 1;
        }
    }

    fn apply(&mut self, entry: &str) {
        let mut number = None;
        for line in entry.lines() {
            let action: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("half a commit: {e}"));
            if let Some(add) = action.get("add") {
                let path = add["path"].as_str().unwrap().to_owned();
                assert!(self.paths_ever.insert(path.clone()), "{} has {path} for the second time", self.asset);
                self.files.insert(path, add["size"].as_u64().unwrap());
            } else if let Some(remove) = action.get("remove") {
                let path = remove["path"].as_str().unwrap();
                assert!(self.files.remove(path).is_some(), "{} loses {path}, which it has not", self.asset);
            } else if let Some(transaction) = action.get("txn") {
                assert_eq!(transaction["appId"], "lockgate");
                number = transaction["version"].as_u64();
            }
        }
        let number = number.unwrap_or_else(|| panic!("a commit of nobody: {entry}"));
        let last = self.published.last().map_or(0, |(last, _)| *last);
        assert!(number > last, "{} published version {number} after version {last}", self.asset);
        self.published.push((number, self.next));
    }

    /// Reads the rows of the newest state. A file that is gone is in order only when a newer state has come meanwhile.
    pub(crate) async fn read(&mut self) {
        let file = |(path, size_bytes): (&String, &u64)| DataFile {
            path: path.clone(),
            size_bytes: *size_bytes,
            rows: 0,
            partition: Vec::new(),
            stats: None,
        };
        loop {
            let files: Vec<DataFile> = self.files.iter().map(file).collect();
            let is_raw = self.asset == "raw.orders";
            let column = |name: &str| Column::new(name, DataType::Bigint);
            let columns = if is_raw { vec![column("amount")] } else { vec![column("n"), column("total")] };
            let table = self.lake.table(&name(self.asset));
            match table.read(&files, &Schema { columns }, &[], None).await {
                Ok(batches) => {
                    let sum = |at: usize| -> i64 {
                        let of = |batch: &arrow::array::RecordBatch| {
                            batch.column(at).as_primitive::<Int64Type>().iter().flatten().sum::<i64>()
                        };
                        batches.iter().map(of).sum()
                    };
                    let counted = batches.iter().map(|batch| i64::try_from(batch.num_rows()).unwrap()).sum();
                    let (rows, total) = if is_raw { (counted, sum(0)) } else { (sum(0), sum(1)) };
                    let made_of = files_of(self.asset, rows, total, "a direct reader");
                    assert!(
                        made_of >= self.made_of,
                        "{} went back from {} to {made_of} files",
                        self.asset,
                        self.made_of
                    );
                    self.made_of = made_of;
                    return;
                }
                Err(error @ (LakeError::Missing { .. } | LakeError::Damaged { .. })) => {
                    assert!(self.catch_up(), "{}: the newest state cannot be read: {error}", self.asset);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}
