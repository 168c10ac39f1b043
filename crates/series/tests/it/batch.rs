//! The whole path: whatever series, a forecast; the same bits whatever the chunks.

use lockgate_series::axis::{Axis, Step};
use lockgate_series::batch::{self, Before, Raw, Record, Settings, Shared};
use lockgate_series::choose::{self, Choice, Pool, Why};
use lockgate_series::hygiene::{Class, Kind, Point, Profile};
use lockgate_series::synthetic::{Meters, Resolution};
use lockgate_series::watch::Duel;
use lockgate_series::{Fit, Input, Model, Tier, Unfit};

use crate::properties::hard;
use crate::series::{AIR_PASSENGERS, intermittent, seasonal};

fn points(values: &[f64]) -> Vec<Point> {
    values.iter().enumerate().map(|(step, &value)| Point { time: step as i64, value: Some(value) }).collect()
}

fn forecast(values: &[f64], settings: &Settings) -> batch::One {
    let pool = Pool::new(&[]);
    batch::one(
        &Raw { name: "one", points: &points(values) },
        &Shared::new(Axis::new(Step::Integer(1)), &pool),
        settings,
    )
}

fn monthly() -> Settings {
    Settings { horizon: 12, seasons: Some(vec![12]), ..Settings::default() }
}

#[test]
fn every_series_has_a_sound_forecast() {
    for (what, values, seasons) in hard() {
        let settings = Settings { horizon: 20, seasons: Some(seasons.to_vec()), ..Settings::default() };
        let one = forecast(&values, &settings);
        assert_eq!(one.rows.len(), 20, "{what}");
        for row in &one.rows {
            assert!(row.forecast.is_finite(), "{what}");
            let mut inner = (row.forecast, row.forecast);
            for &(low, high) in &row.bands {
                assert!(low.is_finite() && high.is_finite(), "{what}: {row:?}");
                assert!(low <= inner.0 && inner.1 <= high, "{what}: {row:?}");
                inner = (low, high);
            }
            if values.iter().all(|&value| value >= 0.0) {
                assert!(row.forecast >= 0.0 && row.bands.iter().all(|band| band.0 >= 0.0), "{what}: {row:?}");
            }
        }
        let total: f64 = one.record.choice.members.iter().map(|member| member.weight).sum();
        assert!((total - 1.0).abs() < 1e-9, "{what}: {:?}", one.record.choice);
        for (step, row) in one.rows.iter().enumerate() {
            let parts = one.record.parts.iter().map(|part| part.values[step]);
            let size = parts.clone().fold(0.0_f64, |most, value| most.max(value.abs()));
            let sum: f64 = parts.sum();
            assert!(
                (sum - row.forecast).abs() <= 1e-9 * size.max(row.forecast.abs()) + f64::MIN_POSITIVE,
                "{what}: {sum} {row:?}"
            );
        }
    }
}

#[test]
fn chunks_do_not_matter() {
    let meters = Meters { seed: 5, resolution: Resolution::Daily, first_day: 18_000, days: 200 };
    let raw: Vec<Vec<Point>> = (0..12).map(|number| meters.points(number)).collect();
    let names: Vec<String> = (0..12).map(Meters::name).collect();
    let chunk: Vec<Raw<'_>> = raw.iter().zip(&names).map(|(points, name)| Raw { name, points }).collect();
    let pool = Pool::new(&[]);
    let axis = meters.axis();
    let shared = Shared { last: Some(18_199), ..Shared::new(axis, &pool) };
    let settings = Settings { horizon: 14, ..Settings::default() };
    let whole = batch::forecast(&chunk, &shared, &settings);
    assert_eq!(whole.records.len(), 12);
    for size in [1, 5] {
        let mut place = 0;
        for part in chunk.chunks(size) {
            let part = batch::forecast(part, &shared, &settings);
            for (offset, record) in part.records.iter().enumerate() {
                assert_eq!(
                    serde_json::to_string(record).unwrap(),
                    serde_json::to_string(&whole.records[place + offset]).unwrap()
                );
                let bits = |rows: &[batch::Row], series: usize| -> Vec<u64> {
                    let of = rows.iter().filter(|row| row.series == series);
                    of.flat_map(|row| {
                        [row.forecast].into_iter().chain(row.bands.iter().flat_map(|band| [band.0, band.1]))
                    })
                    .map(f64::to_bits)
                    .collect()
                };
                assert_eq!(bits(&part.rows, offset), bits(&whole.rows, place + offset));
            }
            place += part.records.len();
        }
    }
}

