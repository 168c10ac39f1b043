//! How the year ended: from `lockgate status --json` and queries over what readers see.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::flights::names;
use crate::terminal::{percent, thousands};
use crate::tool::{Lockgate, text, whole};

/// `part` of `of` rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub(super) part: u64,
    pub(super) of: u64,
}

/// What must stand in the way at the end, and nothing else.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) held: &'a [&'a str],
    pub(super) late: &'a [&'a str],
}

/// `lockgate status --json`, by asset.
struct Standing(Vec<Value>);

impl Standing {
    fn ask(lockgate: &Lockgate) -> Result<Self> {
        let (_, values) = lockgate.json(&["status", "--json"], &[0, 3])?;
        let found = values.iter().find_map(|value| value["assets"].as_array());
        Ok(Standing(found.context("`lockgate status --json` has no `assets`")?.clone()))
    }

    /// Assets of which something stands under `key`: `held`, `late`, `live`, `known`.
    fn with(&self, key: &str) -> Vec<&Value> {
        let something = |value: &Value| match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        self.0.iter().filter(|asset| something(&asset[key])).collect()
    }

    fn asset(&self, name: &str) -> Result<&Value> {
        self.0.iter().find(|asset| asset["name"] == name).with_context(|| format!("status does not know {name}"))
    }

    /// Every known failure that lets its asset pass, with the asset's name.
    fn known(&self) -> Vec<(&str, &Value)> {
        let mut found = Vec::new();
        for asset in self.0.iter().filter(|asset| asset["held"].is_null()) {
            let name = asset["name"].as_str().unwrap_or_default();
            found.extend(asset["known"].as_array().into_iter().flatten().map(|outcome| (name, outcome)));
        }
        found
    }
}

/// What is wrong with the data, then how the year ended.
pub(super) fn print(lockgate: &Lockgate, recorded: &Share, took: &str) -> Result<()> {
    let standing = Standing::ask(lockgate)?;
    print_findings(lockgate, &standing)?;
    println!();
    let flights = whole(&lockgate.row("select count(*) as flights from clean.flights")?, "flights")?;
    let (held, late) = (standing.with("held"), standing.with("late"));
    let stands_in_the_way = |asset: &&Value| held.contains(asset) || late.contains(asset);
    let published = standing.with("live").into_iter().filter(|asset| !stands_in_the_way(asset)).count();
    line(&format!("✓ {published} published   {} flights", thousands(flights)), took);
    let known = standing.known();
    let unknown_planes = count(&known, "clean.flights", "references_tailnum");
    line(
        &format!("! {} known failures   {} flights whose plane is unknown", known.len(), thousands(unknown_planes)),
        "lockgate.known.yml",
    );
    for name in names(&late) {
        println!("! {name} LATE   newest hour {}", newest_hour(lockgate, &name)?);
    }
    for name in names(&held) {
        let asset = standing.asset(&name)?;
        println!("✗ {name} HELD   {}", why_held(asset, recorded));
        println!("  readers still see version {}", asset["live"]["number"]);
        println!("  next: lockgate show {name} --held");
    }
    Ok(())
}

/// Ends in an error unless exactly the expected assets are held and late.
pub(super) fn verify(lockgate: &Lockgate, expected: &Expected<'_>) -> Result<()> {
    let standing = Standing::ask(lockgate)?;
    for (what, want) in [("held", expected.held), ("late", expected.late)] {
        let found = names(&standing.with(what));
        ensure!(found == want, "{what} at the end: {found:?}; the story needs {want:?}");
    }
    // The gate and a query must agree on what is wrong, or one of them is.
    let held = standing.asset("mart.flight_weather")?;
    let Some(gate) = failing(&held["held"], "without_weather") else {
        bail!("mart.flight_weather is held for something else than `without_weather`");
    };
    let sql = "select count(*) as flights, count(*) filter (where weather.hour_at is null) as missing \
               from clean.flights as flights \
               left join clean.weather as weather \
               on weather.origin = flights.origin and weather.hour_at = flights.hour_at";
    let row = lockgate.row(sql)?;
    let query = (whole(&row, "missing")?, whole(&row, "flights")?);
    ensure!(gate == query, "the gate counts {gate:?} flights without weather, a query {query:?}");
    Ok(())
}

