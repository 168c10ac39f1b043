//! A path that goes on from the history into the forecast, taken apart.

use crate::model::Part;

/// Level, trend and seasons of the forecast, which begins `count` steps into the path. The path reaches half of the
/// longest season and a step beyond the horizon.
pub(crate) fn split(path: &[f64], count: usize, horizon: usize, seasons: &[usize]) -> Vec<Part> {
    // The path smoothed over each season in turn; what a smoothing takes away is that season's.
    let mut smooth = vec![path.to_vec()];
    smooth.extend(seasons.iter().map(|&season| centred(path, season)));
    let slow = &smooth[smooth.len() - 1];
    let level = slow[count - 1];
    let ahead = count..count + horizon;
    let mut parts = vec![
        Part { name: "level".to_owned(), values: vec![level; horizon] },
        Part { name: "trend".to_owned(), values: slow[ahead.clone()].iter().map(|value| value - level).collect() },
    ];
    for (pair, season) in smooth.windows(2).zip(seasons).rev() {
        let values = pair[0][ahead.clone()].iter().zip(&pair[1][ahead.clone()]).map(|(all, slow)| all - slow).collect();
        parts.push(Part { name: format!("season {season}"), values });
    }
    parts
}

/// Means over a whole season around each step, the two ends of an even one at half weight; near the ends of the path,
/// of what there is.
pub(crate) fn centred(path: &[f64], season: usize) -> Vec<f64> {
    let half = season / 2;
    let edge = if season.is_multiple_of(2) { 0.5 } else { 1.0 };
    let mut sums = vec![0.0];
    sums.extend(path.iter().scan(0.0, |sum, value| {
        *sum += value;
        Some(*sum)
    }));
    (0..path.len())
        .map(|step| {
            let (left, right) = (step.saturating_sub(half), (step + half).min(path.len() - 1));
            if left + 2 * half != right {
                return (sums[right + 1] - sums[left]) / (right + 1 - left) as f64;
            }
            let inner = sums[right] - sums[left + 1];
            (inner + edge * (path[left] + path[right])) / season as f64
        })
        .collect()
}
