//! From raw points to a regular series: one module per rule, each of which can be switched off, each of which says what it did.

pub(crate) mod class;
mod daylight;
mod duplicates;
mod gaps;
mod late;
mod level_shift;
mod newcomer;
mod outliers;
mod partial;

use serde::{Deserialize, Serialize};

pub use class::Class;
pub use duplicates::Merge;
pub use gaps::Fill;
pub use newcomer::Profile;
pub(crate) use newcomer::STRANGE;

use crate::axis::Axis;
use crate::model::longest_season;

/// A value at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Microseconds since 1970 in UTC, or an integer on an integer axis.
    pub time: i64,
    /// What was measured; anything that is not finite counts as missing.
    pub value: Option<f64>,
}

/// What is done to raw series, and what is not. A rule that is off leaves the values as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// What several points in one step become.
    pub duplicates: Merge,
    /// What steps without a point are given.
    pub gaps: Fill,
    /// A last step that is not over yet is dropped.
    pub partial: bool,
    /// Wild values are replaced for fitting; errors are still measured against them.
    pub outliers: bool,
    /// Robust standard deviations from the usual at which a value is wild.
    pub wild: f64,
    /// Only the values after the last lasting jump are fitted, if there are enough.
    pub level_shifts: bool,
    /// A series that ends before the others is forecast so much further that it covers the same steps.
    pub late: bool,
    /// A series that is so many horizons late is over: it is not forecast any more.
    pub over_after: usize,
    /// Steps that are kept at most; older ones are cut off, an eighth of it at a time.
    pub longest: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            duplicates: Merge::default(),
            gaps: Fill::default(),
            partial: true,
            outliers: true,
            wild: 6.0,
            level_shifts: true,
            late: true,
            over_after: 3,
            longest: 10_000,
        }
    }
}

/// What the caller knows beyond the points.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// The instant up to which the source is complete (when it was read, its watermark); later points are not believed.
    pub until: Option<i64>,
    /// The step on which most series end, by [`Axis::index`].
    pub last: Option<i64>,
    /// Steps to forecast.
    pub horizon: usize,
}

/// Something that was done to a series or found in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Points later than the source can know were dropped.
    Future,
    /// Old steps beyond the longest history were cut off.
    Cut,
    /// Several points in one step were merged.
    Duplicates,
    /// The two instants of a doubled local hour were averaged.
    DaylightDoubled,
    /// A local hour that does not exist was filled.
    DaylightMissing,
    /// The last step was not over and was dropped.
    Partial,
    /// Steps without a value were filled.
    Gaps,
    /// Wild values were replaced for fitting.
    Outliers,
    /// The series jumped: these steps, before the jump, are not fitted.
    LevelShift,
    /// The series ends before the others and is forecast further.
    Late,
    /// The series ended so long before the others that it is over.
    Over,
    /// There is no history, or less than a season of it: the forecast comes from its siblings or is zero.
    Newcomer,
}

/// What was done, how often and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// What.
    pub kind: Kind,
    /// Steps (for duplicates and dropped points: points) that it touched.
    pub count: usize,
    /// Time of the first of them.
    pub first: i64,
    /// Time of the last of them.
    pub last: i64,
}

/// A regular series, one value per step.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The number of the first step.
    pub first: i64,
    /// For fitting: finite, gaps filled, wild values replaced.
    pub values: Vec<f64>,
    /// As measured; NaN where nothing was. As long as `values`.
    pub actual: Vec<f64>,
    /// Where the last regime starts: `values[from..]` is fitted.
    pub from: usize,
    /// Steps by which the series ends before the others.
    pub late: usize,
    /// Whether it ended so long ago that it is not forecast.
    pub over: bool,
    /// What kind of series it is.
    pub class: Class,
    /// Whether every measured value is at least 0.
    pub non_negative: bool,
    /// What was done, in the order of the rules.
    pub treatments: Vec<Treatment>,
}

impl Series {
    /// The values to fit.
    #[must_use]
    pub fn regime(&self) -> &[f64] {
        &self.values[self.from..]
    }

    /// What was measured where [`Series::regime`] is.
    #[must_use]
    pub fn measured(&self) -> &[f64] {
        &self.actual[self.from..]
    }

    /// The number of the step after the last one.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.first + self.values.len() as i64
    }
}

/// A series on its way through the rules.
struct Draft<'a> {
    axis: &'a Axis<'a>,
    settings: &'a Settings,
    context: Context,
    seasons: &'a [usize],
    first: i64,
    /// NaN where there is no value.
    values: Vec<f64>,
    treatments: Vec<Treatment>,
}

impl Draft<'_> {
    /// Records what was done to these steps (by place in `values`, ascending); nothing when there are none.
    fn record(&mut self, kind: Kind, places: &[usize]) {
        if let (Some(&first), Some(&last)) = (places.first(), places.last()) {
            let time = |place: usize| self.axis.time(self.first + place as i64);
            self.treatments.push(Treatment { kind, count: places.len(), first: time(first), last: time(last) });
        }
    }

    /// The longest season of which there are at least `cycles`, a year beside weeks left out.
    fn season(&self, cycles: usize) -> Option<usize> {
        longest_season(self.seasons, cycles, self.values.len())
    }
}

/// Makes a regular series of raw points in any order; it may be empty. `seasons` in steps, ascending.
#[must_use]
pub fn clean(points: &[Point], axis: &Axis<'_>, seasons: &[usize], settings: &Settings, context: Context) -> Series {
    let mut draft = Draft { axis, settings, context, seasons, first: 0, values: Vec::new(), treatments: Vec::new() };
    let kept = partial::believed(points, &mut draft);
    let counts = duplicates::merge(&kept, &mut draft);
    partial::drop_last(&counts, &mut draft);
    let (late, over) = late::measure(&mut draft);
    let mut actual = gaps::trimmed(&mut draft);
    gaps::fill(&mut draft, &mut actual);
    let non_negative = draft.values.iter().all(|&value| value >= 0.0);
    let intermittent = class::intermittent(&draft.values, seasons);
    let from = if settings.level_shifts && !intermittent { level_shift::last(&mut draft) } else { 0 };
    if settings.outliers && !intermittent {
        outliers::replace(&mut draft, from);
    }
    let class = class::of(&draft.values[from..], seasons);
    if draft.values.is_empty() {
        draft.treatments.push(Treatment { kind: Kind::Newcomer, count: 0, first: 0, last: 0 });
    }
    Series {
        first: draft.first,
        actual,
        values: draft.values,
        from,
        late,
        over,
        class,
        non_negative,
        treatments: draft.treatments,
    }
}
