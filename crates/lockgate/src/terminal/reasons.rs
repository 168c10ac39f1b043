//! Why an asset would run, in one line.

use lockgate_run::Reason;

/// More reasons than this are counted.
const REASONS_MAX: usize = 3;

/// What was never built needs no further reason.
pub(crate) fn shown(reasons: &[Reason]) -> String {
    let needed = if reasons.first() == Some(&Reason::NeverBuilt) { 1 } else { reasons.len() };
    let mut shown: Vec<String> = reasons.iter().take(needed.min(REASONS_MAX)).map(ToString::to_string).collect();
    if needed > REASONS_MAX {
        shown.push(format!("{} more", needed - REASONS_MAX));
    }
    shown.join("; ")
}
