//! The models that are asked, by class and tier.

use super::Settings;
use crate::hygiene::Class;
use crate::model::{Input, Model, Tier, year};
use crate::models;

/// What every choice is compared with.
pub(super) const BASELINE: &str = "seasonal_naive";

/// The models there are: the crate's own, and those that the caller brings (a global model that was trained before, a user's).
#[derive(Debug, Clone, Copy, Default)]
pub struct Pool<'a> {
    extra: &'a [&'a dyn Model],
}

impl<'a> Pool<'a> {
    /// The crate's models and these. Models of the caller's are asked for every class but constants.
    #[must_use]
    pub const fn new(extra: &'a [&'a dyn Model]) -> Self {
        Self { extra }
    }

    /// The model of that name; the caller's come first.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'a dyn Model> {
        self.extra.iter().copied().find(|model| model.name() == name).or_else(|| models::named(name))
    }

    /// The cheap models that speak alone where they do better than what suits the class, for a history with two rounds of a season;
    /// none where the caller named the models.
    pub(super) fn guards(class: Class, input: &Input<'_>, settings: &Settings) -> &'static [&'static dyn Model] {
        let none = matches!(class, Class::Empty | Class::Constant | Class::Short) || settings.models.is_some();
        let has_season = input.seasons.iter().any(|&season| season > 1 && 2 * season <= input.values.len());
        match class {
            _ if none || !has_season => &[],
            // The median of rare demand is zero, which the mean absolute error likes and nobody wants.
            Class::Intermittent => &[&models::SeasonalMean, &models::SeasonalNaive],
            _ => &[&models::SeasonalMean, &models::SeasonalMedian, &models::SeasonalNaive],
        }
    }

    /// The models to ask about a series, in the order in which they were listed.
    pub(super) fn suited(&self, class: Class, input: &Input<'_>, settings: &Settings) -> Vec<&'a dyn Model> {
        let by_class = of_class(class, input);
        let names: Vec<&str> = match &settings.models {
            Some(names) => names.iter().map(String::as_str).collect(),
            None if matches!(class, Class::Constant | Class::Empty) => by_class.to_vec(),
            None => self.extra.iter().map(|model| model.name()).chain(by_class.iter().copied()).collect(),
        };
        let within = |names: &[&str]| -> Vec<&'a dyn Model> {
            let found = names.iter().filter_map(|name| self.find(name));
            found.filter(|model| model.tier() <= settings.tier).collect()
        };
        let mut models = within(&names);
        let is_whole =
            matches!(class, Class::Seasonal | Class::Smooth) && settings.tier == Tier::Fast && has_years(input);
        if settings.models.is_none() && (models.is_empty() || is_whole) {
            models.extend(within(CHEAP));
        }
        models
    }
}

/// What is asked where everything that suits the class is too dear, and beside the one model of years that is not.
const CHEAP: &[&str] = &["seasonal_mean", "naive2", BASELINE];

/// Steps from which a season is long (hours of a day, days of a year): exponential smoothing has too many states for it.
const LONG_SEASON: usize = 24;

/// Whether there are two years.
fn has_years(input: &Input<'_>) -> bool {
    year(input.seasons).is_some_and(|year| 2 * year <= input.values.len())
}

/// The models for a class. A pool is small and varied: members that err in different ways make the better combination.
fn of_class(class: Class, input: &Input<'_>) -> &'static [&'static str] {
    let long = input.seasons.iter().any(|&season| season >= LONG_SEASON && 2 * season <= input.values.len());
    match class {
        Class::Empty | Class::Constant => &["naive"],
        Class::Short => &["naive", "ses", "theta"],
        Class::Intermittent => &["sba", "tsb", "adida", "imapa", "ses"],
        Class::Seasonal | Class::Smooth if has_years(input) => {
            &["regression", "dynamic_optimised_theta", "moved_season"]
        }
        Class::Seasonal | Class::Smooth if long => &["regression", "dynamic_optimised_theta", BASELINE],
        Class::Seasonal | Class::Smooth => &["ets", "dynamic_optimised_theta", "ces", "regression"],
    }
}
