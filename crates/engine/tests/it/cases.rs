//! The driver of `tests/cases/*.slt`. A file is a list of records with a blank line between them:
//!
//! * `table NAME (COLUMN: TYPE, …) [by COLUMN]`, then rows of cells between `|`: a stored table of two files;
//! * `inline NAME`, `function`, `vars`: what the records below see;
//! * `query`, `build`, `plan`, `parse`, `typed`, `predicate TABLE`: SQL up to `----`, then what is expected.
//!
//! `plan 5` says that the SQL stands from line 5 of its file on. `UPDATE=1` writes what came in place of what is expected.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use lockgate_engine::{EngineError, Scalar, Session, parse, parse_query};
use lockgate_types::{AssetName, Diagnostic, Diagnostics, Place};

use crate::fixture::{Fixture, batch, rows_of, schema, sql, table_text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut wrong = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let came = run(&text).await;
        if came == text {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &came).unwrap();
        } else {
            wrong.push(format!("{}\n{}", file.display(), difference(&text, &came)));
        }
    }
    assert!(wrong.is_empty(), "{}\n(UPDATE=1 accepts what came)", wrong.join("\n"));
}

fn difference(expected: &str, came: &str) -> String {
    let (expected, came): (Vec<_>, Vec<_>) = (expected.lines().collect(), came.lines().collect());
    let mut text = String::new();
    for index in 0..expected.len().max(came.len()) {
        let (left, right) = (expected.get(index), came.get(index));
        if left != right {
            writeln!(text, "  line {}\n    expected {left:?}\n    came     {right:?}", index + 1).unwrap();
        }
    }
    text
}

/// What the records below see.
struct World {
    fixture: Fixture,
    session: Session,
    vars: BTreeMap<String, Scalar>,
    functions: Vec<lockgate_project::SqlText>,
    tables: Vec<lockgate_engine::PinnedTable>,
    inlines: Vec<(AssetName, lockgate_project::SqlText)>,
}

impl World {
    /// A session is made anew when variables or functions come.
    fn renew(&mut self) -> Result<(), Diagnostics> {
        self.session = self.fixture.session_with(self.vars.clone(), self.functions.clone())?;
        for table in &self.tables {
            self.session.register(table.clone()).unwrap();
        }
        for (name, sql) in &self.inlines {
            self.session.register_inline(name, sql)?;
        }
        Ok(())
    }
}

async fn run(text: &str) -> String {
    let fixture = Fixture::new();
    let session = fixture.session();
    let mut world = World {
        fixture,
        session,
        vars: BTreeMap::new(),
        functions: Vec::new(),
        tables: Vec::new(),
        inlines: Vec::new(),
    };
    let mut came = Vec::new();
    for record in text.trim_end().split("\n\n") {
        came.push(run_record(&mut world, record).await);
    }
    came.join("\n\n") + "\n"
}

