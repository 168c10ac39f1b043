//! How a run ended, in a few lines: what is good first, what asks for a decision last, with the command for it.

use std::io;

use lockgate_project::known;
use lockgate_run::{AssetResult, Plan, RetryPlan, RunSummary, Workspace};
use lockgate_types::{AssetName, CheckOutcome, CheckState, TaskState};
use serde_json::json;

use crate::commands::status::readers_see;
use crate::context::Context;
use crate::terminal::number::{counted, duration_ms, len, rows};
use crate::terminal::style::Paint;
use crate::terminal::table::{Cell, Table};
use crate::terminal::{outcome, text};

/// More names than this are counted.
const NAMES_MAX: usize = 4;

/// Prints it on stdout; with `--json` as the last event, `summary`.
pub(crate) fn print(context: &Context, workspace: &Workspace, plan: &Plan, ran: &RunSummary) -> io::Result<()> {
    let summary = Summary { context, plan, ran };
    if context.terminal.json {
        return context.terminal.document(&summary.event(workspace));
    }
    context.terminal.out(&summary.text())
}

/// With `--json`: the `summary` of a run of which nothing is left to take up.
pub(crate) fn nothing_left(context: &Context, workspace: &Workspace, found: &RetryPlan) -> io::Result<()> {
    context.terminal.document(&json!({
        "event": "summary",
        "at": workspace.effects.clock.now(),
        "run": found.run.id,
        "state": found.run.state,
        "as_of": found.run.as_of,
        "duration_ms": 0,
        "assets": [],
        "fresh": [],
        "late": [],
    }))
}

struct Summary<'a> {
    context: &'a Context,
    plan: &'a Plan,
    ran: &'a RunSummary,
}

