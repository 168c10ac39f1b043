//! `lockgate reference`: writes the generated pages of the reference. Hidden; `cargo xtask docs` calls it.

mod command_line;
mod events;

use std::path::{Path, PathBuf};

use lockgate_kind::OwnCheck;
use lockgate_project::reference::{self, CheckDoc, KindDoc};
use lockgate_types::Diagnostic;

use crate::codes::CANNOT_WRITE;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::kinds::{all_codes, kinds};

/// Write the generated reference
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Stands at the top of every generated page.
const GENERATED: &str = "<!-- Generated from the code by `cargo xtask docs`; edits are lost. -->\n\n";

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> Outcome {
    for (path, text) in pages() {
        let path = arguments.out.join(path);
        write(&path, &text).map_err(|error| {
            Failure::failed(Diagnostic::error(&CANNOT_WRITE, format!("{} cannot be written: {error}", path.display())))
        })?;
        context.terminal.note(&path.display().to_string());
    }
    Ok(Exit::Done)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// Every page: its path below `docs/reference`, and its text.
fn pages() -> Vec<(&'static str, String)> {
    let kinds = kinds();
    let kind_docs: Vec<KindDoc> =
        kinds.iter().map(|kind| KindDoc { kind: kind.name(), text: kind.doc(), keys: kind.keys() }).collect();
    let own = kinds.iter().flat_map(|kind| kind.checks()).map(|one| (first_sentence(one.doc), one.name, one.body));
    let check_docs: Vec<(String, &'static str, &'static str)> = lockgate_checks::KINDS
        .iter()
        .map(|kind| (first_sentence(&kind.doc()), kind.name(), kind.body()))
        .chain(own)
        .collect();
    // The schema's tables live as long as the process, as those of the kinds do.
    let checks: Vec<CheckDoc> = check_docs
        .into_iter()
        .map(|(text, kind, body)| CheckDoc { kind, text: Box::leak(text.into_boxed_str()), body })
        .collect();
    let schema = |value: serde_json::Value| format!("{value:#}\n");
    vec![
        ("checks.md", format!("{GENERATED}{}", checks_page())),
        ("openapi.json", format!("{}\n", lockgate_server::api::openapi().trim_end())),
        ("config.md", format!("{GENERATED}{}", reference::config_markdown(&kind_docs))),
        ("diagnostics.md", format!("{GENERATED}{}", diagnostics_page())),
        ("cli.md", format!("{GENERATED}{}", command_line::page())),
        ("events.md", format!("{GENERATED}{}", events::page())),
        ("schema/asset.json", schema(reference::asset_schema(&kind_docs, &checks))),
        ("schema/defaults.json", schema(reference::defaults_schema())),
        ("schema/project.json", schema(reference::project_schema())),
        ("schema/known.json", schema(reference::known_schema())),
        ("schema/test.json", schema(reference::test_schema())),
        ("schema/events.json", schema(events::schema())),
    ]
}

fn first_sentence(markdown: &str) -> String {
    let paragraph = markdown.split("\n\n").next().unwrap_or("").replace('\n', " ");
    match paragraph.find(". ") {
        Some(end) => paragraph[..=end].to_owned(),
        None => paragraph.trim().to_owned(),
    }
}

fn checks_page() -> String {
    let mut page = "# Checks\n\nA check is a statement about a version that is true or false, with the evidence. They \
                    stand under `checks:` of an asset.\n"
        .to_owned();
    for kind in lockgate_checks::KINDS {
        let (doc, example) = (kind.doc(), kind.example());
        page.push_str(&format!("\n## `{}`\n\n{}\n\n```yaml\n{}\n```\n", kind.name(), doc.trim(), example.trim_end()));
    }
    for kind in kinds() {
        for own in kind.checks() {
            let OwnCheck { name, doc, example, .. } = own;
            page.push_str(&format!(
                "\n## `{name}` (kind `{}`)\n\n{}\n\n```yaml\n{}\n```\n",
                kind.name(),
                doc.trim(),
                example.trim_end()
            ));
        }
    }
    page
}

fn diagnostics_page() -> String {
    let mut page = "# Diagnostics\n\nEvery error and warning has a code that stays. `lockgate explain CODE` prints \
                    these texts.\n"
        .to_owned();
    for code in all_codes() {
        page.push_str(&format!("\n## {}: {}\n\n{}\n", code.id, code.title, code.text.trim()));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::kinds::all_codes;

    #[test]
    fn codes_are_unique_and_told() {
        let codes = all_codes();
        let ids: BTreeSet<&str> = codes.iter().map(|code| code.id).collect();
        assert_eq!(ids.len(), codes.len(), "two diagnostics of one code");
        for code in codes {
            assert!(code.id.len() == 6 && code.id.starts_with("LG"), "{}", code.id);
            assert!(code.text.len() > 40, "{} says too little", code.id);
            assert!(!code.title.ends_with('.'), "{}: a title has no full stop", code.id);
        }
    }
}
