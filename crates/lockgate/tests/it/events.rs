//! `--json`: every line is one object, of an event that the reference describes.

use std::path::Path;

use serde_json::Value;

use crate::session::shell;

/// The names of the events that a command prints, each checked against the reference.
fn described(command: &str, folder: &Path, exit: i32) -> Vec<String> {
    let output = shell(command, folder).output().unwrap();
    assert_eq!(output.status.code(), Some(exit), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = include_str!("../../../../docs/reference/schema/events.json");
    let schema: Value = serde_json::from_str(page).unwrap();
    let mut seen = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let name = event["event"].as_str().unwrap();
        let described =
            schema["oneOf"].as_array().unwrap().iter().find(|one| one["properties"]["event"]["const"] == name);
        let described = described.unwrap_or_else(|| panic!("{name} is not described"));
        for key in event.as_object().unwrap().keys() {
            assert!(described["properties"].get(key).is_some(), "{name} has an undescribed key {key}");
        }
        seen.push(name.to_owned());
    }
    seen
}

#[test]
fn every_line_is_a_described_event() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lockgate.yml", "name: small\n");
    write("data/orders.csv", "id,amount\n1,5\n2,-1\n");
    write(
        "assets/raw/orders.yml",
        "kind: source\nread: { path: data/orders.csv }\ncolumns: { id: bigint, amount: bigint }\n",
    );
    write("assets/mart/good.sql", "select id, amount from raw.orders\n");
    write("assets/mart/bad.sql", "/*\nchecks: [{ expect: \"amount >= 0\" }]\n*/\nselect id, amount from raw.orders\n");
    write("assets/mart/behind.sql", "select id from mart.bad\n");
    write("tests/mart.good.yml", "given: { raw.orders: [{ id: 1 }] }\nexpect: [{ id: 1 }]\n");
    write("tests/mart.bad.yml", "expect: [{ id: 1 }]\n");
    let seen = described("lockgate run --json", folder.path(), 3);
    assert_eq!(seen.first().map(String::as_str), Some("run_started"));
    assert_eq!(seen.last().map(String::as_str), Some("summary"));
    for name in ["published", "held", "skipped", "run_ended"] {
        assert!(seen.contains(&name.to_owned()), "{name} is missing: {seen:?}");
    }
    let seen = described("lockgate test --json", folder.path(), 1);
    assert_eq!(seen, ["test_failed", "test_passed", "tests_ended"]);
    assert_eq!(described("lockgate test --json --record mart.good.real", folder.path(), 0), ["test_recorded"]);
}
