//! The chance of a demand times its size; unlike Croston's, the forecast falls while there is none, as when an item
//! goes out of use: Teunter, Syntetos and Babai (2011), *Intermittent Demand: Linking Forecasting to Inventory
//! Obsolescence*.

use super::{WEIGHT, demands, flat};
use crate::model::{Fit, Input, Model, Tier, Unfit};

/// The method of Teunter, Syntetos and Babai.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tsb;

impl Model for Tsb {
    fn name(&self) -> &'static str {
        "tsb"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        let mut size = demands("tsb", input)?.first().map_or(0.0, |(_, demand)| *demand);
        let mut chance = if input.values[0] > 0.0 { 1.0 } else { 0.0 };
        let mut fitted = vec![input.values[0]];
        let mut seen = chance > 0.0;
        for &value in &input.values[1..] {
            fitted.push(if seen { chance * size } else { value });
            let came = if value > 0.0 { 1.0 } else { 0.0 };
            chance += WEIGHT * (came - chance);
            if value > 0.0 {
                size += if seen { WEIGHT * (value - size) } else { 0.0 };
                seen = true;
            }
        }
        flat("tsb", "tsb", input, chance * size, fitted)
    }
}
