//! The reference and the schemas, with two kinds in place of the real ones.

use lockgate_project::KeyDoc;
use lockgate_project::reference::{
    CheckDoc, KindDoc, asset_schema, config_markdown, defaults_schema, known_schema, project_schema, test_schema,
};

const KINDS: &[KindDoc] = &[
    KindDoc {
        kind: "source",
        text: "Files or a database, as they are.",
        keys: &[
            KeyDoc { key: "read", kind: "map", default: "", text: "What to read." },
            KeyDoc { key: "read.path", kind: "string | list of strings", default: "", text: "A path or pattern." },
            KeyDoc { key: "read.header", kind: "boolean", default: "true", text: "Whether a CSV has one." },
            KeyDoc { key: "read.connection", kind: KeyDoc::NOT_BUILT, default: "", text: "A database." },
            KeyDoc { key: "evolve", kind: "freeze | add | any", default: "freeze", text: "What new columns do." },
        ],
    },
    KindDoc { kind: "transform", text: "One SELECT.", keys: &[] },
];
const CHECKS: &[CheckDoc] = &[
    CheckDoc { kind: "not_null", text: "Null is a failure.", body: "string | list of strings" },
    CheckDoc { kind: "rows", text: "The number of rows.", body: "map" },
];

#[test]
fn files() {
    let pretty = |json: serde_json::Value| serde_json::to_string_pretty(&json).unwrap() + "\n";
    let files = [
        ("config.md", config_markdown(KINDS)),
        ("asset.schema.json", pretty(asset_schema(KINDS, CHECKS))),
        ("defaults.schema.json", pretty(defaults_schema())),
        ("project.schema.json", pretty(project_schema())),
        ("known.schema.json", pretty(known_schema())),
        ("test.schema.json", pretty(test_schema())),
    ];
    let differences: Vec<String> = files
        .iter()
        .filter_map(|(name, text)| crate::expect(&crate::here("reference").join(name), text).err())
        .collect();
    assert!(differences.is_empty(), "{}\nUPDATE=1 rewrites them", differences.join("\n"));
}
