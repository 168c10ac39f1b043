//! The checks that only a forecast has, as queries over the candidate.

use std::sync::Arc;

use lockgate_kind::OwnCheck;
use lockgate_project::yaml::{Map, Node, Value};
use lockgate_project::{Action, AssetFile, CheckEntry};
use lockgate_series::models;
use lockgate_types::{Diagnostic, Diagnostics, Severity};

use crate::codes::BAD_CHECK;
use crate::columns::{HIERARCHY, level_name, quoted, sum_name};
use crate::settings::Settings;

/// What `beats` can compare with: the error of every other model would have to be recorded.
const BASELINE: &str = "seasonal_naive";

/// For the reference.
pub(crate) const OWN: &[OwnCheck] = &[
    OwnCheck {
        name: "beats",
        body: "map",
        doc: "The forecasts of at least this share of the series make smaller errors in the backtest than the last season repeated. \
              Series without a backtest do not count, nor those on which neither errs; where none counts, it fails.",
        example: "- beats: { model: seasonal_naive, share: 60% }",
    },
    OwnCheck {
        name: "coverage",
        body: "map",
        doc: "The percent of values that fell into an interval, measured in the backtest and averaged over the series, lies between two \
              percents. It is measured, not assumed: each origin of the backtest is judged by the errors of the others. One check \
              for each level, `coverage_80`.",
        example: "- coverage: { 80: [70, 90], 95: [88, 99] }",
    },
    OwnCheck {
        name: "steady",
        body: "map",
        doc: "For at least this share of the series the latest errors of the backtest are no more than three times the usual. When the world \
              steps, so that what models know is worth little, the forecast is held; once the backtest on what came since passes, it \
              is published again. Series without a backtest do not count. Every forecast has it, with 80 %, unless it says \
              another share; 0 % asks for nothing.",
        example: "- steady: { share: 90% }",
    },
];

/// The share of series that have to be steady when the file does not say one.
const STEADY: f64 = 80.0;

/// The checks of the file with a query in the place of each word that only a forecast knows, and `steady` where it does not say so.
pub(crate) fn translated(file: &AssetFile, settings: &Settings, diagnostics: &mut Diagnostics) -> Vec<CheckEntry> {
    let mut entries = Vec::with_capacity(file.checks.len());
    for entry in &file.checks {
        let translated = match entry.kind.as_str() {
            "beats" => beats(file, settings, entry),
            "coverage" => coverage(file, settings, entry),
            "steady" => {
                share_of(entry, "`steady` takes { share: 90% }").map(|share| vec![steady(file, settings, entry, share)])
            }
            "change" if is_change_of_value(entry) => change(file, settings, entry),
            _ => Ok(vec![entry.clone()]),
        };
        match translated {
            Ok(translated) => entries.extend(translated),
            Err(message) => {
                let place = entry.source.place(entry.body.span);
                diagnostics.push(Diagnostic::error(&BAD_CHECK, message).at(place));
            }
        }
    }
    if file.checks.iter().all(|entry| entry.kind != "steady") {
        entries.push(steady(file, settings, &unsaid(file), STEADY));
    }
    entries
}

/// A check that the file does not say.
fn unsaid(file: &AssetFile) -> CheckEntry {
    let span = file.kind_span;
    CheckEntry {
        kind: "steady".to_owned(),
        kind_span: span,
        body: Node { value: Value::Map(Map::default()), span },
        name: None,
        filter: None,
        filter_span: span,
        section: None,
        severity: Severity::default(),
        error: None,
        warn: None,
        action: Action::None,
        span,
        source: Arc::clone(&file.source),
    }
}

/// `{ share: 90% }`.
fn share_of(entry: &CheckEntry, expected: &str) -> Result<f64, String> {
    let map = entry.body.as_map().ok_or(expected)?;
    match &map.entries[..] {
        [(key, node)] if key.text == "share" => {
            node.scalar_text().and_then(|text| percent(&text)).ok_or_else(|| expected.to_owned())
        }
        _ => Err(expected.to_owned()),
    }
}

fn steady(file: &AssetFile, settings: &Settings, entry: &CheckEntry, share: f64) -> CheckEntry {
    let series = names(settings);
    let query = format!(
        "select percent_steady || ' % of the series err as usual in the latest part of the backtest, ' || percent_wanted || ' % are wanted: the \
             world has stepped' as message, percent_steady, percent_wanted, series\n\
         from (select round(100.0 * avg(case when steady then 1.0 else 0.0 end), 1) as percent_steady, {share} as percent_wanted, \
                 count(*) as series\n\
               from (select distinct {series}, steady from {} where steady is not null))\n\
         where percent_steady < percent_wanted",
        file.name
    );
    as_sql(entry, "steady".to_owned(), query)
}

/// Whether it compares with the live forecast step by step; else it is the check of that name that every asset has.
fn is_change_of_value(entry: &CheckEntry) -> bool {
    entry.body.as_map().is_some_and(|map| map.entries.iter().any(|(key, _)| key.text == "value"))
}

