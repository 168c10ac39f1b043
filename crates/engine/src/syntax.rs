//! SQL as text and as a tree: what may be written, which names it uses, and where they stand.

mod bind;
mod dialect;
mod query;
mod stack;
mod walk;

use datafusion::sql::sqlparser::ast::{Query, SetExpr, Spanned, Statement};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};
use lockgate_project::SqlText;
use lockgate_types::{AssetName, Diagnostic, Diagnostics, Place};

use crate::codes;

pub(crate) use bind::{bind, unknown_vars};
pub(crate) use query::typed;
pub use query::{ParsedQuery, VERSIONS_SCHEMA, parse_query};
pub(crate) use stack::deep;
pub(crate) use walk::{Names, Used, visit};

/// The built-in variable: the run's logical time.
pub(crate) const RUN_AT: &str = "run_at";

/// Deeper trees are refused: planning one takes stack at every level.
const MAX_DEPTH: usize = 1_000;
/// Longer texts are refused before they become a tree.
const MAX_TOKENS: usize = 200_000;

/// A table that a statement reads, and where it says so first.
#[derive(Clone, Debug, PartialEq)]
pub struct TableUse {
    pub name: AssetName,
    pub place: Place,
}

/// What a statement says of itself, without knowing any table.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The statement without formatting and comments, unquoted names in lowercase.
    pub canonical: String,
    /// Each table once, in the order of their first use.
    pub tables: Vec<TableUse>,
    /// Each variable once, without its `$`; `run_at` is one.
    pub vars: Vec<(String, Place)>,
    /// The names of all functions called, in lowercase, sorted, each once.
    pub functions: Vec<String>,
}

/// Reads one query. Everything that an asset's SQL may not do is refused here: other statements, several statements,
/// tables that are not `schema.table`, functions that read files.
pub fn parse(sql: &SqlText) -> Result<Parsed, Diagnostics> {
    deep(sql.sql.len(), || {
        let query = read(sql)?;
        let used = visit(sql, &query, Names::Assets)?;
        let tables = used
            .tables
            .iter()
            .filter_map(|table| Some(TableUse { name: table.asset()?, place: place(sql, table.span) }))
            .collect();
        Ok(Parsed {
            canonical: query.to_string(),
            tables,
            vars: used.vars.iter().map(|(name, span)| (name.clone(), place(sql, *span))).collect(),
            functions: used.functions.into_iter().collect(),
        })
    })
}

/// The tree of one query; nothing about its names is checked yet.
pub(crate) fn read(sql: &SqlText) -> Result<Query, Diagnostics> {
    let mut statements = statements(sql)?;
    let first = if statements.is_empty() { None } else { Some(statements.remove(0)) };
    let Some(first) = first else {
        return Err(Diagnostic::error(&codes::NOT_ONE_QUERY, "there is no query here")
            .at(sql.place(1, 1, 1))
            .expected("one SELECT")
            .into());
    };
    if let Some(second) = statements.first() {
        return Err(Diagnostic::error(&codes::NOT_ONE_QUERY, "there is more than one statement here")
            .at(place(sql, second.span()))
            .expected("one SELECT")
            .into());
    }
    match first {
        Statement::Query(query) if reads_only(&query.body) => Ok(*query),
        other => {
            let text = other.to_string();
            let word = text.split_whitespace().next().unwrap_or_default().to_lowercase();
            Err(Diagnostic::error(&codes::NOT_ONE_QUERY, format!("`{word}` has no place here"))
                .at(first_word(sql))
                .expected("one SELECT")
                .into())
        }
    }
}

/// Statements of a file of functions; everything but `create function` is the caller's to refuse.
pub(crate) fn statements(sql: &SqlText) -> Result<Vec<Statement>, Diagnostics> {
    let tokens = tokens(sql)?;
    Parser::new(&dialect::Lockgate)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| syntax_error(sql, error).into())
}

/// A lone expression, such as a check's predicate.
pub(crate) fn read_expression(sql: &SqlText) -> Result<datafusion::sql::sqlparser::ast::Expr, Diagnostics> {
    let tokens = tokens(sql)?;
    let mut parser = Parser::new(&dialect::Lockgate).with_recursion_limit(MAX_DEPTH).with_tokens_with_locations(tokens);
    let expression = parser.parse_expr().map_err(|error| syntax_error(sql, error))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        let message = format!("unexpected `{}` after the expression", rest.token);
        return Err(Diagnostic::error(&codes::SYNTAX, message).at(place(sql, rest.span)).into());
    }
    Ok(expression)
}

/// The words and signs of a text that was read before.
pub(crate) fn words(sql: &SqlText) -> Vec<TokenWithSpan> {
    tokens(sql).unwrap_or_default()
}

/// Unquoted words in lowercase, which is how the engine takes them: so the tree, and the canonical text made from it, do not
/// depend on how they were written.
fn tokens(sql: &SqlText) -> Result<Vec<TokenWithSpan>, Diagnostics> {
    let mut tokens = Tokenizer::new(&dialect::Lockgate, &sql.sql).tokenize_with_location().map_err(|error| {
        Diagnostics::from(
            Diagnostic::error(&codes::SYNTAX, lowercase_first(&error.message)).at(at(sql, error.location)),
        )
    })?;
    if tokens.len() > MAX_TOKENS {
        return Err(too_large(sql).into());
    }
    for token in &mut tokens {
        if let Token::Word(word) = &mut token.token
            && word.quote_style.is_none()
        {
            word.value.make_ascii_lowercase();
            if !word.value.is_ascii() {
                word.value = word.value.to_lowercase();
            }
        }
    }
    Ok(tokens)
}

