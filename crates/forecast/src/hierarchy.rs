//! The forecasts of sums and of what they sum, made to add up.

use std::collections::{BTreeMap, HashMap};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Int64Type};
use lockgate_engine::EngineError;
use lockgate_kind::KindError;
use lockgate_series::Part;
use lockgate_series::choose::Why;
use lockgate_series::reconcile::{Hierarchy, Method};

use crate::build::Computed;
use crate::history::{of_arrow, texts};
use crate::settings::Settings;
use crate::told::Told;

/// Where a node is: its chunk, and its place there.
type Place = (usize, usize);

/// Moves all forecasts so that every sum is the sum of its series at every step, bit for bit. What that moves is a part of its own, and
/// intervals move along. Series that are over, or whose steps lie between those of the others, are left as they are and not summed.
pub(crate) fn reconcile(settings: &Settings, computed: &mut [Computed]) -> Result<(), KindError> {
    let mut leaves: Vec<(Place, Vec<String>)> = Vec::new();
    let mut sums: HashMap<(usize, Vec<String>), Place> = HashMap::new();
    let Some(first) = usual_first(computed) else { return Ok(()) };
    for (chunk, part) in computed.iter().enumerate() {
        let levels = cast(&part.keys[0], &Arrow::Int64).map_err(of_arrow)?;
        let levels = levels.as_primitive::<Int64Type>();
        for (place, told) in part.told.iter().enumerate() {
            if told.rows.len() != settings.horizon || told.rows[0].time != first {
                continue;
            }
            let key = texts(&part.keys[1..], place).map_err(of_arrow)?;
            match usize::try_from(levels.value(place)).ok().filter(|level| *level < settings.hierarchy.len()) {
                Some(level) => {
                    let kept = settings.series.iter().zip(key);
                    let kept = kept.filter(|(name, _)| settings.hierarchy[level].contains(name)).map(|(_, text)| text);
                    sums.insert((level, kept.collect()), (chunk, place));
                }
                None => leaves.push(((chunk, place), key)),
            }
        }
    }
    let columns = |level: &Vec<String>| -> Vec<usize> {
        (0..settings.series.len()).filter(|&place| level.contains(&settings.series[place])).collect()
    };
    let keys: Vec<Vec<String>> = leaves.iter().map(|(_, key)| key.clone()).collect();
    let hierarchy = Hierarchy::new(&keys, &settings.hierarchy.iter().map(columns).collect::<Vec<_>>());
    let node = |(chunk, place): Place| &computed[chunk].told[place];
    let mut places: Vec<Option<Place>> =
        hierarchy.uppers().iter().map(|upper| sums.get(&(upper.level, upper.key.clone())).copied()).collect();
    places.extend(leaves.iter().map(|(place, _)| Some(*place)));
    let of_leaves: Vec<Vec<f64>> = leaves.iter().map(|(place, _)| forecasts(node(*place))).collect();
    let added = hierarchy.sum(&of_leaves);
    let variances: Vec<f64> = leaves.iter().map(|(place, _)| variance(node(*place))).collect();
    let mut base = Vec::with_capacity(places.len());
    let mut weights = Vec::with_capacity(places.len());
    let unseen: Vec<Option<Vec<f64>>> = leaves.iter().map(|(place, _)| unseen(node(*place))).collect();
    for (number, place) in places.iter().enumerate() {
        let leaves = hierarchy.uppers().get(number).map_or(&[][..], |upper| &upper.leaves);
        // A sum without a forecast of its own has nothing to say beyond its series.
        let mut own = place.map_or_else(|| added[number].clone(), |place| forecasts(node(place)));
        // One that is young itself has seen little else.
        if place.is_some_and(|place| node(place).record.length >= season_of(node(place))) {
            for new in leaves.iter().filter_map(|&leaf| unseen[leaf].as_ref()) {
                own.iter_mut().zip(new).for_each(|(sum, new)| *sum += new);
            }
        }
        base.push(own);
        weights.push(
            place.map_or_else(|| leaves.iter().map(|&leaf| variances[leaf]).sum(), |place| variance(node(place))),
        );
    }
    let mut agreed = vec![Vec::with_capacity(settings.horizon); places.len()];
    for step in 0..settings.horizon {
        // Where nothing ever happens, as at night, a node is as good as certain.
        let weight = |(place, weight): (&Option<Place>, &f64)| {
            if place.is_some_and(|place| is_certain(node(place), step)) { 0.0 } else { *weight }
        };
        let weights: Vec<f64> = places.iter().zip(&weights).map(weight).collect();
        let at: Vec<Vec<f64>> = base.iter().map(|row| vec![row[step]]).collect();
        let of_step = hierarchy.reconcile(&at, &weights, Method::Mint);
        // What does not add up is not published as if it did.
        let of_step = of_step.map_err(|mismatch| EngineError::Execution(mismatch.to_string()))?;
        for (agreed, of_step) in agreed.iter_mut().zip(of_step) {
            agreed.push(of_step[0]);
        }
    }
    for (place, agreed) in places.into_iter().zip(agreed) {
        if let Some((chunk, place)) = place {
            moved(&mut computed[chunk].told[place], &agreed);
        }
    }
    Ok(())
}

