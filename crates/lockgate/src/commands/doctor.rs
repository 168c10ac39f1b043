//! `lockgate doctor`.

use lockgate_run::{DoctorReport, Finding, Health, RebuildReport};

use crate::context::{Context, shown_path};
use crate::exit::{Exit, Outcome};
use crate::terminal::number::{counted, len};
use crate::terminal::style::Style;
use crate::terminal::table::{Cell, Table};
use crate::terminal::text;

/// Look at everything that is kept, heal what is safe to heal, and explain the rest
///
/// It finishes publications that a crash left half done, frees what dead processes hold, and looks whether catalog,
/// logs and files agree. The exit code is 1 when something needs a person.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Open every file too, and count its rows
    #[arg(long, conflicts_with = "rebuild")]
    deep: bool,
    /// Make a lost or damaged catalog anew from the store
    #[arg(long, requires = "why")]
    pub(crate) rebuild: bool,
    /// Why the catalog is made anew
    #[arg(long, value_name = "TEXT", requires = "rebuild", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    why: Option<String>,
    /// Make it anew though the one that is there can be read; that one is kept aside
    #[arg(long, requires = "rebuild")]
    force: bool,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    if let Some(why) = arguments.why.filter(|_| arguments.rebuild) {
        return rebuild(context, &why, arguments.force).await;
    }
    let workspace = context.open().await?;
    let report = workspace.doctor(arguments.deep).await?;
    if context.terminal.json {
        context.terminal.document(&report)?;
    } else {
        context.terminal.out(&page(context, &report))?;
    }
    Ok(if report.exit_code() == 1 { Exit::Failed } else { Exit::Done })
}

/// What needs a person stands last, each with the command for it.
fn page(context: &Context, report: &DoctorReport) -> String {
    let (paint, width) = (context.terminal.paint, context.terminal.width());
    let mut out = String::new();
    for health in [Health::Well, Health::Healed, Health::Warning, Health::Problem] {
        for finding in report.findings.iter().filter(|finding| finding.health == health) {
            let (style, mark) = mark(finding);
            let room = width.map_or(usize::MAX, |width| width.saturating_sub(2));
            for (index, line) in text::wrap(&text::harmless(&finding.message), room).iter().enumerate() {
                let mark = if index == 0 { paint.paint(style, mark) } else { " ".to_owned() };
                out.push_str(&format!("{mark} {line}\n"));
            }
            if let Some(next) = &finding.next {
                out.push_str(&format!("  {}\n", paint.next(&context.lockgate(next))));
            }
        }
    }
    let of = |health: Health| report.findings.iter().filter(|finding| finding.health == health).count() as u64;
    let mut sum = Vec::new();
    for (number, one, many) in [
        (of(Health::Healed), "thing healed", "things healed"),
        (of(Health::Warning), "warning", "warnings"),
        (of(Health::Problem), "problem", "problems"),
    ] {
        sum.extend((number > 0).then(|| counted(number, one, many)));
    }
    let sum = if sum.is_empty() { "all is well".to_owned() } else { sum.join(", ") };
    out.push_str(&format!("{}\n", paint.strong(&sum)));
    out
}

fn mark(finding: &Finding) -> (Style, &'static str) {
    match finding.health {
        Health::Well => (Style::Good, "✓"),
        Health::Healed => (Style::Good, "+"),
        Health::Warning => (Style::Caution, "!"),
        Health::Problem => (Style::Bad, "✗"),
    }
}

async fn rebuild(context: &Context, why: &str, force: bool) -> Outcome {
    let root = &context.global.directory;
    let options = context.options(root)?;
    let report = lockgate_run::rebuild(root, &options, why, force).await?;
    let terminal = &context.terminal;
    if terminal.json {
        terminal.document(&report)?;
        return Ok(Exit::Done);
    }
    let paint = terminal.paint;
    let versions: u64 = report.assets.iter().map(|asset| asset.versions).sum();
    let head = format!(
        "{} the catalog is made anew: {} of {}",
        paint.good("✓"),
        counted(versions, "version", "versions"),
        counted(len(&report.assets), "asset", "assets")
    );
    terminal.line(&head)?;
    terminal.table(&assets(&report))?;
    for asset in &report.assets {
        for note in &asset.notes {
            let name = paint.strong(&asset.asset.to_string());
            terminal.line(&format!("{} {name}: {}", paint.caution("!"), text::harmless(note)))?;
        }
    }
    if let Some(old) = &report.old_catalog {
        terminal.line(&format!("  the old catalog is kept as {}", shown_path(old)))?;
    }
    terminal.line("  no store tells, so it is lost:")?;
    for lost in &report.lost {
        terminal.line(&format!("    {lost}"))?;
    }
    terminal.next(&context.lockgate("doctor"));
    Ok(Exit::Done)
}

fn assets(report: &RebuildReport) -> Table {
    let mut table = Table::new()
        .indent(2)
        .left("ENVIRONMENT")
        .left("ASSET")
        .right("VERSIONS")
        .right("LIVE")
        .right("HELD")
        .right("NEXT");
    for asset in &report.assets {
        let number = |number: Option<lockgate_types::VersionNumber>| number.map_or("-".to_owned(), |n| n.to_string());
        table.row([
            asset.environment.as_str().into(),
            Cell::styled(Style::Strong, asset.asset.to_string()),
            asset.versions.to_string().into(),
            number(asset.live).into(),
            number(asset.held).into(),
            (asset.last.0 + 1).to_string().into(),
        ]);
    }
    table
}
