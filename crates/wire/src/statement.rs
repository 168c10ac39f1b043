//! What a client's text asks for: its statements one by one, told apart by their first words.
//!
//! Only what begins as a query reaches the engine, which takes nothing but one SELECT; everything else is understood here
//! word for word, or refused. So what is not listed cannot happen.

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

use crate::codes;
use crate::failure::Failure;

/// One statement of a client's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    Query(Text),
    Show(String),
    Set {
        name: String,
        value: String,
    },
    Reset(Option<String>),
    Begin,
    /// The tag that it is answered with.
    Commit,
    Rollback,
    /// Understood, and nothing comes of it.
    Nothing(&'static str),
    DiscardAll,
    /// Of prepared statements; all of them when `None`.
    Deallocate(Option<String>),
    Declare {
        cursor: String,
        query: Text,
        hold: bool,
    },
    /// `None` is all rows that are left; `moves` passes over them.
    Fetch {
        cursor: String,
        rows: Option<usize>,
        moves: bool,
    },
    CloseCursor(Option<String>),
}

/// A query as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) sql: String,
    /// Where `$1` and its like stand, and their numbers from 1.
    parameters: Vec<(Range<usize>, usize)>,
    /// The numbers of those that say how many rows: after `limit` and `offset`.
    counts: Vec<usize>,
}

impl Text {
    /// How many parameters it wants.
    pub(crate) fn wants(&self) -> usize {
        self.parameters.iter().map(|(_, number)| *number).max().unwrap_or(0)
    }

    /// Whether a parameter, counted from 1, says how many rows.
    pub(crate) fn is_count(&self, number: usize) -> bool {
        self.counts.contains(&number)
    }

    /// With literals in the parameters' places.
    pub(crate) fn with(&self, literals: &[String]) -> Result<String, Failure> {
        let mut sql = String::with_capacity(self.sql.len());
        let mut from = 0;
        for (range, number) in &self.parameters {
            let literal = literals.get(number - 1).ok_or_else(|| {
                Failure::new("08P01", &codes::PARAMETER, format!("the statement wants a parameter ${number}"))
            })?;
            sql.push_str(&self.sql[from..range.start]);
            sql.push_str(literal);
            from = range.end;
        }
        sql.push_str(&self.sql[from..]);
        Ok(sql)
    }
}

/// A token that means something, and where it stands.
#[derive(Clone, Debug)]
struct Word {
    token: Token,
    range: Range<usize>,
}

impl Word {
    /// A word in lowercase; quoted ones as they are.
    fn name(&self) -> Option<String> {
        match &self.token {
            Token::Word(word) if word.quote_style.is_some() => Some(word.value.clone()),
            Token::Word(word) => Some(word.value.to_lowercase()),
            _ => None,
        }
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(&self.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(keyword))
    }

    /// As the value of a setting.
    fn value(&self) -> Option<String> {
        match &self.token {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => Some(text.clone()),
            Token::Number(number, _) => Some(number.clone()),
            _ => self.name(),
        }
    }
}

/// The statements of a text; none when there is nothing in it.
pub(crate) fn statements(text: &str) -> Result<Vec<Statement>, Failure> {
    let words = words(text)?;
    words
        .split(|word| word.token == Token::SemiColon)
        .filter(|words| !words.is_empty())
        .map(|words| statement(text, words))
        .collect()
}

fn words(text: &str) -> Result<Vec<Word>, Failure> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize_with_location().map_err(|error| {
        let mut failure = Failure::new("42601", &codes::NOT_HERE, error.message.clone());
        failure.position = Places::new(text).at(error.location).map(|at| text[..at].chars().count() + 1);
        failure
    })?;
    let mut places = Places::new(text);
    let mut words = Vec::with_capacity(tokens.len());
    for token in tokens {
        if matches!(token.token, Token::Whitespace(_) | Token::EOF) {
            continue;
        }
        let (Some(start), Some(end)) = (places.at(token.span.start), places.at(token.span.end)) else {
            return Err(Failure::new("42601", &codes::NOT_HERE, "the statement cannot be read"));
        };
        words.push(Word { token: token.token, range: start..end });
    }
    Ok(words)
}

