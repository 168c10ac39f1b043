//! One walk over the tree: which tables, variables and functions it names, and what is not allowed.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, SetExpr, Spanned, Statement, TableFactor, Value, ValueWithSpan, Visit, Visitor,
};
use datafusion::sql::sqlparser::tokenizer::{Span, Token};
use lockgate_project::SqlText;
use lockgate_types::diagnostic::did_you_mean;
use lockgate_types::{AssetName, Diagnostic, Diagnostics};

use super::{MAX_DEPTH, place, too_large, words};
use crate::codes;

/// Table functions that read nothing but their arguments.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// Which table names are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// Names of assets and of their rejects tables.
    Assets,
    /// Any `schema.table`: sessions hold tables that are no assets.
    Any,
}

/// A table's name as the statement uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) span: Span,
}

impl TableName {
    pub(crate) fn asset(&self) -> Option<AssetName> {
        format!("{}.{}", self.schema, self.table).parse().ok()
    }
}

/// Everything a statement names.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// Each once, in the order of their first use.
    pub(crate) tables: Vec<TableName>,
    /// Without `$`; each once, in the order of their first use.
    pub(crate) vars: Vec<(String, Span)>,
    pub(crate) functions: BTreeSet<String>,
}

/// Walks a query; what is not allowed is reported all at once.
pub(crate) fn visit<T: Visit>(sql: &SqlText, tree: &T, names: Names) -> Result<Used, Diagnostics> {
    let mut walk = Walk {
        sql,
        names,
        used: Used::default(),
        ctes: Vec::new(),
        skip: None,
        depth: 0,
        wrong: Diagnostics::default(),
    };
    if tree.visit(&mut walk).is_break() {
        return Err(too_large(sql).into());
    }
    if walk.wrong.is_empty() { Ok(walk.used) } else { Err(walk.wrong) }
}

struct Walk<'a> {
    sql: &'a SqlText,
    names: Names,
    used: Used,
    /// The CTEs in scope, one list for each query around.
    ctes: Vec<Vec<String>>,
    /// The name of a table function, which is no table: its visit comes next.
    skip: Option<Span>,
    depth: usize,
    wrong: Diagnostics,
}

impl Walk<'_> {
    fn refuse(&mut self, span: Span, message: impl Into<String>, hint: &str) {
        let diagnostic = Diagnostic::error(&codes::NOT_ALLOWED, message).at(place(self.sql, span));
        self.wrong.push(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
    }

    fn table_function(&mut self, name: &ObjectName) {
        let text = name.to_string().to_lowercase();
        self.used.functions.insert(text.clone());
        if TABLE_FUNCTIONS.contains(&text.as_str()) {
            return;
        }
        let diagnostic =
            Diagnostic::error(&codes::NOT_ALLOWED, format!("the table function `{text}` is not known here"))
                .at(place(self.sql, name.span()))
                .expected(format!("a table, or one of {}", TABLE_FUNCTIONS.join(", ")));
        self.wrong.push(diagnostic.hint("files are read by assets of kind `source`; SQL reads assets"));
    }

    fn table(&mut self, name: &ObjectName) {
        let span = name.span();
        let parts: Vec<_> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        match parts[..] {
            [cte] if self.ctes.iter().flatten().any(|known| *known == cte.value) => {}
            [alone] => {
                let looks_like_path = alone.value.contains(['/', '.', '\\']) || alone.quote_style == Some('\'');
                if looks_like_path {
                    let span = if span == Span::empty() { literal(self.sql, &alone.value) } else { span };
                    self.refuse(
                        span,
                        format!("a file is not a table: `{}`", alone.value),
                        "files are read by assets of kind `source`; SQL reads assets",
                    );
                    return;
                }
                let diagnostic = Diagnostic::error(
                    &codes::TABLE_NAME,
                    format!("`{}` is neither a table nor a CTE of this query", alone.value),
                )
                .at(place(self.sql, span))
                .expected("`schema.table`, or the name of a CTE");
                let near =
                    did_you_mean(&alone.value, self.ctes.iter().flatten().map(String::as_str)).map(str::to_owned);
                self.wrong.push(match near {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None => diagnostic,
                });
            }
            [schema, table] => {
                let found = TableName { schema: schema.value.clone(), table: table.value.clone(), span };
                if self.names == Names::Assets
                    && let Err(error) = format!("{}.{}", found.schema, found.table).parse::<AssetName>()
                {
                    self.wrong.push(Diagnostic::error(&codes::TABLE_NAME, error.to_string()).at(place(self.sql, span)));
                    return;
                }
                if !self.used.tables.iter().any(|known| known.schema == found.schema && known.table == found.table) {
                    self.used.tables.push(found);
                }
            }
            _ => {
                let message = format!("`{name}` has {} parts", name.0.len());
                self.wrong.push(
                    Diagnostic::error(&codes::TABLE_NAME, message).at(place(self.sql, span)).expected("`schema.table`"),
                );
            }
        }
    }
}