#[test]
fn a_record_comes_back_as_it_was() {
    let one = forecast(&AIR_PASSENGERS, &monthly());
    let mut buffer = vec![0; 1 << 22];
    let stored = postcard::to_slice(&one.record, &mut buffer).unwrap();
    assert_eq!(postcard::from_bytes::<Record>(stored).unwrap(), one.record);
    let mut gap = one.record.clone();
    gap.choice.errors_by_step[3] = f64::NAN;
    let told = serde_json::to_string(&gap).unwrap();
    let back = serde_json::from_str::<Record>(&told).unwrap();
    assert!(back.choice.errors_by_step[3].is_nan(), "a step that was never measured");
    let told = serde_json::to_string(&one.record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&told).unwrap(), one.record, "to the last bit");
    let settings = serde_json::to_string(&monthly()).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&settings).unwrap(), monthly());
    assert_eq!(serde_json::from_str::<Settings>("{}").unwrap(), Settings::default());
}

#[test]
fn a_choice_is_taken_up_without_a_search() {
    let settings = monthly();
    let one = forecast(&AIR_PASSENGERS, &settings);
    let (chosen, pool) = (one.chosen.unwrap(), Pool::new(&[]));
    assert_eq!(chosen.choice.why, Why::Backtest);
    assert!(chosen.choice.skill().unwrap() > 0.3, "{:?}", chosen.choice);
    let input = Input { values: one.series.regime(), seasons: &[12], horizon: 12, known: None };
    let again = choose::again(&chosen.choice, &input, one.series.measured(), &pool, &settings.choose).unwrap();
    for (left, right) in again.fit.forecast.iter().zip(&chosen.fit.forecast) {
        assert!((left - right).abs() <= 1e-9 * right.abs(), "{left} {right}");
    }
    // What was found before the first origin is what the backtest goes by, so that it says the same again.
    let (left, right) = (again.choice.error.unwrap(), chosen.choice.error.unwrap());
    assert!((left / right - 1.0).abs() < 1e-9, "{left} {right}");
    // A longer history.
    let mut longer = AIR_PASSENGERS.to_vec();
    longer.extend(&again.fit.forecast[..3]);
    let moved = Input { values: &longer, ..input };
    let moved = choose::again(&chosen.choice, &moved, &longer, &pool, &settings.choose).unwrap();
    assert!((moved.fit.forecast[0] / again.fit.forecast[3] - 1.0).abs() < 0.1);
    // One too short for a backtest, and a choice without one.
    let short = Input { values: &longer[..8], ..input };
    assert!(choose::again(&chosen.choice, &short, &longer[..8], &pool, &settings.choose).is_none());
    let untested = Choice { why: Why::NoBacktest, ..chosen.choice };
    assert!(choose::again(&untested, &input, one.series.measured(), &pool, &settings.choose).is_none());
}

