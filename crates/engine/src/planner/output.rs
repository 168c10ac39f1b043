//! What a query yields must be storable: named columns of known types.

use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SelectItem, SetExpr, Spanned};
use datafusion::sql::sqlparser::tokenizer::Span;
use lockgate_types::{Column, DataType, Diagnostic, Diagnostics, Place, Schema};

use super::Resolved;
use crate::codes;
use crate::syntax::{first_word, place};

/// Characters that Delta refuses in names of columns.
const NOT_IN_NAMES: [char; 9] = [' ', ',', ';', '{', '}', '(', ')', '\n', '\t'];

/// The schema of a plan's result, or everything that keeps it from being stored.
pub(super) fn schema(resolved: &Resolved<'_>, plan: &LogicalPlan) -> Result<Schema, Diagnostics> {
    let items = Items { resolved, select: outermost(&resolved.query) };
    let mut wrong = Diagnostics::default();
    let unnamed = items.unnamed(&mut wrong);
    let mut columns: Vec<Column> = Vec::new();
    for (index, field) in plan.schema().fields().iter().enumerate() {
        let name = field.name();
        if !unnamed && (name.is_empty() || name.contains(NOT_IN_NAMES) || name.contains('=')) {
            wrong.push(
                Diagnostic::error(&codes::UNNAMED_COLUMN, format!("`{name}` is no name for a column"))
                    .at(items.place(index, name))
                    .hint("give it a name of letters, digits and `_` with `as`"),
            );
        } else if let Some(other) = columns.iter().find(|column| column.name.to_lowercase() == name.to_lowercase()) {
            let message = if other.name == *name {
                format!("there are two columns `{name}`")
            } else {
                format!("`{}` and `{name}` differ only in capitals", other.name)
            };
            wrong.push(
                Diagnostic::error(&codes::DUPLICATE_COLUMN, message)
                    .at(items.place(index, name))
                    .hint("give one of them another name with `as`"),
            );
        }
        match DataType::from_arrow(field) {
            Ok(DataType::Decimal(_, scale)) if scale < 0 => wrong.push(
                Diagnostic::error(
                    &codes::NO_TYPE,
                    format!("column `{name}`: a decimal of scale {scale} has no place in a table"),
                )
                .at(items.place(index, name))
                .hint("cast it: `::decimal(38,0)`"),
            ),
            Ok(data_type) => columns.push(Column::new(name.clone(), data_type)),
            Err(reason) => wrong.push(
                Diagnostic::error(&codes::NO_TYPE, format!("column `{name}`: {reason}")).at(items.place(index, name)),
            ),
        }
    }
    if wrong.is_empty() { Ok(Schema { columns }) } else { Err(wrong) }
}

/// The select list that names the columns: of a union, the first.
fn outermost(query: &Query) -> Option<&Select> {
    let mut body = &*query.body;
    loop {
        match body {
            SetExpr::Select(select) => return Some(select),
            SetExpr::Query(query) => body = &query.body,
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Values(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => return None,
        }
    }
}

struct Items<'a> {
    resolved: &'a Resolved<'a>,
    select: Option<&'a Select>,
}

impl Items<'_> {
    /// Reports expressions without an alias; whether there were any.
    fn unnamed(&self, wrong: &mut Diagnostics) -> bool {
        let before = wrong.0.len();
        for item in self.select.iter().flat_map(|select| &select.projection) {
            if let SelectItem::UnnamedExpr(expr) = item
                && !matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
            {
                wrong.push(
                    Diagnostic::error(&codes::UNNAMED_COLUMN, "this column has no name")
                        .at(place(self.resolved.sql, item.span()))
                        .hint("give it one with `as`"),
                );
            }
        }
        wrong.0.len() > before
    }

    /// Of the item that yields a column. With `*` in the list the numbers do not agree, and the name is all there is.
    fn place(&self, index: usize, name: &str) -> Place {
        let Some(select) = self.select else { return first_word(self.resolved.sql) };
        let wild = select
            .projection
            .iter()
            .any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)));
        let by_name = || select.projection.iter().rev().find(|item| item_name(item) == Some(name));
        let item = if wild { by_name() } else { select.projection.get(index) };
        let wildcard = || select.projection.iter().find(|item| item_name(item).is_none());
        match item.or_else(wildcard).map(item_span).filter(|span| *span != Span::empty()) {
            Some(span) => place(self.resolved.sql, span),
            None => first_word(self.resolved.sql),
        }
    }
}

fn item_name(item: &SelectItem) -> Option<&str> {
    match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name)) | SelectItem::ExprWithAlias { alias: name, .. } => {
            Some(&name.value)
        }
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(|name| name.value.as_str()),
        SelectItem::UnnamedExpr(_)
        | SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    }
}

/// An alias is the name that a complaint is about.
fn item_span(item: &SelectItem) -> Span {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => alias.span,
        other => other.span(),
    }
}
