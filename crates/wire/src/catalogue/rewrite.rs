//! From SQL as tools send it to the catalogue to SQL that DataFusion plans.
//!
//! * A select that joins a table which never holds anything (keys, triggers, policies, …) has no rows, whatever else stands
//!   in it: it becomes one that says so. Most of what is exotic in tools' queries stands in such selects.
//! * `'mart.daily'::regclass` becomes the table's number, `oid::regclass` a function that names it.
//! * `pg_catalog.` before functions, types and operators, and `collate`, are taken away.
//! * Columns without a name get PostgreSQL's, each another one.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Array, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, JoinOperator, LimitClause, ObjectName, ObjectNamePart,
    Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, TableFactor, TableWithJoins, Value, Visit,
    VisitMut, Visitor, VisitorMut,
};

use super::listing::Listing;
use super::{functions, qualifier, relations, tables, text};
use crate::codes;
use crate::failure::Failure;

pub(super) fn rewritten(mut query: Query, listing: &Listing) -> Result<Query, Failure> {
    let mut rewrite = Rewrite { listing, wrong: None };
    // The visitor never breaks.
    let _ = VisitMut::visit(&mut query, &mut rewrite);
    match rewrite.wrong {
        None => Ok(query),
        Some(wrong) => Err(wrong),
    }
}

struct Rewrite<'a> {
    listing: &'a Listing,
    wrong: Option<Failure>,
}

/// The number that Postgres would know a name by.
type NumberOf = fn(&Listing, &str) -> Option<i64>;

impl VisitorMut for Rewrite<'_> {
    type Break = ();

    /// A database before schema and table is this one.
    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        if relation.0.len() == 3 {
            relation.0.remove(0);
        }
        if let [ObjectNamePart::Identifier(schema), _] = &relation.0[..]
            && schema.value.eq_ignore_ascii_case(super::PG_CATALOG)
            && ["generate_series", "unnest"].contains(&text(relation).as_str())
        {
            relation.0.remove(0);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_columns(select);
        if has_no_rows(select) {
            select.projection = std::mem::take(&mut select.projection).into_iter().map(nothing).collect();
            select.from = Vec::new();
            select.selection = Some(boolean(false));
            select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
            select.having = None;
            select.distinct = None;
            select.sort_by = Vec::new();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if is_nothing(&query.body) {
            query.order_by = None;
            query.limit_clause = None;
        }
        ControlFlow::Continue(())
    }

    /// `'mart.daily'::regclass::text` is the name again, as it is written best.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Cast { expr: inner, data_type: DataType::Text | DataType::Varchar(_), .. } = expr
            && let Expr::Cast { expr: named, data_type: DataType::Regclass, .. } = inner.as_mut()
            && let Some(number) = literal(named).and_then(|name| functions::relation_oid(self.listing, &name))
        {
            **inner = function(functions::NAME_OF_RELATION, Box::new(number_expr(number)));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match self.expression(expr) {
            Ok(Some(new)) => *expr = new,
            Ok(None) => {}
            Err(failure) => self.wrong = Some(failure),
        }
        ControlFlow::Continue(())
    }
}