/// When most forecasts begin.
fn usual_first(computed: &[Computed]) -> Option<i64> {
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for told in computed.iter().flat_map(|part| &part.told) {
        if let Some(row) = told.rows.first() {
            *counts.entry(row.time).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(time, count)| (*count, *time)).map(|(time, _)| time)
}

fn season_of(told: &Told) -> usize {
    told.record.seasons.first().copied().unwrap_or(1)
}

/// What a sum's own forecast has of a newcomer at a place of the season at which it has been seen once.
const SEEN_ONCE: f64 = 0.5;

/// What the forecasts of its sums lack of a newcomer: all of it at the places of the season at which it was not there yet. `None` for any
/// other series.
fn unseen(told: &Told) -> Option<Vec<f64>> {
    let (record, season) = (&told.record, season_of(told));
    let lacks = |step: usize| if step % season < season - record.length.min(season) { 1.0 } else { 1.0 - SEEN_ONCE };
    let steps = forecasts(told).into_iter().enumerate().map(|(step, forecast)| lacks(step) * forecast);
    (record.choice.why == Why::Newcomer).then(|| steps.collect())
}

fn forecasts(told: &Told) -> Vec<f64> {
    told.rows.iter().map(|row| row.forecast).collect()
}

/// How wrong a forecast usually is; without a backtest, as wrong as it is large.
fn variance(told: &Told) -> f64 {
    let count = told.rows.len().max(1) as f64;
    let size = told.rows.iter().map(|row| row.forecast.abs()).sum::<f64>() / count;
    told.record.choice.error.unwrap_or(size).powi(2)
}

/// Whether a step is zero and nothing else.
fn is_certain(told: &Told, step: usize) -> bool {
    let row = &told.rows[step];
    row.forecast == 0.0 && !row.bands.is_empty() && row.bands.iter().all(|(low, high)| *low == 0.0 && *high == 0.0)
}

fn moved(told: &mut Told, agreed: &[f64]) {
    let mut by = Vec::with_capacity(agreed.len());
    for (row, &agreed) in told.rows.iter_mut().zip(agreed) {
        let distance = agreed - row.forecast;
        for (low, high) in &mut row.bands {
            // What cannot fall below zero does not now, and an interval that reaches down to nothing still does.
            let reaches_down = *low == 0.0 && agreed >= 0.0;
            let floor = if *low >= 0.0 && agreed >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            let moved = if reaches_down { 0.0 } else { (*low + distance).max(floor) };
            (*low, *high) = (moved.min(agreed), (*high + distance).max(agreed));
        }
        row.forecast = agreed;
        by.push(distance);
    }
    told.record.parts.push(Part { name: "reconciled".to_owned(), values: by });
}
