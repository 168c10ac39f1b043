//! `lockgate init`.

use std::io;
use std::path::{Path, PathBuf};

use lockgate_connect::Proposal;
use lockgate_run::PlanOptions;
use lockgate_types::{AssetName, Diagnostic};
use serde_json::json;

use crate::codes::{ALREADY_A_PROJECT, CANNOT_WRITE, USAGE};
use crate::context::{Context, shown_path};
use crate::exit::{Exit, Failure, Outcome};

/// Make a project; with --from, propose sources, contracts and checks from data, and run them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  lockgate init --from orders.csv\n  lockgate -C shop init --from exports/*.csv")]
pub(crate) struct Arguments {
    /// Files to make sources from: csv, json lines, parquet, arrow, avro
    #[arg(long, value_name = "FILE", num_args = 1..)]
    from: Vec<PathBuf>,
    /// The project's name; default: its folder's
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The schema of the sources
    #[arg(long, value_name = "SCHEMA", default_value = "raw")]
    schema: String,
    /// Write the files, run nothing
    #[arg(long)]
    no_run: bool,
}

pub(crate) async fn execute(arguments: Arguments, context: &Context) -> Outcome {
    let root = context.global.directory.clone();
    let is_new = !root.join("lockgate.yml").exists();
    if !is_new && arguments.from.is_empty() {
        let shown = if root == Path::new(".") { "this folder".to_owned() } else { root.display().to_string() };
        let diagnostic = Diagnostic::error(&ALREADY_A_PROJECT, format!("{shown} is a project already"));
        return Err(Failure::usage(diagnostic.hint("lockgate init --from FILE adds sources to it")));
    }
    AssetName::check_part(&arguments.schema)
        .map_err(|error| Failure::usage(Diagnostic::error(&USAGE, format!("--schema: {error}"))))?;
    // Everything that can be refused is refused before the first file is written.
    if !arguments.from.is_empty() {
        std::fs::create_dir_all(&root).map_err(|error| cannot_write(&root, &error))?;
    }
    let proposals = match arguments.from.as_slice() {
        [] => Vec::new(),
        files => lockgate_connect::propose(&root, files)
            .map_err(|diagnostics| Failure::Diagnostics { diagnostics, exit: Exit::Usage })?,
    };
    let files = files(&root, &arguments, &proposals, is_new)?;
    for (path, _) in &files {
        if path.exists() {
            let diagnostic = Diagnostic::error(&ALREADY_A_PROJECT, format!("{} is there already", path.display()));
            return Err(Failure::usage(diagnostic.hint("nothing was written; move it away, or name another --schema")));
        }
    }
    for (path, text) in &files {
        write(path, text).map_err(|error| cannot_write(path, &error))?;
    }
    tell(context, &files)?;
    let names: Vec<String> =
        proposals.iter().map(|proposal| format!("{}.{}", arguments.schema, proposal.table)).collect();
    if names.is_empty() || arguments.no_run {
        let next = if names.is_empty() { "init --from FILE…" } else { "run" };
        if !context.terminal.json {
            context.terminal.next(&context.lockgate(next));
        }
        return Ok(Exit::Done);
    }
    context.terminal.note("");
    let (workspace, graph) = context.until_interrupted(context.graph()).await?;
    let options = PlanOptions { selectors: names.clone(), ..PlanOptions::default() };
    let plan = context.until_interrupted(workspace.plan(&graph, &options)).await?;
    let exit = super::run::run(context, &workspace, &graph, &plan, None).await?;
    if exit == Exit::Done && !context.terminal.json {
        context.terminal.next(&context.lockgate(&format!("show {}", names[0])));
        context.terminal.next(&context.lockgate(&format!("query \"select * from {} limit 5\"", names[0])));
    }
    Ok(exit)
}

/// What to write: path and text.
fn files(
    root: &Path,
    arguments: &Arguments,
    proposals: &[Proposal],
    is_new: bool,
) -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut files = Vec::new();
    if is_new {
        let name = match &arguments.name {
            Some(name) => {
                AssetName::check_part(name)
                    .map_err(|error| Failure::usage(Diagnostic::error(&USAGE, format!("--name: {error}"))))?;
                name.clone()
            }
            None => name_of_folder(root),
        };
        files.push((root.join("lockgate.yml"), format!("name: {name}\n")));
        if !root.join(".gitignore").exists() {
            files.push((root.join(".gitignore"), "/store/\n/.lockgate/\n".to_owned()));
        }
    }
    let folder = root.join("assets").join(&arguments.schema);
    for proposal in proposals {
        files.push((folder.join(format!("{}.yml", proposal.table)), proposal.yaml.clone()));
    }
    Ok(files)
}

/// A folder's name as a project's: `My Shop (2)` is `my_shop_2`.
fn name_of_folder(root: &Path) -> String {
    let folder = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let folder = folder.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut name = String::new();
    for c in folder.chars() {
        let c = if c.is_ascii_alphanumeric() { c } else { '_' };
        if c != '_' || !(name.is_empty() || name.ends_with('_')) {
            name.push(c);
        }
    }
    let name = name.trim_end_matches('_').trim_start_matches('_');
    match name.chars().next() {
        Some('a'..='z') => name.to_owned(),
        Some(_) => format!("project_{name}"),
        None => "project".to_owned(),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Never over what is there, also when another process made it just now.
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}

fn cannot_write(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(Diagnostic::error(&CANNOT_WRITE, format!("{} cannot be written: {error}", path.display())))
}

fn tell(context: &Context, files: &[(PathBuf, String)]) -> io::Result<()> {
    let terminal = &context.terminal;
    let shown: Vec<String> = files.iter().map(|(path, _)| shown_path(path)).collect();
    if terminal.json {
        return terminal.document(&json!({ "event": "written", "files": shown }));
    }
    for path in shown {
        terminal.line(&format!("{} {path}", terminal.paint.good("+")))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::name_of_folder;

    #[test]
    fn folders_make_names() {
        assert_eq!(name_of_folder(Path::new("/nowhere/My Shop (2)")), "my_shop_2");
        assert_eq!(name_of_folder(Path::new("/nowhere/2013")), "project_2013");
        assert_eq!(name_of_folder(Path::new("/")), "project");
    }
}