impl Rewrite<'_> {
    /// What an expression becomes; `None` when it stays.
    fn expression(&self, expr: &mut Expr) -> Result<Option<Expr>, Failure> {
        Ok(match expr {
            Expr::Collate { expr, .. } => Some(std::mem::replace(expr.as_mut(), *null())),
            Expr::BinaryOp { op, .. } => {
                if let BinaryOperator::PGCustomBinaryOperator(parts) = op
                    && let Some(known) = parts.last().and_then(|name| operator(name))
                {
                    *op = known;
                }
                None
            }
            Expr::Cast { expr, data_type, kind, .. } => {
                // Every cast is one, however it is written.
                *kind = CastKind::Cast;
                self.cast(expr, data_type)?
            }
            Expr::Function(function) => call(function),
            Expr::Subquery(query) if is_nothing(&query.body) => Some(*null()),
            Expr::Subquery(query) => {
                first_row(query);
                None
            }
            Expr::Exists { subquery, negated } if is_nothing(&subquery.body) => Some(boolean(*negated)),
            Expr::InSubquery { subquery, negated, .. } if is_nothing(&subquery.body) => Some(boolean(*negated)),
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => {
                let list = match right.as_mut() {
                    Expr::Subquery(query) => {
                        query.limit_clause = None;
                        let (expr, subquery) = (std::mem::replace(left, null()), query.clone());
                        return Ok(Some(Expr::InSubquery { expr, subquery, negated: false }));
                    }
                    Expr::Array(array) => Some(std::mem::take(&mut array.elem)),
                    Expr::Nested(nested) => items(nested),
                    text => items(text),
                };
                list.map(|list| match list.is_empty() {
                    true => boolean(false),
                    false => Expr::InList { expr: std::mem::replace(left, null()), list, negated: false },
                })
            }
            _ => None,
        })
    }

    fn cast(&self, inner: &mut Box<Expr>, data_type: &mut DataType) -> Result<Option<Expr>, Failure> {
        // `(x)::regclass`
        while let Expr::Nested(nested) = inner.as_mut() {
            *inner = std::mem::replace(nested, null());
        }
        if let DataType::Array(ArrayElemTypeDef::SquareBracket(item, _)) = data_type {
            if let Some(plain) = plain_type(item) {
                **item = plain;
            }
            return Ok(items(inner).map(|elem| Expr::Array(Array { elem, named: true })));
        }
        let name = match data_type {
            DataType::Regclass => "regclass".to_owned(),
            DataType::Custom(name, _) => text(name),
            _ => return Ok(None),
        };
        // Of a name the number, of a number the name.
        let by_name: Option<(NumberOf, &str)> = match name.as_str() {
            "regclass" => Some((functions::relation_oid, functions::NAME_OF_RELATION)),
            "regtype" => Some((|_, name| tables::type_oid(name), functions::NAME_OF_TYPE)),
            "regnamespace" => Some((schema_oid, functions::NAME_OF_SCHEMA)),
            _ => None,
        };
        if let Some((number_of, name_of)) = by_name {
            if let Some(text) = literal(inner) {
                if let Ok(number) = text.parse::<i64>() {
                    return Ok(Some(number_expr(number)));
                }
                let number = number_of(self.listing, &text).ok_or_else(|| {
                    let message = format!("\"{text}\" does not exist");
                    Failure::new("42P01", &codes::CATALOGUE, message)
                })?;
                return Ok(Some(number_expr(number)));
            }
            return Ok(Some(function(name_of, std::mem::replace(inner, null()))));
        }
        if name.starts_with("reg") {
            *data_type = DataType::Text;
        } else if name.ends_with("vector") {
            return Ok(Some(*std::mem::replace(inner, null())));
        } else if let Some(plain) = plain_type(data_type) {
            // `x::regclass::oid` is x.
            if matches!(plain, DataType::BigInt(_))
                && let Expr::Function(named) = inner.as_mut()
                && text(&named.name).starts_with("lockgate_")
                && let FunctionArguments::List(list) = &mut named.args
                && let [FunctionArg::Unnamed(FunctionArgExpr::Expr(number))] = &mut list.args[..]
            {
                return Ok(Some(std::mem::replace(number, *null())));
            }
            *data_type = plain;
        }
        Ok(None)
    }
}

fn schema_oid(listing: &Listing, name: &str) -> Option<i64> {
    if name == super::PG_CATALOG {
        return Some(11);
    }
    listing.schemas.iter().find(|(known, _)| known == name).map(|(_, oid)| i64::from(*oid))
}

/// PostgreSQL's own names of types, with or without their schema.
fn plain_type(data_type: &DataType) -> Option<DataType> {
    let DataType::Custom(name, _) = data_type else { return None };
    Some(match text(name).as_str() {
        "oid" | "xid" | "xid8" | "cid" | "int8" | "bigint" | "cardinal_number" => DataType::BigInt(None),
        "int4" | "integer" | "int" => DataType::Integer(None),
        "int2" | "smallint" => DataType::SmallInt(None),
        "bool" | "boolean" => DataType::Boolean,
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        "date" => DataType::Date,
        "timestamptz" | "timestamp" => DataType::Timestamp(None, datafusion::sql::sqlparser::ast::TimezoneInfo::None),
        "name" | "char" | "bpchar" | "text" | "varchar" | "cstring" | "sql_identifier" | "character_data"
        | "yes_or_no" | "aclitem" | "pg_node_tree" | "json" | "jsonb" | "xml" | "inet" | "uuid" | "pg_lsn"
        | "anyarray" | "unknown" => DataType::Text,
        _ => return None,
    })
}

fn operator(name: &str) -> Option<BinaryOperator> {
    Some(match name {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        ">" => BinaryOperator::Gt,
        "<=" => BinaryOperator::LtEq,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "||" => BinaryOperator::StringConcat,
        _ => return None,
    })
}

