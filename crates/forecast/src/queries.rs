//! What is asked of the engine, which sorts and spills: the rows of all series in their order, the live forecast's among them; and the newest
//! rows alone.

use lockgate_series::axis::Step;
use lockgate_series::hygiene::Merge;
use lockgate_types::DataType;

use crate::columns::{self, quoted};
use crate::history::Live;
use crate::settings::Settings;

/// Where the live forecast is registered: no asset's name has two underscores in a row.
pub(crate) const LIVE: (&str, &str) = ("lockgate__forecast", "live");

/// What the rows of the history have, and the order in which they come.
struct Measured {
    columns: Vec<String>,
    /// The known columns among them.
    known: Vec<String>,
    order: String,
}

fn measured(settings: &Settings) -> Measured {
    let mut keys: Vec<String> = (0..settings.series.len()).map(|place| format!("lg_k{place}")).collect();
    if !settings.hierarchy.is_empty() {
        keys.insert(0, "lg_level".to_owned());
    }
    let known: Vec<String> = (0..settings.regressors.len()).map(|place| format!("lg_r{place}")).collect();
    let columns = [&keys[..], &["1 as lg_part".into(), "lg_time".into(), "lg_value".into()], &known].concat();
    // By the values as well, so that what is last of several at one time is the same each time.
    let order = [&keys[..], &["lg_part".into(), "lg_time".into(), "lg_value".into()], &known].concat().join(", ");
    Measured { columns, known, order }
}

/// The query of the series' own rows from a time on, in their order. `of` is the type of the time.
pub(crate) fn recent(settings: &Settings, from: i64, of: &DataType) -> String {
    let Measured { columns, order, .. } = measured(settings);
    let (leaves, from) = (leaves(settings), literal(from, of));
    format!("select {} from ({leaves}) where lg_time >= {from} order by {order}", columns.join(", "))
}

/// The query of where the sums of a level have to end, because a series of theirs is late: after that they would be too small. A row has the
/// columns that the level keeps and the time at which the first of those series ends.
///
/// Late is a series that is there at nearly every step, has been for a while, and ended between the times `from` and `until`: one that
/// often has no rows is not late, there was nothing; one that ended before is not waited for.
pub(crate) fn late_sums(settings: &Settings, level: &[String], from: i64, until: i64, of: &DataType) -> String {
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let each = settings.series.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let kept: Vec<String> =
        settings.series.iter().filter(|name| level.contains(name)).map(|name| quoted(name)).collect();
    let (first, last) = (in_steps(&format!("min({time})"), settings), in_steps(&format!("max({time})"), settings));
    let there = format!("count(distinct floor({}))", in_steps(&time, settings));
    let by = if kept.is_empty() { String::new() } else { format!(" group by {}", kept.join(", ")) };
    format!(
        "select {}min(lg_end) as lg_until from (select {each}, max({time}) as lg_end from {} \
         where {time} is not null and {value} is not null group by {each} \
         having {there} >= {LONG} and {there} >= {DENSE} * ({last} - {first} + 1) \
         and max({time}) >= {} and max({time}) < {}){by}",
        kept.iter().map(|name| format!("{name}, ")).collect::<String>(),
        settings.of,
        literal(from, of),
        literal(until, of),
    )
}

/// The query of all rows, in their order.
pub(crate) fn query(settings: &Settings, live: Option<&Live>) -> String {
    let leveled = !settings.hierarchy.is_empty();
    let Measured { columns: measured, known, order } = measured(settings);
    let history = history(settings);
    let Some(live) = live else {
        return format!("select {} from ({history}) order by {order}", measured.join(", "));
    };
    let mut extra = vec!["cast(null as bigint) as lg_step".to_owned()];
    let mut said = Vec::new();
    if leveled {
        said.push(format!("{} as lg_level", level_case(settings)));
    }
    said.extend(settings.series.iter().enumerate().map(|(place, name)| format!("{} as lg_k{place}", quoted(name))));
    said.push("0 as lg_part".to_owned());
    said.push(format!("{} as lg_time", quoted(&settings.time)));
    said.push("forecast as lg_value".to_owned());
    said.extend(known.iter().map(|name| format!("cast(null as double) as {name}")));
    said.push("cast(step as bigint) as lg_step".to_owned());
    for (place, level) in settings.levels.iter().enumerate() {
        let name = columns::level_name(*level);
        for end in ["lo", "hi"] {
            extra.push(format!("cast(null as double) as lg_{end}{place}"));
            said.push(match live.has_level[place] {
                true => format!("{end}_{name} as lg_{end}{place}"),
                false => format!("cast(null as double) as lg_{end}{place}"),
            });
        }
    }
    extra.push("cast(null as varchar) as lg_state".to_owned());
    said.push("cast(state as varchar) as lg_state".to_owned());
    format!(
        "select * from (select {}, {} from ({history}) union all select {} from {}.{}{}) order by {order}",
        measured.join(", "),
        extra.join(", "),
        said.join(", "),
        LIVE.0,
        LIVE.1,
        // Sums that are not asked for any more are no series.
        if leveled { format!(" where {} is not null", level_case(settings)) } else { String::new() },
    )
}

