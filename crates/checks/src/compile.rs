//! From the checks as written to checks that can run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lockgate_engine::Session;
use lockgate_project::{Action, AssetFile, CheckEntry};
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, DataType, Diagnostic, Diagnostics, Place, Schema, Severity, Threshold};

use crate::Check;
use crate::check::Statement;
use crate::codes::{DOES_NOT_COMPARE, DUPLICATE_NAME, NEEDS_NAME, OPTION_DOES_NOT_FIT, UNKNOWN_CHECK};
use crate::kinds::{CheckKind, KINDS, Parsed, Scope, not_null};
use crate::read::{Reading, indent};

/// What a check may ask about other assets.
pub trait SchemaLookup {
    /// `None` when there is no such asset, or its columns are not known yet.
    fn schema(&self, asset: &AssetName) -> Option<&Schema>;

    /// Whether there is such an asset.
    fn exists(&self, asset: &AssetName) -> bool {
        self.schema(asset).is_some()
    }

    /// The name most like it, for "did you mean".
    fn suggest(&self, asset: &AssetName) -> Option<String>;
}

/// Reads and checks every entry, and adds `required_COLUMN` for each `required` column of the contract. The SQL
/// inside is not planned here: [`plan`] does that.
pub fn compile(asset: &AssetFile, schema: &Schema, lookup: &dyn SchemaLookup) -> Result<Vec<Check>, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    let mut checks = Vec::new();
    for contract in asset.columns.iter().flatten().filter(|contract| contract.column.required) {
        // A contract's column that the schema has not is told where schemas are compared.
        if schema.column(&contract.column.name).is_some() {
            checks.push(required(&contract.column.name, asset.source.place(contract.span)));
        }
    }
    for entry in &asset.checks {
        compile_entry(entry, asset, schema, lookup, &mut checks, &mut diagnostics);
    }
    same_names(&checks, &mut diagnostics);
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(checks) }
}

/// A contract's `required` as a check.
fn required(column: &str, place: Place) -> Check {
    Check {
        name: format!("required_{column}"),
        kind: not_null::NAME,
        columns: vec![column.to_owned()],
        section: None,
        severity: Severity::Error,
        error: Threshold::Rows(0),
        warn: None,
        filter: None,
        action: Action::None,
        filter_place: place.clone(),
        reads: Vec::new(),
        place,
        rule: Arc::new(not_null::NotNullRule { column: column.to_owned() }),
    }
}

fn compile_entry(
    entry: &CheckEntry,
    asset: &AssetFile,
    schema: &Schema,
    lookup: &dyn SchemaLookup,
    checks: &mut Vec<Check>,
    diagnostics: &mut Diagnostics,
) {
    let Some(kind) = KINDS.iter().find(|kind| kind.name() == entry.kind) else {
        diagnostics.push(unknown_kind(entry));
        return;
    };
    let before = diagnostics.0.len();
    let mut reading = Reading { entry, asset: &asset.name, schema, lookup, diagnostics };
    options_fit(*kind, &mut reading);
    let parsed = kind.read(&mut reading);
    if entry.name.is_some() && parsed.len() > 1 {
        let message = format!("one name for {} checks", parsed.len());
        reading.error(entry.span, &OPTION_DOES_NOT_FIT, message, |d| {
            d.hint("write one check for each column, each with its own name, or leave the name out")
        });
    }
    if entry.name.as_ref().is_some_and(|name| name.contains(',')) {
        reading.error(entry.span, &OPTION_DOES_NOT_FIT, "a check's name has no comma", |d| d);
    }
    if reading.diagnostics.0.len() > before {
        // Names and all else of a wrong entry would only be told twice.
        return;
    }
    for Parsed { columns, suffix, rule } in parsed {
        let own_name = if suffix.is_empty() { entry.kind.clone() } else { format!("{}_{suffix}", entry.kind) };
        // Without its own threshold, a check that rejects lets the rest pass.
        let default = if entry.action == Action::Reject { Threshold::Share(1.0) } else { Threshold::Rows(0) };
        checks.push(Check {
            name: entry.name.clone().unwrap_or(own_name),
            kind: kind.name(),
            columns,
            section: entry.section.clone(),
            severity: entry.severity,
            error: entry.error.unwrap_or(default),
            warn: entry.warn,
            filter: entry.filter.clone(),
            action: entry.action,
            place: entry.source.place(entry.span),
            filter_place: entry.source.place(entry.filter_span),
            reads: rule
                .reads()
                .into_iter()
                .filter(|read| *read != asset.name)
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
            rule,
        });
    }
}

fn unknown_kind(entry: &CheckEntry) -> Diagnostic {
    let names = || KINDS.iter().map(|kind| kind.name());
    let mut diagnostic = Diagnostic::error(&UNKNOWN_CHECK, format!("there is no check `{}`", entry.kind))
        .at(entry.source.place(entry.kind_span));
    match did_you_mean(&entry.kind, names()) {
        Some(near) => diagnostic.hint = Some(format!("did you mean `{near}`?")),
        None => diagnostic.expected = Some(format!("one of {}", names().collect::<Vec<_>>().join(", "))),
    }
    diagnostic
}

