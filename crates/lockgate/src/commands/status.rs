//! `lockgate status`.

use chrono::{DateTime, Utc};
use lockgate_project::known;
use lockgate_run::{AssetStatus, Standing, Status};
use lockgate_types::{CheckState, VersionNumber};

use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{bytes, counted, len, rows};
use crate::terminal::style::{Paint, Style};
use crate::terminal::table::{Cell, Table};
use crate::terminal::{outcome, reasons, text, time};

/// Show what is held, late, behind, known and suppressed, and how everything else stands
///
/// The exit code is 3 while something is held or late.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) async fn execute(_: Arguments, context: &Context) -> Outcome {
    let (workspace, graph) = context.graph().await?;
    let status = workspace.status(&graph).await?;
    if context.terminal.json {
        context.terminal.document(&status)?;
    } else {
        let page = Page {
            context,
            paint: context.terminal.paint,
            width: context.terminal.width(),
            now: context.effects.clock.now(),
            status: &status,
        };
        context.terminal.out(&page.text(&workspace.project.name, &workspace.project.environment))?;
        page.next();
    }
    Ok(if status.exit_code() == 3 { Exit::Held } else { Exit::Done })
}

struct Page<'a> {
    context: &'a Context,
    paint: Paint,
    width: Option<usize>,
    now: DateTime<Utc>,
    status: &'a Status,
}