/// From lines and columns to bytes. Asked in order it walks the text once.
struct Places<'a> {
    text: &'a str,
    line: u64,
    column: u64,
    byte: usize,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Places { text, line: 1, column: 1, byte: 0 }
    }

    fn at(&mut self, place: Location) -> Option<usize> {
        if (place.line, place.column) < (self.line, self.column) {
            *self = Places::new(self.text);
        }
        let mut characters = self.text[self.byte..].chars();
        while (self.line, self.column) < (place.line, place.column) {
            let Some(c) = characters.next() else { break };
            self.byte += c.len_utf8();
            if c == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        Some(self.byte)
    }
}

fn query(text: &str, words: &[Word]) -> Result<Text, Failure> {
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return Err(Failure::new("42601", &codes::NOT_HERE, "a query is missing"));
    };
    let (start, end) = (first.range.start, last.range.end);
    let (mut parameters, mut counts) = (Vec::new(), Vec::new());
    for (index, word) in words.iter().enumerate() {
        if let Token::Placeholder(name) = &word.token
            && let Some(number) = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok())
        {
            if number == 0 || number > usize::from(u16::MAX) {
                return Err(Failure::new("42P02", &codes::PARAMETER, format!("there is no parameter {name}")));
            }
            parameters.push((word.range.start - start..word.range.end - start, number));
            if index > 0 && ["limit", "offset"].iter().any(|keyword| words[index - 1].is(keyword)) {
                counts.push(number);
            }
        }
    }
    Ok(Text { sql: text[start..end].to_owned(), parameters, counts })
}

/// Statements that change something, by their first word.
const WRITES: &[&str] = &[
    "insert",
    "update",
    "delete",
    "merge",
    "create",
    "drop",
    "alter",
    "truncate",
    "grant",
    "revoke",
    "copy",
    "comment",
    "vacuum",
    "analyze",
    "reindex",
    "cluster",
    "refresh",
    "import",
    "reassign",
    "security",
    "load",
    "checkpoint",
    "do",
    "call",
];

/// Statements that PostgreSQL has, and this port has no use for.
const NOT_HERE: &[&str] = &["explain", "prepare", "execute", "listen", "notify", "lock"];

fn statement(text: &str, words: &[Word]) -> Result<Statement, Failure> {
    let Some(first) = words.first() else {
        return Err(Failure::new("42601", &codes::NOT_HERE, "a statement is missing"));
    };
    let rest = &words[1..];
    let is = |index: usize, keyword: &str| rest.get(index).is_some_and(|word| word.is(keyword));
    let Some(keyword) = (match &first.token {
        Token::LParen => Some("select".to_owned()),
        Token::Word(word) if word.quote_style.is_none() => first.name(),
        _ => None,
    }) else {
        return Err(syntax(text, first));
    };
    Ok(match keyword.as_str() {
        "select" | "with" | "values" | "table" => Statement::Query(query(text, words)?),
        "show" => Statement::Show(names(rest)),
        "set" => set(text, first, rest)?,
        "reset" => Statement::Reset(Some(names(rest)).filter(|name| name != "all")),
        "begin" => Statement::Begin,
        "start" if is(0, "transaction") => Statement::Begin,
        "commit" | "end" | "rollback" | "abort" | "prepare"
            if is(0, "prepared") || (keyword == "prepare" && is(0, "transaction")) =>
        {
            return Err(Failure::unsupported("transactions here are not prepared for others"));
        }
        "commit" | "end" => Statement::Commit,
        "rollback" if is(0, "to") || (is(0, "work") || is(0, "transaction")) && is(1, "to") => {
            Statement::Nothing("ROLLBACK")
        }
        "rollback" | "abort" => Statement::Rollback,
        "savepoint" => Statement::Nothing("SAVEPOINT"),
        "release" => Statement::Nothing("RELEASE"),
        "unlisten" => Statement::Nothing("UNLISTEN"),
        "discard" if is(0, "all") => Statement::DiscardAll,
        "discard" => Statement::Nothing("DISCARD"),
        "deallocate" => {
            let name = if is(0, "prepare") { rest.get(1) } else { rest.first() };
            Statement::Deallocate(name.filter(|word| !word.is("all")).and_then(Word::name))
        }
        "declare" => declare(text, first, rest)?,
        "fetch" | "move" => fetch(text, first, rest, keyword == "move")?,
        "close" => Statement::CloseCursor(rest.first().filter(|word| !word.is("all")).and_then(Word::name)),
        word if WRITES.contains(&word) => return Err(Failure::read_only(&word.to_uppercase())),
        word if NOT_HERE.contains(&word) => {
            return Err(Failure::unsupported(format!("`{word}` is not understood here")));
        }
        _ => return Err(syntax(text, first)),
    })
}