/// Options that mean nothing for the kind are refused.
fn options_fit(kind: &dyn CheckKind, reading: &mut Reading<'_>) {
    let entry = reading.entry;
    let name = kind.name();
    let scope = kind.scope();
    if scope == Scope::Version && (entry.error.is_some() || entry.warn.is_some()) {
        let message = format!("`{name}` looks at the version as a whole and has no failing rows to count");
        reading.error(entry.span, &OPTION_DOES_NOT_FIT, message, |d| {
            d.hint("leave `error` and `warn` out; `severity: warn` makes it a warning")
        });
    }
    if scope != Scope::Rows && entry.action == Action::Reject {
        let message = format!("`{name}` does not say which rows of the asset fail, so none can be rejected");
        reading.error(entry.span, &OPTION_DOES_NOT_FIT, message, |d| {
            let kinds: Vec<&str> = KINDS.iter().filter(|k| k.scope() == Scope::Rows).map(|k| k.name()).collect();
            d.expected(format!("`action: reject` on one of {}", kinds.join(", ")))
        });
    }
    if scope == Scope::Query && entry.filter.is_some() {
        let span = if entry.filter_span.line > 0 { entry.filter_span } else { entry.span };
        let message = format!("`{name}` says itself which rows it looks at");
        reading.error(span, &OPTION_DOES_NOT_FIT, message, |d| d.hint("put the condition into the query"));
    }
}

fn same_names(checks: &[Check], diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<&str, &Check> = BTreeMap::new();
    for check in checks {
        let Some(first) = seen.get(check.name.as_str()) else {
            seen.insert(&check.name, check);
            continue;
        };
        let line = first.place.line;
        let unnamed = check.name == check.kind && matches!(check.kind, "expect" | "sql");
        diagnostics.push(if unnamed {
            Diagnostic::error(&NEEDS_NAME, format!("a second `{}` needs a `name`", check.kind))
                .at(check.place.clone())
                .hint(format!("the one on line {line} is called `{}`", check.name))
        } else {
            Diagnostic::error(&DUPLICATE_NAME, format!("two checks are called `{}`", check.name))
                .at(check.place.clone())
                .hint(format!("the other one is on line {line}: give one of them a `name` of its own"))
        });
    }
}

/// Type-checks all SQL of the checks (`expect`, `where`, the measures of `parity` and `change`, `sql`). The asset
/// and all that its checks read are registered in the session, empty or not.
pub async fn plan(checks: &[Check], asset: &AssetName, session: &Session) -> Result<(), Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    for check in checks {
        for (predicate, place) in check.predicates() {
            if let Err(found) = session.plan_predicate(asset, &predicate, place).await {
                diagnostics.extend(found);
            }
        }
        plan_statements(&check.rule.statements(asset), check, session, &mut diagnostics).await;
    }
    // `not_null: [a, b]` with a wrong `where` says so once.
    let mut once: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics {
        if !once.contains(&diagnostic) {
            once.push(diagnostic);
        }
    }
    let diagnostics = Diagnostics(once);
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(()) }
}

async fn plan_statements(statements: &[Statement], check: &Check, session: &Session, diagnostics: &mut Diagnostics) {
    let mut kinds: BTreeMap<usize, &'static str> = BTreeMap::new();
    for statement in statements {
        let planned = match session.plan(&statement.sql).await {
            Ok(planned) => planned,
            Err(found) => {
                diagnostics.extend(found.into_iter().map(|diagnostic| match &statement.place {
                    Some(place) => diagnostic.at(place.clone()),
                    None => indent(diagnostic, &statement.sql),
                }));
                continue;
            }
        };
        let Some(group) = statement.comparable else { continue };
        let Some(this) = planned.schema.columns.first().map(|column| class(&column.data_type)) else { continue };
        let Some(other) = kinds.get(&group) else {
            kinds.insert(group, this);
            continue;
        };
        if *other != this {
            let message = format!("this is {other} on one side and {this} on the other");
            let place = statement.place.clone().unwrap_or_else(|| check.place.clone());
            diagnostics.push(Diagnostic::error(&DOES_NOT_COMPARE, message).at(place).hint("cast one of the two"));
        }
    }
}

/// Types that compare with each other have the same class.
pub(crate) fn class(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int | DataType::Bigint | DataType::Double | DataType::Decimal(..) => "number",
        DataType::String | DataType::Json => "text",
        DataType::Binary => "binary",
        DataType::Date => "day",
        DataType::Timestamp | DataType::Timestamptz => "instant",
        DataType::List(_) => "list",
        DataType::Struct(_) => "struct",
    }
}
