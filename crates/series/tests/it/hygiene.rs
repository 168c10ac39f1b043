//! Hygiene cases are files: `tests/cases/hygiene/*.txt`. `UPDATE=1` rewrites what comes after the dashes.
//!
//! Above the dashes: `key: value` lines (step, seasons, horizon, until, last, zone, settings as JSON), then points: `TIME VALUE`
//! (`-` is a missing value), or `from TIME [repeat N]: VALUES`, one per step, where `_` is no point at all.

use std::fmt::Write as _;
use std::path::Path;

use lockgate_series::axis::{Axis, DAY, Step};
use lockgate_series::calendar::Date;
use lockgate_series::hygiene::{self, Context, Point, Settings, clean};

const HOUR: i64 = DAY / 24;

/// Central European time: two hours ahead of UTC from the last Sunday of March, 01:00 UTC, to that of October, else one.
pub(crate) fn central_european(at: i64) -> i64 {
    let year = Date::from_days(at.div_euclid(DAY)).year;
    let last_sunday = |month| (25..=31).map(|day| Date::new(year, month, day)).rfind(|date| date.weekday() == 6);
    let change = |month| last_sunday(month).map_or(0, |date| date.days() * DAY + HOUR);
    if (change(3)..change(10)).contains(&at) { 2 * HOUR } else { HOUR }
}

/// `2024-01-31`, `2024-01-31T05:30` in UTC, or an integer.
fn time(text: &str, step: Step) -> i64 {
    if matches!(step, Step::Integer(_)) {
        return text.parse().unwrap();
    }
    let (date, clock) = text.trim_end_matches('Z').split_once('T').unwrap_or((text, "00:00"));
    let numbers: Vec<i64> = date.split('-').map(|part| part.parse().unwrap()).collect();
    let (hour, minute) = clock.split_once(':').unwrap();
    let day = Date::new(numbers[0], numbers[1] as u32, numbers[2] as u32).days();
    day * DAY + hour.parse::<i64>().unwrap() * HOUR + minute.parse::<i64>().unwrap() * HOUR / 60
}

fn written(at: i64, step: Step) -> String {
    if matches!(step, Step::Integer(_)) {
        return at.to_string();
    }
    let date = Date::from_days(at.div_euclid(DAY));
    let minutes = at.rem_euclid(DAY) / (HOUR / 60);
    let day = format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
    if minutes == 0 { day } else { format!("{day}T{:02}:{:02}", minutes / 60, minutes % 60) }
}

fn run(text: &str) -> String {
    let mut step = Step::Days(1);
    let (mut seasons, mut settings, mut context) =
        (None, Settings::default(), Context { horizon: 7, ..Context::default() });
    let mut zone = false;
    let mut points = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let axis = if zone { Axis::local(step, &central_european) } else { Axis::new(step) };
        let value = |text: &str| text.parse::<f64>().ok();
        if let Some(run) = line.strip_prefix("from ") {
            let (head, values) = run.split_once(": ").unwrap();
            let (start, repeats) = head.split_once(" repeat ").unwrap_or((head, "1"));
            let mut at = time(start, step);
            for _ in 0..repeats.parse::<usize>().unwrap() {
                for text in values.split_whitespace() {
                    if text != "_" {
                        points.push(Point { time: at, value: value(text) });
                    }
                    // Hours are instants in order; days and months are those of the local clock.
                    at = match step {
                        Step::Micros(micros) => at + micros,
                        _ => axis.time(axis.index(at) + 1),
                    };
                }
            }
        } else if let Some((key, rest)) = line.split_once(": ") {
            match key {
                "step" => step = rest.parse().unwrap(),
                "seasons" => {
                    seasons = Some(rest.split(',').map(|part| part.trim().parse().unwrap()).collect::<Vec<usize>>())
                }
                "horizon" => context.horizon = rest.parse().unwrap(),
                "until" => context.until = Some(time(rest, step)),
                "last" => context.last = Some(axis.index(time(rest, step))),
                "zone" => zone = rest == "central european",
                "settings" => settings = serde_json::from_str(rest).unwrap(),
                _ => panic!("{key} is not a key of a hygiene case"),
            }
        } else {
            let (at, text) = line.split_once(' ').unwrap();
            points.push(Point { time: time(at, step), value: value(text) });
        }
    }
    let axis = if zone { Axis::local(step, &central_european) } else { Axis::new(step) };
    let series = clean(&points, &axis, &seasons.unwrap_or_else(|| step.seasons()), &settings, context);
    let mut out = String::new();
    let word = |value: &dyn erased::Word| value.word();
    writeln!(out, "class: {}", word(&series.class)).unwrap();
    if !series.values.is_empty() {
        writeln!(out, "first: {}", written(axis.time(series.first), step)).unwrap();
        writeln!(out, "from: {}  late: {}  over: {}", series.from, series.late, series.over).unwrap();
    }
    for treatment in &series.treatments {
        let (first, last) = (written(treatment.first, step), written(treatment.last, step));
        writeln!(out, "treatment: {} {} {first} {last}", word(&treatment.kind), treatment.count).unwrap();
    }
    let show = |value: &f64| if value.is_nan() { "-".to_owned() } else { format!("{}", (value * 1e4).round() / 1e4) };
    for (name, values) in [("values", &series.values), ("actual", &series.actual)] {
        writeln!(out, "{name}:").unwrap();
        for row in values.chunks(24) {
            writeln!(out, "  {}", row.iter().map(show).collect::<Vec<_>>().join(" ")).unwrap();
        }
    }
    out
}

