//! How a check came out, in words and marks.

use lockgate_types::check::share_of;
use lockgate_types::{CheckOutcome, CheckState, Samples};

use super::number::{percent, rows};
use super::style::{Paint, Style};
use super::table::{Align, Cell, Table};

/// The mark and its colour; the mark alone says it.
pub(crate) fn mark(state: CheckState) -> (Style, &'static str) {
    match state {
        CheckState::Passed => (Style::Good, "✓"),
        CheckState::Warned | CheckState::Known | CheckState::Suppressed => (Style::Caution, "!"),
        CheckState::Failed | CheckState::Errored => (Style::Bad, "✗"),
    }
}

/// Whether it counts rows, rather than saying yes or no of the whole version.
fn counts_rows(outcome: &CheckOutcome) -> bool {
    outcome.total > 1 || outcome.failing > 1
}

/// `name  0.19 % → 0.46 % of rows`, or what was measured.
pub(crate) fn headline(outcome: &CheckOutcome) -> String {
    match outcome.before {
        Some((failing, total)) if counts_rows(outcome) && failing > 0 => {
            let before = percent(share_of(failing, total));
            format!("{}   {before} → {} of rows", outcome.name, percent(outcome.share))
        }
        _ => sentence(outcome),
    }
}

/// `name: what was measured`.
pub(crate) fn sentence(outcome: &CheckOutcome) -> String {
    format!("{}: {}", outcome.name, outcome.message)
}

/// `2 of 4 rows → 3 of 5 rows`, when there is a before; the message otherwise says it.
pub(crate) fn change(outcome: &CheckOutcome) -> Option<String> {
    let (failing, total) = outcome.before.filter(|_| counts_rows(outcome))?;
    let before = format!("{} of {}", super::number::count(failing), rows(total));
    let after = format!("{} of {}", super::number::count(outcome.failing), rows(outcome.total));
    Some(format!("{before} ({}) → {after} ({})", percent(share_of(failing, total)), percent(outcome.share)))
}

/// Text that is all numbers stands as numbers do.
pub(crate) fn align<'a>(cells: impl Iterator<Item = &'a str>) -> Align {
    let mut cells = cells.peekable();
    let is_numbers = cells.peek().is_some() && cells.all(|cell| cell.parse::<f64>().is_ok());
    if is_numbers { Align::Right } else { Align::Left }
}

/// Sample rows as a table of data.
pub(crate) fn samples(samples: &Samples, most: usize, indent: usize) -> Table {
    let mut table = Table::new().ruled().indent(indent);
    for (index, column) in samples.columns.iter().enumerate() {
        table = table.data(column, align(samples.rows.iter().filter_map(|row| row.get(index)?.as_deref())));
    }
    for row in samples.rows.iter().take(most) {
        table.row(row.iter().map(|cell| Cell::value(cell.as_deref())));
    }
    table
}

/// The checks of a version, one line each, those that need a look first.
pub(crate) fn table(outcomes: &[CheckOutcome], indent: usize) -> Table {
    let mut sorted: Vec<&CheckOutcome> = outcomes.iter().collect();
    sorted.sort_by_key(|outcome| match outcome.state {
        CheckState::Failed | CheckState::Errored => 0,
        CheckState::Warned => 1,
        CheckState::Known | CheckState::Suppressed => 2,
        CheckState::Passed => 3,
    });
    let mut table = Table::new().indent(indent).left("").left("").prose("").prose("");
    for outcome in sorted {
        let (style, mark) = mark(outcome.state);
        let excuse = outcome.excuse.as_deref().unwrap_or("");
        table.row([
            Cell::styled(style, mark),
            Cell::styled(Style::Strong, &outcome.name),
            outcome.message.as_str().into(),
            Cell::styled(Style::Faint, excuse),
        ]);
    }
    table
}

/// `3 checks pass, 1 fails`, or the like.
pub(crate) fn counts(outcomes: &[CheckOutcome], paint: Paint) -> String {
    let of = |state: CheckState| outcomes.iter().filter(|outcome| outcome.state == state).count();
    let failed = of(CheckState::Failed) + of(CheckState::Errored);
    let mut parts = vec![format!("{} passed", of(CheckState::Passed))];
    for (number, word) in [
        (of(CheckState::Warned), "warned"),
        (of(CheckState::Known), "known"),
        (of(CheckState::Suppressed), "suppressed"),
    ] {
        if number > 0 {
            parts.push(paint.caution(&format!("{number} {word}")));
        }
    }
    if failed > 0 {
        parts.push(paint.bad(&format!("{failed} failed")));
    }
    parts.join(", ")
}