/// `change: { value: 50% }`.
fn change(file: &AssetFile, settings: &Settings, entry: &CheckEntry) -> Result<Vec<CheckEntry>, String> {
    let expected = "`change` of a forecast takes { value: 50% }, alone";
    let map = entry.body.as_map().ok_or(expected)?;
    let [(_, node)] = &map.entries[..] else { return Err(expected.to_owned()) };
    let allowed = node.scalar_text().and_then(|text| text.trim().trim_end_matches('%').trim().parse::<f64>().ok());
    let allowed = allowed.filter(|allowed| allowed.is_finite() && *allowed >= 0.0).ok_or(expected)?;
    let leaves = match settings.hierarchy.is_empty() {
        true => String::new(),
        false => format!(" and {HIERARCHY} = '{}'", sum_name(&settings.series).replace('\'', "''")),
    };
    let query = format!(
        "select 'the forecast is ' || percent_changed || ' % off the live one at the same times, ' || percent_allowed || ' % are allowed' \
             as message, percent_changed, percent_allowed, steps\n\
         from (select round(100.0 * sum(abs(forecast - live_forecast)) / case when sum(abs(live_forecast)) > 0 then sum(abs(live_forecast)) \
                 when sum(abs(forecast)) > 0 then sum(abs(forecast)) end, 1) as percent_changed, \
                 {allowed} as percent_allowed, count(*) as steps\n\
               from {} where live_forecast is not null{leaves})\n\
         where percent_changed > percent_allowed",
        file.name
    );
    Ok(vec![as_sql(entry, "change_value".to_owned(), query)])
}

/// `beats: { model: seasonal_naive, share: 60% }`.
fn beats(file: &AssetFile, settings: &Settings, entry: &CheckEntry) -> Result<Vec<CheckEntry>, String> {
    let expected = "`beats` takes { model: seasonal_naive, share: 60% }";
    let map = entry.body.as_map().ok_or(expected)?;
    let mut share = None;
    for (key, node) in &map.entries {
        match (key.text.as_str(), node.scalar_text()) {
            ("model", Some(model)) if model == BASELINE => {}
            ("model", Some(model)) if models::named(&model).is_some() => {
                return Err(format!("`beats` compares with `{BASELINE}`, not with `{model}`"));
            }
            ("model", Some(model)) => return Err(format!("no model is called `{model}`; {expected}")),
            ("share", Some(text)) => share = percent(&text),
            _ => return Err(expected.to_owned()),
        }
    }
    let share = share.ok_or(expected)?;
    let series = names(settings);
    // Where neither makes an error there is nothing to beat.
    let query = format!(
        "select coalesce(percent_better || ' % of the series beat {BASELINE} in the backtest, {share} % are wanted', \
             'no series has a history that is long enough for a backtest') as message, percent_better, percent_wanted, series\n\
         from (select round(100.0 * avg(case when lg_error < lg_naive then 1.0 else 0.0 end), 1) as percent_better, \
                 {share} as percent_wanted, count(*) as series\n\
               from (select distinct {series}, backtest_error as lg_error, naive_error as lg_naive from {} \
                     where backtest_error > 0 or naive_error > 0))\n\
         where percent_better is null or percent_better < percent_wanted",
        file.name
    );
    Ok(vec![as_sql(entry, format!("beats_{BASELINE}"), query)])
}

/// `coverage: { 80: [70, 90] }`.
fn coverage(file: &AssetFile, settings: &Settings, entry: &CheckEntry) -> Result<Vec<CheckEntry>, String> {
    let expected = "`coverage` takes a level and the percents it may be measured at: { 80: [70, 90] }";
    let map = entry.body.as_map().ok_or(expected)?;
    let series = names(settings);
    let mut checks = Vec::new();
    for (key, node) in &map.entries {
        let level = key.text.parse::<f64>().ok().filter(|level| settings.levels.contains(level));
        let level = level.ok_or_else(|| format!("there is no interval of {}; {expected}", key.text))?;
        let Value::List(ends) = &node.value else { return Err(expected.to_owned()) };
        let ends: Vec<f64> = ends.iter().filter_map(Node::as_f64).collect();
        let [low, high] = ends[..] else { return Err(expected.to_owned()) };
        let name = level_name(level);
        let query = format!(
            "select coalesce(percent_covered || ' % of the backtest fell into the interval of {level} %, {low} to {high} are wanted', \
                 'no series has a history that is long enough for a backtest') as message, percent_covered, at_least, at_most, series\n\
             from (select round(avg(lg_covered), 1) as percent_covered, {low} as at_least, {high} as at_most, count(*) as series\n\
                   from (select distinct {series}, coverage_{name} as lg_covered from {} where coverage_{name} is not null))\n\
             where percent_covered is null or percent_covered < at_least or percent_covered > at_most",
            file.name
        );
        let said = entry.name.as_ref().filter(|_| map.entries.len() > 1).map(|said| format!("{said}_{name}"));
        checks.push(as_sql(
            &CheckEntry { name: said.or(entry.name.clone()), ..entry.clone() },
            format!("coverage_{name}"),
            query,
        ));
    }
    if checks.is_empty() { Err(expected.to_owned()) } else { Ok(checks) }
}

/// The columns that tell series apart; of one series, something that all of its rows share.
fn names(settings: &Settings) -> String {
    let mut names: Vec<String> = settings.series.iter().map(|name| quoted(name)).collect();
    if !settings.hierarchy.is_empty() {
        names.push(HIERARCHY.to_owned());
    }
    if names.is_empty() { "model".to_owned() } else { names.join(", ") }
}

/// `60%` or `60`.
fn percent(text: &str) -> Option<f64> {
    let number = text.trim().trim_end_matches('%').trim().parse::<f64>().ok()?;
    (0.0..=100.0).contains(&number).then_some(number)
}

fn as_sql(entry: &CheckEntry, name: String, query: String) -> CheckEntry {
    CheckEntry {
        kind: "sql".to_owned(),
        body: Node { value: Value::String(query), span: entry.body.span },
        name: entry.name.clone().or(Some(name)),
        ..entry.clone()
    }
}
