//! The size of a demand over the time between two, each smoothed: Croston (1972), *Forecasting and Stock Control for
//! Intermittent Demands*; with the bias taken out: Syntetos and Boylan (2005), *The Accuracy of Intermittent Demand
//! Estimates*.

use super::{WEIGHT, demands, flat};
use crate::model::{Fit, Input, Model, Tier, Unfit};

/// Croston's method.
#[derive(Debug, Clone, Copy, Default)]
pub struct Croston;

impl Model for Croston {
    fn name(&self) -> &'static str {
        "croston"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        ratio("croston", input, 1.0)
    }
}

/// Croston's method without its bias.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sba;

impl Model for Sba {
    fn name(&self) -> &'static str {
        "sba"
    }

    fn tier(&self) -> Tier {
        Tier::Fast
    }

    fn fit(&self, input: &Input<'_>) -> Result<Fit, Unfit> {
        ratio("sba", input, 1.0 - WEIGHT / 2.0)
    }
}

fn ratio(model: &'static str, input: &Input<'_>, correction: f64) -> Result<Fit, Unfit> {
    let demands = demands(model, input)?;
    let mut fitted = Vec::with_capacity(input.values.len());
    let (mut size, mut gap) = (0.0, 1.0);
    let mut last = None;
    for (step, demand) in demands {
        // Up to the first demand the model has nothing to say.
        let said = if last.is_some() { correction * size / gap } else { 0.0 };
        fitted.resize(step + 1, said);
        if let Some(last) = last {
            size += WEIGHT * (demand - size);
            gap += WEIGHT * ((step - last) as f64 - gap);
        } else {
            fitted[step] = demand;
            (size, gap) = (demand, (step + 1) as f64);
        }
        last = Some(step);
    }
    let level = correction * size / gap;
    fitted.resize(input.values.len(), level);
    flat(model, model, input, level, fitted)
}
