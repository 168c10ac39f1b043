//! The clock that the steps of a forecast go by, and how far it has come.

use chrono_tz::Tz;
use lockgate_kind::BuildContext;
use lockgate_series::axis::{Axis, Step};
use lockgate_types::DataType;

use crate::settings::Settings;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    step: Step,
    /// Only instants are moved to a local clock: a day or a naive timestamp is one already.
    zone: Option<Tz>,
    /// Up to when the source is complete, as the times of the table count; `None` for integers.
    pub(crate) until: Option<i64>,
    /// Whether a step that is not over is left out.
    partial: bool,
}

impl Clock {
    pub(crate) fn of(settings: &Settings, cx: &BuildContext) -> Clock {
        let time = cx.schema.columns.get(settings.series.len()).map(|column| &column.data_type);
        let is_instant = matches!(time, Some(DataType::Timestamptz));
        let now = cx.as_of.timestamp_micros();
        let until = match settings.timezone {
            Some(zone) if !is_instant => now.saturating_add(local_offset(zone, now)),
            _ => now,
        };
        Clock {
            step: settings.step,
            zone: settings.timezone.filter(|_| is_instant),
            until: (!matches!(settings.step, Step::Integer(_))).then_some(until),
            partial: settings.hygiene.partial,
        }
    }

    pub(crate) fn offset(&self) -> Option<impl Fn(i64) -> i64 + Sync + use<>> {
        self.zone.map(|zone| move |time: i64| local_offset(zone, time))
    }

    pub(crate) fn axis<'a, F: Fn(i64) -> i64 + Sync>(&self, offset: Option<&'a F>) -> Axis<'a> {
        match offset {
            Some(offset) => Axis::local(self.step, offset),
            None => Axis::new(self.step),
        }
    }

    /// The last step that can be over.
    pub(crate) fn last_over(&self, axis: &Axis<'_>) -> i64 {
        self.until.map_or(i64::MAX, |until| axis.index(until) - i64::from(self.partial))
    }
}

/// Microseconds that a zone's clock is ahead of UTC.
fn local_offset(zone: Tz, time: i64) -> i64 {
    use chrono::{Offset, TimeZone};
    let instant = chrono::DateTime::from_timestamp_micros(time).map(|instant| instant.naive_utc());
    let offset = instant.map(|instant| zone.offset_from_utc_datetime(&instant).fix().local_minus_utc());
    i64::from(offset.unwrap_or(0)) * 1_000_000
}
