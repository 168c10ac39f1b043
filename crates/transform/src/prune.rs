//! Which files may hold rows with values in a range, by the statistics that stand in the file list. Nothing is opened.

use std::cmp::Ordering;

use lockgate_types::DataFile;
use serde_json::Value as Json;

/// The least and the greatest value of a column in some files.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Range {
    column: String,
    bounds: Bounds,
}

#[derive(Clone, Debug, PartialEq)]
enum Bounds {
    /// There is no row.
    Nothing,
    Between(Json, Json),
    /// Somewhere the statistics do not say.
    Unknown,
}

impl Range {
    pub(crate) fn over(files: &[DataFile], column: &str) -> Range {
        let mut bounds = Bounds::Nothing;
        for file in files.iter().filter(|file| file.rows > 0) {
            bounds = match (bounds, bounds_of(file, column)) {
                (Bounds::Nothing, Some((min, max))) => Bounds::Between(min, max),
                (Bounds::Between(low, high), Some((min, max))) => match (compare(&min, &low), compare(&max, &high)) {
                    (Some(below), Some(above)) => Bounds::Between(
                        if below == Ordering::Less { min } else { low },
                        if above == Ordering::Greater { max } else { high },
                    ),
                    _ => Bounds::Unknown,
                },
                _ => Bounds::Unknown,
            };
        }
        Range { column: column.to_owned(), bounds }
    }
}

/// Whether a file may have a row in the range; false only where the statistics rule it out.
pub(crate) fn may_hold(file: &DataFile, range: &Range) -> bool {
    match &range.bounds {
        Bounds::Nothing => false,
        Bounds::Unknown => true,
        Bounds::Between(low, high) => {
            let Some((min, max)) = bounds_of(file, &range.column) else { return true };
            let below = compare(&max, low) == Some(Ordering::Less);
            let above = compare(&min, high) == Some(Ordering::Greater);
            !below && !above
        }
    }
}

/// Bounds of a column in a file, as Delta's statistics write them. They may be wider than the values.
pub(crate) fn bounds_of(file: &DataFile, column: &str) -> Option<(Json, Json)> {
    let stats: Json = serde_json::from_str(file.stats.as_deref()?).ok()?;
    let value = |which: &str| stats.get(which)?.get(column).filter(|value| !value.is_null()).cloned();
    Some((value("minValues")?, value("maxValues")?))
}

/// How many rows of a file have no value in a column; `None` when that is not known.
pub(crate) fn nulls_of(file: &DataFile, column: &str) -> Option<u64> {
    let stats: Json = serde_json::from_str(file.stats.as_deref()?).ok()?;
    stats.get("nullCount")?.get(column)?.as_u64()
}

/// Numbers by a double (rounding keeps their order), texts by their bytes (instants are written in one form).
fn compare(a: &Json, b: &Json) -> Option<Ordering> {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Json::String(a), Json::String(b)) => Some(a.cmp(b)),
        (Json::Bool(a), Json::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