impl Summary<'_> {
    fn of(&self, state: TaskState) -> Vec<&AssetResult> {
        let mut results: Vec<_> = self.ran.results.iter().filter(|result| result.state == state).collect();
        results.sort_by(|a, b| a.asset.cmp(&b.asset));
        results
    }

    /// The outcomes of one state on what readers see now.
    fn outcomes(&self, state: CheckState) -> Vec<(&AssetName, &CheckOutcome)> {
        let seen = self.ran.results.iter().filter(|result| result.state != TaskState::Held);
        let all = seen.flat_map(|result| result.checks.iter().map(move |outcome| (&result.asset, outcome)));
        let mut outcomes: Vec<_> = all.filter(|(_, outcome)| outcome.state == state).collect();
        outcomes.sort_by(|a, b| b.1.failing.cmp(&a.1.failing).then_with(|| a.0.cmp(b.0)));
        outcomes
    }

    fn text(&self) -> String {
        let paint = self.context.terminal.paint;
        let mut lines = Table::new().left("").prose("").right("");
        self.good(&mut lines);
        self.excused(&mut lines);
        let mut out = lines.render(paint, self.context.terminal.width()).text;
        out.push_str(&self.late(paint));
        out.push_str(&self.failing_live(paint));
        out.push_str(&self.behind(paint));
        out.push_str(&self.failed(paint));
        out.push_str(&self.held(paint));
        out
    }

    fn good(&self, lines: &mut Table) {
        use crate::terminal::style::Style::{Faint, Good};
        let published = self.of(TaskState::Published);
        let took = Cell::new(duration_ms(self.ran.duration_ms));
        if published.is_empty() {
            let quiet = if self.plan.steps.is_empty() { "nothing to run" } else { "nothing published" };
            let fresh = match self.plan.fresh.as_slice() {
                [] => String::new(),
                fresh => format!("{} up to date", counted(len(fresh), "asset", "assets")),
            };
            lines.row([Cell::styled(Faint, format!("· {quiet}")), fresh.into(), took]);
            return;
        }
        let sum = published.iter().map(|result| result.rows).sum();
        let head = format!("✓ {} published", published.len());
        lines.row([Cell::styled(Good, head), rows(sum).into(), took]);
        let unchanged = self.of(TaskState::Unchanged).len() + self.plan.fresh.len();
        if unchanged > 0 {
            lines.row([Cell::styled(Faint, format!("· {unchanged} up to date"))]);
        }
    }

    fn excused(&self, lines: &mut Table) {
        use crate::terminal::style::Style::Caution;
        for (state, one, many, remark) in [
            (CheckState::Known, "known failure", "known failures", known::FILE),
            (CheckState::Suppressed, "suppressed check", "suppressed checks", ""),
            (CheckState::Warned, "warning", "warnings", ""),
        ] {
            let outcomes = self.outcomes(state);
            if let Some((asset, worst)) = outcomes.first() {
                let head = format!("! {}", counted(len(&outcomes), one, many));
                let example = format!("{asset}: {}", outcome::sentence(worst));
                lines.row([Cell::styled(Caution, head), example.into(), Cell::new(remark)]);
            }
        }
    }

    fn late(&self, paint: Paint) -> String {
        let mut out = String::new();
        for (asset, late) in &self.ran.late {
            let head = format!("{} {} {}", paint.caution("!"), paint.strong(&asset.to_string()), paint.caution("LATE"));
            out.push_str(&format!("{head}   {}\n", late.message));
        }
        out
    }

    /// Checks that changed after their version was published, and fail on it.
    fn failing_live(&self, paint: Paint) -> String {
        let mut out = String::new();
        for result in self.of(TaskState::Unchanged) {
            let Some(worst) = result.checks.iter().find(|outcome| outcome.state.holds()) else { continue };
            // What was published by hand, with a reason, fails as it did then.
            if result.message.is_none() {
                continue;
            }
            let name = paint.strong(&result.asset.to_string());
            out.push_str(&format!("{} {name} {}   {}\n", paint.bad("✗"), paint.bad("FAILS"), outcome::headline(worst)));
            out.push_str("  its checks changed; what is published stays published\n");
            let next = self.context.lockgate(&format!("show {}", result.asset));
            out.push_str(&format!("  {}\n", paint.next(&next)));
        }
        out
    }

    fn behind(&self, paint: Paint) -> String {
        let mut out = String::new();
        for (state, word, why) in [
            (TaskState::Skipped, "behind", "an input was not published; readers keep the last good versions"),
            (TaskState::Interrupted, "interrupted", "the next run goes on"),
        ] {
            let names: Vec<String> = self.of(state).iter().map(|result| result.asset.to_string()).collect();
            if !names.is_empty() {
                let head = paint.caution(&format!("- {} {word}", names.len()));
                out.push_str(&format!("{head}   {}   {why}\n", text::list(&names, NAMES_MAX)));
            }
        }
        out
    }

    fn failed(&self, paint: Paint) -> String {
        let mut out = String::new();
        for result in self.of(TaskState::Failed) {
            let name = paint.strong(&result.asset.to_string());
            let message = result.message.as_deref().unwrap_or("");
            out.push_str(&format!("{} {name} {}   {message}\n", paint.bad("✗"), paint.bad("FAILED")));
            out.push_str(&format!("  {}\n", readers_see(result.live)));
            let next = self.context.lockgate(&format!("run {}", result.asset));
            out.push_str(&format!("  {}\n", paint.next(&next)));
        }
        out
    }

    fn held(&self, paint: Paint) -> String {
        let mut out = String::new();
        for result in self.of(TaskState::Held) {
            let failing: Vec<&CheckOutcome> = result.checks.iter().filter(|outcome| outcome.state.holds()).collect();
            let mut said = match failing.first() {
                Some(first) => outcome::headline(first),
                None => result.message.clone().unwrap_or_default(),
            };
            if failing.len() > 1 {
                said.push_str(&format!(", and {} more", counted(len(&failing[1..]), "check", "checks")));
            }
            let name = paint.strong(&result.asset.to_string());
            out.push_str(&format!("{} {name} {}   {said}\n", paint.bad("✗"), paint.bad("HELD")));
            out.push_str(&format!("  {}\n", readers_see(result.live)));
            let next = self.context.lockgate(&format!("show {} --held", result.asset));
            out.push_str(&format!("  {}\n", paint.next(&next)));
        }
        out
    }

    /// The whole as one event; rows of evidence are left to `show`.
    fn event(&self, workspace: &Workspace) -> serde_json::Value {
        let assets: Vec<serde_json::Value> = self
            .ran
            .results
            .iter()
            .map(|result| {
                json!({
                    "asset": result.asset, "state": result.state, "version": result.version, "live": result.live,
                    "rows": result.rows, "duration_ms": result.duration_ms, "message": result.message,
                })
            })
            .collect();
        json!({
            "event": "summary",
            "at": workspace.effects.clock.now(),
            "run": self.ran.run,
            "state": self.ran.state,
            "as_of": self.ran.as_of,
            "duration_ms": self.ran.duration_ms,
            "assets": assets,
            "fresh": self.plan.fresh,
            "late": self.ran.late.iter().map(|(asset, _)| asset).collect::<Vec<_>>(),
        })
    }
}
