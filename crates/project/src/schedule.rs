//! Schedules: when what runs.

mod cron;

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use lockgate_types::time::parse_duration;
use lockgate_types::{Diagnostic, Diagnostics, Place};

use self::cron::Cron;
use crate::fields::guess;
use crate::selector::{self, SelectorAsset};
use crate::settings::{PROJECT_KEYS, items_of};
use crate::yaml::{Node, Span};
use crate::{Fields, Source, codes};

/// An entry of `schedules`: a selection that runs when it is due, in the environment that is served.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// `[a-z][a-z0-9_-]*`, once in a project: what is kept of it goes by this name.
    pub name: String,
    /// Five fields, as they are written.
    pub cron: String,
    /// The name of its time zone, as IANA has it.
    pub timezone: String,
    /// Selectors, as `lockgate run` takes them; none select everything.
    pub select: Vec<String>,
    pub exclude: Vec<String>,
    pub catch_up: CatchUp,
    /// It starts up to so much later than it is due, by chance, so that many do not start at once.
    pub jitter: TimeDelta,
    /// The file itself says that it does not run.
    pub paused: bool,
    pub place: Place,
    when: Cron,
}

/// What becomes of the times at which a schedule was due while nobody was there to see to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CatchUp {
    /// They are passed over.
    None,
    /// The last one is run.
    #[default]
    Last,
    /// Each is run, one after the other, with the logical time at which it was due.
    All,
}

impl CatchUp {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            CatchUp::None => "none",
            CatchUp::Last => "last",
            CatchUp::All => "all",
        }
    }
}

impl Schedule {
    /// The first time after `at` at which it is due; `None` when there is none before the year 4900.
    ///
    /// Where the clocks change, a time that is left out is due at the moment when they jump, once, and a time that comes
    /// twice is due the first time it comes. This holds for hours that are named (`30 2 * * *`, `0 */2 * * *`); who says every
    /// hour (`*/15 * * * *`) means the time that passes: then both of a repeated hour count, and an hour that is left out is not
    /// made up for.
    ///
    /// As in every cron, a day is right when the day of the month or the day of the week fits, if both are given.
    ///
    /// Cost: the days between that are not meant; a few microseconds, and well under a millisecond for a leap day.
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.when.next_after(at)
    }

    /// The times after `after`, up to and with `until`, at which it was due: the oldest `limit` of them, in order.
    ///
    /// Cost: linear in the answer.
    pub fn due(&self, after: DateTime<Utc>, until: DateTime<Utc>, limit: usize) -> Vec<DateTime<Utc>> {
        let next = |at: &DateTime<Utc>| self.next_after(*at);
        let times = std::iter::successors(self.next_after(after), next);
        times.take_while(|at| *at <= until).take(limit).collect()
    }

    /// The newest of the same times.
    ///
    /// Cost: logarithmic in the span from the answer to `until`, however often it was due before.
    pub fn last_due(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut back = TimeDelta::minutes(1);
        loop {
            let from = until.checked_sub_signed(back).unwrap_or(after).max(after);
            if let Some(last) = self.due(from, until, usize::MAX).pop() {
                return Some(last);
            }
            if from <= after {
                return None;
            }
            back = back.checked_mul(2)?;
        }
    }
}

/// A schedule and the words in it that name assets.
pub(crate) struct ScheduleEntry {
    schedule: Schedule,
    words: Vec<Node>,
}

/// Reads `schedules`; what is wrong is reported and left out.
pub(crate) fn read(fields: &mut Fields<'_>) -> Vec<ScheduleEntry> {
    let source = fields.source();
    let mut entries: Vec<ScheduleEntry> = Vec::new();
    let mut names = BTreeSet::new();
    for (item, map) in items_of(fields, "schedules", "{ name: …, cron: … }", "a map with `name` and `cron`") {
        let mut entry = Fields::at(map, source, PROJECT_KEYS, "schedules.*", fields.diagnostics());
        let name = name(&mut entry, item.span);
        if let (Some(name), Some(node)) = (&name, map.get("name"))
            && !names.insert(name.clone())
        {
            entry.error(node.span, &codes::SCHEDULE, format!("there are two schedules `{name}`"));
        }
        let zone = zone(&mut entry);
        let when = cron(&mut entry, item.span, zone.unwrap_or(Tz::UTC));
        let (select, exclude) = (entry.strings("select"), entry.strings("exclude"));
        let catch_up = match entry.choice("catch_up", &["none", "last", "all"]) {
            Some("none") => CatchUp::None,
            Some("all") => CatchUp::All,
            _ => CatchUp::Last,
        };
        let jitter = jitter(&mut entry);
        let paused = entry.boolean("paused").unwrap_or(false);
        entry.finish();
        let (Some(name), Some(zone), Some((cron, when))) = (name, zone, when) else { continue };
        let place = source.place(map.get("name").map_or(item.span, |node| node.span));
        let words = ["select", "exclude"].iter().filter_map(|key| map.get(key)).flat_map(words_of).collect();
        let (select, exclude) = (select.unwrap_or_default(), exclude.unwrap_or_default());
        let timezone = zone.name().to_owned();
        let schedule = Schedule { name, cron, timezone, select, exclude, catch_up, jitter, paused, place, when };
        entries.push(ScheduleEntry { schedule, words });
    }
    entries
}

