//! Which ranges of time are done: sorted, merged, never one entry a range.
//!
//! It travels in the version (`source_state`), so that it is published, held, rolled back and restored together with
//! the rows it speaks of; there is no moment at which the two differ.
//!
//! Cost: linear in the gaps, not in the ranges.

use serde::{Deserialize, Serialize};

/// Half-open, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Span {
    pub(crate) fn new(from: i64, to: i64) -> Span {
        Span { from, to: to.max(from) }
    }

    pub(crate) fn is_empty(self) -> bool {
        self.from >= self.to
    }

    pub(crate) fn overlaps(self, other: Span) -> bool {
        self.from < other.to && other.from < self.to
    }

    pub(crate) fn covers(self, other: Span) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// A set of instants as sorted spans that neither overlap nor touch.
// Invariant: for neighbours, `a.to < b.from`; no span is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Ledger {
    spans: Vec<Span>,
}

impl Ledger {
    pub(crate) fn of(spans: impl IntoIterator<Item = Span>) -> Ledger {
        let mut spans: Vec<Span> = spans.into_iter().filter(|span| !span.is_empty()).collect();
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
                _ => merged.push(span),
            }
        }
        Ledger { spans: merged }
    }

    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub(crate) fn first(&self) -> Option<i64> {
        self.spans.first().map(|span| span.from)
    }

    #[must_use]
    pub(crate) fn and(&self, other: &Ledger) -> Ledger {
        Ledger::of(self.spans.iter().chain(&other.spans).copied())
    }

    /// What of `whole` is not in it.
    pub(crate) fn gaps(&self, whole: Span) -> Ledger {
        let mut gaps = Vec::new();
        let mut from = whole.from;
        let first = self.spans.partition_point(|span| span.to <= whole.from);
        for span in self.spans[first..].iter().take_while(|span| span.from < whole.to) {
            gaps.push(Span::new(from, span.from.min(whole.to)));
            from = from.max(span.to);
        }
        gaps.push(Span::new(from, whole.to));
        gaps.retain(|gap| !gap.is_empty());
        Ledger { spans: gaps }
    }

    /// At most `most` spans that cover it: the nearest neighbours are joined, with what lies between them.
    #[must_use]
    pub(crate) fn coarse(&self, most: usize) -> Ledger {
        if self.spans.len() <= most.max(1) {
            return self.clone();
        }
        let mut between: Vec<i64> = self.spans.windows(2).map(|pair| pair[1].from - pair[0].to).collect();
        between.sort_unstable();
        let joined = self.spans.len() - most.max(1);
        let limit = between[joined - 1];
        // Of equal gaps no more are joined than must be.
        let mut equal_left = joined - between.iter().take_while(|gap| **gap < limit).count();
        let mut spans: Vec<Span> = Vec::with_capacity(most);
        for span in &self.spans {
            match spans.last_mut() {
                Some(last) if span.from - last.to < limit || (span.from - last.to == limit && equal_left > 0) => {
                    if span.from - last.to == limit {
                        equal_left -= 1;
                    }
                    last.to = span.to;
                }
                _ => spans.push(*span),
            }
        }
        Ledger { spans }
    }
}

/// The start of the range that an instant is in.
pub(crate) fn floor(at: i64, grain: i64) -> i64 {
    at.div_euclid(grain) * grain
}

/// The end of the range that ends at an instant or after it.
pub(crate) fn ceiling(at: i64, grain: i64) -> i64 {
    floor(at.saturating_add(grain - 1), grain)
}

#[cfg(test)]
mod tests;
