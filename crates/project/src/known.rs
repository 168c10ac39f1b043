//! `lockgate.known.yml`: failures that were there when the gate was introduced.
//!
//! `lockgate baseline` writes it and people edit it: owners, reasons, tolerances and days of review are theirs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use chrono::NaiveDate;
use lockgate_types::{AssetName, Diagnostic, Diagnostics, KnownFailure, Place};

use crate::yaml::{self, Node, Value};
use crate::{Fields, KeyDoc, Source, codes};

/// The file's name in the project folder.
pub const FILE: &str = "lockgate.known.yml";

/// The version of the file's form.
const VERSION: u64 = 1;

/// The keys of the file.
pub const KNOWN_KEYS: &[KeyDoc] = &[
    KeyDoc { key: "version", kind: "integer", default: "1", text: "Of the file's form." },
    KeyDoc { key: "known", kind: "list", default: "", text: "The known failures." },
    KeyDoc { key: "known.*.asset", kind: "string", default: "", text: "The asset, `schema.table`." },
    KeyDoc { key: "known.*.check", kind: "string", default: "", text: "The check's name." },
    KeyDoc { key: "known.*.count", kind: "integer", default: "", text: "Failing rows when it was recorded." },
    KeyDoc {
        key: "known.*.share",
        kind: "string",
        default: "",
        text: "Their share of the rows looked at then: `14.874576%`.",
    },
    KeyDoc {
        key: "known.*.tolerance",
        kind: "string",
        default: "0%",
        text: "How much the share may rise, in percentage points, before the version is held.",
    },
    KeyDoc { key: "known.*.owner", kind: "string", default: "", text: "Who looks after it." },
    KeyDoc {
        key: "known.*.review_on",
        kind: "string",
        default: "",
        text: "The day on which to look again: `2014-03-31`.",
    },
    KeyDoc { key: "known.*.reason", kind: "string", default: "", text: "Why it is let be." },
    KeyDoc {
        key: "known.*.statement",
        kind: "string",
        default: "",
        text: "A hash of what the check said when it was recorded. Once the check says something else, the entry covers \
               nothing and `lockgate baseline` is asked for again; without this key it is about any check of that name.",
    },
];

/// Reads every entry that is right; the others are diagnostics.
pub fn read(source: &Source, diagnostics: &mut Diagnostics) -> Vec<(KnownFailure, Place)> {
    let Some(map) = yaml::settings(source, &source.text, 1, "the known failures", diagnostics) else {
        return Vec::new();
    };
    let mut fields = Fields::new(&map, source, KNOWN_KEYS, diagnostics);
    if let (Some(version), Some(node)) = (fields.integer("version"), fields.node("version"))
        && version != VERSION
    {
        let error = fields.error(node.span, &codes::WRONG_VALUE, format!("this is version {version} of the file"));
        error.expected = Some(format!("version {VERSION}"));
        error.hint = Some("a newer lockgate wrote it: update this one".to_owned());
    }
    let mut known = Vec::new();
    let items = match fields.node("known") {
        Some(node) => match &node.value {
            Value::List(items) => items.as_slice(),
            Value::Null => &[],
            _ => {
                fields.wrong_type("known", node, "a list of known failures");
                &[]
            }
        },
        None => &[],
    };
    let mut seen = BTreeSet::new();
    for item in items {
        let Some((entry, place)) = entry(item, &mut fields) else { continue };
        if seen.insert((entry.asset.clone(), entry.check.clone())) {
            known.push((entry, place));
        } else {
            let message = format!("`{}` of `{}` stands twice", entry.check, entry.asset);
            let error = Diagnostic::error(&codes::KNOWN_FAILURE, message).at(place);
            fields.diagnostics().push(error.hint("remove one of the two"));
        }
    }
    fields.finish();
    known
}

