//! `--json`: every line is one object, of an event that the reference describes.

use serde_json::Value;

use crate::session::shell;

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
    let output = shell("lockgate run --json", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
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
    assert_eq!(seen.first().map(String::as_str), Some("run_started"));
    assert_eq!(seen.last().map(String::as_str), Some("summary"));
    for name in ["published", "held", "skipped", "run_ended"] {
        assert!(seen.contains(&name.to_owned()), "{name} is missing: {seen:?}");
    }
}