impl Page<'_> {
    fn text(&self, project: &str, environment: &str) -> String {
        let mut out = self.head(project, environment);
        out.push_str(&self.held());
        out.push_str(&self.late());
        out.push_str(&self.failing_live());
        out.push_str(&self.behind());
        out.push_str(&self.excused());
        out.push_str(&self.rest());
        out
    }

    /// `grid (default)   14 assets: 12 up to date, 2 stale   last run 3 min ago: done`.
    fn head(&self, project: &str, environment: &str) -> String {
        let of = |standing: Standing| self.status.assets.iter().filter(|a| a.standing == standing).count();
        let mut parts = vec![format!("{} up to date", of(Standing::Fresh))];
        for (number, word) in [
            (of(Standing::Stale), "stale"),
            (of(Standing::NeverBuilt), "never built"),
            (of(Standing::Inline), "inline"),
        ] {
            parts.extend((number > 0).then(|| format!("{number} {word}")));
        }
        let assets = counted(len(&self.status.assets), "asset", "assets");
        let mut line = format!("{} ({environment})   {assets}: {}", self.paint.strong(project), parts.join(", "));
        if let Some(run) = self.status.runs.first() {
            let when = time::ago(self.now, run.ended_at.unwrap_or(run.started_at));
            line.push_str(&format!("   {}", self.paint.faint(&format!("last run {when}: {}", run.state.as_str()))));
        }
        line.push('\n');
        line
    }

    /// A headed group; nothing when it is empty.
    fn group(&self, style: Style, mark: &str, title: &str, body: &str) -> String {
        if body.is_empty() {
            String::new()
        } else {
            format!("\n{}\n{body}", self.paint.paint(style, &format!("{mark} {title}")))
        }
    }

    fn held(&self) -> String {
        let mut body = String::new();
        for (asset, held) in self.status.assets.iter().filter_map(|a| Some((a, a.held.as_ref()?))) {
            let what = match held.failing.as_slice() {
                [] => "another member of its group is held".to_owned(),
                [one] => outcome::headline(one),
                [first, others @ ..] => {
                    format!("{}, and {} more", outcome::headline(first), counted(len(others), "check", "checks"))
                }
            };
            let name = self.paint.strong(&asset.name.to_string());
            let when = time::ago(self.now, held.staged_at);
            body.push_str(&format!(
                "  {name}   version {}   {}\n",
                held.number,
                self.paint.faint(&format!("built {when}"))
            ));
            body.push_str(&format!("    {what}\n    {}\n", readers_see(asset.live.as_ref().map(|live| live.number))));
            body.push_str(&format!(
                "    {}\n",
                self.paint.next(&self.context.lockgate(&format!("show {} --held", asset.name)))
            ));
        }
        self.group(Style::Bad, "✗", "held", &body)
    }

    fn late(&self) -> String {
        let mut table = Table::new().indent(2).left("").prose("").left("");
        for (asset, late) in self.status.assets.iter().filter_map(|a| Some((a, a.late.as_ref()?))) {
            table.row([
                Cell::styled(Style::Strong, asset.name.to_string()),
                late.message.as_str().into(),
                Cell::styled(Style::Faint, format!("since {}", time::instant(late.since))),
            ]);
        }
        self.group(Style::Caution, "!", "late", &table.render(self.paint, self.width).text)
    }

    fn failing_live(&self) -> String {
        let mut table = Table::new().indent(2).left("").prose("");
        for asset in &self.status.assets {
            for failing in &asset.failing_live {
                table.row([Cell::styled(Style::Strong, asset.name.to_string()), outcome::sentence(failing).into()]);
            }
        }
        let body = table.render(self.paint, self.width).text;
        self.group(Style::Bad, "✗", "published, and failing", &body)
    }

    fn behind(&self) -> String {
        let mut table = Table::new().indent(2).left("").prose("");
        for asset in self.status.assets.iter().filter(|asset| !asset.behind.is_empty()) {
            let causes: Vec<String> = asset.behind.iter().map(ToString::to_string).collect();
            let why = format!("waits for {}", text::list(&causes, 3));
            table.row([Cell::styled(Style::Strong, asset.name.to_string()), why.into()]);
        }
        self.group(Style::Caution, "-", "behind", &table.render(self.paint, self.width).text)
    }

    fn excused(&self) -> String {
        let mut known_failures = Table::new().indent(2).left("").prose("").prose("");
        let mut suppressed = Table::new().indent(2).left("").prose("").left("").prose("");
        let mut warned = Table::new().indent(2).left("").prose("");
        for asset in &self.status.assets {
            let name = || Cell::styled(Style::Strong, asset.name.to_string());
            for outcome in &asset.known {
                let excuse = Cell::styled(Style::Faint, outcome.excuse.as_deref().unwrap_or(""));
                known_failures.row([name(), outcome::sentence(outcome).into(), excuse]);
            }
            for (suppression, said) in &asset.suppressed {
                let limit = suppression.limit.map_or_else(String::new, |limit| {
                    format!(", up to {} of rows", limit.to_string().trim_start_matches("> "))
                });
                let said = match said {
                    Some(outcome) if outcome.state == CheckState::Passed => "passes now".to_owned(),
                    Some(outcome) => outcome.message.clone(),
                    None => "was not judged yet".to_owned(),
                };
                suppressed.row([
                    name(),
                    format!("{}: {said}", suppression.check).into(),
                    format!("until {}{limit}", time::until(self.now, suppression.until)).into(),
                    Cell::styled(Style::Faint, format!("{}: {}", suppression.actor, suppression.why)),
                ]);
            }
            for outcome in &asset.warned {
                warned.row([name(), outcome::sentence(outcome).into()]);
            }
        }
        let draw = |table: &Table| table.render(self.paint, self.width).text;
        let mut out = self.group(Style::Caution, "!", &format!("known ({})", known::FILE), &draw(&known_failures));
        out.push_str(&self.group(Style::Caution, "!", "suppressed", &draw(&suppressed)));
        out.push_str(&self.group(Style::Caution, "!", "warnings", &draw(&warned)));
        out
    }

    /// Whatever is not told above, one line each.
    fn rest(&self) -> String {
        let told = |asset: &AssetStatus| asset.held.is_some() || asset.late.is_some() || !asset.behind.is_empty();
        let mut table = Table::new()
            .left("")
            .left("ASSET")
            .left("KIND")
            .right("VERSION")
            .right("ROWS")
            .right("SIZE")
            .left("PUBLISHED")
            .prose("");
        for asset in self.status.assets.iter().filter(|asset| !told(asset)) {
            let (style, mark) = match asset.standing {
                Standing::Fresh => (Style::Good, "✓"),
                Standing::Stale | Standing::NeverBuilt => (Style::Caution, "○"),
                Standing::Inline => (Style::Faint, "·"),
            };
            let why =
                if asset.standing == Standing::Inline { "inline".to_owned() } else { reasons::shown(&asset.reasons) };
            let live = asset.live.as_ref();
            let published = live.and_then(|live| live.published_at).map(|at| time::ago(self.now, at));
            table.row([
                Cell::styled(style, mark),
                Cell::styled(Style::Strong, asset.name.to_string()),
                Cell::styled(Style::Faint, &asset.kind),
                live.map_or_else(String::new, |live| live.number.to_string()).into(),
                live.map_or_else(String::new, |live| rows(live.rows)).into(),
                live.map_or_else(String::new, |live| bytes(live.size_bytes)).into(),
                published.unwrap_or_default().into(),
                Cell::styled(Style::Faint, why),
            ]);
        }
        if table.is_empty() { String::new() } else { format!("\n{}", table.render(self.paint, self.width).text) }
    }

    /// One thing to do when nothing is held: held ones carry their own.
    fn next(&self) {
        let any = |standing: Standing| self.status.assets.iter().any(|asset| asset.standing == standing);
        let held = self.status.assets.iter().any(|asset| asset.held.is_some());
        if self.status.assets.is_empty() {
            self.context.terminal.next(&self.context.lockgate("init --from FILE…"));
        }
        if !held && (any(Standing::Stale) || any(Standing::NeverBuilt)) {
            self.context.terminal.next(&self.context.lockgate("run"));
        }
    }
}

/// What stands between readers and harm.
pub(crate) fn readers_see(live: Option<VersionNumber>) -> String {
    match live {
        Some(number) => format!("readers still see version {number}"),
        None => "readers see nothing yet: no version is published".to_owned(),
    }
}