fn call(function: &mut Function) -> Option<Expr> {
    if qualifier(&function.name)
        .is_some_and(|schema| [super::PG_CATALOG, super::INFORMATION_SCHEMA].contains(&schema.as_str()))
        && let Some(last) = function.name.0.pop()
    {
        function.name = ObjectName(vec![last]);
    }
    let name = text(&function.name);
    match &mut function.args {
        FunctionArguments::Subquery(query) if name == "array" => {
            if is_nothing(&query.body) {
                let texts = DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(DataType::Text), None));
                return Some(cast(null(), texts));
            }
            // `array(select x from …)` is an aggregate of its rows.
            query.order_by = None;
            if let SetExpr::Select(select) = query.body.as_mut()
                && let [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }] =
                    &mut select.projection[..]
            {
                *expr = self::function("array_agg", Box::new(expr.clone()));
                return Some(Expr::Subquery(query.clone()));
            }
            None
        }
        // `current_user` has no parentheses.
        FunctionArguments::None if functions::is_known(&name) => {
            function.args = FunctionArguments::List(FunctionArgumentList {
                duplicate_treatment: None,
                args: Vec::new(),
                clauses: Vec::new(),
            });
            None
        }
        FunctionArguments::List(_) if name == "array_upper" => {
            function.name = ObjectName(vec![ObjectNamePart::Identifier(Ident::new("array_length"))]);
            // Without a sign, which `generate_series` does not take.
            Some(cast(Box::new(Expr::Function(function.clone())), DataType::BigInt(None)))
        }
        _ => None,
    }
}

/// A scalar subquery has one row, and is cut there where it does not say so itself.
fn first_row(query: &mut Query) {
    if query.limit_clause.is_none()
        && let SetExpr::Select(select) = query.body.as_ref()
        && !aggregates(select)
        && !select.from.is_empty()
    {
        let limit = Some(number_expr(1));
        query.limit_clause = Some(LimitClause::LimitOffset { limit, offset: None, limit_by: Vec::new() });
    }
}

/// Whether a select joins, so that both sides have to match, something that never has rows.
fn has_no_rows(select: &Select) -> bool {
    let named = select
        .projection
        .iter()
        .all(|item| matches!(item, SelectItem::ExprWithAlias { .. } | SelectItem::UnnamedExpr(_)));
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    named && (grouped || !aggregates(select)) && select.from.iter().any(joins_nothing)
}

fn joins_nothing(from: &TableWithJoins) -> bool {
    let inner = |operator: &JoinOperator| {
        matches!(operator, JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_))
    };
    let outer = |operator: &JoinOperator| matches!(operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
    let keeps_left = from.joins.iter().all(|join| inner(&join.join_operator) || outer(&join.join_operator));
    keeps_left
        && (is_empty(&from.relation)
            || from.joins.iter().any(|join| inner(&join.join_operator) && is_empty(&join.relation)))
}

fn is_empty(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Table { name, args: None, .. } => {
            let of_catalogue = qualifier(name)
                .is_none_or(|schema| [super::PG_CATALOG, super::INFORMATION_SCHEMA].contains(&schema.as_str()));
            of_catalogue && relations::is_empty(&text(name))
        }
        // Arrays in the catalogue's columns are null, all of them.
        TableFactor::Table { name, args: Some(arguments), .. } => {
            let of_column = |argument: &FunctionArg| {
                matches!(
                    argument,
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)))
                )
            };
            text(name) == "unnest" && arguments.args.iter().all(of_column)
        }
        TableFactor::Derived { subquery, .. } => is_nothing(&subquery.body),
        TableFactor::NestedJoin { table_with_joins, .. } => joins_nothing(table_with_joins),
        _ => false,
    }
}

/// Whether a query became one without rows.
fn is_nothing(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(select) => {
            select.from.is_empty()
                && matches!(&select.selection, Some(Expr::Value(value)) if value.value == Value::Boolean(false))
        }
        SetExpr::SetOperation { left, right, .. } => is_nothing(left) && is_nothing(right),
        SetExpr::Query(query) => is_nothing(&query.body),
        _ => false,
    }
}

/// Whether a select's columns call an aggregate, by its name.
fn aggregates(select: &Select) -> bool {
    let mut found = Aggregates::default();
    // The visitor never breaks.
    for item in &select.projection {
        let _ = item.visit(&mut found);
    }
    found.any || select.having.is_some()
}

