//! Why an asset would run, in one line.

use lockgate_run::Reason;

use super::text;

/// More reasons than this are counted.
const REASONS_MAX: usize = 3;

/// What was never built needs no further reason.
pub(crate) fn shown(reasons: &[Reason]) -> String {
    let needed = if reasons.first() == Some(&Reason::NeverBuilt) { 1 } else { reasons.len() };
    let reasons: Vec<String> = reasons.iter().take(needed).map(ToString::to_string).collect();
    text::list(&reasons, REASONS_MAX)
}
