//! How wrong a forecast was.
//!
//! sMAPE, MASE and OWA are those of the M4 competition (Makridakis, Spiliotis and Assimakopoulos 2020, *The M4
//! Competition: 100,000 time series and 61 forecasting methods*, International Journal of Forecasting 36, section 2.3); the
//! interval score is that of Gneiting and Raftery 2007, *Strictly proper scoring rules*, section 6.2.
//!
//! Slices are matched step by step up to the shorter one; measures of nothing are 0.

/// The mean over the steps of `measure`, 0 when there are none.
fn mean(count: usize, measure: impl Iterator<Item = f64>) -> f64 {
    if count == 0 { 0.0 } else { measure.sum::<f64>() / count as f64 }
}

fn mean_of_pairs(actual: &[f64], forecast: &[f64], measure: impl Fn(f64, f64) -> f64) -> f64 {
    let count = actual.len().min(forecast.len());
    mean(count, actual.iter().zip(forecast).map(|(&actual, &forecast)| measure(actual, forecast)))
}

/// The mean absolute error, in the unit of the values.
#[must_use]
pub fn mae(actual: &[f64], forecast: &[f64]) -> f64 {
    mean_of_pairs(actual, forecast, |actual, forecast| (forecast - actual).abs())
}

/// The root of the mean squared error, in the unit of the values.
#[must_use]
pub fn rmse(actual: &[f64], forecast: &[f64]) -> f64 {
    mean_of_pairs(actual, forecast, |actual, forecast| (forecast - actual).powi(2)).sqrt()
}

/// The mean of forecast minus actual, in the unit of the values: positive when the forecast was too high.
#[must_use]
pub fn bias(actual: &[f64], forecast: &[f64]) -> f64 {
    mean_of_pairs(actual, forecast, |actual, forecast| forecast - actual)
}

/// The symmetric mean absolute percentage error, 0 to 200; a step at which both are 0 counts as 0.
#[must_use]
pub fn smape(actual: &[f64], forecast: &[f64]) -> f64 {
    mean_of_pairs(actual, forecast, |actual, forecast| {
        let size = actual.abs() + forecast.abs();
        if size == 0.0 { 0.0 } else { 200.0 * (forecast - actual).abs() / size }
    })
}

/// What [`mase`] divides by: the mean absolute error of the seasonal naive forecast inside the history, in the unit of the
/// values. `None` when the history is not longer than a season, or repeats itself exactly.
#[must_use]
pub fn naive_scale(history: &[f64], season: usize) -> Option<f64> {
    let season = season.max(1);
    let later = history.get(season..)?;
    let scale = mae(later, history);
    (scale > 0.0 && scale.is_finite()).then_some(scale)
}

/// The mean absolute scaled error: [`mae`] over [`naive_scale`]. `season` is 1 where there is none.
#[must_use]
pub fn mase(actual: &[f64], forecast: &[f64], history: &[f64], season: usize) -> Option<f64> {
    Some(mae(actual, forecast) / naive_scale(history, season)?)
}

/// The overall weighted average: the mean of sMAPE and MASE, each over that of the model `naive2`, all of them means over
/// the series of a set.
#[must_use]
pub fn owa(smape: f64, mase: f64, naive2_smape: f64, naive2_mase: f64) -> f64 {
    (smape / naive2_smape + mase / naive2_mase) / 2.0
}

/// The share, 0 to 1, of the steps at which the actual value lies within the interval, its ends included.
#[must_use]
pub fn coverage(actual: &[f64], low: &[f64], high: &[f64]) -> f64 {
    let count = actual.len().min(low.len()).min(high.len());
    let within = |((&actual, &low), &high): ((&f64, &f64), &f64)| f64::from(u8::from(low <= actual && actual <= high));
    mean(count, actual.iter().zip(low).zip(high).map(within))
}

/// The mean pinball loss of a forecast of the quantile `quantile`, 0 to 1, in the unit of the values.
#[must_use]
pub fn pinball(actual: &[f64], forecast: &[f64], quantile: f64) -> f64 {
    mean_of_pairs(actual, forecast, |actual, forecast| {
        let over = actual - forecast;
        if over >= 0.0 { quantile * over } else { (quantile - 1.0) * over }
    })
}

/// The mean interval score in the unit of the values: the width, and 2 / (1 - `level`) times what the actual value lies
/// outside. `level` is the share the interval means to cover, below 1.
#[must_use]
pub fn interval_score(actual: &[f64], low: &[f64], high: &[f64], level: f64) -> f64 {
    let count = actual.len().min(low.len()).min(high.len());
    let penalty = 2.0 / (1.0 - level);
    let score = |((&actual, &low), &high): ((&f64, &f64), &f64)| {
        (high - low) + penalty * ((low - actual).max(0.0) + (actual - high).max(0.0))
    };
    mean(count, actual.iter().zip(low).zip(high).map(score))
}
