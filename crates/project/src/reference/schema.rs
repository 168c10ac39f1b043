//! JSON schemas (draft 7, which editors understand) from the tables of keys.

use lockgate_types::DataType;
use serde_json::{Map, Value as Json, json};

use super::{CheckDoc, KindDoc, is_type};
use crate::{CHECK_KEYS, DEFAULTS_KEYS, ENVELOPE_KEYS, KeyDoc, PROJECT_KEYS, known, unit_test};

/// The JSON schema of asset files (`assets/**/*.yml`): the envelope, each kind's keys, the checks.
pub fn asset_schema(kinds: &[KindDoc], checks: &[CheckDoc]) -> Json {
    let mut all = properties(ENVELOPE_KEYS);
    let names: Vec<&str> = kinds.iter().map(|kind| kind.kind).collect();
    let texts: Vec<String> = kinds.iter().map(|kind| first_line(kind.text)).collect();
    all.insert("kind".to_owned(), json!({ "enum": names, "markdownEnumDescriptions": texts }));
    all.insert("checks".to_owned(), check_list(checks));
    // Without `kind` a file stands beside SQL, or has its kind from `_defaults.yml`: any kind's keys may be right.
    let mut any = all.clone();
    let mut conditions = Vec::new();
    for kind in kinds {
        let own = properties(kind.keys);
        let allowed: Map<String, Json> = all.keys().map(|key| (key.clone(), json!(true))).chain(own.clone()).collect();
        any.extend(own);
        conditions.push(json!({
            "if": { "properties": { "kind": { "const": kind.kind } }, "required": ["kind"] },
            "then": { "properties": allowed, "additionalProperties": false },
        }));
    }
    let any: Map<String, Json> = any.into_iter().map(|(key, _)| (key, json!(true))).collect();
    conditions.push(json!({
        "if": { "not": { "required": ["kind"] } },
        "then": { "properties": any, "additionalProperties": false },
    }));
    document("A Lockgate asset", json!({ "type": "object", "properties": all, "allOf": conditions }))
}

/// The JSON schema of `_defaults.yml`.
pub fn defaults_schema() -> Json {
    document("Defaults of a folder of Lockgate assets", object(DEFAULTS_KEYS, "", &[]))
}

/// The JSON schema of `lockgate.yml`.
pub fn project_schema() -> Json {
    document("A Lockgate project", object(PROJECT_KEYS, "", &["name"]))
}

/// The JSON schema of `lockgate.known.yml`.
pub fn known_schema() -> Json {
    document("Known failures of a Lockgate project", object(known::KNOWN_KEYS, "", &[]))
}

/// The JSON schema of `tests/*.yml`: one test, or several under `tests`.
pub fn test_schema() -> Json {
    let mut test = object(unit_test::TEST_KEYS, "", &["expect"]);
    let mut several = test.clone();
    if let Some(keys) = test["properties"].as_object_mut() {
        keys.shift_remove("tests");
    }
    if let Some(keys) = several["properties"].as_object_mut() {
        keys.retain(|key, _| matches!(key.as_str(), "description" | "tests"));
    }
    several["required"] = json!(["tests"]);
    several["properties"]["tests"] = json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": test,
        "description": several["properties"]["tests"]["description"],
        "markdownDescription": several["properties"]["tests"]["markdownDescription"],
    });
    document("Unit tests of a Lockgate asset", json!({ "anyOf": [test, several] }))
}

fn document(title: &str, mut schema: Json) -> Json {
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!(title);
    schema
}

fn properties(docs: &[KeyDoc]) -> Map<String, Json> {
    below(docs, "").collect()
}

/// The keys directly below a path, with their schemas.
fn below<'a>(docs: &'a [KeyDoc], path: &'a str) -> impl Iterator<Item = (String, Json)> + 'a {
    docs.iter()
        .filter(move |doc| doc.parent() == path && doc.name() != "*" && doc.kind != KeyDoc::NOT_BUILT)
        .map(|doc| (doc.name().to_owned(), property(docs, doc)))
}

/// A map that stands at a path.
fn object(docs: &[KeyDoc], path: &str, required: &[&str]) -> Json {
    let any = if path.is_empty() { "*".to_owned() } else { format!("{path}.*") };
    let properties: Map<String, Json> = below(docs, path).collect();
    let others = docs.iter().find(|doc| doc.key == any).map_or(json!(false), |doc| property(docs, doc));
    // An inner map may be empty: a key with nothing behind it.
    let kind = if path.is_empty() { json!("object") } else { json!(["object", "null"]) };
    let mut schema = json!({ "type": kind, "properties": properties, "additionalProperties": others });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(docs: &[KeyDoc], doc: &KeyDoc) -> Json {
    let has_inner = docs.iter().any(|inner| inner.parent() == doc.key);
    let mut words: Vec<&str> = Vec::new();
    let mut forms: Vec<Json> = Vec::new();
    for word in doc.kind.split(" | ") {
        match word {
            "string" => forms.push(json!({ "type": "string" })),
            "list of strings" => forms.push(json!({ "type": "array", "items": { "type": "string" } })),
            "boolean" => forms.push(json!({ "type": "boolean" })),
            "integer" => forms.push(json!({ "type": "integer", "minimum": 0 })),
            "number" => forms.push(json!({ "type": "number" })),
            "map" if has_inner => forms.push(object(docs, doc.key, &[])),
            "map" => forms.push(json!({ "type": ["object", "null"] })),
            // What the items of a list hold is documented below `key.*`.
            "list" if has_inner => {
                forms.push(json!({ "type": ["array", "null"], "items": object(docs, &format!("{}.*", doc.key), &[]) }));
            }
            "list" => forms.push(json!({ "type": ["array", "null"] })),
            "anything" => forms.push(json!({})),
            word if !is_type(word) => words.push(word),
            _ => {}
        }
    }
    if !words.is_empty() {
        forms.insert(0, json!({ "enum": words }));
    }
    let is_scalar =
        !words.is_empty() || doc.kind.split(" | ").any(|word| ["boolean", "integer", "number"].contains(&word));
    if is_scalar && !doc.kind.split(" | ").any(|word| word == "string") {
        // A variable becomes what it stands for.
        forms.push(json!({ "type": "string", "pattern": "\\$\\{" }));
    }
    let mut schema = match forms.len() {
        1 => forms.remove(0),
        _ => json!({ "anyOf": forms }),
    };
    if doc.key == "columns.*.type" || doc.key == "columns.*" {
        schema["examples"] = json!(DataType::NAMES);
    }
    schema["description"] = json!(doc.text);
    schema["markdownDescription"] = json!(doc.text);
    schema
}

/// A list of maps, each with one kind of check and the options of all.
fn check_list(checks: &[CheckDoc]) -> Json {
    let mut items = properties(CHECK_KEYS);
    for check in checks {
        let doc = KeyDoc { key: check.kind, kind: check.body, default: "", text: check.text };
        items.insert(check.kind.to_owned(), property(&[], &doc));
    }
    let kinds: Vec<Json> = checks.iter().map(|check| json!({ "required": [check.kind] })).collect();
    let mut item = json!({ "type": "object", "properties": items, "additionalProperties": false });
    if !kinds.is_empty() {
        item["oneOf"] = json!(kinds);
    }
    json!({ "type": ["array", "null"], "items": item })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("").to_owned()
}
