//! Diagnostics and projects as text. The binary draws diagnostics in its own way; this one shows all of their parts.

use std::fmt::Write;

use lockgate_project::unit_test::{Row, TestFile};
use lockgate_project::{Action, AssetFile, CheckEntry, GateMode, Keep, Project, Schedule};
use lockgate_types::{Diagnostics, Level, Place};

pub(crate) fn diagnostics(diagnostics: &Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in &diagnostics.0 {
        let level = match diagnostic.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        writeln!(text, "{level} {}: {}", diagnostic.code.id, diagnostic.message).unwrap();
        if let Some(place) = &diagnostic.place {
            writeln!(text, "  at {place}").unwrap();
            if place.line > 0 {
                // A tab is as wide as one character here.
                writeln!(text, "    | {}", place.source_line.replace('\t', "→")).unwrap();
                let width = place.source_line.chars().count().max(place.column as usize) + 1 - place.column as usize;
                let marks = "^".repeat((place.length as usize).min(width));
                writeln!(text, "    | {}{marks}", " ".repeat(place.column as usize - 1)).unwrap();
            }
        }
        for (word, part) in [("expected", &diagnostic.expected), ("hint", &diagnostic.hint)] {
            if let Some(part) = part {
                writeln!(text, "  {word}: {part}").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

pub(crate) fn project(project: &Project) -> String {
    let mut text = String::new();
    writeln!(text, "project {:?} environment {:?}", project.name, project.environment).unwrap();
    writeln!(text, "  store {:?} catalog {:?}", project.store, project.catalog.expose()).unwrap();
    let engine = &project.engine;
    if engine.memory_bytes.is_some() || engine.threads.is_some() {
        writeln!(text, "  engine memory {:?} bytes, threads {:?}", engine.memory_bytes, engine.threads).unwrap();
    }
    writeln!(text, "  gate {}", gate(project.gate)).unwrap();
    if project.keep != Keep::default() {
        writeln!(text, "  keep {:?} versions, {:?} days", project.keep.versions, project.keep.days).unwrap();
    }
    for (name, var) in &project.vars {
        writeln!(text, "  var {name} = {var:?}").unwrap();
    }
    for group in &project.groups {
        writeln!(text, "  group {:?} at {}: {}", group.name, group.place, list(&group.members)).unwrap();
    }
    for schedule in &project.schedules {
        text.push_str(&self::schedule(schedule));
    }
    for alert in &project.alerts {
        let when: Vec<&str> = alert.when.iter().map(|event| event.as_str()).collect();
        write!(text, "  alert {} {:?} at {}: {}", alert.receiver.as_str(), alert.shown, alert.place, when.join(", "))
            .unwrap();
        assert!(project.secrets.iter().any(|secret| alert.to.expose().contains(secret.expose())), "{alert:?}");
        match &alert.assets {
            Some(assets) => writeln!(text, " of {}", list(&assets.iter().collect::<Vec<_>>())).unwrap(),
            None => writeln!(text).unwrap(),
        }
    }
    for (known, place) in project.known.iter().zip(&project.known_places) {
        writeln!(text, "  known at {place}: {known:?}").unwrap();
    }
    for function in &project.functions {
        writeln!(text, "  function {} ({} lines)", function.source.file.display(), function.sql().sql.lines().count())
            .unwrap();
    }
    for secret in &project.secrets {
        writeln!(text, "  secret of {} characters", secret.expose().chars().count()).unwrap();
    }
    for name in &project.broken {
        writeln!(text, "  broken {name}").unwrap();
    }
    for asset in project.assets.values() {
        text.push_str(&self::asset(asset));
    }
    text
}

fn schedule(schedule: &Schedule) -> String {
    let Schedule { name, cron, timezone, select, exclude, catch_up, jitter, paused, place, .. } = schedule;
    let mut text = format!("  schedule {name:?} at {place}: {cron:?} {timezone} catch up {}", catch_up.as_str());
    for (key, words) in [("select", select), ("exclude", exclude)] {
        if !words.is_empty() {
            write!(text, " {key} {}", list(words)).unwrap();
        }
    }
    if !jitter.is_zero() {
        write!(text, " jitter {} s", jitter.num_seconds()).unwrap();
    }
    text.push_str(if *paused { " paused\n" } else { "\n" });
    text
}

fn asset(asset: &AssetFile) -> String {
    let mut text = String::new();
    writeln!(text, "\n{} is a {} in {}", asset.name, asset.kind, asset.source.file.display()).unwrap();
    for (key, value) in [("description", &asset.description), ("owner", &asset.owner)] {
        if let Some(value) = value {
            writeln!(text, "  {key} {value:?}").unwrap();
        }
    }
    writeln!(text, "  load {} gate {}", asset.load.code(), gate(asset.gate)).unwrap();
    for (key, words) in
        [("tags", &asset.tags), ("partition_by", &asset.partition_by), ("cluster_by", &asset.cluster_by)]
    {
        if !words.is_empty() {
            writeln!(text, "  {key} {}", list(words)).unwrap();
        }
    }
    for column in asset.columns.iter().flatten() {
        let place = asset.source.place(column.span);
        let column = &column.column;
        write!(text, "  column {} {}", column.name, column.data_type).unwrap();
        write!(text, "{}", if column.required { " required" } else { "" }).unwrap();
        write!(text, "{}", if column.pii { " pii" } else { "" }).unwrap();
        write!(text, "{}", column.description.as_ref().map(|text| format!(" {text:?}")).unwrap_or_default()).unwrap();
        writeln!(text, " at {}", position(&place)).unwrap();
    }
    for check in &asset.checks {
        text.push_str(&self::check(check));
    }
    for (key, node) in &asset.rest.entries {
        let place = asset.source.place(key.span);
        writeln!(text, "  rest {} = {} at {}", key.text, node.to_json(), position(&place)).unwrap();
    }
    if let Some(sql) = &asset.sql {
        let first = sql.place(1, 1, 1);
        writeln!(text, "  sql from line {}: {:?}", sql.first_line, sql.sql.lines().next().unwrap_or("")).unwrap();
        assert_eq!(first.source_line, sql.sql.lines().next().unwrap_or(""), "the line number of the SQL is off");
    }
    text
}

fn check(check: &CheckEntry) -> String {
    let mut text = format!("  check {}: {}", check.kind, check.body.to_json());
    for (key, value) in [("name", &check.name), ("where", &check.filter), ("section", &check.section)] {
        if let Some(value) = value {
            write!(text, " {key} {value:?}").unwrap();
        }
    }
    for (key, threshold) in [("error", check.error), ("warn", check.warn)] {
        if let Some(threshold) = threshold {
            write!(text, " {key} {threshold}").unwrap();
        }
    }
    if check.severity == lockgate_types::Severity::Warn {
        text.push_str(" severity warn");
    }
    if check.action == Action::Reject {
        text.push_str(" action reject");
    }
    writeln!(text, " at {}", position(&check.source.place(check.kind_span))).unwrap();
    text
}

fn gate(gate: GateMode) -> &'static str {
    match gate {
        GateMode::Block => "block",
        GateMode::Report => "report",
    }
}

fn position(place: &Place) -> String {
    format!("{}:{}", place.line, place.column)
}

fn list(words: &[impl ToString]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(crate) fn unit_tests(files: &[TestFile]) -> String {
    let mut text = String::new();
    let row = |row: &Row| {
        let cells = row.cells.entries.iter().map(|(key, node)| format!("{} = {}", key.text, node.to_json()));
        format!("{}:{} {}", row.span.line, row.span.column, cells.collect::<Vec<_>>().join(", "))
    };
    for file in files {
        let description = file.description.as_ref().map_or_else(String::new, |text| format!(" {text:?}"));
        writeln!(text, "tests {} of {}{description}", file.stem, file.asset).unwrap();
        for test in &file.tests {
            let place = file.source.place(test.span);
            let ordered = if test.ordered { " ordered" } else { "" };
            writeln!(text, "  test {:?} at {place}{ordered}", test.name.as_deref().unwrap_or_default()).unwrap();
            if let Some(description) = &test.description {
                writeln!(text, "    {description:?}").unwrap();
            }
            for given in &test.given {
                writeln!(text, "    given {} at {}", given.input.text, file.source.place(given.input.span)).unwrap();
                given.rows.iter().for_each(|given| writeln!(text, "      {}", row(given)).unwrap());
            }
            for (name, var) in &test.vars {
                writeln!(text, "    var {name} = {var:?}").unwrap();
            }
            if let Some(at) = test.run_at {
                writeln!(text, "    run at {}", at.to_rfc3339()).unwrap();
            }
            writeln!(text, "    expect").unwrap();
            test.expect.iter().for_each(|expect| writeln!(text, "      {}", row(expect)).unwrap());
        }
    }
    text
}