fn syntax(text: &str, word: &Word) -> Failure {
    let mut failure = Failure::new("42601", &codes::NOT_HERE, format!("syntax error at or near \"{}\"", word.token));
    failure.position = Some(text[..word.range.start].chars().count() + 1);
    failure
}

/// `transaction isolation level` and `time zone` have blanks.
fn names(words: &[Word]) -> String {
    let names: Vec<String> = words.iter().map(|word| word.name().unwrap_or_else(|| word.token.to_string())).collect();
    match names.join(" ").as_str() {
        "time zone" => "timezone".to_owned(),
        "transaction isolation level" => "transaction_isolation".to_owned(),
        "session authorization" => "session_authorization".to_owned(),
        other => other.replace(" . ", "."),
    }
}

fn set(text: &str, first: &Word, rest: &[Word]) -> Result<Statement, Failure> {
    let is = |rest: &[Word], words: &[&str]| {
        rest.len() >= words.len() && rest.iter().zip(words).all(|(word, wanted)| word.is(wanted))
    };
    // What transactions are like is said by what this port is.
    if is(rest, &["transaction"]) || is(rest, &["session", "characteristics"]) || is(rest, &["local", "transaction"]) {
        return Ok(Statement::Nothing("SET"));
    }
    if is(rest, &["constraints"]) {
        return Ok(Statement::Nothing("SET CONSTRAINTS"));
    }
    let rest = if is(rest, &["session"]) || is(rest, &["local"]) { &rest[1..] } else { rest };
    if is(rest, &["time", "zone"]) {
        let value = rest.get(2).and_then(Word::value).unwrap_or_default();
        return Ok(Statement::Set { name: "timezone".to_owned(), value });
    }
    if is(rest, &["names"]) {
        let value = rest.get(1).and_then(Word::value).unwrap_or_else(|| "utf8".to_owned());
        return Ok(Statement::Set { name: "client_encoding".to_owned(), value });
    }
    let between = rest.iter().position(|word| word.is("to") || word.token == Token::Eq);
    let Some(between) = between else {
        return Err(syntax(text, rest.first().unwrap_or(first)));
    };
    let name = names(&rest[..between]);
    let mut values = Vec::new();
    let mut sign = "";
    for word in &rest[between + 1..] {
        match &word.token {
            Token::Comma => {}
            Token::Minus => sign = "-",
            _ => {
                let value = word.value().ok_or_else(|| syntax(text, word))?;
                values.push(format!("{}{value}", std::mem::take(&mut sign)));
            }
        }
    }
    Ok(Statement::Set { name, value: values.join(", ") })
}

fn declare(text: &str, first: &Word, rest: &[Word]) -> Result<Statement, Failure> {
    let cursor = rest.first().and_then(Word::name).ok_or_else(|| syntax(text, first))?;
    let begins = rest.iter().position(|word| word.is("for")).ok_or_else(|| syntax(text, first))?;
    let options = &rest[1..begins];
    if options.iter().enumerate().any(|(at, word)| word.is("scroll") && !(at > 0 && options[at - 1].is("no"))) {
        return Err(Failure::unsupported("a cursor here goes forward only"));
    }
    let hold = options.iter().enumerate().any(|(at, word)| word.is("hold") && at > 0 && options[at - 1].is("with"));
    let words = &rest[begins + 1..];
    let selects = words.first().is_some_and(|word| {
        word.token == Token::LParen || ["select", "with", "values", "table"].iter().any(|keyword| word.is(keyword))
    });
    if !selects {
        return Err(syntax(text, words.first().unwrap_or(first)));
    }
    Ok(Statement::Declare { cursor, query: query(text, words)?, hold })
}

