//! DataFusion's errors of planning in Lockgate's words.

use datafusion::common::{Column, DataFusionError, SchemaError, Span as DfSpan};
use datafusion::sql::sqlparser::tokenizer::{Location, Span};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Code, Diagnostic};

use crate::codes;
use crate::error::clean;

/// Columns listed in a diagnostic; wider tables are cut.
const LISTED: usize = 20;

/// A diagnostic that has no place yet, and where DataFusion believes it is.
#[derive(Debug)]
pub(crate) struct Explained {
    pub(crate) diagnostic: Diagnostic,
    pub(crate) span: Option<Span>,
    /// The name that is wrong, to be looked for in the text when nothing better is known.
    pub(crate) name: Option<String>,
}

pub(crate) fn explain(error: &DataFusionError) -> Explained {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span).map(parser_span);
    match error.find_root() {
        DataFusionError::SchemaError(schema, _) => schema_error(schema, span),
        DataFusionError::Plan(text) => plan_error(&clean(text), text, span),
        other => plan_error(&clean(&other.strip_backtrace()), "", span),
    }
}

fn schema_error(error: &SchemaError, span: Option<Span>) -> Explained {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => unknown_column(field, valid_fields, span),
        // Of two columns that a select list yields, and not of a reference to one of them.
        SchemaError::AmbiguousReference { field } if span.is_none() && column_span(field).is_none() => {
            duplicate(&field.name, span)
        }
        SchemaError::AmbiguousReference { field } => Explained {
            diagnostic: Diagnostic::error(
                &codes::AMBIGUOUS_COLUMN,
                format!("`{}` is a column of more than one table here", field.name),
            )
            .hint(format!("write which one: `table.{}`", field.name)),
            span: span.or_else(|| column_span(field)),
            name: Some(field.name.clone()),
        },
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            duplicate(name, span)
        }
    }
}

fn duplicate(name: &str, span: Option<Span>) -> Explained {
    let diagnostic = Diagnostic::error(&codes::DUPLICATE_COLUMN, format!("there are two columns `{name}`"))
        .hint("give one of them another name with `as`");
    Explained { diagnostic, span, name: Some(name.to_owned()) }
}

fn unknown_column(field: &Column, valid: &[Column], span: Option<Span>) -> Explained {
    // Of a named table only its own columns are near.
    let table = field.relation.as_ref().map(|relation| relation.table().to_owned());
    let of_table = |column: &&Column| {
        table
            .as_ref()
            .is_none_or(|table| column.relation.as_ref().is_some_and(|relation| relation.table() == table.as_str()))
    };
    let known_table = valid.iter().any(|column| of_table(&column));
    let candidates: Vec<&Column> = valid.iter().filter(|column| !known_table || of_table(column)).collect();
    let message = match &table {
        Some(table) if !known_table => format!("no table `{table}` is in scope for `{table}.{}`", field.name),
        Some(table) => format!("unknown column `{table}.{}`", field.name),
        None => format!("unknown column `{}`", field.name),
    };
    let diagnostic = Diagnostic::error(&codes::UNKNOWN_COLUMN, message);
    let folded =
        candidates.iter().find(|column| column.name != field.name && column.name.eq_ignore_ascii_case(&field.name));
    let near = did_you_mean(&field.name, candidates.iter().map(|column| column.name.as_str()));
    let diagnostic = match (folded, near) {
        (Some(column), _) => {
            diagnostic.hint(format!("did you mean `\"{}\"`? capitals need double quotes", column.name))
        }
        (None, Some(near)) if near != field.name => diagnostic.hint(format!("did you mean `{near}`?")),
        _ => diagnostic,
    };
    let diagnostic = if candidates.is_empty() { diagnostic } else { diagnostic.expected(one_of(&candidates)) };
    Explained { diagnostic, span: span.or_else(|| column_span(field)), name: Some(field.name.clone()) }
}

