//! Demand that comes now and then, between zeros: a flat forecast of the mean demand per step.
//!
//! For values that are not negative; all of them forecast 0 after zeros alone.

mod aggregate;
mod croston;
mod tsb;

pub use aggregate::{Adida, Imapa};
pub use croston::{Croston, Sba};
pub use tsb::Tsb;

use crate::model::{Fit, Input, Parameters, Part, Unfit};

/// The weight of what is new, in Croston's methods; literature finds 0.05 to 0.2 and little between them (Syntetos and
/// Boylan 2005).
const WEIGHT: f64 = 0.1;

/// Steps with demand: their index and size.
fn demands(model: &'static str, input: &Input<'_>) -> Result<Vec<(usize, f64)>, Unfit> {
    if input.values.iter().any(|value| *value < 0.0) {
        return Err(Unfit::Unsuited { model, why: "there are negative values" });
    }
    Ok(input.values.iter().copied().enumerate().filter(|(_, value)| *value > 0.0).collect())
}

/// A forecast of the same for every step.
fn flat(model: &'static str, form: &str, input: &Input<'_>, level: f64, fitted: Vec<f64>) -> Result<Fit, Unfit> {
    if !level.is_finite() || !fitted.iter().all(|value| value.is_finite()) {
        return Err(Unfit::Diverged { model });
    }
    let forecast = vec![level; input.horizon];
    let parts = vec![Part { name: "level".to_owned(), values: forecast.clone() }];
    Ok(Fit { forecast, fitted, parts, parameters: Parameters { form: form.to_owned(), ..Parameters::default() } })
}

#[cfg(test)]
mod tests;