#[test]
fn a_new_choice_has_to_do_better_than_the_old_one() {
    let (settings, pool) = (monthly(), Pool::new(&[]));
    let shared = Shared::new(Axis::new(Step::Integer(1)), &pool);
    let points: Vec<Point> = points(&AIR_PASSENGERS);
    let raw = Raw { name: "one", points: &points };
    let good = batch::one(&raw, &shared, &settings);
    let narrow = Settings {
        choose: choose::Settings { models: Some(vec!["naive".to_owned()]), ..settings.choose.clone() },
        ..settings.clone()
    };
    let bad = batch::one(&raw, &shared, &narrow);
    let after = |choice: &Choice, refit: Option<Duel>| {
        let before = Before { class: good.record.class, start: good.record.start, known: &[], choice, refit };
        batch::one_after(&raw, Some(before), &shared, &settings)
    };
    // The same again gains nothing, and is not taken.
    let same = after(&good.record.choice, Some(Duel::default()));
    let duel = same.duel.unwrap();
    assert!(same.searched && !duel.replaced && duel.champion == duel.challenger, "{duel:?}");
    // The last value loses against models with a season.
    let better = after(&bad.record.choice, Some(Duel::default()));
    let duel = better.duel.unwrap();
    assert!(duel.replaced && duel.champion == "naive" && duel.errors.1 < 0.5 * duel.errors.0, "{duel:?}");
    assert_eq!(better.rows, good.rows);
    // Between refits the old one is taken up as it is.
    let kept = after(&bad.record.choice, None);
    assert!(!kept.searched && kept.duel.is_none());
    assert_eq!((&kept.record.choice.model(), &kept.rows), (&bad.record.choice.model(), &bad.rows));
    // Of another kind of series it says nothing.
    let usual = Before {
        class: good.record.class,
        start: good.record.start,
        known: &[],
        choice: &bad.record.choice,
        refit: None,
    };
    let searched = |before| batch::one_after(&raw, Some(before), &shared, &settings).searched;
    assert!(!searched(usual));
    assert!(searched(Before { class: Class::Intermittent, ..usual }));
    // Nor where it begins elsewhere, or where other columns are known: parameters would be read at the wrong places.
    assert!(searched(Before { start: usual.start + 1, ..usual }));
    assert!(searched(Before { known: &["price".to_owned()], ..usual }));
}

#[test]
fn tiers_limit_the_pool() {
    let mut settings = monthly();
    settings.choose.tier = Tier::Fast;
    let fast = forecast(&AIR_PASSENGERS, &settings);
    assert!(fast.record.choice.tried.iter().all(|tried| tried.model != "ets"), "{:?}", fast.record.choice.tried);
    assert_eq!(fast.record.choice.tier, Tier::Fast);
}

/// A model that fails in every way there is.
#[derive(Debug)]
struct Broken(&'static str);

impl Model for Broken {
    fn name(&self) -> &'static str {
        self.0
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let fit = lockgate_series::models::Naive.fit(input)?;
        match self.0 {
            "nan" => Ok(Fit { forecast: vec![f64::NAN; input.horizon], ..fit }),
            "short" => Ok(Fit { forecast: Vec::new(), ..fit }),
            "wild" => Ok(Fit { forecast: vec![1e200; input.horizon], ..fit }),
            _ => Err(Unfit::Unsuited { model: "broken", why: "it is broken" }),
        }
    }
}

#[test]
fn broken_models_fall_back() {
    let broken = ["nan", "short", "wild", "broken"].map(Broken);
    let extra: Vec<&dyn Model> = broken.iter().map(|model| model as &dyn Model).collect();
    let pool = Pool::new(&extra);
    let shared = Shared::new(Axis::new(Step::Integer(1)), &pool);
    for names in [
        vec!["nan"],
        vec!["short"],
        vec!["wild"],
        vec!["broken"],
        vec!["nan", "short", "wild", "broken"],
        vec!["nothing of that name"],
    ] {
        let mut settings = monthly();
        settings.choose.models = Some(names.iter().map(|&name| name.to_owned()).collect());
        for values in [seasonal(100, 12), vec![1.0, 2.0]] {
            let one = batch::one(&Raw { name: "one", points: &points(&values) }, &shared, &settings);
            assert_eq!(one.record.choice.why, Why::Fallback, "{names:?}");
            assert_eq!(one.record.choice.members[0].model, "seasonal_naive");
            assert!(one.rows.iter().all(|row| row.forecast.is_finite()));
        }
    }
    let all = batch::one(&Raw { name: "one", points: &points(&seasonal(100, 12)) }, &shared, &monthly());
    assert!(all.record.choice.members.iter().all(|member| broken.iter().all(|broken| broken.0 != member.model)));
}