/// The number of a live row's level, by its name.
fn level_case(settings: &Settings) -> String {
    let names = settings.hierarchy.iter().chain([&settings.series]).enumerate();
    let cases: Vec<String> = names
        .map(|(number, level)| format!("when '{}' then {number}", columns::sum_name(level).replace('\'', "''")))
        .collect();
    format!("case {} {} end", columns::HIERARCHY, cases.join(" "))
}

/// The rows of the asset.
fn leaves(settings: &Settings) -> String {
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let names = settings.series.iter().enumerate();
    let mut selected: Vec<String> = names.map(|(place, name)| format!("{} as lg_k{place}", quoted(name))).collect();
    selected.push(format!("{time} as lg_time"));
    selected.push(format!("cast({value} as double) as lg_value"));
    let known = settings.regressors.iter().enumerate();
    selected.extend(known.map(|(place, name)| format!("cast({} as double) as lg_r{place}", quoted(name))));
    if !settings.hierarchy.is_empty() {
        selected.insert(0, format!("{} as lg_level", settings.hierarchy.len()));
    }
    format!("select {} from {} where {time} is not null", selected.join(", "), settings.of)
}

/// The rows of the asset, and the sums of each level of a hierarchy; the leaves are its last level.
fn history(settings: &Settings) -> String {
    let (time, value) = (quoted(&settings.time), quoted(&settings.value));
    let names: Vec<String> = settings.series.iter().map(|name| quoted(name)).collect();
    let uppers = settings.hierarchy.iter().enumerate().map(|(number, level)| {
        let mut selected = vec![format!("{number} as lg_level")];
        let mut by = vec![time.clone()];
        for (place, name) in settings.series.iter().enumerate() {
            if level.contains(name) {
                selected.push(format!("{} as lg_k{place}", quoted(name)));
                by.push(quoted(name));
            } else {
                selected.push(format!("null as lg_k{place}"));
            }
        }
        selected.push(format!("{time} as lg_time"));
        selected.push(format!("sum({value}) as lg_value"));
        let known = settings.regressors.iter().enumerate();
        selected.extend(known.map(|(place, name)| format!("avg({}) as lg_r{place}", quoted(name))));
        // Several rows of a series at one time are one value of it before they are part of a sum.
        let merge = match settings.hygiene.duplicates {
            Merge::Sum => "sum",
            Merge::Mean => "avg",
            Merge::Last => "max",
        };
        let mut inner = [&names[..], std::slice::from_ref(&time)].concat();
        let of_each = inner.join(", ");
        inner.push(format!("{merge}(cast({value} as double)) as {value}"));
        let known = settings.regressors.iter();
        inner.extend(known.map(|name| format!("avg(cast({0} as double)) as {0}", quoted(name))));
        let (selected, inner, by) = (selected.join(", "), inner.join(", "), by.join(", "));
        format!(
            "select {selected} from (select {inner} from {} where {time} is not null group by {of_each}) group by {by}",
            settings.of
        )
    });
    std::iter::once(leaves(settings)).chain(uppers).collect::<Vec<_>>().join(" union all ")
}

/// Steps that a series must have had to be waited for.
const LONG: usize = 12;
/// The share of its steps at which a series is there that has no rows only when it is late.
const DENSE: f64 = 0.9;

/// A time in steps, in SQL; a month is about as long as it is.
fn in_steps(time: &str, settings: &Settings) -> String {
    const DAY: f64 = 86_400.0;
    let seconds = match settings.step {
        Step::Integer(steps) => return format!("(cast({time} as double) / {:?})", f64::from(steps)),
        Step::Micros(micros) => micros as f64 / 1e6,
        Step::Days(count) => f64::from(count) * DAY,
        Step::Months(count) => f64::from(count) * 30.44 * DAY,
    };
    format!("(cast(date_part('epoch', {time}) as double) / {seconds:?})")
}

/// A time of the library as SQL writes it, so that it is compared with a column of that type as it is.
fn literal(time: i64, of: &DataType) -> String {
    match of {
        DataType::Date => format!("cast(to_timestamp_micros({time}) as date)"),
        DataType::Timestamp | DataType::Timestamptz => format!("to_timestamp_micros({time})"),
        _ => time.to_string(),
    }
}
