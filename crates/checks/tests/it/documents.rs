//! The reference: every kind has a page, and the examples on it are right.

use std::collections::BTreeSet;
use std::path::Path;

use lockgate_checks::{CODES, KINDS, SchemaLookup};
use lockgate_types::{AssetName, Diagnostics, Schema};

const ASSET: &str = "kind: source
read: { path: t.csv }
columns:
  customer: string
  region: string
  status: string
  code: string
  phone: string
  tailnum: string
  origin: string
  ts: timestamp
  day: date
  ordered_on: date
  shipped_on: date
  reported_on: date
  year: int
  order_id: bigint
  priority: int
  paid: boolean
  load_mw: double
  amount: decimal(18,2)
  credit_limit: decimal(18,2)
checks:
";

/// Every asset is there, with columns nobody knows yet.
struct Everything;

impl SchemaLookup for Everything {
    fn schema(&self, _: &AssetName) -> Option<&Schema> {
        None
    }

    fn exists(&self, _: &AssetName) -> bool {
        true
    }

    fn suggest(&self, _: &AssetName) -> Option<String> {
        None
    }
}

/// Each entry by itself: examples on one page may need names beside each other.
fn entries(example: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in example.lines() {
        if line.starts_with("- ") {
            found.push(String::new());
        }
        let entry = found.last_mut().unwrap();
        entry.push_str("  ");
        entry.push_str(line);
        entry.push('\n');
    }
    found
}

fn compile(entry: &str) -> Result<usize, Diagnostics> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("assets/mart")).unwrap();
    std::fs::write(folder.path().join("lockgate.yml"), "name: example\n").unwrap();
    std::fs::write(folder.path().join("assets/mart/orders.yml"), format!("{ASSET}{entry}")).unwrap();
    let (project, diagnostics) = lockgate_project::load(folder.path(), None, &|_| None);
    if diagnostics.has_errors() {
        return Err(diagnostics);
    }
    let file = project.unwrap().assets.values().next().unwrap().clone();
    let schema = Schema { columns: file.columns.iter().flatten().map(|contract| contract.column.clone()).collect() };
    Ok(lockgate_checks::compile(&file, &schema, &Everything)?.len())
}

#[test]
fn every_example_compiles() {
    for kind in KINDS {
        let entries = entries(&kind.example());
        assert!(!entries.is_empty(), "{} has no example", kind.name());
        for entry in entries {
            match compile(&entry) {
                Ok(checks) => assert!(checks > 0, "{entry}"),
                Err(found) => assert!(kind.name() == "anomaly", "{entry}{found}"),
            }
        }
    }
}

#[test]
fn every_kind_has_a_page_and_a_case() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for kind in KINDS {
        let doc = kind.doc();
        let first = doc.split("\n\n").next().unwrap();
        assert!(first.ends_with('.') && first.len() > 30, "{}: {first}", kind.name());
        assert!(!kind.body().is_empty());
        let folder = cases.join(kind.name());
        assert!(folder.is_dir(), "{} has no case in {}", kind.name(), folder.display());
        // Every key of its settings stands in some case.
        let text: String = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect();
        for key in kind.keys() {
            assert!(text.contains(&format!("{}:", key.key)), "no case of {} uses `{}`", kind.name(), key.key);
        }
    }
}

/// Every code of this crate comes out of some case, but for the one that needs a broken machine.
#[test]
fn every_code_has_a_case() {
    fn collect(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, text);
            } else {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut text = String::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"), &mut text);
    let mut ids = BTreeSet::new();
    for code in CODES {
        assert!(code.id.starts_with("LG04") && ids.insert(code.id), "{}", code.id);
        assert!(code.text.len() > 80, "{} says too little", code.id);
        if !["LG0411", "LG0420"].contains(&code.id) {
            assert!(text.contains(&format!("\n{} ", code.id)), "no case for {} ({})", code.id, code.title);
        }
    }
}