fn syntax_error(sql: &SqlText, error: ParserError) -> Diagnostic {
    let text = match error {
        ParserError::RecursionLimitExceeded => return too_large(sql),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
    };
    let (message, location) = split_location(&text);
    let expected = message.strip_prefix("Expected").map(|rest| rest.trim_start_matches(':').trim_start());
    let Some((expected, found)) = expected.and_then(|rest| rest.rsplit_once(", found: ")) else {
        let place = location.map_or_else(|| end_of(sql), |location| at(sql, location));
        return Diagnostic::error(&codes::SYNTAX, lowercase_first(message)).at(place);
    };
    if found == "EOF" {
        return Diagnostic::error(&codes::SYNTAX, "the SQL ends too early").at(end_of(sql)).expected(expected);
    }
    // The place that the parser tells is at times one word behind the word that it means.
    let before = |token: &TokenWithSpan| location.is_none_or(|location| token.span.start <= location);
    let meant = words(sql).into_iter().rev().find(|token| before(token) && token.token.to_string() == found);
    let place = match (meant, location) {
        (Some(token), _) => place(sql, token.span),
        (None, Some(location)) => at(sql, location),
        (None, None) => end_of(sql),
    };
    Diagnostic::error(&codes::SYNTAX, format!("unexpected `{found}`")).at(place).expected(expected)
}

pub(crate) fn too_large(sql: &SqlText) -> Diagnostic {
    Diagnostic::error(&codes::TOO_LARGE, "this SQL is too long or too deeply nested to be planned")
        .at(first_word(sql))
        .expected(format!("at most {MAX_TOKENS} words and signs, nested at most {MAX_DEPTH} deep"))
}

/// The parser's messages end in ` at Line: 3, Column: 7`.
fn split_location(text: &str) -> (&str, Option<Location>) {
    let Some((message, rest)) = text.rsplit_once(" at Line: ") else { return (text, None) };
    let Some((line, column)) = rest.split_once(", Column: ") else { return (text, None) };
    match (line.trim().parse(), column.trim().parse()) {
        (Ok(line), Ok(column)) => (message, Some(Location { line, column })),
        _ => (text, None),
    }
}

pub(crate) fn lowercase_first(text: &str) -> String {
    let mut characters = text.trim().trim_end_matches('.').chars();
    match characters.next() {
        // `SELECT` and `CAST` stay what they are.
        Some(first) if characters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(characters).collect()
        }
        Some(first) => std::iter::once(first).chain(characters).collect(),
        None => String::new(),
    }
}

fn reads_only(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => false,
        SetExpr::Select(_)
        | SetExpr::Query(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Table(_) => true,
    }
}

/// A span of the SQL as a place in the file; a span over several lines is underlined on its first.
pub(crate) fn place(sql: &SqlText, span: Span) -> Place {
    if span == Span::empty() {
        return first_word(sql);
    }
    let (line, column) = (number(span.start.line), number(span.start.column));
    let length = if span.end.line == span.start.line {
        closed(sql, line, column, number(span.end.column).saturating_sub(column))
    } else {
        let width =
            sql.sql.lines().nth(line.saturating_sub(1) as usize).map_or(0, |text| text.trim_end().chars().count());
        number(width as u64 + 1).saturating_sub(column)
    };
    sql.place(line, column, length.max(1))
}

/// The parser's span of a call ends before its `)`.
fn closed(sql: &SqlText, line: u32, column: u32, length: u32) -> u32 {
    let Some(text) = sql.sql.lines().nth(line.saturating_sub(1) as usize) else { return length };
    let mut characters = text.chars().skip(column.saturating_sub(1) as usize);
    let within = characters.by_ref().take(length as usize);
    let open = within.fold(0_u32, |open, character| match character {
        '(' => open + 1,
        ')' => open.saturating_sub(1),
        _ => open,
    });
    length + number(characters.take(open as usize).take_while(|character| *character == ')').count() as u64)
}

fn at(sql: &SqlText, location: Location) -> Place {
    sql.place(number(location.line), number(location.column), 1)
}

fn number(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Where the SQL begins, for what has no better place.
pub(crate) fn first_word(sql: &SqlText) -> Place {
    for (index, line) in sql.sql.lines().enumerate() {
        let text = line.trim_start();
        if !text.is_empty() && !text.starts_with("--") {
            let word = text.split_whitespace().next().unwrap_or(text);
            let column = line.chars().count() - text.chars().count() + 1;
            return sql.place(number(index as u64 + 1), number(column as u64), number(word.chars().count() as u64));
        }
    }
    sql.place(1, 1, 1)
}

/// Just after the last character that is not blank.
fn end_of(sql: &SqlText) -> Place {
    let text = sql.sql.trim_end();
    let line = text.lines().count().max(1);
    let column = text.lines().last().map_or(0, |last| last.chars().count()) + 1;
    sql.place(number(line as u64), number(column as u64), 1)
}
