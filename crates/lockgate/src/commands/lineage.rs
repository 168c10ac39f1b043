//! `lockgate lineage`.

use std::collections::BTreeSet;
use std::io;

use lockgate_run::Graph;
use lockgate_types::{AssetName, Diagnostic, diagnostic::did_you_mean};
use serde_json::json;

use crate::codes::UNKNOWN_COLUMN;
use crate::context::{Context, known_asset};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::style::Paint;

/// Follow an asset, or one of its columns, up to its sources and down to its readers
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The asset, or a column of it: mart.revenue or mart.revenue.customer
    #[arg(value_name = "NAME[.COLUMN]")]
    name: String,
}

/// An asset, or one of its columns.
type Point = (AssetName, Option<String>);

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let (_workspace, graph) = context.graph().await?;
    let (asset, column) = match arguments.name.match_indices('.').nth(1) {
        Some((dot, _)) => (&arguments.name[..dot], Some(arguments.name[dot + 1..].to_owned())),
        None => (arguments.name.as_str(), None),
    };
    let name = known_asset(&graph, asset)?;
    let column = column.map(|column| known_column(&graph, &name, &column)).transpose()?;
    let point = (name, column);
    if context.terminal.json {
        context.terminal.document(&document(&graph, &point))?;
    } else {
        print(context, &graph, &point)?;
    }
    Ok(Exit::Done)
}

fn known_column(graph: &Graph, name: &AssetName, column: &str) -> Result<String, Failure> {
    let node = graph.node(name)?;
    let columns: Vec<&str> = node.schema.columns.iter().map(|column| column.name.as_str()).collect();
    if columns.contains(&column) {
        return Ok(column.to_owned());
    }
    let diagnostic = Diagnostic::error(&UNKNOWN_COLUMN, format!("{name} has no column `{column}`"))
        .expected(format!("one of {}", columns.join(", ")));
    Err(Failure::usage(match did_you_mean(column, columns) {
        Some(near) => diagnostic.hint(format!("did you mean {name}.{near}?")),
        None => diagnostic,
    }))
}

/// What a point is made from, one step.
fn above(graph: &Graph, (asset, column): &Point) -> Vec<Point> {
    let Some(node) = graph.nodes().get(asset) else { return Vec::new() };
    match column {
        None => node.inputs.iter().map(|input| (input.clone(), None)).collect(),
        Some(column) => {
            let line = node.lineage.iter().find(|line| line.column == *column);
            line.map(|line| line.from.iter().map(|(a, c)| (a.clone(), Some(c.clone()))).collect()).unwrap_or_default()
        }
    }
}

/// What is made from a point, one step.
fn below(graph: &Graph, (asset, column): &Point) -> Vec<Point> {
    let mut points = Vec::new();
    for (name, node) in graph.nodes() {
        match column {
            None if node.inputs.contains(asset) => points.push((name.clone(), None)),
            None => {}
            // Lineage looks through inline assets, so a reader may name a column of what it does not read itself.
            Some(column) => {
                let made = node.lineage.iter().filter(|line| line.from.iter().any(|(a, c)| a == asset && c == column));
                points.extend(made.map(|line| (name.clone(), Some(line.column.clone()))));
            }
        }
    }
    points
}

fn shown((asset, column): &Point) -> String {
    column.as_ref().map_or_else(|| asset.to_string(), |column| format!("{asset}.{column}"))
}

fn print(context: &Context, graph: &Graph, point: &Point) -> io::Result<()> {
    let terminal = &context.terminal;
    let paint = terminal.paint;
    let kind = graph.nodes().get(&point.0).map_or("", |node| node.file.kind.as_str());
    terminal.line(&format!("{}   {kind}", paint.strong(&shown(point))))?;
    let up = Tree { graph, step: above, paint }.text(point);
    let made_from = if point.1.is_some() { "made from" } else { "reads" };
    let nothing = if point.1.is_some() { "no column of another asset" } else { "no other asset" };
    terminal.out(&if up.is_empty() { format!("\n{made_from} {nothing}\n") } else { format!("\n{made_from}\n{up}") })?;
    let down = Tree { graph, step: below, paint }.text(point);
    let word = if point.1.is_some() { "goes into" } else { "is read by" };
    let nothing = if point.1.is_some() { "no other column" } else { "no other asset" };
    terminal.out(&if down.is_empty() { format!("\n{word} {nothing}\n") } else { format!("\n{word}\n{down}") })
}

struct Tree<'a> {
    graph: &'a Graph,
    step: fn(&Graph, &Point) -> Vec<Point>,
    paint: Paint,
}

impl Tree<'_> {
    fn text(&self, root: &Point) -> String {
        let mut out = String::new();
        self.branches(root, "", &mut BTreeSet::new(), &mut out);
        out
    }

    fn branches(&self, point: &Point, indent: &str, seen: &mut BTreeSet<Point>, out: &mut String) {
        let next = (self.step)(self.graph, point);
        for (index, child) in next.iter().enumerate() {
            let last = index + 1 == next.len();
            // What stands above already is named again, but its branches are not drawn twice.
            let again = !seen.insert(child.clone()) && !(self.step)(self.graph, child).is_empty();
            let (fork, more) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let remark = if again { self.paint.faint("  (above)") } else { String::new() };
            out.push_str(&format!("  {}{}{remark}\n", self.paint.faint(&format!("{indent}{fork}")), shown(child)));
            if !again {
                self.branches(child, &format!("{indent}{more}"), seen, out);
            }
        }
    }
}

fn document(graph: &Graph, point: &Point) -> serde_json::Value {
    let edges = |step: fn(&Graph, &Point) -> Vec<Point>| {
        let mut edges = Vec::new();
        let (mut open, mut seen) = (vec![point.clone()], BTreeSet::from([point.clone()]));
        while let Some(at) = open.pop() {
            for next in step(graph, &at) {
                edges.push(json!({ "of": shown(&at), "is": shown(&next) }));
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        edges
    };
    let origins: Vec<String> = match &point.1 {
        None => Vec::new(),
        Some(column) => {
            let origins = graph.column_origins(&point.0, column);
            origins.into_iter().map(|(asset, column)| format!("{asset}.{column}")).collect()
        }
    };
    json!({
        "asset": point.0, "column": point.1, "made_from": edges(above), "goes_into": edges(below), "origins": origins,
    })
}
