//! Disks that are really full: small tmpfs mounts in a mount namespace of the test's own. A run says what is full and
//! where, readers see what they saw, and with space again the next run heals.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::session::shell;

/// `unshare` is util-linux's; it needs no privilege where user namespaces are allowed.
const NAMESPACE: &str = "unshare --user --map-root-user --mount";

/// What every script starts with. `fill` takes the last page of a mount, `space` gives it back; `see` runs a command and
/// tells its exit code and words; `when FILE fill DIR` waits for a file before it fills.
const FUNCTIONS: &str = r#"
small() { mkdir -p "$2" && mount -t tmpfs -o size="$1" tmpfs "$2" || { echo "@no-mount 99"; exit 99; }; }
fill() { dd if=/dev/zero of="$1/filler" bs=4096 2>/dev/null; dd if=/dev/zero of="$1/last" bs=1 2>/dev/null; }
space() { rm -f "$1/filler" "$1/last"; }
see() { name=$1; shift; "$@" >out.txt 2>err.txt; echo "@$name $?"; cat out.txt err.txt; }
when() { for i in $(seq 600); do ls $1 >/dev/null 2>&1 && break; sleep 0.05; done; ls $1 >/dev/null 2>&1 || echo "@never 98"; $2 $3; }
orders() { see "$1" lockgate query "select sum(amount) as s from mart.totals" --format csv; }
"#;

/// One command of a script: its exit code and everything it said.
type Seen = BTreeMap<String, (i32, String)>;

