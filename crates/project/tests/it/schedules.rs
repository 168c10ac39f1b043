//! When schedules are due, one question a line of `tests/schedules.txt`: expression, zone, after when, how many times.

use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use lockgate_project::{Schedule, load};
use lockgate_types::Effects;

fn schedule(cron: &str, zone: &str) -> Schedule {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("name: t\nschedules:\n  - {{ name: it, cron: \"{cron}\", timezone: {zone} }}\n");
    std::fs::write(folder.path().join("lockgate.yml"), text).unwrap();
    let (project, diagnostics) = load(folder.path(), None, &|_| None);
    assert!(diagnostics.0.iter().all(|d| d.code.id == "LG0119"), "only assets are missing: {diagnostics}");
    project.unwrap().schedules.remove(0)
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn times() {
    let file = crate::here("schedules.txt");
    let before = std::fs::read_to_string(&file).unwrap();
    let mut text = String::new();
    for line in before.lines().filter(|line| !line.starts_with("  ")) {
        writeln!(text, "{line}").unwrap();
        let Some(question) = line.strip_prefix("> ") else { continue };
        let parts: Vec<&str> = question.split(" | ").collect();
        let [cron, zone, after, count] = parts[..] else { panic!("{line}") };
        let (schedule, zone): (Schedule, Tz) = (schedule(cron, zone), zone.parse().unwrap());
        let times = schedule.due(at(after), DateTime::<Utc>::MAX_UTC, count.parse().unwrap());
        assert_eq!(times.first().copied(), schedule.next_after(at(after)));
        for time in &times {
            writeln!(text, "  {} {}", time.to_rfc3339(), time.with_timezone(&zone).format("%a %H:%M %Z")).unwrap();
        }
        if times.is_empty() {
            text.push_str("  never\n");
        }
    }
    crate::expect(&file, &text).unwrap();
}

/// Through the changes of the clocks, in steps of any length: no time twice, none left out, and the last is the last.
#[test]
fn spans_that_meet_give_each_time_once() {
    let spans = [("2026-03-05T00:00:00Z", "2026-04-02T00:00:00Z"), ("2026-10-20T00:00:00Z", "2026-11-04T00:00:00Z")];
    for (from, to) in spans.map(|(from, to)| (at(from), at(to))) {
        for cron in ["30 2 * * *", "*/20 1-3 * * *", "0 * * * *", "0 0 1 * *"] {
            for zone in ["Europe/Berlin", "America/New_York"] {
                let schedule = schedule(cron, zone);
                let whole = schedule.due(from, to, usize::MAX);
                assert!(whole.is_sorted_by(|a, b| a < b), "{cron} {zone}");
                for step in [TimeDelta::minutes(97), TimeDelta::hours(13), TimeDelta::days(9)] {
                    let (mut pieces, mut after, mut last) = (Vec::new(), from, None);
                    while after < to {
                        let until = (after + step).min(to);
                        pieces.extend(schedule.due(after, until, usize::MAX));
                        last = last.max(schedule.last_due(after, until));
                        after = until;
                    }
                    assert_eq!(pieces, whole, "{cron} {zone} {step}");
                    assert_eq!(last, whole.last().copied(), "{cron} {zone} {step}");
                }
                assert_eq!(schedule.last_due(from, to), whole.last().copied(), "{cron} {zone}");
                assert_eq!(schedule.due(from, to, 2), whole[..whole.len().min(2)]);
            }
        }
    }
}

#[test]
fn spans_that_are_none() {
    let (schedule, noon) = (schedule("0 12 * * *", "UTC"), at("2026-03-01T12:00:00Z"));
    assert!(schedule.due(noon, noon, 5).is_empty());
    assert!(schedule.due(noon, noon - TimeDelta::days(3), 5).is_empty());
    assert_eq!(schedule.last_due(noon, noon), None);
    assert_eq!(schedule.last_due(noon, noon - TimeDelta::days(3)), None);
    assert_eq!(schedule.due(noon - TimeDelta::seconds(1), noon, 5), [noon]);
    assert_eq!(schedule.last_due(DateTime::<Utc>::MIN_UTC, noon), Some(noon));
}

#[test]
fn what_never_comes_is_found_out_soon() {
    let clock = Effects::real().clock;
    let started = clock.monotonic();
    for cron in ["0 0 30 2 *", "* * 31 2,4,6,9,11 *", "0 0 31W 2 *", "*/7 * 31 4 *"] {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("name: t\nschedules: [ {{ name: it, cron: \"{cron}\" }} ]\n");
        std::fs::write(folder.path().join("lockgate.yml"), text).unwrap();
        let (_, diagnostics) = load(folder.path(), None, &|_| None);
        assert!(diagnostics.0.iter().any(|d| d.message.ends_with("never comes")), "{cron}: {diagnostics}");
    }
    let took = clock.monotonic() - started;
    assert!(took.as_secs() < 5, "{took:?}");
}