fn one_of(columns: &[&Column]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for column in columns {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let list = names.join(", ");
    if more > 0 { format!("one of {list} and {more} more") } else { format!("one of {list}") }
}

fn plan_error(line: &str, whole: &str, span: Option<Span>) -> Explained {
    let (code, message, hint, name) = classify(line, whole);
    let diagnostic = Diagnostic::error(code, message);
    Explained {
        diagnostic: match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        },
        span,
        name,
    }
}

/// DataFusion has few kinds of planning errors; their texts tell the rest. The cases under `tests/cases/diagnostics` fail
/// when an upgrade rewords one.
fn classify(line: &str, whole: &str) -> (&'static Code, String, Option<String>, Option<String>) {
    if let Some(name) = between(line, "invalid function '", "'") {
        let near = between(whole, "Did you mean '", "'").map(|near| format!("did you mean `{near}`?"));
        return (&codes::UNKNOWN_FUNCTION, format!("unknown function `{name}`"), near, Some(name.to_owned()));
    }
    if let Some(column) = between(line, "column \"", "\" must appear in the GROUP BY clause") {
        let bare = column.rsplit('.').next().unwrap_or(column);
        let message = format!("`{column}` is neither grouped by nor aggregated");
        let hint = format!("add it to `group by`, or take one value of the group: `max({bare})`");
        return (&codes::GROUPING, message, Some(hint), Some(bare.to_owned()));
    }
    if let Some(name) = between(line, "projections require unique expression names but the expression \"", "\"") {
        let hint = Some("give one of them another name with `as`".to_owned());
        return (&codes::DUPLICATE_COLUMN, format!("two columns come from `{name}`"), hint, None);
    }
    if let Some(function) = between(line, "unction '", "' failed to match any signature") {
        let received =
            between(line, "(DataType: ", ")").map_or_else(String::new, |given| format!(" a value of type {given}"));
        return (&codes::TYPE_MISMATCH, types_in_words(&format!("`{function}` does not take{received}")), None, None);
    }
    if let Some(call) = between(line, "given name and argument types '", "'") {
        return (&codes::TYPE_MISMATCH, types_in_words(&format!("there is no `{call}`")), None, None);
    }
    const TYPES: [&str; 11] = [
        "coerce",
        "infer common argument type",
        "cannot get result type",
        "incompatible",
        "unsupported cast",
        "does not support",
        "expects",
        "no signature matches",
        "must be boolean",
        "non-boolean",
        "type mismatch",
    ];
    let lower = line.to_lowercase();
    if TYPES.iter().any(|sign| lower.contains(sign)) {
        return (&codes::TYPE_MISMATCH, types_in_words(line), None, None);
    }
    (&codes::UNPLANNABLE, line.strip_prefix("internal error: ").unwrap_or(line).to_owned(), None, None)
}

/// `Utf8View` and `Int64` are the engine's words; `string` and `bigint` are ours.
fn types_in_words(text: &str) -> String {
    const NAMES: [(&str, &str); 20] = [
        ("Timestamp(µs, \"UTC\")", "timestamptz"),
        ("Timestamp(ns, \"UTC\")", "timestamptz"),
        ("Timestamp(µs)", "timestamp"),
        ("Timestamp(ns)", "timestamp"),
        ("Decimal128(", "decimal("),
        ("LargeUtf8", "string"),
        ("Utf8View", "string"),
        ("Utf8", "string"),
        ("BinaryView", "binary"),
        ("Binary", "binary"),
        ("Boolean", "boolean"),
        ("UInt64", "bigint"),
        ("UInt32", "bigint"),
        ("Int64", "bigint"),
        ("Int32", "int"),
        ("Int16", "int"),
        ("Float64", "double"),
        ("Float32", "double"),
        ("Date32", "date"),
        ("Null", "null"),
    ];
    NAMES.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let start = text.find(before)? + before.len();
    let rest = text.get(start..)?;
    rest.get(..rest.find(after)?)
}

fn column_span(column: &Column) -> Option<Span> {
    column.spans.first().map(parser_span)
}

fn parser_span(span: DfSpan) -> Span {
    let location = |at: datafusion::common::Location| Location { line: at.line, column: at.column };
    Span { start: location(span.start), end: location(span.end) }
}
