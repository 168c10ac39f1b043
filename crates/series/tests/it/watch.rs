//! Watching: scores, drift, duels, and a year in which the world steps.

use lockgate_series::axis::{Axis, DAY, Step};
use lockgate_series::batch::{Raw, Settings, Shared, one};
use lockgate_series::calendar::{Date, weekday};
use lockgate_series::choose::Pool;
use lockgate_series::hygiene::Point;
use lockgate_series::watch::{Arrived, Breaker, Drift, Duel, Evidence, Refit, State, Tally, Usual, duel, judge};

use crate::series::noise;

fn arrived(step: usize, forecast: f64, actual: f64) -> Arrived {
    Arrived { step, forecast, actual }
}

#[test]
fn drift_compares_like_steps() {
    let rule = Refit { least_values: 2, ..Refit::default() };
    // Far steps err more, as in the backtest: no drift.
    let steady = [arrived(1, 10.0, 11.0), arrived(2, 10.0, 14.0)];
    let tally = Tally::default();
    assert_eq!(tally.and(&steady, &[1.0, 4.0]).drift(&rule), Drift::Steady { ratio: 1.0 });
    assert_eq!(tally.and(&steady, &[1.0, 2.0]).drift(&rule), Drift::Drifted { ratio: 5.0 / 3.0 });
    assert_eq!(tally.and(&steady[..1], &[1.0, 4.0]).drift(&rule), Drift::Unknown);
    assert_eq!(tally.and(&steady, &[]).drift(&rule), Drift::Unknown);
    // Forecast by forecast.
    let added = tally.and(&steady[..1], &[1.0, 2.0]).and(&steady[1..], &[1.0, 2.0]);
    assert_eq!(added.drift(&rule), Drift::Drifted { ratio: 5.0 / 3.0 });
}

#[test]
fn a_challenger_must_be_clearly_better() {
    let errors = |new: f64| vec![(1.0, new); 20];
    assert!(duel("ets", "theta", &errors(0.8), &Duel::default()).replaced);
    assert!(!duel("ets", "theta", &errors(0.99), &Duel::default()).replaced);
    assert!(!duel("ets", "theta", &errors(0.8)[..5], &Duel::default()).replaced);
}

/// Daily departures with a week's course: a fall to 4 % within two weeks of March 2020, and a slow way back to a half.
fn pandemic() -> Vec<f64> {
    let start = Date::new(2018, 6, 1).days();
    let fall = Date::new(2020, 3, 12).days();
    let bottom = Date::new(2020, 4, 15).days();
    let noise = noise(3, 1000);
    (0..945)
        .map(|step| {
            let day = start + step as i64;
            let week = [1.05, 1.0, 1.0, 1.04, 1.08, 0.85, 0.98][weekday(day) as usize];
            let level = if day < fall {
                1.0
            } else if day < bottom {
                0.04 + 0.96 * (-(day - fall) as f64 / 4.0).exp()
            } else {
                0.04 + 0.46 * (1.0 - (-((day - bottom) as f64) / 120.0).exp())
            };
            let season = 1.0 + 0.08 * (std::f64::consts::TAU * (day as f64 - 200.0) / 365.25).cos();
            (900.0 * level * week * season * (1.0 + 0.05 * noise[step])).round()
        })
        .collect()
}

/// The forecast that is live.
struct Live {
    forecast: Vec<f64>,
    /// Its first step.
    from: usize,
    /// Of its backtest, by step.
    errors: Vec<f64>,
    usual: Option<Usual>,
}

#[test]
fn a_pandemic_holds_the_forecast_and_lets_it_go() {
    let values = pandemic();
    let start = Date::new(2018, 6, 1).days();
    let settings = Settings { horizon: 14, ..Settings::default() };
    let pool = Pool::new(&[]);
    let shared = Shared::new(Axis::new(Step::Days(1)), &pool);
    let points: Vec<Point> = values
        .iter()
        .enumerate()
        .map(|(step, &value)| Point { time: (start + step as i64) * DAY, value: Some(value) })
        .collect();
    let mut live: Option<Live> = None;
    let mut state = State::Live;
    let mut changes = Vec::new();
    let first = (Date::new(2019, 6, 1).days() - start) as usize;
    for length in (first..=values.len()).step_by(7) {
        let run = one(&Raw { name: "JFK", points: &points[..length] }, &shared, &settings);
        let chosen = run.chosen.unwrap();
        let origins = chosen.plan.unwrap().origins;
        let evidence =
            Evidence { residuals: &chosen.residuals, origins: &origins, actual: run.series.measured(), season: 7 };
        let before = live.as_ref().map_or(State::Live, |live| {
            let came = values[live.from..length].iter().zip(&live.forecast).enumerate();
            let came: Vec<Arrived> =
                came.map(|(step, (&actual, &forecast))| arrived(step + 1, forecast, actual)).collect();
            State::of_live(live.usual, &Tally::default().and(&came, &live.errors), &Breaker::default())
        });
        let judgement = judge(before, &evidence, &Breaker::default());
        if (judgement.state == State::Live) != (state == State::Live) {
            changes.push((Date::from_days(start + length as i64), judgement.state == State::Live, judgement.why));
        }
        state = judgement.state;
        if state == State::Live {
            let forecast = run.rows.iter().map(|row| row.forecast).collect();
            let errors = chosen.choice.errors_by_step.clone();
            live = Some(Live { forecast, from: length, errors, usual: judgement.usual });
        }
    }
    let dates: Vec<(Date, bool)> = changes.iter().map(|(date, live, _)| (*date, *live)).collect();
    assert_eq!(dates.len(), 2, "held once and recovered once: {changes:?}");
    let (held, recovered) = (dates[0], dates[1]);
    assert!(!held.1 && Date::new(2020, 3, 12) < held.0 && held.0 <= Date::new(2020, 3, 26), "{changes:?}");
    assert!(
        recovered.1 && Date::new(2020, 4, 20) < recovered.0 && recovered.0 <= Date::new(2020, 9, 30),
        "{changes:?}"
    );
}