async fn run_record(world: &mut World, record: &str) -> String {
    let comments = record.lines().take_while(|line| line.starts_with('#')).count();
    let mut lines = record.lines().skip(comments);
    let Some(head) = lines.next() else { return record.to_owned() };
    let body: Vec<&str> = lines.collect();
    let (word, rest) = head.split_once(' ').unwrap_or((head, ""));
    let input: Vec<&str> = body.iter().take_while(|line| **line != "----").copied().collect();
    let text = input.join("\n");
    let output = match word {
        "table" => {
            table(world, rest, &body).await;
            return record.to_owned();
        }
        "vars" => {
            world.vars = input.iter().map(|line| var(line)).collect();
            world.renew().unwrap();
            return record.to_owned();
        }
        "inline" => {
            let name: AssetName = rest.parse().unwrap();
            world.inlines.push((name.clone(), sql(&text, 1)));
            world.session.register_inline(&name, &sql(&text, 1)).unwrap();
            return record.to_owned();
        }
        "function" => {
            world.functions.push(sql(&text, 1));
            match world.renew() {
                Ok(()) => "ok".to_owned(),
                Err(diagnostics) => {
                    world.functions.pop();
                    told(&diagnostics)
                }
            }
        }
        "query" => query(world, &text).await,
        "build" => build(world, &text, rest).await,
        "plan" => plan(world, &text, rest.parse().unwrap_or(1)).await,
        "parse" => parsed(&text),
        "typed" => typed(&text),
        "predicate" => predicate(world, rest, &text).await,
        other => panic!("`{other}` is no record"),
    };
    let comments: Vec<&str> = record.lines().take(comments).collect();
    [comments.join("\n"), head.to_owned(), text, "----".to_owned(), output]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

async fn table(world: &mut World, head: &str, rows: &[&str]) {
    let (name, rest) = head.split_once(" (").unwrap();
    let (columns, by) = rest.rsplit_once(')').unwrap();
    let partition: Vec<&str> = by.trim().strip_prefix("by ").into_iter().collect();
    let schema = schema(columns);
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect();
    let half = rows.len().div_ceil(2);
    let files = rows.chunks(half.max(1)).map(|rows| vec![batch(&schema, rows)]).collect();
    let table = world.fixture.write(name, &schema, &partition, files).await;
    world.session.register(table.clone()).unwrap();
    world.tables.push(table);
}

fn var(line: &str) -> (String, Scalar) {
    let (name, value) = line.split_once(": ").unwrap();
    let scalar = match value {
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ if value.starts_with('"') => Scalar::String(value.trim_matches('"').to_owned()),
        _ => value.parse().map_or_else(|_| Scalar::Double(value.parse().unwrap()), Scalar::Integer),
    };
    (name.to_owned(), scalar)
}

async fn query(world: &World, text: &str) -> String {
    let stream = match world.session.stream(text).await {
        Ok(stream) => stream,
        Err(error) => return failed(error),
    };
    let names: Vec<String> = stream.schema().fields().iter().map(|field| field.name().clone()).collect();
    match futures::TryStreamExt::try_collect::<Vec<_>>(stream).await {
        Ok(batches) => table_text(&names, &batches).join("\n"),
        Err(error) => failed(error),
    }
}

/// `build` takes the planned types, `build (a: int)` these; `by` sorts.
async fn build(world: &World, text: &str, head: &str) -> String {
    let (columns, by) = head
        .split_once(" by ")
        .unwrap_or((head.strip_prefix("by ").map_or(head, |_| ""), head.strip_prefix("by ").unwrap_or("")));
    let sort: Vec<String> = by.split_whitespace().map(str::to_owned).collect();
    let text = sql(text, 1);
    let output = match columns.strip_prefix('(').and_then(|columns| columns.strip_suffix(')')) {
        Some(columns) => schema(columns),
        None => match world.session.plan(&text).await {
            Ok(planned) => planned.schema,
            Err(diagnostics) => return told(&diagnostics),
        },
    };
    let streams = match world.session.build(&text, &output, &sort).await {
        Ok(streams) => streams,
        Err(error) => return failed(error),
    };
    let types: Vec<String> =
        streams[0].schema().fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type())).collect();
    let mut batches = Vec::new();
    for stream in streams {
        match futures::TryStreamExt::try_collect::<Vec<_>>(stream).await {
            Ok(more) => batches.extend(more),
            Err(error) => return failed(error),
        }
    }
    let mut lines = table_text(&types, &batches);
    if sort.is_empty() {
        lines[1..].sort();
    }
    lines.join("\n")
}