fn entry(item: &Node, outer: &mut Fields<'_>) -> Option<(KnownFailure, Place)> {
    let source = outer.source();
    let Some(map) = item.as_map() else {
        outer.wrong_entry("known", item, "a map with `asset`, `check`, `count`, `share`, `review_on` and `reason`");
        return None;
    };
    let mut fields = Fields::at(map, source, KNOWN_KEYS, "known.*", outer.diagnostics());
    for key in ["asset", "check", "count", "share", "review_on", "reason"] {
        fields.required(key, item.span);
    }
    let asset = read_as(&mut fields, "asset", |text| text.parse::<AssetName>().map_err(|error| error.to_string()));
    let check = fields.string("check");
    let count = fields.integer("count");
    let share = share_of(&mut fields, "share");
    let tolerance = match fields.node("tolerance") {
        Some(_) => share_of(&mut fields, "tolerance"),
        None => Some(0.0),
    };
    let owner = fields.string("owner");
    let review_on = read_as(&mut fields, "review_on", |text| {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("`{text}` is no day, such as 2014-03-31"))
    });
    let reason = fields.string("reason");
    let statement = fields.string("statement");
    let place = source.place(map.key("asset").map_or(item.span, |key| key.span));
    fields.finish();
    let entry = KnownFailure {
        asset: asset?,
        check: check?,
        count: count?,
        share: share?,
        tolerance: tolerance?,
        owner,
        review_on: review_on?,
        reason: reason?,
        statement,
    };
    Some((entry, place))
}

fn read_as<T>(fields: &mut Fields<'_>, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
    let node = fields.node(key)?;
    match read(&fields.string(key)?) {
        Ok(value) => Some(value),
        Err(reason) => {
            fields.error(node.span, &codes::WRONG_VALUE, reason);
            None
        }
    }
}

/// A percentage as a share from 0 to 1; a bare 0 needs no sign.
fn share_of(fields: &mut Fields<'_>, key: &str) -> Option<f64> {
    let node = fields.node(key)?;
    let text = node.scalar_text().unwrap_or_default();
    let percent = text.strip_suffix('%').or_else(|| (text == "0").then_some("0"));
    let value = percent.and_then(|text| text.trim().parse::<f64>().ok()).filter(|value| (0.0..=100.0).contains(value));
    if value.is_none() {
        let error = fields.error(node.span, &codes::WRONG_VALUE, format!("`{key}` is no share of rows"));
        error.expected = Some("0% to 100%, such as 0.1%".to_owned());
    }
    value.map(|value| value / 100.0)
}

/// The file's text: sorted by asset and check, so that two writers make the same file. [`read`] gets the same
/// entries back, but for shares, which are rounded up at the eighth decimal (a millionth of a percent).
pub fn render(entries: &[KnownFailure]) -> String {
    let mut entries: Vec<&KnownFailure> = entries.iter().collect();
    entries.sort_by(|a, b| (&a.asset, &a.check).cmp(&(&b.asset, &b.check)));
    let mut text = String::from(
        "# Failures that were there when the gate was introduced, written by `lockgate baseline`.\n\
         # A known check holds a version only when its share of failing rows rises above `share` + `tolerance`.\n\
         # Yours to edit: tolerance, owner, review_on, reason. Other comments are lost when it is written again.\n\
         version: 1\n",
    );
    text.push_str(if entries.is_empty() { "known: []\n" } else { "known:\n" });
    for entry in entries {
        let KnownFailure { asset, check, count, share, tolerance, owner, review_on, reason, statement } = entry;
        // Writing to a string does not fail.
        let _ = writeln!(text, "  - asset: {asset}\n    check: {}", quoted(check));
        let _ = writeln!(
            text,
            "    count: {count}\n    share: {}\n    tolerance: {}",
            percent(*share),
            percent(*tolerance)
        );
        if let Some(owner) = owner {
            let _ = writeln!(text, "    owner: {}", quoted(owner));
        }
        let _ = writeln!(text, "    review_on: {review_on}\n    reason: {}", quoted(reason));
        if let Some(statement) = statement {
            let _ = writeln!(text, "    statement: {}", quoted(statement));
        }
    }
    text
}

/// Puts the text in the place of the file at once: a crash leaves the old file or the new one.
pub fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let draft = file.with_extension("yml.new");
    let written = File::create(&draft).and_then(|mut handle| {
        handle.write_all(text.as_bytes())?;
        handle.sync_all()
    });
    written.and_then(|()| std::fs::rename(&draft, file)).inspect_err(|_| {
        // What failed is told; a draft that stays does no harm.
        let _ = std::fs::remove_file(&draft);
    })
}

/// Rounded up, so that the failure which was recorded stays covered.
fn percent(share: f64) -> String {
    // What a decimal share is off by in binary must not round it up by a whole step.
    let millionths = (share * 1e8 - 1e-3).ceil().max(0.0);
    format!("{}%", millionths / 1e6)
}

/// The text as YAML, in quotes only where it needs them.
fn quoted(text: &str) -> String {
    let is_word_like = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_alphanumeric() || "_-./, ()'".contains(c))
        && !text.ends_with(' ')
        && matches!(yaml::plain(text), Value::String(_));
    if is_word_like { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}