/// Looks whether the words name anything.
pub(crate) fn finish(
    entries: Vec<ScheduleEntry>,
    source: &Source,
    assets: &[SelectorAsset],
    some_are_broken: bool,
    diagnostics: &mut Diagnostics,
) -> Vec<Schedule> {
    for word in entries.iter().flat_map(|entry| &entry.words) {
        let text = word.as_str().unwrap_or_default();
        let found = selector::parse(&[text.to_owned()], &[]).and_then(|selector| selector.names_something(assets));
        // What was meant may be an asset whose tags could not be read.
        let is_unknown = some_are_broken && text.contains(':');
        if let Err(errors) = found
            && !is_unknown
        {
            diagnostics.extend(errors.into_iter().map(|error| error.at(source.place(word.span))));
        }
    }
    entries.into_iter().map(|entry| entry.schedule).collect()
}

/// The texts of a string or of a list of strings.
pub(crate) fn words_of(node: &Node) -> Vec<Node> {
    node.as_list().map_or_else(|| vec![node.clone()], <[Node]>::to_vec).into_iter().filter(is_text).collect()
}

fn is_text(node: &Node) -> bool {
    node.as_str().is_some()
}

fn name(fields: &mut Fields<'_>, span: Span) -> Option<String> {
    let node = fields.required("name", span)?;
    let name = fields.string("name")?;
    let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    if !is_name {
        let error = fields.error(node.span, &codes::SCHEDULE, format!("`{name}` is no name of a schedule"));
        error.expected = Some("a lowercase letter, then lowercase letters, digits, `_` and `-`".to_owned());
        return None;
    }
    Some(name)
}

/// `None` when it is wrong.
fn zone(fields: &mut Fields<'_>) -> Option<Tz> {
    let Some(node) = fields.node("timezone") else { return Some(Tz::UTC) };
    let name = fields.string("timezone")?;
    let zone = name.parse::<Tz>().ok();
    if zone.is_none() {
        let error = fields.error(node.span, &codes::SCHEDULE, format!("there is no time zone `{name}`"));
        error.expected = Some("a name of the IANA database, such as Europe/Berlin or UTC".to_owned());
        error.hint = guess(&name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    }
    zone
}

fn cron(fields: &mut Fields<'_>, span: Span, zone: Tz) -> Option<(String, Cron)> {
    let node = fields.required("cron", span)?;
    let text = fields.string("cron")?;
    match Cron::read(&text, zone) {
        Ok(cron) => Some((text, cron)),
        Err(mistake) => {
            let span = mistake.part.and_then(|part| span_of(fields.source(), node.span, &text, part));
            let place = fields.source().place(span.unwrap_or(node.span));
            let error = Diagnostic::error(&codes::SCHEDULE, mistake.message).at(place).expected(mistake.expected);
            fields.diagnostics().push(error);
            None
        }
    }
}

/// The span of a part of a value, where the value stands on its line as it is.
fn span_of(source: &Source, span: Span, text: &str, part: std::ops::Range<usize>) -> Option<Span> {
    let line = source.line(span.line);
    let before: usize = line.chars().take(span.column.saturating_sub(1) as usize).map(char::len_utf8).sum();
    let start = before + line.get(before..)?.find(text)? + part.start;
    let column = u32::try_from(line.get(..start)?.chars().count() + 1).ok()?;
    Some(Span { line: span.line, column, length: u32::try_from(part.len()).ok()? })
}

fn jitter(fields: &mut Fields<'_>) -> TimeDelta {
    let Some(node) = fields.node("jitter") else { return TimeDelta::zero() };
    let text = node.scalar_text().unwrap_or_default();
    if text == "0" {
        return TimeDelta::zero();
    }
    match parse_duration(&text) {
        Ok(jitter) if jitter <= TimeDelta::days(1) => jitter,
        Ok(_) => {
            fields.error(node.span, &codes::SCHEDULE, format!("the jitter `{text}` is longer than a day"));
            TimeDelta::zero()
        }
        Err(wrong) => {
            fields.error(node.span, &codes::WRONG_VALUE, wrong);
            TimeDelta::zero()
        }
    }
}
