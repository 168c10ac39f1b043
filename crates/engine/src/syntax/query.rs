//! What a person types: `lockgate query`. Assets, system tables, and single assets at a version.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::Ident;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, ObjectName, ObjectNamePart, Query, Spanned, TableAlias, TableFactor, Value,
    VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::{Location, Token};
use lockgate_project::{Source, SqlText};
use lockgate_types::{AssetName, Diagnostic, Diagnostics, VersionNumber};

use super::{Names, deep, place, read, tokens, visit};
use crate::codes;

/// The schema of the tables that `version('mart.daily', 3)` is rewritten to.
pub const VERSIONS_SCHEMA: &str = "lockgate_versions";
/// The schema of the system tables.
const SYSTEM_SCHEMA: &str = "lockgate";

/// A query and what it needs before it can be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedQuery {
    /// What the session is given: the query as it was typed, with the name of a table in the place of each `version(…)`.
    pub rewritten: String,
    /// Assets and rejects tables, at their live versions.
    pub tables: Vec<AssetName>,
    /// The asset, its version, and the table that it was rewritten to in schema [`VERSIONS_SCHEMA`].
    pub versions: Vec<(AssetName, VersionNumber, String)>,
    /// Names of `lockgate.*` tables, without the schema.
    pub system: Vec<String>,
}

/// Reads a query; places in diagnostics are in a file called `query`.
pub fn parse_query(sql: &str) -> Result<ParsedQuery, Diagnostics> {
    let text = typed(sql);
    deep(sql.len(), || {
        let mut query = read(&text)?;
        let rewrite = rewrite_versions(&text, &mut query)?;
        let used = visit(&text, &query, Names::Any)?;
        let mut parsed = ParsedQuery {
            rewritten: replaced(&text, &rewrite.calls)?,
            tables: Vec::new(),
            versions: rewrite.versions,
            system: Vec::new(),
        };
        let mut wrong = Diagnostics::default();
        for table in &used.tables {
            if table.schema == VERSIONS_SCHEMA {
                continue;
            }
            if table.schema == SYSTEM_SCHEMA {
                parsed.system.push(table.table.clone());
                continue;
            }
            match format!("{}.{}", table.schema, table.table).parse() {
                Ok(name) => parsed.tables.push(name),
                Err(error) => wrong.push(
                    Diagnostic::error(&codes::TABLE_NAME, lockgate_types::NameError::to_string(&error))
                        .at(place(&text, table.span)),
                ),
            }
        }
        if wrong.is_empty() { Ok(parsed) } else { Err(wrong) }
    })
}

/// SQL that stands in no file.
pub(crate) fn typed(sql: &str) -> SqlText {
    let source = Source { file: PathBuf::from("query"), text: sql.to_owned() };
    SqlText { source: Arc::new(source), sql: sql.to_owned(), first_line: 1 }
}

/// The text with each call replaced; everything else stays as it was typed, literals above all.
fn replaced(sql: &SqlText, calls: &[(Location, String)]) -> Result<String, Diagnostics> {
    if calls.is_empty() {
        return Ok(sql.sql.clone());
    }
    let tokens = tokens(sql)?;
    let mut text = String::with_capacity(sql.sql.len());
    let mut rest = Characters::of(&sql.sql);
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        let Some((_, table)) = calls.iter().find(|(start, _)| *start == token.span.start) else { continue };
        text.push_str(rest.up_to(token.span.start));
        text.push_str(table);
        let mut open = 0_usize;
        for token in tokens.by_ref() {
            match token.token {
                Token::LParen => open += 1,
                Token::RParen => open = open.saturating_sub(1),
                _ => continue,
            }
            if open == 0 {
                rest.up_to(token.span.end);
                break;
            }
        }
    }
    text.push_str(rest.text);
    Ok(text)
}

/// A text that is walked through by the parser's lines and columns, which count characters from 1.
struct Characters<'a> {
    text: &'a str,
    line: u64,
    column: u64,
}

impl<'a> Characters<'a> {
    fn of(text: &'a str) -> Self {
        Characters { text, line: 1, column: 1 }
    }

    /// What stands between here and there.
    fn up_to(&mut self, end: Location) -> &'a str {
        let mut length = self.text.len();
        for (index, character) in self.text.char_indices() {
            if (self.line, self.column) == (end.line, end.column) {
                length = index;
                break;
            }
            if character == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        let (passed, rest) = self.text.split_at(length);
        self.text = rest;
        passed
    }
}

fn rewrite_versions<'a>(sql: &'a SqlText, query: &mut Query) -> Result<Rewrite<'a>, Diagnostics> {
    let mut rewrite = Rewrite { sql, versions: Vec::new(), calls: Vec::new(), wrong: Diagnostics::default() };
    // The visitor never breaks.
    let _ = query.visit(&mut rewrite);
    if rewrite.wrong.is_empty() { Ok(rewrite) } else { Err(rewrite.wrong) }
}

struct Rewrite<'a> {
    sql: &'a SqlText,
    versions: Vec<(AssetName, VersionNumber, String)>,
    /// Where each call begins, and what stands in its place.
    calls: Vec<(Location, String)>,
    wrong: Diagnostics,
}

impl VisitorMut for Rewrite<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, args, .. } = factor else { return ControlFlow::Continue(()) };
        let Some(arguments) = args.as_ref().filter(|_| name.to_string() == "version") else {
            return ControlFlow::Continue(());
        };
        let Some((asset, number)) = asset_and_number(&arguments.args) else {
            self.wrong.push(
                Diagnostic::error(&codes::NOT_ALLOWED, "`version` takes the name of an asset and a number")
                    .at(place(self.sql, name.span()))
                    .expected("version('schema.table', 3)"),
            );
            return ControlFlow::Continue(());
        };
        let table = format!("{}__{}__{number}", asset.schema(), asset.table());
        let mut standing = format!("\"{VERSIONS_SCHEMA}\".\"{table}\"");
        if alias.is_none() {
            standing = format!("{standing} AS {}", Ident::with_quote('"', asset.table()));
            *alias =
                Some(TableAlias { explicit: true, name: Ident::new(asset.table()), columns: Vec::new(), at: None });
        }
        let span = name.span();
        let part = |text: &str| ObjectNamePart::Identifier(Ident { span, ..Ident::with_quote('"', text) });
        *name = ObjectName(vec![part(VERSIONS_SCHEMA), part(&table)]);
        *args = None;
        self.calls.push((span.start, standing));
        if !self.versions.iter().any(|(_, _, known)| *known == table) {
            self.versions.push((asset, number, table));
        }
        ControlFlow::Continue(())
    }
}

fn asset_and_number(arguments: &[FunctionArg]) -> Option<(AssetName, VersionNumber)> {
    let [name, number] = arguments else { return None };
    let value = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => Some(value.value.clone()),
        _ => None,
    };
    match (value(name)?, value(number)?) {
        (Value::SingleQuotedString(name), Value::Number(number, _)) => {
            Some((name.parse().ok()?, VersionNumber(number.parse().ok()?)))
        }
        _ => None,
    }
}
