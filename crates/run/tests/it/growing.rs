//! A project whose data grows by the file, and which of its states anybody may see.
//!
//! After N files `raw.orders` has `3 * N` rows with the amounts 1, 2, 3 …; `clean.buckets` merges their sums by key, `pair.parts` and
//! `pair.whole` are a group over it, and `mart.sum` adds it up. So every state says by itself whether it is whole: its
//! number of rows tells the number of files, and that tells the sum. The last row of every fifth file is flawed until the
//! file after it makes up for that: no such state may pass the gate of `clean.buckets`.

use std::path::Path;

use lockgate_run::{QueryOptions, RunError};

use crate::world::World;

/// Rows of one file.
const ROWS: u64 = 3;

const FILES: &[(&str, &str)] = &[
    ("lockgate.yml", SETTINGS),
    (
        "assets/raw/orders.yml",
        "kind: source\nread: { path: data/orders_*.csv }\nload: append\n\
         columns: { id: bigint, amount: bigint, flaw: bigint }\nchecks:\n  - unique: id\n",
    ),
    (
        "assets/clean/buckets.sql",
        "/*\nload: { merge: { key: bucket } }\nchecks:\n  - expect: \"flaw = 0\"\n  - unique: bucket\n*/\n\
         select id % 3 as bucket, count(*) as n, sum(amount) as total, sum(flaw) as flaw from raw.orders group by id % 3\n",
    ),
    ("assets/pair/parts.sql", "select bucket, n, total from clean.buckets\n"),
    ("assets/pair/whole.sql", "select sum(n) as n, sum(total) as total from pair.parts\n"),
    ("assets/mart/sum.sql", "select sum(n) as n, sum(total) as total from clean.buckets\n"),
];

const SETTINGS: &str = "name: growing\nengine: { memory: 256MB, threads: 2 }\nkeep: { versions: 4 }\n\
                        groups:\n  - { name: pair, assets: [pair.*] }\n";

/// Every asset, in the order of the graph.
pub(crate) const ASSETS: [&str; 5] = ["raw.orders", "clean.buckets", "pair.parts", "pair.whole", "mart.sum"];

/// One look at all of them.
const LOOK: &str = "select 'raw.orders' as asset, count(*) as n, sum(amount) as total from raw.orders \
     union all select 'clean.buckets', sum(n), sum(total) from clean.buckets \
     union all select 'pair.parts', sum(n), sum(total) from pair.parts \
     union all select 'pair.whole', sum(n), sum(total) from pair.whole \
     union all select 'mart.sum', sum(n), sum(total) from mart.sum";

pub(crate) fn growing() -> World {
    World::new(FILES)
}

/// Adds the next file, as a careful program would: it gets its name when it is whole. Answers its number.
pub(crate) fn add_file(root: &Path) -> u64 {
    let folder = root.join("data");
    std::fs::create_dir_all(&folder).unwrap();
    let number = files(root) + 1;
    let last = number * ROWS;
    let flaw = match number % 5 {
        3 => 1,
        4 => -1,
        _ => 0,
    };
    let mut text = "id,amount,flaw\n".to_owned();
    for id in last - ROWS + 1..=last {
        text.push_str(&format!("{id},{id},{}\n", if id == last { flaw } else { 0 }));
    }
    let unnamed = folder.join(format!("unnamed-{}", std::process::id()));
    std::fs::write(&unnamed, text).unwrap();
    std::fs::rename(unnamed, folder.join(format!("orders_{number:05}.csv"))).unwrap();
    number
}

/// Adds files until the data is sound; answers how many there are.
pub(crate) fn add_sound_files(root: &Path) -> u64 {
    loop {
        let number = add_file(root);
        if is_sound(number) {
            return number;
        }
    }
}

pub(crate) fn files(root: &Path) -> u64 {
    let named = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.ends_with(".csv"));
    let entries = std::fs::read_dir(root.join("data")).into_iter().flatten();
    entries.filter(|entry| named(&entry.as_ref().unwrap().file_name())).count() as u64
}

/// Whether what was made of so many files may pass the gate.
pub(crate) fn is_sound(files: u64) -> bool {
    files % 5 != 3
}

/// How many files a state was made of. Panics when it is the state of none.
pub(crate) fn files_of(asset: &str, rows: i64, total: i64, who: &str) -> u64 {
    let rows = u64::try_from(rows).unwrap();
    let is_whole = rows.is_multiple_of(ROWS) && rows > 0 && total == i64::try_from(rows * (rows + 1) / 2).unwrap();
    assert!(is_whole, "{who} sees a state of {asset} that nobody published: {rows} rows that add up to {total}");
    let files = rows / ROWS;
    let passed = asset == "raw.orders" || is_sound(files);
    assert!(passed, "{who} sees {asset} after {files} files, which no check let pass");
    files
}

/// What a Lockgate reader sees of every asset, in one query; `None` while not everything was published once.
pub(crate) async fn look(world: &World) -> Option<Vec<(String, u64)>> {
    let workspace = world.open().await.unwrap_or_else(|error| panic!("{error}"));
    let graph = workspace.graph().await.unwrap_or_else(|error| panic!("{error}"));
    let query = match workspace.query(&graph, LOOK, QueryOptions::default()).await {
        Ok(query) => query,
        Err(RunError::NothingPublished { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    let batches: Vec<_> = futures::TryStreamExt::try_collect(query.stream).await.unwrap_or_else(|e| panic!("{e}"));
    let mut seen = Vec::new();
    for row in lockgate_run::samples(&batches).rows {
        let cell = |at: usize| row[at].clone().unwrap();
        let (asset, rows, total) = (cell(0), cell(1).parse().unwrap(), cell(2).parse().unwrap());
        seen.push((asset.clone(), files_of(&asset, rows, total, "a Lockgate reader")));
    }
    assert_eq!(seen.len(), ASSETS.len());
    Some(seen)
}

/// What everybody sees when nothing is left to do.
pub(crate) async fn assert_complete(world: &World, files: u64) {
    let seen = look(world).await.unwrap();
    assert!(seen.iter().all(|(_, made_of)| *made_of == files), "of {files} files, {seen:?}");
}
