//! Sums that end where a series of theirs is late.

use std::collections::HashMap;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType as Arrow, Int64Type};
use futures::StreamExt;
use lockgate_kind::{BuildContext, KindError};
use lockgate_series::axis::Axis;

use crate::history::{Chunk, as_times, of_arrow, texts};
use crate::queries;
use crate::settings::Settings;

/// A late series is waited for up to the horizon over this: one that ended before has ended.
const WAITED: usize = 4;

/// From when on nothing counts of each sum that ends before the others, by its level and the values of the columns that it keeps.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct LateSums(HashMap<(usize, Vec<String>), i64>);

impl LateSums {
    /// `last` is the step on which most series end.
    pub(crate) async fn find(
        cx: &BuildContext,
        settings: &Settings,
        axis: &Axis<'_>,
        last: i64,
    ) -> Result<LateSums, KindError> {
        let mut late = HashMap::new();
        let of = cx.schema.columns.get(settings.series.len()).map(|column| &column.data_type);
        let Some(of) = of.filter(|_| !settings.hierarchy.is_empty()) else { return Ok(LateSums::default()) };
        let waited = (settings.horizon / WAITED).max(1) as i64;
        let (from, until) = (axis.time(last.saturating_sub(waited)), axis.time(last));
        for (number, level) in settings.hierarchy.iter().enumerate() {
            let mut rows = cx.session.stream(&queries::late_sums(settings, level, from, until, of)).await?;
            while let Some(batch) = rows.next().await {
                cx.go_on()?;
                let batch = batch?;
                let (ends, keys) =
                    batch.columns().split_last().map_or((None, &[][..]), |(ends, keys)| (Some(ends), keys));
                let Some(ends) = ends else { continue };
                let ends = as_times(ends).map_err(of_arrow)?;
                for (row, end) in ends.as_primitive::<Int64Type>().iter().enumerate() {
                    // Without columns to keep there is one row, whether anything is late or not.
                    if let Some(end) = end {
                        late.insert((number, texts(keys, row).map_err(of_arrow)?), axis.time(axis.index(end) + 1));
                    }
                }
            }
        }
        Ok(LateSums(late))
    }

    /// Leaves out what lies behind the ends of the sums of a chunk.
    pub(crate) fn cut(&self, chunk: &mut Chunk, settings: &Settings) -> Result<(), KindError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let levels = cast(&chunk.keys[0], &Arrow::Int64).map_err(of_arrow)?;
        for (place, level) in levels.as_primitive::<Int64Type>().values().iter().enumerate() {
            let Some(kept) = usize::try_from(*level).ok().and_then(|level| settings.hierarchy.get(level)) else {
                continue;
            };
            let keys = settings.series.iter().zip(&chunk.keys[1..]).filter(|(name, _)| kept.contains(name));
            let keys: Vec<_> = keys.map(|(_, key)| key.clone()).collect();
            let key = (*level as usize, texts(&keys, place).map_err(of_arrow)?);
            if let Some(end) = self.0.get(&key) {
                chunk.series[place].points.retain(|point| point.time < *end);
            }
        }
        Ok(())
    }
}