/// How deep the tree of a query's unions, excepts and intersects is: a chain of them is one level for each.
fn set_depth(body: &SetExpr) -> usize {
    let mut deepest = 0;
    let mut open = vec![(body, 1)];
    while let Some((body, depth)) = open.pop() {
        deepest = deepest.max(depth);
        if let SetExpr::SetOperation { left, right, .. } = body {
            open.extend([(&**left, depth + 1), (&**right, depth + 1)]);
        }
    }
    deepest
}

/// Where a quoted text stands first.
fn literal(sql: &SqlText, text: &str) -> Span {
    let mut tokens = words(sql).into_iter();
    let found = tokens.find(|token| matches!(&token.token, Token::SingleQuotedString(value) if value == text));
    found.map_or(Span::empty(), |token| token.span)
}

impl Visitor for Walk<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if set_depth(&query.body) > MAX_DEPTH {
            return ControlFlow::Break(());
        }
        let ctes = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| cte.alias.name.value.clone());
        self.ctes.push(ctes.collect());
        if !query.locks.is_empty() {
            self.refuse(query.span(), "a query here locks nothing", "take `for update` or `for share` away");
        }
        if !query.pipe_operators.is_empty() {
            self.refuse(
                query.span(),
                "pipe operators are not understood",
                "write the query with select, from and where",
            );
        }
        match &*query.body {
            SetExpr::Table(_) => {
                self.refuse(query.body.span(), "`table NAME` is not understood", "write `select * from schema.table`");
            }
            // Those that change something are statements, and refused as such.
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {}
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::SetOperation { .. } | SetExpr::Values(_) => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.ctes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if let Some(into) = &select.into {
            self.refuse(
                into.name.span(),
                "`select … into` writes a table",
                "what the query yields is what the asset holds",
            );
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            // The planner would pass over these without a word.
            TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
                self.refuse(factor.span(), "`tablesample` is not understood", "");
            }
            TableFactor::Table { with_ordinality: true, .. } => {
                self.refuse(factor.span(), "`with ordinality` is not understood", "use `row_number() over ()`");
            }
            TableFactor::Table { with_hints, partitions, version, json_path, index_hints, .. }
                if !with_hints.is_empty()
                    || !partitions.is_empty()
                    || version.is_some()
                    || json_path.is_some()
                    || !index_hints.is_empty() =>
            {
                self.refuse(factor.span(), "what follows this table's name is not understood", "");
            }
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => {
                self.skip = Some(name.span());
                self.table_function(name);
            }
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::UNNEST { .. } => {}
            other => self.refuse(other.span(), "this kind of table expression is not understood", ""),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        if self.skip.take() != Some(relation.span()) {
            self.table(relation);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        // A query's own statement was looked at before; any other one stands inside a query.
        if !matches!(statement, Statement::Query(_)) {
            self.refuse(statement.span(), "a query here changes nothing", "write a SELECT");
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return ControlFlow::Break(());
        }
        if let Expr::Function(function) = expr {
            self.used.functions.insert(function.name.to_string().to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, _expr: &Expr) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<()> {
        if let Value::Placeholder(text) = &value.value {
            match text.strip_prefix('$') {
                Some(name) if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => {
                    if !self.used.vars.iter().any(|(known, _)| known == name) {
                        self.used.vars.push((name.to_owned(), value.span));
                    }
                }
                _ => self.refuse(value.span, format!("`{text}` is not a variable"), "variables are named: `$since`"),
            }
        }
        ControlFlow::Continue(())
    }
}
