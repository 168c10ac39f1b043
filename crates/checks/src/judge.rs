//! From counts to a state: pure.

use chrono::{DateTime, Utc};
use lockgate_project::GateMode;
use lockgate_types::{AssetName, CheckOutcome, CheckState, KnownFailure, Severity, Suppression, Threshold};

use crate::{Check, words};

/// How the message of a check starts that could not be evaluated.
pub(crate) const NOT_EVALUATED: &str = "it could not be evaluated: ";

/// What excuses a failure.
#[derive(Clone, Copy, Debug)]
pub struct JudgeContext<'a> {
    pub asset: &'a AssetName,
    /// Wall time, which suppressions end by.
    pub now: DateTime<Utc>,
    /// Of any asset; those of other assets are passed over.
    pub known: &'a [KnownFailure],
    /// Of any asset, also ended ones.
    pub suppressions: &'a [Suppression],
    pub gate: GateMode,
}

/// A state, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub state: CheckState,
    /// The known failure or suppression that let it pass; or, when it failed, why one did not.
    pub excuse: Option<String>,
}

/// Judges `failing` of `total` rows; `None` when the check could not be evaluated.
pub fn judge(check: &Check, counts: Option<(u64, u64)>, cx: JudgeContext<'_>) -> Verdict {
    let statement = check.statement();
    let Check { name, severity, error, warn, .. } = check;
    let limits = Limits { name, statement: Some(&statement), severity: *severity, error: *error, warn: *warn };
    limits.judge(counts, cx)
}

/// Judges an outcome anew: known failures, suppressions and the gate may have changed since.
pub fn judge_again(outcome: &mut CheckOutcome, cx: JudgeContext<'_>) {
    let counts = (!outcome.message.starts_with(NOT_EVALUATED)).then_some((outcome.failing, outcome.total));
    let CheckOutcome { name, severity, error, warn, statement, .. } = outcome;
    let statement = statement.as_deref();
    let limits = Limits { name, statement, severity: *severity, error: *error, warn: *warn };
    let verdict = limits.judge(counts, cx);
    (outcome.state, outcome.excuse) = (verdict.state, verdict.excuse);
}

struct Limits<'a> {
    name: &'a str,
    statement: Option<&'a str>,
    severity: Severity,
    error: Threshold,
    warn: Option<Threshold>,
}

impl Limits<'_> {
    fn judge(&self, counts: Option<(u64, u64)>, cx: JudgeContext<'_>) -> Verdict {
        let verdict = |state, excuse| Verdict { state, excuse };
        let is_over = counts.is_none_or(|(failing, total)| self.error.exceeded_by(failing, total));
        if !is_over {
            let (failing, total) = counts.unwrap_or_default();
            let warns = self.warn.is_some_and(|warn| warn.exceeded_by(failing, total));
            return verdict(if warns { CheckState::Warned } else { CheckState::Passed }, None);
        }
        let mut notes = Vec::new();
        if let Some((failing, total)) = counts
            && let Some(known) = cx.known.iter().find(|known| known.asset == *cx.asset && known.check == self.name)
        {
            if !known.is_of(self.statement) {
                notes.push("the known failure was recorded of what the check said before".to_owned());
            } else if known.covers(failing, total) {
                return verdict(CheckState::Known, Some(known_text(known)));
            } else {
                notes.push(format!("worse than the known failure: {}", on_record(known)));
            }
        }
        // Of several, the one that lasts longest; of those that do not reach, the newest says why.
        let ours = || cx.suppressions.iter().filter(|s| s.asset == *cx.asset && s.check == self.name);
        let covers = |s: &&Suppression| match counts {
            Some((failing, total)) => s.covers(cx.now, failing, total),
            // Nobody knows how many rows fail, so a limit cannot be kept.
            None => cx.now < s.until && s.limit.is_none(),
        };
        if let Some(suppression) = ours().filter(covers).max_by_key(|s| s.until) {
            return verdict(CheckState::Suppressed, Some(suppression_text(suppression)));
        }
        if let Some(suppression) = ours().max_by_key(|s| s.made_at) {
            notes.push(match suppression.limit {
                _ if suppression.until <= cx.now => {
                    format!("the suppression by {} ended on {}", suppression.actor, words::instant(suppression.until))
                }
                Some(limit) => format!("more than the suppression by {} allows ({limit})", suppression.actor),
                None => String::new(),
            });
        }
        let excuse = Some(notes.join("; ")).filter(|notes| !notes.is_empty());
        match (self.severity, cx.gate, counts) {
            (Severity::Warn, _, _) | (_, GateMode::Report, _) => verdict(CheckState::Warned, excuse),
            (Severity::Error, GateMode::Block, Some(_)) => verdict(CheckState::Failed, excuse),
            (Severity::Error, GateMode::Block, None) => verdict(CheckState::Errored, excuse),
        }
    }
}

/// `639 rows (0.19 %) on record, 0.1 % more allowed`.
fn on_record(known: &KnownFailure) -> String {
    let more = match known.tolerance {
        tolerance if tolerance > 0.0 => format!(", {} more allowed", words::percent(tolerance)),
        _ => String::new(),
    };
    format!("{} ({}) on record{more}", words::count(known.count), words::percent(known.share))
}

fn known_text(known: &KnownFailure) -> String {
    let owner = known.owner.as_ref().map(|owner| format!(", owner {owner}")).unwrap_or_default();
    let review = words::day(known.review_on);
    let text = format!("known failure: {}; review on {review}{owner}", on_record(known));
    if known.reason.trim().is_empty() { text } else { format!("{text}: {}", known.reason.trim()) }
}

fn suppression_text(suppression: &Suppression) -> String {
    let Suppression { actor, why, until, limit, .. } = suppression;
    let limit = limit.map(|limit| format!(" unless {limit}")).unwrap_or_default();
    format!("suppressed by {actor} until {}{limit}: {why}", words::instant(*until))
}

#[cfg(test)]
mod tests;
