//! A run while it runs: one line per running asset on a terminal, with the finished ones above it; plain lines
//! elsewhere; events with `--json`.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use lockgate_kind::Progress;
use lockgate_run::Observer;
use lockgate_types::{AssetName, Event};
use serde_json::Value as Json;

use super::number::{bytes, count, counted, duration_ms, rows};
use super::style::Style;
use super::{Terminal, text};

/// How often the running lines are drawn.
const TICK: Duration = Duration::from_millis(120);

/// Shows a run on the terminal.
pub(crate) struct Watcher {
    terminal: Arc<Terminal>,
    /// `None` when stderr is not a terminal.
    bars: Option<MultiProgress>,
    running: Mutex<BTreeMap<AssetName, ProgressBar>>,
    /// The width of the longest name, so that the lines stand under each other.
    name_width: usize,
}

impl Watcher {
    /// For a run of these assets.
    pub(crate) fn new<'a>(terminal: &Arc<Terminal>, assets: impl Iterator<Item = &'a AssetName>) -> Arc<Self> {
        let longest = assets.map(|name| text::width(&name.to_string())).max().unwrap_or(0);
        Arc::new(Watcher {
            terminal: Arc::clone(terminal),
            bars: (io::stderr().is_terminal() && !terminal.json).then(MultiProgress::new),
            running: Mutex::default(),
            name_width: longest.clamp(8, 48),
        })
    }

    /// A line on stderr, above the running ones.
    fn line(&self, line: &str) {
        let line = self.terminal.redacted(line);
        match &self.bars {
            Some(bars) => {
                let width = self.terminal.note_width().unwrap_or(usize::MAX);
                let _ = bars.println(if self.terminal.note_paint.is_on() { line } else { text::cut(&line, width) });
            }
            None => self.terminal.note(&line),
        }
    }

    fn finish(&self, asset: &AssetName) {
        let bar = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(asset);
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
    }

    /// `✓ raw.orders   version 3     336,776 rows   12.3 MB   1.2 s   2 known`.
    fn finished(&self, event: &Event, asset: &AssetName) -> Option<String> {
        let paint = self.terminal.note_paint;
        let number = |key: &str| event.data.get(key).and_then(Json::as_u64).unwrap_or(0);
        let message = event.data.get("message").and_then(Json::as_str).unwrap_or("");
        let (style, mark, word) = match event.event.as_str() {
            "published" => (Style::Good, "✓", "published"),
            "held" => (Style::Bad, "✗", "HELD"),
            "failed" => (Style::Bad, "✗", "FAILED"),
            "skipped" => (Style::Faint, "-", "skipped"),
            "interrupted" => {
                return Some(format!(
                    "{} {}  {}",
                    paint.caution("-"),
                    paint.strong(&asset.to_string()),
                    paint.caution("interrupted")
                ));
            }
            "unchanged" => (Style::Faint, "·", "unchanged"),
            _ => return None,
        };
        let name = asset.to_string();
        let space = " ".repeat(self.name_width.saturating_sub(text::width(&name)));
        let head = format!("{} {}{space}  {}", paint.paint(style, mark), paint.strong(&name), paint.paint(style, word));
        if event.event != "published" {
            let room =
                self.terminal.note_width().unwrap_or(usize::MAX).saturating_sub(self.name_width + 6 + word.len());
            return Some(format!("{head}  {}", text::cut(message, room)).trim_end().to_owned());
        }
        let version = event.version.map_or_else(String::new, |version| format!("version {version}"));
        let mut line = format!(
            "{head}  {version:<11}  {:>16}  {:>9}  {:>8}",
            rows(number("rows")),
            bytes(number("size_bytes")),
            duration_ms(number("build_ms") + number("audit_ms")),
        );
        let checks = event.data.get("checks");
        let of = |state: &str| checks.and_then(|checks| checks.get(state)).and_then(Json::as_u64).unwrap_or(0);
        let mut remarks = Vec::new();
        match number("rejected_rows") {
            0 => {}
            rejected => remarks.push(format!("{} rejected", rows(rejected))),
        }
        remarks.extend((of("known") > 0).then(|| format!("{} known", count(of("known")))));
        remarks.extend((of("suppressed") > 0).then(|| format!("{} suppressed", count(of("suppressed")))));
        remarks.extend((of("warned") > 0).then(|| counted(of("warned"), "warning", "warnings")));
        if !remarks.is_empty() {
            line.push_str(&format!("  {}", paint.caution(&remarks.join(", "))));
        }
        Some(line)
    }
}

impl Observer for Watcher {
    fn event(&self, event: &Event) {
        if self.terminal.json {
            // When nobody reads the events any more, the run still goes on.
            let _ = self.terminal.document(event);
            return;
        }
        let Some(asset) = &event.asset else { return };
        if event.event == "retrying" {
            self.finish(asset);
            self.line(&retrying(event, &self.terminal.note_paint.strong(&asset.to_string())));
            return;
        }
        if event.event == "warned" {
            let of_first = event.data.get("diagnostics").and_then(|all| all.get(0));
            let code = of_first.and_then(|first| first.get("code")).and_then(Json::as_str).unwrap_or("");
            let message = event.data.get("message").and_then(Json::as_str).unwrap_or("");
            let word = self.terminal.note_paint.caution(&format!("warning[{code}]"));
            self.line(&format!("! {}  {word}  {message}", self.terminal.note_paint.strong(&asset.to_string())));
            return;
        }
        if let Some(line) = self.finished(event, asset) {
            self.finish(asset);
            self.line(&line);
        }
    }

    fn started(&self, asset: &AssetName, progress: &Progress) {
        self.finish(asset);
        let Some(bars) = &self.bars else { return };
        let progress = progress.clone();
        let template = format!("{{spinner}} {{prefix:{}}}  {{done:>16}}  {{elapsed}}", self.name_width);
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let style = style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ").with_key(
            "done",
            move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = match progress.rows() {
                    0 => write!(out, "{:>16}", "…"),
                    built => write!(out, "{:>16}", rows(built)),
                };
            },
        );
        let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(asset.to_string()));
        bar.enable_steady_tick(TICK);
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(asset.clone(), bar);
    }
}

/// `raw.orders failed (the server answered 503), again in 2 s, attempt 2 of 4`.
fn retrying(event: &Event, asset: &str) -> String {
    let number = |key: &str| event.data.get(key).and_then(Json::as_u64).unwrap_or(0);
    let message = event.data.get("message").and_then(Json::as_str).unwrap_or("no reason given");
    let (wait, attempt, attempts) = (duration_ms(number("wait_ms")), number("attempt"), number("attempts"));
    format!("… {asset} failed ({message}), again in {wait}, attempt {attempt} of {attempts}")
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for bar in self.running.get_mut().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
    }
}