fn project(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn orders(folder: &Path) {
    project(
        folder,
        &[
            ("lockgate.yml", "name: small\nengine: { memory: 256MB, threads: 2 }\n"),
            ("data/orders.csv", "id,amount\n1,10\n2,20\n"),
            (
                "assets/raw/orders.yml",
                "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n",
            ),
            ("assets/mart/totals.sql", "/*\nchecks: [{ unique: id }]\n*/\nselect id, amount from raw.orders\n"),
        ],
    );
}

fn play(folder: &Path, script: &str) -> Seen {
    std::fs::write(folder.join("script.sh"), format!("{FUNCTIONS}{script}")).unwrap();
    let output = shell(&format!("exec {NAMESPACE} sh script.sh"), folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "this test mounts a small tmpfs in a namespace of its own, and `{NAMESPACE}` does not work here (is \
         kernel.unprivileged_userns_clone 0, or a container without it?): {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut seen = Seen::new();
    for part in said.split('@').skip(1) {
        let (head, words) = part.split_once('\n').unwrap();
        let (name, code) = head.split_once(' ').unwrap();
        seen.insert(name.to_owned(), (code.parse().unwrap(), words.to_owned()));
    }
    assert!(!seen.contains_key("never"), "a file that was waited for did not come: {said}");
    seen
}

/// The command ended so, and said all of this.
fn told(seen: &Seen, name: &str, code: i32, words: &[&str]) {
    let (found, said) = seen.get(name).unwrap_or_else(|| panic!("{name} was not run: {seen:#?}"));
    assert_eq!(*found, code, "{name}: {said}");
    for word in words {
        assert!(said.contains(word), "{name} does not say `{word}`: {said}");
    }
}

#[test]
fn a_store_that_is_full_while_rows_are_staged() {
    let folder = tempfile::tempdir().unwrap();
    orders(folder.path());
    let seen = play(
        folder.path(),
        r#"
small 2m store
see first lockgate run
awk 'BEGIN { srand(7); print "id,amount"; for (i = 0; i < 400000; i++) printf "%d,%.0f\n", i, rand() * 1e12 }' > data/orders.csv
see full lockgate run
orders still
see doctor lockgate doctor
mount -o remount,size=64m store
see healed lockgate run
see again lockgate run
see count lockgate query "select count(*) as n from mart.totals" --format csv
"#,
    );
    told(&seen, "first", 0, &["2 published"]);
    told(
        &seen,
        "full",
        1,
        &["the store is full", "store/tables/raw/orders", "free some space", "readers still see version 1"],
    );
    told(&seen, "still", 0, &["s\n30\n"]);
    told(&seen, "doctor", 0, &[]);
    told(&seen, "healed", 0, &["2 published"]);
    told(&seen, "again", 0, &["nothing to run"]);
    told(&seen, "count", 0, &["n\n400000\n"]);
}

/// The last page goes while the run stands at a step, so that the next thing it writes finds none.
#[test]
fn a_store_that_is_full_at_every_later_step() {
    for (step, waits_for) in [
        ("lake.file_staged", "store/tables/raw/orders/_lockgate/v2/part-*"),
        ("lake.version_recorded", "store/tables/raw/orders/_lockgate/v2/version.json"),
        ("lake.before_put", "store/tables/raw/orders/_lockgate/v2/commit-0.json"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        orders(folder.path());
        let script = format!(
            r#"
small 2m store
see first lockgate run
printf 'id,amount\n1,10\n2,25\n' > data/orders.csv
(when "{waits_for}" fill store) &
LOCKGATE_FAULTS={step}=freeze:2500 see full lockgate run
wait
orders still
space store
see healed lockgate run
orders now
see again lockgate run
see doctor lockgate doctor
"#
        );
        let seen = play(folder.path(), &script);
        told(&seen, "first", 0, &["2 published"]);
        told(&seen, "full", 1, &["the store is full", "store/tables/raw/orders", "free some space"]);
        told(&seen, "still", 0, &["s\n30\n"]);
        told(&seen, "healed", 0, &[]);
        told(&seen, "now", 0, &["s\n35\n"]);
        told(&seen, "again", 0, &["nothing to run"]);
        told(&seen, "doctor", 0, &[]);
    }
}

#[test]
fn a_full_disk_under_the_catalog() {
    let folder = tempfile::tempdir().unwrap();
    orders(folder.path());
    let seen = play(
        folder.path(),
        r#"
export LOCKGATE_LEASE_MS=1000
small 8m .lockgate
see first lockgate run
printf 'id,amount\n1,10\n2,25\n' > data/orders.csv
fill .lockgate
see before lockgate run
space .lockgate
(when store/tables/raw/orders/_lockgate/v2/commit-0.json fill .lockgate) &
LOCKGATE_FAULTS=run.commit_prepared=freeze:2500 see within lockgate run
wait
space .lockgate
orders still
see healed lockgate run
orders now
see again lockgate run
see doctor lockgate doctor
"#,
    );
    told(&seen, "first", 0, &["2 published"]);
    told(&seen, "before", 1, &["space"]);
    told(&seen, "within", 1, &["no space is left for the catalog", ".lockgate/catalog.db", "free some space"]);
    told(&seen, "still", 0, &["s\n30\n"]);
    told(&seen, "healed", 0, &["2 published"]);
    told(&seen, "now", 0, &["s\n35\n"]);
    told(&seen, "again", 0, &["nothing to run"]);
    told(&seen, "doctor", 0, &[]);
}

#[test]
fn a_full_disk_under_spilled_data() {
    let folder = tempfile::tempdir().unwrap();
    let ids: String = (0..700).map(|id| format!("{id}\n")).collect();
    project(
        folder.path(),
        &[
            ("lockgate.yml", "name: small\nengine: { memory: 24MB, threads: 2 }\n"),
            ("data/n.csv", &format!("id\n{ids}")),
            ("assets/raw/n.yml", "kind: source\nread: { path: data/n.csv }\ncolumns: { id: bigint }\n"),
            (
                "assets/mart/sorted.sql",
                "select a.id * 1000 + b.id as id, md5(cast(a.id * 1000 + b.id as string)) as word\n\
                 from raw.n a cross join raw.n b order by word\n",
            ),
        ],
    );
    let seen = play(
        folder.path(),
        r#"
small 3m .lockgate
see full lockgate run
see raw lockgate query "select count(*) as n from raw.n" --format csv
mount -o remount,size=256m .lockgate
see healed lockgate run
see count lockgate query "select count(*) as n from mart.sorted" --format csv
"#,
    );
    told(&seen, "full", 1, &["LG0225", "no space is left for spilled data in", ".lockgate/spill", "engine.memory"]);
    told(&seen, "raw", 0, &["n\n700\n"]);
    told(&seen, "healed", 0, &["1 published"]);
    told(&seen, "count", 0, &["n\n490000\n"]);
}
