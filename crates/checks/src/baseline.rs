//! Today's failures become known ones.

use chrono::NaiveDate;
use lockgate_types::{AssetName, CheckOutcome, KnownFailure};

use crate::judge::NOT_EVALUATED;

/// Kinds that compare with a moment (logical time, the live version) and not with the data's own state: to record
/// their failure would silence them for ever.
const OF_THE_MOMENT: [&str; 2] = ["fresh", "change"];

/// Whether a check fails that cannot become a known failure: it is true or false of the version as a whole, so that
/// its share is all there is and no later failure could be worse.
pub fn is_never_known(outcome: &CheckOutcome) -> bool {
    let is_whole = OF_THE_MOMENT.contains(&outcome.kind.as_str())
        || outcome.kind == "rows"
        || (outcome.kind == "parity" && outcome.total <= 1);
    is_whole && outcome.error.exceeded_by(outcome.failing, outcome.total)
}

/// The known failures of one asset after `lockgate baseline`: one for each check that is over its `error` threshold.
///
/// An entry that is there already and still covers the failure keeps what people wrote into it, its review date
/// included; its count and share become today's. One that got worse gets the new review date. A check that passes
/// loses its entry, one that could not be evaluated keeps it. What [`is_never_known`] is not recorded.
pub fn baseline(
    outcomes: &[CheckOutcome],
    asset: &AssetName,
    owner: Option<&str>,
    review_on: NaiveDate,
    existing: &[KnownFailure],
) -> Vec<KnownFailure> {
    let mut known = Vec::new();
    for outcome in outcomes.iter().filter(|outcome| !is_never_known(outcome)) {
        let old = existing.iter().find(|known| known.asset == *asset && known.check == outcome.name);
        if outcome.message.starts_with(NOT_EVALUATED) {
            known.extend(old.cloned());
            continue;
        }
        if !outcome.error.exceeded_by(outcome.failing, outcome.total) {
            continue;
        }
        known.push(KnownFailure {
            asset: asset.clone(),
            check: outcome.name.clone(),
            count: outcome.failing,
            share: outcome.share,
            tolerance: old.map_or(0.0, |old| old.tolerance),
            owner: old.map_or_else(|| owner.map(str::to_owned), |old| old.owner.clone()),
            review_on: old
                .filter(|old| old.is_of(outcome.statement.as_deref()) && old.covers(outcome.failing, outcome.total))
                .map_or(review_on, |old| old.review_on),
            reason: old.map_or_else(|| outcome.message.clone(), |old| old.reason.clone()),
            statement: outcome.statement.clone(),
        });
    }
    known
}

#[cfg(test)]
mod tests;