fn print_findings(lockgate: &Lockgate, standing: &Standing) -> Result<()> {
    println!("\nWhat the checks found in this data");
    let row = lockgate.row(
        "select count(*) as flights, \
           count(*) filter (where flights.tailnum is null) as no_number, \
           count(*) filter (where flights.tailnum is not null and planes.tailnum is null) as not_registered, \
           count(*) filter (where flights.cancelled) as cancelled \
         from clean.flights as flights left join clean.planes as planes on planes.tailnum = flights.tailnum",
    )?;
    let flights = whole(&row, "flights")?;
    let (no_number, not_registered) = (whole(&row, "no_number")?, whole(&row, "not_registered")?);
    let (unknown, cancelled) = (no_number + not_registered, whole(&row, "cancelled")?);
    finding(
        unknown,
        &format!(
            "flights ({}) without a known plane: {} have no tail number, {} one that is not registered",
            percent(unknown, flights, 1),
            thousands(no_number),
            thousands(not_registered)
        ),
    );
    let row = lockgate.row(
        "select count(*) as flights, count(distinct flights.dest) as airports \
         from clean.flights as flights left join clean.airports as airports on airports.code = flights.dest \
         where airports.code is null",
    )?;
    let airports = whole(&row, "airports")?;
    finding(whole(&row, "flights")?, &format!("flights to {airports} airports that are not in the list"));
    let without = standing.with("held").into_iter().find_map(|asset| failing(&asset["held"], "without_weather"));
    if let Some((without, _)) = without {
        let gaps = count(&standing.known(), "clean.weather", "hours_missing");
        finding(without, &format!("flights without weather; the weather has {gaps} gaps"));
    }
    finding(cancelled, "cancelled flights");
    let row = lockgate.row(
        "select count(*) as hours from (select origin, local_hour from clean.weather \
         group by origin, local_hour having count(*) > 1) as twice",
    )?;
    finding(whole(&row, "hours")?, "local hours stand twice at the end of daylight saving; no UTC hour does");
    let row = lockgate.row("select cast(round(max(wind_speed)) as bigint) as mph from raw.weather")?;
    finding(whole(&row, "mph")?, "miles an hour is the strongest wind reported; clean.weather leaves it out");
    Ok(())
}

fn finding(number: u64, text: &str) {
    println!("  {:>8}  {text}", thousands(number));
}

fn newest_hour(lockgate: &Lockgate, asset: &str) -> Result<String> {
    let sql = format!("select to_char(max(time_hour), '%-d %b %H:%M') as newest from {asset}");
    text(&lockgate.row(&sql)?, "newest")
}

fn why_held(asset: &Value, recorded: &Share) -> String {
    match failing(&asset["held"], "without_weather") {
        Some((part, of)) => {
            let (then, now) = (percent(recorded.part, recorded.of, 2), percent(part, of, 2));
            format!("flights without weather {then} → {now}")
        }
        None => {
            let messages = asset["held"]["failing"].as_array().into_iter().flatten();
            messages.filter_map(|outcome| outcome["message"].as_str()).collect::<Vec<_>>().join("; ")
        }
    }
}

/// Failing and all rows of a check that holds a version.
fn failing(held: &Value, check: &str) -> Option<(u64, u64)> {
    let outcome = held["failing"].as_array()?.iter().find(|outcome| outcome["name"] == check)?;
    Some((outcome["failing"].as_u64()?, outcome["total"].as_u64()?))
}

fn count(known: &[(&str, &Value)], asset: &str, check: &str) -> u64 {
    let found = known.iter().find(|(name, outcome)| *name == asset && outcome["name"] == check);
    found.and_then(|(_, outcome)| outcome["failing"].as_u64()).unwrap_or(0)
}

/// A line with something at its right edge.
fn line(left: &str, right: &str) {
    println!("{left}{right:>width$}", width = 76usize.saturating_sub(left.chars().count()).max(right.len() + 3));
}
