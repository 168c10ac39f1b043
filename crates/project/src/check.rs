//! A check as it is written: the options that all checks share are read here, its body is for `checks`.

use std::sync::Arc;

use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Diagnostics, Severity, Threshold};

use crate::yaml::{Node, Span, Value};
use crate::{Fields, KeyDoc, Source, codes, planned};

/// What happens to failing rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Action {
    /// They stay, and count against the thresholds.
    #[default]
    None,
    /// They go to the rejects table, and the rest may pass.
    Reject,
}

/// One entry of `checks`; `not_null: [a, b]` is still one entry here.
#[derive(Clone, Debug)]
pub struct CheckEntry {
    pub kind: String,
    pub kind_span: Span,
    pub body: Node,
    pub name: Option<String>,
    /// `where`.
    pub filter: Option<String>,
    /// Line 0 without a `where`.
    pub filter_span: Span,
    pub section: Option<String>,
    pub severity: Severity,
    pub error: Option<Threshold>,
    pub warn: Option<Threshold>,
    pub action: Action,
    /// Of the whole entry: where it starts.
    pub span: Span,
    pub source: Arc<Source>,
}

/// The options that every check takes, beside its kind.
pub const CHECK_KEYS: &[KeyDoc] = &[
    KeyDoc {
        key: "name",
        kind: "string",
        default: "`kind_columns`",
        text: "What the check is called: in messages, in `lockgate.known.yml`, in `lockgate suppress`. Unique within the \
               asset.",
    },
    KeyDoc {
        key: "where",
        kind: "string",
        default: "",
        text: "A condition in SQL: only rows that meet it are looked at and counted.",
    },
    KeyDoc { key: "section", kind: "string", default: "", text: "A heading under which reports show the check." },
    KeyDoc {
        key: "severity",
        kind: "error | warn",
        default: "error",
        text: "With `warn` a failure is told and holds nothing.",
    },
    KeyDoc {
        key: "error",
        kind: "string | integer",
        default: "> 0",
        text: "How many failing rows are too many: a count (`> 10`) or a share of the rows looked at (`> 0.1%`). Quote it: \
               a bare `>` starts a block of text in YAML.",
    },
    KeyDoc { key: "warn", kind: "string | integer", default: "", text: "The same, for a warning that holds nothing." },
    KeyDoc {
        key: "action",
        kind: "reject",
        default: "",
        text: "`reject` moves failing rows to the table `NAME__rejects`, with the check's name in `_check`, and counts \
               them; the rest may pass.",
    },
];

/// Reads `checks`; entries that are wrong are reported and left out.
pub(crate) fn read(node: &Node, source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Vec<CheckEntry> {
    let items = match &node.value {
        Value::List(items) => items,
        Value::Null => return Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Map(_) => {
            let message = format!("`checks` is {}", node.describe());
            let error = lockgate_types::Diagnostic::error(&codes::CHECK, message).at(source.place(node.span));
            diagnostics.push(error.expected("a list of checks").hint("start each check with `- `"));
            return Vec::new();
        }
    };
    items.iter().filter_map(|item| entry(item, source, diagnostics)).collect()
}

fn entry(item: &Node, source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Option<CheckEntry> {
    let before = diagnostics.0.len();
    let Value::Map(map) = &item.value else {
        let message = match &item.value {
            Value::Null => "this check is empty".to_owned(),
            _ => format!("a check cannot be {}", item.describe()),
        };
        let mut error = lockgate_types::Diagnostic::error(&codes::CHECK, message).at(source.place(item.span));
        error = error.expected("a map with the check's kind, such as `not_null: customer`");
        diagnostics.push(error);
        return None;
    };
    let is_option = |key: &str| CHECK_KEYS.iter().any(|doc| doc.key == key);
    let others = || map.entries.iter().filter(|(key, _)| !is_option(&key.text));
    // Of several unknown keys, one that is no misspelt option is the kind.
    let misspelt = |key: &str| did_you_mean(key, CHECK_KEYS.iter().map(|doc| doc.key)).is_some();
    let mut fields = Fields::new(map, source, CHECK_KEYS, diagnostics);
    let Some((kind, body)) = others().find(|(key, _)| !misspelt(&key.text)).or_else(|| others().next()) else {
        let error = fields.error(item.span, &codes::CHECK, "this check does not say its kind");
        error.expected = Some("a key such as `not_null: customer` or `expect: \"amount >= 0\"`".to_owned());
        error.hint = Some("options belong to the check above them: indent them below it, without `- `".to_owned());
        return None;
    };
    fields.node(&kind.text);
    for (key, _) in others().filter(|(key, _)| key.text != kind.text && !misspelt(&key.text)) {
        let message = format!("this check is `{}` and `{}` at once", kind.text, key.text);
        fields.node(&key.text);
        fields.error(key.span, &codes::CHECK, message).hint = Some("start another check with `- `".to_owned());
    }
    let name = fields.string("name");
    if let (Some(name), Some(node)) = (&name, fields.node("name"))
        && (name.trim().is_empty() || name.contains('\n'))
    {
        fields.error(node.span, &codes::WRONG_VALUE, "a check's name is one line of text");
    }
    let filter_span = fields.node("where").map(|node| node.span).unwrap_or_default();
    let filter = fields.string("where");
    let section = fields.string("section");
    let severity = match fields.choice("severity", &["error", "warn"]) {
        Some("warn") => Severity::Warn,
        _ => Severity::Error,
    };
    let error = threshold(&mut fields, "error");
    let warn = threshold(&mut fields, "warn");
    let action = match fields.choice("action", &["reject"]) {
        Some(_) => Action::Reject,
        None => Action::None,
    };
    if planned::CHECKS.contains(&kind.text.as_str()) {
        let place = source.place(kind.span);
        fields.diagnostics().push(planned::not_built(&format!("the check `{}`", kind.text), place));
    }
    fields.finish();
    (diagnostics.0.len() == before).then(|| CheckEntry {
        kind: kind.text.clone(),
        kind_span: kind.span,
        body: body.clone(),
        name,
        filter,
        filter_span,
        section,
        severity,
        error,
        warn,
        action,
        span: item.span,
        source: source.clone(),
    })
}

fn threshold(fields: &mut Fields<'_>, key: &str) -> Option<Threshold> {
    let node = fields.node(key)?;
    let (Value::String(text) | Value::Number(text)) = &node.value else {
        fields.wrong_type(key, node, "a count (`> 10`) or a share (`> 0.1%`)");
        return None;
    };
    match Threshold::parse(text) {
        Ok(threshold) => Some(threshold),
        Err(reason) => {
            fields.error(node.span, &codes::WRONG_VALUE, reason);
            None
        }
    }
}