fn fetch(text: &str, first: &Word, rest: &[Word], moves: bool) -> Result<Statement, Failure> {
    let cursor = rest.last().and_then(Word::name).ok_or_else(|| syntax(text, first))?;
    let mut words = &rest[..rest.len() - 1];
    if words.last().is_some_and(|word| word.is("from") || word.is("in")) {
        words = &words[..words.len() - 1];
    }
    if words.first().is_some_and(|word| word.is("forward")) {
        words = &words[1..];
    }
    let rows = match words {
        [] => Some(1),
        [word] if word.is("next") => Some(1),
        [word] if word.is("all") => None,
        [Word { token: Token::Number(number, _), .. }] => Some(number.parse().map_err(|_| syntax(text, &words[0]))?),
        _ => return Err(Failure::unsupported("a cursor here goes forward only")),
    };
    Ok(Statement::Fetch { cursor, rows, moves })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should say where

    use super::*;

    fn one(text: &str) -> Result<Statement, &'static str> {
        statements(text).map(|mut all| all.remove(0)).map_err(|failure| failure.sqlstate)
    }

    #[test]
    fn statements_are_told_apart() {
        assert_eq!(statements("").unwrap(), []);
        assert_eq!(statements(" ; -- nothing\n;").unwrap(), []);
        assert_eq!(statements("begin; select ';' ; commit").unwrap().len(), 3);
        assert!(matches!(one("/* hi */ SELECT 1"), Ok(Statement::Query(_))));
        assert!(matches!(one("(select 1) union (select 2)"), Ok(Statement::Query(_))));
        assert_eq!(one("START TRANSACTION READ ONLY"), Ok(Statement::Begin));
        assert_eq!(one("show time zone"), Ok(Statement::Show("timezone".to_owned())));
        assert_eq!(
            one("SET statement_timeout = '5s'"),
            Ok(Statement::Set { name: "statement_timeout".to_owned(), value: "5s".to_owned() })
        );
        assert_eq!(
            one("set datafusion.execution.batch_size to 1"),
            Ok(Statement::Set { name: "datafusion.execution.batch_size".to_owned(), value: "1".to_owned() })
        );
        assert_eq!(
            one("fetch forward 100 from \"C\""),
            Ok(Statement::Fetch { cursor: "C".to_owned(), rows: Some(100), moves: false })
        );
        assert_eq!(one("fetch backward 1 from c"), Err("0A000"));
    }

    #[test]
    fn writes_are_refused_by_their_first_word() {
        for text in [
            "insert into a.b values (1)",
            "UPDATE a.b set x = 1",
            "delete from a.b",
            "create table x (a int)",
            "create external table x stored as csv location '/etc/passwd'",
            "copy a.b from '/etc/passwd'",
            "copy a.b to stdout",
            "drop table a.b",
            "truncate a.b",
            "grant all on a.b to c",
            "do $$ begin end $$",
            "-- select\ninsert into a.b select 1",
        ] {
            assert_eq!(one(text), Err("25006"), "{text}");
        }
        assert_eq!(one("explain select 1"), Err("0A000"));
        assert_eq!(one("prepare transaction 'x'"), Err("0A000"));
        assert_eq!(one("selekt 1"), Err("42601"));
        assert_eq!(one("'select'"), Err("42601"));
        assert_eq!(one("\"select\" 1"), Err("42601"));
    }

    #[test]
    fn parameters_are_found_where_they_stand() {
        let Ok(Statement::Query(text)) = one("  select '$1', $2, \"$3\" -- $4\n from t where ä = $1") else {
            panic!("not a query")
        };
        assert_eq!(text.wants(), 2);
        let with = text.with(&["7".to_owned(), "'x'".to_owned()]).unwrap();
        assert_eq!(with, "select '$1', 'x', \"$3\" -- $4\n from t where ä = 7");
        assert!(text.with(&["7".to_owned()]).is_err());
    }
}
