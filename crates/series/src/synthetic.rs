//! Smart meters that do not exist: daily and weekly seasons, weather, holidays, outages, holidays away, new meters.
//!
//! Every value is a function of the seed, the meter's number and the step alone, so that meter 7 is the same whatever is made around
//! it, in whatever order, on whatever chunk. Cost: linear in the steps; nothing is kept.

use crate::axis::{Axis, DAY, Step};
use crate::calendar::{Country, Date, weekday};
use crate::hygiene::Point;

/// Meters by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meters {
    /// Another seed, other meters.
    pub seed: u64,
    /// Hours or days. The daily values are made as such, not added up from hours.
    pub resolution: Resolution,
    /// The first day, since 1970-01-01.
    pub first_day: i64,
    /// Days.
    pub days: i64,
}

/// How often a meter is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// One value an hour.
    Hourly,
    /// One value a day.
    Daily,
}

/// What a meter is like.
#[derive(Debug, Clone, Copy)]
struct Meter {
    number: u64,
    /// Kilowatt-hours on a mild working day.
    size: f64,
    business: bool,
    /// Kilowatt-hours per degree below 15 and above 22, as a share of the size.
    heating: f64,
    cooling: f64,
    noise: f64,
    /// Change a year, as a share.
    growth: f64,
    /// Days after the first from which it exists.
    installed: i64,
    region: u64,
}

/// One meter in so many is new: it starts within the last tenth of the days.
const ONE_NEW_IN: u64 = 50;
/// One day in so many starts an outage of the meter's connection, of up to three days.
const ONE_OUTAGE_IN: u64 = 400;
const REGIONS: u64 = 16;

