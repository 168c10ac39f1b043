//! Variables become typed literals in the tree: bound, never pasted into text.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, TimezoneInfo, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use lockgate_project::SqlText;
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{Diagnostic, Diagnostics};

use super::{RUN_AT, Used, place};
use crate::{Scalar, codes};

/// A diagnostic for each variable that nobody set.
pub(crate) fn unknown_vars(sql: &SqlText, used: &Used, vars: &BTreeMap<String, Scalar>) -> Diagnostics {
    let mut unknown = Diagnostics::default();
    for (name, span) in used.vars.iter().filter(|(name, _)| name != RUN_AT && !vars.contains_key(name)) {
        let diagnostic =
            Diagnostic::error(&codes::UNKNOWN_VARIABLE, format!("unknown variable `${name}`")).at(place(sql, *span));
        let known = || vars.keys().map(String::as_str).chain([RUN_AT]);
        unknown.push(match did_you_mean(name, known()) {
            Some(near) => diagnostic.hint(format!("did you mean `${near}`?")),
            None => diagnostic
                .expected(format!("one of {}", known().map(|v| format!("${v}")).collect::<Vec<_>>().join(", ")))
                .hint(format!("set it in lockgate.yml: `vars: {{ {name}: … }}`")),
        });
    }
    unknown
}

/// Replaces every variable by its value; an unknown one stays, and the planner refuses it.
pub(crate) fn bind<T: VisitMut>(tree: &mut T, vars: &BTreeMap<String, Scalar>, run_at: DateTime<Utc>) {
    // The visitor never breaks.
    let _ = tree.visit(&mut Bind { vars, run_at });
}

struct Bind<'a> {
    vars: &'a BTreeMap<String, Scalar>,
    run_at: DateTime<Utc>,
}

impl VisitorMut for Bind<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(ValueWithSpan { value: Value::Placeholder(text), span }) = expr
            && let Some(name) = text.strip_prefix('$')
        {
            let bound = match self.vars.get(name) {
                _ if name == RUN_AT => Some(run_at(self.run_at, *span)),
                Some(scalar) => Some(literal(scalar, *span)),
                None => None,
            };
            if let Some(bound) = bound {
                *expr = bound;
            }
        }
        ControlFlow::Continue(())
    }
}

fn run_at(at: DateTime<Utc>, span: Span) -> Expr {
    cast(at.to_rfc3339_opts(SecondsFormat::Micros, true), DataType::Timestamp(None, TimezoneInfo::Tz), span)
}

fn literal(scalar: &Scalar, span: Span) -> Expr {
    match scalar {
        Scalar::Bool(value) => value_at(Value::Boolean(*value), span),
        // A bare number may stand where a cast may not, after `limit`; but it has no sign.
        Scalar::Integer(value) if *value >= 0 => value_at(Value::Number(value.to_string(), false), span),
        Scalar::Integer(value) => cast(value.to_string(), DataType::BigInt(None), span),
        Scalar::Double(value) => cast(value.to_string(), DataType::Double(ExactNumberInfo::None), span),
        Scalar::String(value) => value_at(Value::SingleQuotedString(value.clone()), span),
    }
}

fn value_at(value: Value, span: Span) -> Expr {
    Expr::Value(ValueWithSpan { value, span })
}

fn cast(text: String, data_type: DataType, span: Span) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(value_at(Value::SingleQuotedString(text), span)),
        data_type,
        array: false,
        format: None,
    }
}