async fn plan(world: &World, text: &str, first_line: u32) -> String {
    match world.session.plan(&sql(text, first_line)).await {
        Ok(planned) => {
            let lines = planned.schema.columns.iter().zip(&planned.lineage).map(|(column, lineage)| {
                assert_eq!(column.name, lineage.column);
                let from: Vec<String> =
                    lineage.from.iter().map(|(asset, column)| format!("{asset}.{column}")).collect();
                format!("{} {} <- {}", column.name, column.data_type, from.join(", ")).trim_end().to_owned()
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        Err(diagnostics) => told(&diagnostics),
    }
}

fn parsed(text: &str) -> String {
    match parse(&sql(text, 1)) {
        Ok(parsed) => {
            let mut lines = vec![parsed.canonical];
            lines.extend(parsed.tables.iter().map(|table| format!("table {} {}", table.name, at(&table.place))));
            lines.extend(parsed.vars.iter().map(|(name, place)| format!("var {name} {}", at(place))));
            if !parsed.functions.is_empty() {
                lines.push(format!("functions {}", parsed.functions.join(" ")));
            }
            lines.join("\n")
        }
        Err(diagnostics) => told(&diagnostics),
    }
}

fn typed(text: &str) -> String {
    match parse_query(text) {
        Ok(parsed) => {
            let mut lines = vec![parsed.rewritten];
            lines.extend(parsed.tables.iter().map(|table| format!("table {table}")));
            lines.extend(
                parsed.versions.iter().map(|(asset, number, alias)| format!("version {asset} {number} as {alias}")),
            );
            lines.extend(parsed.system.iter().map(|name| format!("system {name}")));
            lines.join("\n")
        }
        Err(diagnostics) => told(&diagnostics),
    }
}

/// As it would stand in YAML: `  - expect: "…"`.
async fn predicate(world: &World, table: &str, text: &str) -> String {
    let line = format!("  - expect: \"{text}\"");
    let place = Place::at(Path::new("t.yml"), &line, 1, 13, 1);
    match world.session.plan_predicate(&table.parse().unwrap(), text, place).await {
        Ok(()) => "ok".to_owned(),
        Err(diagnostics) => told(&diagnostics),
    }
}

fn failed(error: EngineError) -> String {
    match error {
        EngineError::Sql(diagnostics) => told(&diagnostics),
        other => {
            assert_eq!(other.diagnostic().place, None);
            told(&other.diagnostic().into())
        }
    }
}

fn told(diagnostics: &Diagnostics) -> String {
    diagnostics.0.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(diagnostic: &Diagnostic) -> String {
    let mut text = format!("{} {}", diagnostic.code.id, diagnostic.message);
    if let Some(place) = &diagnostic.place {
        text = format!("{text}\n  {}", at(place));
    }
    if let Some(expected) = &diagnostic.expected {
        text += &format!("\n  expected: {expected}");
    }
    if let Some(hint) = &diagnostic.hint {
        text += &format!("\n  hint: {hint}");
    }
    text
}

/// `t.sql:3:8 select >>foo<< from …`
fn at(place: &Place) -> String {
    let (start, length) = (place.column.saturating_sub(1) as usize, place.length as usize);
    let characters: Vec<char> = place.source_line.chars().collect();
    let cut = |range: std::ops::Range<usize>| -> String {
        characters[range.start.min(characters.len())..range.end.min(characters.len())].iter().collect()
    };
    let marked = format!("{}»{}«{}", cut(0..start), cut(start..start + length), cut(start + length..characters.len()));
    format!("{place} {}", marked.trim())
}

// Used by `build`'s siblings in other modules; kept honest here.
#[tokio::test]
async fn an_empty_table_has_no_rows_and_all_columns() {
    let fixture = Fixture::new();
    let session = fixture.session();
    let schema = schema("id: bigint, name: string");
    session.register(lockgate_engine::PinnedTable::empty("raw.none".parse().unwrap(), schema.clone())).unwrap();
    let streams = session.build(&sql("select * from raw.none", 1), &schema, &[]).await.unwrap();
    assert!(!streams.is_empty());
    assert_eq!(streams[0].schema(), schema.to_arrow());
    assert_eq!(rows_of(streams).await.iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 0);
}