#[test]
fn a_late_series_covers_the_same_steps() {
    let values = seasonal(96, 12);
    let pool = Pool::new(&[]);
    let shared = Shared { last: Some(97), ..Shared::new(Axis::new(Step::Integer(1)), &pool) };
    let late = batch::one(&Raw { name: "late", points: &points(&values) }, &shared, &monthly());
    assert_eq!(late.rows.iter().map(|row| row.time).collect::<Vec<_>>(), (98..110).collect::<Vec<_>>());
    assert_eq!(late.rows[0].step, 1);
    let shared = Shared { last: Some(500), ..shared };
    let over = batch::one(&Raw { name: "over", points: &points(&values) }, &shared, &monthly());
    assert!(over.rows.is_empty() && over.record.treatments.iter().any(|treatment| treatment.kind == Kind::Over));
}

#[test]
fn a_series_without_history_is_like_its_siblings() {
    let siblings: Vec<Vec<f64>> = (1..4)
        .map(|size| (0..28).map(|step| f64::from(size) * [1.0, 3.0][usize::from(step % 7 < 2)]).collect())
        .collect();
    let profile = Profile::of(siblings.iter().map(|values| (0, values.as_slice())), 7).unwrap();
    let pool = Pool::new(&[]);
    let shared = Shared { last: Some(27), profile: Some(&profile), ..Shared::new(Axis::new(Step::Integer(1)), &pool) };
    let settings = Settings { horizon: 7, seasons: Some(vec![7]), ..Settings::default() };
    let one = batch::one(&Raw { name: "new", points: &[] }, &shared, &settings);
    assert_eq!(one.record.class, Class::Empty);
    assert_eq!(
        one.rows.iter().map(|row| row.forecast).map(|value| (value * 1e6).round() / 1e6).collect::<Vec<_>>(),
        [6.0, 6.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    );
    let zeros = batch::one(&Raw { name: "new", points: &[] }, &Shared { profile: None, ..shared }, &settings);
    assert!(zeros.rows.iter().all(|row| row.forecast == 0.0));
}

#[test]
fn a_series_of_a_few_days_is_like_its_siblings_at_its_own_size() {
    let profile = Profile { level: 4.0, spread: 3.0, shape: vec![1.75, 1.75, 0.7, 0.7, 0.7, 0.7, 0.7] };
    let pool = Pool::new(&[]);
    let shared = Shared { last: Some(3), profile: Some(&profile), ..Shared::new(Axis::new(Step::Integer(1)), &pool) };
    let settings = Settings { horizon: 5, seasons: Some(vec![7]), ..Settings::default() };
    // Four days at a hundred times the siblings' size: a weekend, and then two days.
    let one = batch::one(&Raw { name: "new", points: &points(&[700.0, 700.0, 280.0, 280.0]) }, &shared, &settings);
    assert_eq!(
        one.record.treatments.last().map(|treatment| (treatment.kind, treatment.count)),
        Some((Kind::Newcomer, 4))
    );
    assert!(one.rows[..3].iter().all(|row| (270.0..290.0).contains(&row.forecast)), "{:?}", one.rows);
    // Siblings that are all of one size say of a newcomer's as much as one of its values does.
    let alike = Profile { spread: 0.1, ..profile.clone() };
    let shared = Shared { profile: Some(&alike), ..shared };
    let one = batch::one(&Raw { name: "new", points: &points(&[700.0, 700.0, 280.0, 280.0]) }, &shared, &settings);
    assert!(one.rows[..3].iter().all(|row| (200.0..240.0).contains(&row.forecast)), "{:?}", one.rows);
    for row in &one.rows[..3] {
        assert!(row.bands[1].0 <= row.bands[0].0 && row.bands[0].0 <= 280.0 && 280.0 <= row.bands[0].1, "{row:?}");
    }
}

#[test]
fn intermittent_demand_has_its_models() {
    let one = forecast(&intermittent(120), &Settings { horizon: 7, seasons: Some(vec![7]), ..Settings::default() });
    assert_eq!(one.record.class, Class::Intermittent);
    assert!(one.record.choice.tried.iter().any(|tried| tried.model == "tsb"));
}
