//! The models, one module each; `ls` of this folder is the list.

mod arima;
mod boosted;
mod ces;
mod ets;
mod intermittent;
mod moved_season;
mod mstl;
mod naive;
mod naive2;
mod parts;
mod regression;
mod scale;
mod seasonal_mean;
mod seasons;
mod theta;

pub use arima::{Arima, Order};
pub use boosted::{Boosted, TrainedBoosted};
pub use ces::Ces;
pub use ets::Ets;
pub use intermittent::{Adida, Croston, Imapa, Sba, Tsb};
pub use moved_season::MovedSeason;
pub use mstl::{Decomposition, Mstl, decompose};
pub use naive::{Drift, Naive, SeasonalNaive};
pub use naive2::Naive2;
pub use regression::Regression;
pub use seasonal_mean::{SeasonalMean, SeasonalMedian};
pub use theta::Theta;

use crate::model::Model;

/// Every model, the simple ones first.
#[must_use]
pub fn all() -> &'static [&'static dyn Model] {
    &[
        // Naive.
        &Naive,
        &SeasonalNaive,
        &SeasonalMean,
        &SeasonalMedian,
        &MovedSeason,
        &Drift,
        &Naive2,
        // Smoothing.
        &Ets::SES,
        &Ets::HOLT,
        &Ets::DAMPED,
        &Ets::AUTO,
        &Ets::AVERAGE,
        &Theta::STANDARD,
        &Theta::OPTIMISED,
        &Theta::DYNAMIC,
        &Theta::DYNAMIC_OPTIMISED,
        &Ces,
        // Demand that comes now and then.
        &Croston,
        &Sba,
        &Tsb,
        &Adida,
        &Imapa,
        // Several seasons.
        &Mstl,
        &Regression,
        // Processes.
        &Arima,
    ]
}

/// The model of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Model> {
    all().iter().copied().find(|model| model.name() == name)
}