#[derive(Default)]
struct Aggregates {
    /// Within how many subqueries, whose aggregates are their own.
    depth: usize,
    any: bool,
}

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        const AGGREGATES: &[&str] = &[
            "count",
            "sum",
            "min",
            "max",
            "avg",
            "array_agg",
            "string_agg",
            "bool_and",
            "bool_or",
            "every",
            "json_agg",
        ];
        if let Expr::Function(function) = expr {
            self.any |= self.depth == 0 && AGGREGATES.contains(&text(&function.name).as_str());
        }
        ControlFlow::Continue(())
    }
}

/// A column of a select without rows.
fn nothing(item: SelectItem) -> SelectItem {
    let alias = match item {
        SelectItem::ExprWithAlias { alias, .. } => alias,
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => name,
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(mut parts)) => {
            parts.pop().unwrap_or_else(|| Ident::new("?column?"))
        }
        other => return other,
    };
    SelectItem::ExprWithAlias { expr: cast(null(), DataType::Text), alias }
}

/// Gives a name of its own to every column that is not just one of a table's.
fn name_columns(select: &mut Select) {
    let mut taken = HashSet::new();
    let mut seen = HashSet::new();
    // `c.oid, c.*` has a column twice: the first is called `oid_1`, and a tool that asks for `oid` finds the other.
    let wildcards: Vec<Option<String>> = select.projection.iter().filter_map(wildcard).collect();
    for item in &mut select.projection {
        let wanted = match item {
            SelectItem::ExprWithAlias { alias, .. } => {
                taken.insert(alias.value.clone());
                continue;
            }
            SelectItem::UnnamedExpr(expr @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))) => {
                let of = match expr {
                    Expr::CompoundIdentifier(parts) => parts.iter().rev().nth(1).map(|of| of.value.to_lowercase()),
                    _ => None,
                };
                let again = wildcards.iter().any(|wildcard| wildcard.is_none() || *wildcard == of);
                // The same column twice is the only trouble.
                if seen.insert(expr.to_string()) && !again {
                    taken.extend(column_name(expr));
                    continue;
                }
                if again {
                    taken.extend(column_name(expr));
                }
                column_name(expr)
            }
            SelectItem::UnnamedExpr(expr) => column_name(expr),
            _ => continue,
        };
        let wanted = wanted.unwrap_or_else(|| "?column?".to_owned());
        let mut name = wanted.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        if let SelectItem::UnnamedExpr(expr) = item {
            let expr = std::mem::replace(expr, *null());
            *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
        }
    }
}

/// The table of a wildcard; `Some(None)` is all tables'.
fn wildcard(item: &SelectItem) -> Option<Option<String>> {
    match item {
        SelectItem::Wildcard(_) => Some(None),
        SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => Some(Some(text(name))),
        _ => None,
    }
}

/// As PostgreSQL names a column; `None` where it has no idea.
pub(super) fn column_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(name.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.clone()),
        Expr::Function(function) => Some(text(&function.name)),
        Expr::Cast { expr, data_type, .. } => column_name(expr).or_else(|| match data_type {
            DataType::Custom(name, _) => Some(text(name)),
            other => Some(other.to_string().to_lowercase()),
        }),
        Expr::Case { .. } => Some("case".to_owned()),
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Nested(expr) | Expr::Collate { expr, .. } => column_name(expr),
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match &select.projection[..] {
                [SelectItem::ExprWithAlias { alias, .. }] => Some(alias.value.clone()),
                [SelectItem::UnnamedExpr(expr)] => column_name(expr),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn cast(expr: Box<Expr>, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr, data_type, array: false, format: None }
}

fn null() -> Box<Expr> {
    Box::new(Expr::Value(Value::Null.into()))
}

fn boolean(value: bool) -> Expr {
    Expr::Value(Value::Boolean(value).into())
}

fn string(value: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(value.to_owned()).into())
}

fn number_expr(number: i64) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).into())
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::Number(text, _) => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The elements of `'{a,b}'`.
fn items(expr: &Expr) -> Option<Vec<Expr>> {
    let text = literal(expr)?;
    let items = text.strip_prefix('{')?.strip_suffix('}')?.split(',').map(str::trim).filter(|item| !item.is_empty());
    Some(items.map(|item| string(item.trim_matches('"'))).collect())
}

fn function(name: &str, argument: Box<Expr>) -> Expr {
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(*argument))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