impl Meters {
    /// The axis of the values.
    #[must_use]
    pub fn axis(&self) -> Axis<'static> {
        Axis::new(match self.resolution {
            Resolution::Hourly => Step::Micros(DAY / 24),
            Resolution::Daily => Step::Days(1),
        })
    }

    /// The name of a meter.
    #[must_use]
    pub fn name(number: u64) -> String {
        format!("meter-{number:07}")
    }

    /// The values of a meter in kilowatt-hours to a thousandth, oldest first; steps in an outage have no point.
    #[must_use]
    pub fn points(&self, number: u64) -> Vec<Point> {
        let meter = self.meter(number);
        let holidays = self.holidays();
        let per_day: i64 = if self.resolution == Resolution::Hourly { 24 } else { 1 };
        let mut points = Vec::with_capacity((self.days * per_day).max(0) as usize);
        for day in self.first_day + meter.installed..self.first_day + self.days {
            let free = weekday(day) >= 5 || holidays.binary_search(&day).is_ok();
            let away = self.away(&meter, day);
            for part in 0..per_day {
                let step = day * per_day + part;
                if self.out(&meter, day, part * 24 / per_day) {
                    continue;
                }
                let hour = (per_day > 1).then_some(part);
                let mean = self.mean(&meter, day, hour, free, away);
                let noise = meter.noise * normal(hash(&[self.seed, 1, meter.number, step as u64]));
                let value = (mean * (noise - meter.noise * meter.noise / 2.0).exp() * 1000.0).round() / 1000.0;
                points.push(Point { time: step * (DAY / per_day), value: Some(value) });
            }
        }
        points
    }

    fn meter(&self, number: u64) -> Meter {
        let draw = |what: u64| hash(&[self.seed, 2, number, what]);
        let business = draw(0).is_multiple_of(6);
        let size = 9.0 * (0.5 * normal(draw(1))).exp() * if business { 6.0 } else { 1.0 };
        let installed = if draw(2).is_multiple_of(ONE_NEW_IN) {
            self.days - 1 - (unit(draw(3)) * self.days as f64 / 10.0) as i64
        } else {
            0
        };
        Meter {
            number,
            size,
            business,
            heating: 0.06 * unit(draw(4)).powi(2),
            cooling: 0.05 * unit(draw(5)).powi(2),
            noise: 0.06 + 0.16 * unit(draw(6)),
            growth: 0.04 * normal(draw(7)),
            installed: installed.max(0),
            region: draw(8) % REGIONS,
        }
    }

    /// The expected value of an hour or a day.
    fn mean(&self, meter: &Meter, day: i64, hour: Option<i64>, free: bool, away: bool) -> f64 {
        let years = (day - self.first_day) as f64 / 365.25;
        let level = meter.size * (1.0 + meter.growth).powf(years);
        let temperature = self.temperature(meter.region, day, hour);
        let weather = meter.heating * (15.0 - temperature).max(0.0) + meter.cooling * (temperature - 22.0).max(0.0);
        let presence = match (meter.business, free, away) {
            (true, true, _) => 0.35,
            (false, _, true) => 0.25,
            (false, true, false) => 1.15,
            _ => 1.0,
        };
        let shape = hour.map_or(1.0, |hour| self.shape(meter, hour, free) / 24.0);
        level * (presence * shape + weather * if hour.is_some() { 1.0 / 24.0 } else { 1.0 })
    }

    /// The course of a day; its mean over the hours is about 1. Every meter has its own hours.
    fn shape(&self, meter: &Meter, hour: i64, free: bool) -> f64 {
        let shift = 1.5 * (unit(hash(&[self.seed, 3, meter.number])) - 0.5);
        let bump = |at: f64, width: f64| {
            let away = (hour as f64 - at - shift + 12.0).rem_euclid(24.0) - 12.0;
            (-(away / width).powi(2) / 2.0).exp()
        };
        match (meter.business, free) {
            (true, false) => 0.35 + 1.35 * (bump(10.5, 2.6) + bump(15.0, 2.4)) / 1.3,
            (true, true) => 0.85 + 0.3 * bump(13.0, 5.0),
            (false, false) => 0.45 + 1.2 * bump(7.5, 1.3) + 1.9 * bump(19.5, 2.4),
            (false, true) => 0.45 + 1.0 * bump(10.5, 2.5) + 1.5 * bump(19.0, 2.8),
        }
    }

    /// Degrees Celsius: the year, the day, and spells that a region shares.
    fn temperature(&self, region: u64, day: i64, hour: Option<i64>) -> f64 {
        let year = (std::f64::consts::TAU * (day as f64 - 20.0) / 365.25).cos();
        let of_day = hour.map_or(0.0, |hour| 4.0 * (std::f64::consts::TAU * (hour as f64 - 15.0) / 24.0).cos());
        12.0 - 11.0 * year + of_day + 4.0 * self.spell(region, day, 6.0) + 2.0 * self.spell(region, day, 2.3)
    }

    /// Smooth noise: normal values at knots `every` days apart, joined by a cosine.
    fn spell(&self, region: u64, day: i64, every: f64) -> f64 {
        let place = day as f64 / every;
        let knot = place.floor();
        let at = |knot: f64| normal(hash(&[self.seed, 4, region, knot as i64 as u64, every.to_bits()]));
        let share = (1.0 - (std::f64::consts::PI * (place - knot)).cos()) / 2.0;
        at(knot) * (1.0 - share) + at(knot + 1.0) * share
    }

    /// A home that is left for one of five fortnights a year.
    fn away(&self, meter: &Meter, day: i64) -> bool {
        !meter.business && hash(&[self.seed, 5, meter.number, day.div_euclid(14) as u64]).is_multiple_of(26)
    }

    /// Whether the reading of an hour was lost.
    fn out(&self, meter: &Meter, day: i64, hour: i64) -> bool {
        (0..3).any(|back| {
            let drawn = hash(&[self.seed, 6, meter.number, (day - back) as u64]);
            let (starts, from, hours) =
                (drawn.is_multiple_of(ONE_OUTAGE_IN), (drawn >> 20) % 24, 1 + (drawn >> 32) % 48);
            let since = back * 24 + hour - from as i64;
            starts && (0..hours as i64).contains(&since)
        })
    }

    fn holidays(&self) -> Vec<i64> {
        let (first, last) = (Date::from_days(self.first_day), Date::from_days(self.first_day + self.days.max(0)));
        (first.year..=last.year + 1).flat_map(|year| Country::Us.holidays(year)).map(|holiday| holiday.day).collect()
    }
}

/// A number that depends on all of these: each is mixed in by the finaliser of SplitMix64 (G. Steele, D. Lea, C. Flood 2014).
fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9e37_79b9_7f4a_7c15, |state, part| {
        let mut mixed = state.wrapping_add(*part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    })
}

/// From 0 to below 1.
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// A standard normal value.
fn normal(bits: u64) -> f64 {
    crate::intervals::normal_quantile(unit(bits).clamp(1e-12, 1.0 - 1e-12))
}