mod erased {
    /// The word of an enum in JSON.
    pub(super) trait Word {
        fn word(&self) -> String;
    }

    impl<T: serde::Serialize> Word for T {
        fn word(&self) -> String {
            serde_json::to_string(self).unwrap().trim_matches('"').to_owned()
        }
    }
}

#[test]
fn cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/hygiene");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 20, "the hygiene cases are missing");
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let (case, expected) = text.split_once("----\n").unwrap_or((&text, ""));
        let got = run(case);
        if update {
            std::fs::write(&path, format!("{case}----\n{got}")).unwrap();
        } else if got != expected {
            wrong.push(format!("{}:\n{got}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "differs (UPDATE=1 rewrites):\n{}", wrong.join("\n"));
}

#[test]
fn a_series_does_not_depend_on_the_order_of_its_points() {
    let mut points: Vec<Point> =
        (0..60).map(|step| Point { time: step, value: (step % 7 != 3).then_some((step * step % 17) as f64) }).collect();
    let axis = Axis::new(Step::Integer(1));
    let sorted = clean(&points, &axis, &[7], &Settings::default(), Context::default());
    points.reverse();
    points.swap(3, 40);
    assert_eq!(
        format!("{sorted:?}"),
        format!("{:?}", clean(&points, &axis, &[7], &Settings::default(), Context::default()))
    );
}

#[test]
fn what_is_no_number_is_missing() {
    let axis = Axis::new(Step::Integer(1));
    let points: Vec<Point> = [1.0, f64::NAN, f64::INFINITY, 4.0]
        .into_iter()
        .enumerate()
        .map(|(step, value)| Point { time: step as i64, value: Some(value) })
        .collect();
    let series = clean(&points, &axis, &[], &Settings::default(), Context::default());
    assert_eq!(series.values, [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        series.treatments.iter().map(|treatment| (treatment.kind, treatment.count)).collect::<Vec<_>>(),
        [(hygiene::Kind::Gaps, 2)]
    );
}

#[test]
fn a_lone_time_in_another_age_costs_no_memory() {
    let axis = Axis::new(Step::Micros(HOUR));
    let points = [i64::MIN, 0, HOUR, i64::MAX].map(|time| Point { time, value: Some(1.0) });
    let context = Context { until: Some(3 * HOUR), ..Context::default() };
    let series = clean(&points, &axis, &[24], &Settings::default(), context);
    assert_eq!(series.values.len(), 2);
    let kinds: Vec<_> = series.treatments.iter().map(|treatment| treatment.kind).collect();
    assert_eq!(kinds, [hygiene::Kind::Future, hygiene::Kind::Cut]);
}
