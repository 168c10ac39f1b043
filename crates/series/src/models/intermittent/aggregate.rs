//! Demand summed over buckets, which hold fewer zeros, smoothed and shared out again. ADIDA takes buckets as long as
//! the mean time between demands: Nikolopoulos and others (2011), *An Aggregate-Disaggregate Intermittent Demand
//! Approach to Forecasting*. IMAPA takes the mean over all lengths up to that: Petropoulos and Kourentzes (2015),
//! *Forecast Combinations for Intermittent Demand*.

use super::{demands, flat};
use crate::model::{Fit, Input, Model, Tier, Unfit};
use crate::optimise::brent;

/// Buckets of one length.
#[derive(Debug, Clone, Copy, Default)]
pub struct Adida;

impl Model for Adida {
    fn name(&self) -> &'static str {
        "adida"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let longest = mean_gap(&demands("adida", input)?);
        shared("adida", input, longest..=longest)
    }
}

/// The mean over buckets of several lengths.
#[derive(Debug, Clone, Copy, Default)]
pub struct Imapa;

impl Model for Imapa {
    fn name(&self) -> &'static str {
        "imapa"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        // With very rare demand the longest lengths say the same; a pass each would not be linear in the values.
        let longest = mean_gap(&demands("imapa", input)?).min(100);
        shared("imapa", input, 1..=longest)
    }
}

/// Steps from a demand to the next, on the average; the first counts from the start.
fn mean_gap(demands: &[(usize, f64)]) -> usize {
    demands.last().map_or(1, |(last, _)| ((last + 1) as f64 / demands.len() as f64).round() as usize)
}

fn shared(model: &'static str, input: &Input<'_>, lengths: std::ops::RangeInclusive<usize>) -> Result<Fit, Unfit> {
    let values = input.values;
    let share = 1.0 / (lengths.end() + 1 - lengths.start()) as f64;
    let mut level = 0.0;
    let mut fitted = vec![0.0; values.len()];
    let warm_up = values.len().min(*lengths.end() + values.len() % lengths.end());
    for length in lengths.clone() {
        // The oldest steps that fill no bucket are left out.
        let rest = values.len() % length;
        let means: Vec<f64> = values[rest..]
            .chunks_exact(length)
            .map(|bucket| bucket.iter().map(|value| value / length as f64).sum())
            .collect();
        let error = |weight: f64| {
            let mut error = 0.0;
            smooth(&means, weight, |value, said| error += (value - said) * (value - said));
            error
        };
        let (found, least) = brent(0.1, 0.3, 1e-6, error);
        // Where every weight is as good, the one in the middle.
        let weight = if error(0.2) <= least { 0.2 } else { found };
        let mut said = Vec::with_capacity(means.len());
        level += share * smooth(&means, weight, |_, value| said.push(value));
        // Within a bucket the steps are told what was known before it.
        for (bucket, value) in fitted[rest..].chunks_exact_mut(length).zip(said) {
            bucket.iter_mut().for_each(|fitted| *fitted += share * value);
        }
    }
    fitted[..warm_up].copy_from_slice(&values[..warm_up]);
    let form = format!("buckets of {} to {}", lengths.start(), lengths.end());
    flat(model, &form, input, level, fitted)
}

/// Exponential smoothing from the first value on; shows each value and what was said of it, and returns the level.
fn smooth(values: &[f64], weight: f64, mut see: impl FnMut(f64, f64)) -> f64 {
    let mut level = values.first().copied().unwrap_or(0.0);
    for &value in values {
        see(value, level);
        level += weight * (value - level);
    }
    level
}
