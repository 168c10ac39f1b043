//! `lockgate explain`.

use lockgate_types::Diagnostic;
use serde_json::json;

use crate::codes::UNKNOWN_CODE;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::kinds::all_codes;
use crate::terminal::style::{Paint, Style};
use crate::terminal::table::{Cell, Table};
use crate::terminal::text;

/// Explain a diagnostic: what it means, why it is refused, how to mend it
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The code in brackets behind `error`, such as LG0103; without one, list them all
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> Outcome {
    let terminal = &context.terminal;
    let codes = all_codes();
    let Some(wanted) = &arguments.code else {
        if terminal.json {
            let list: Vec<_> = codes.iter().map(|code| json!({ "code": code.id, "title": code.title })).collect();
            terminal.document(&list)?;
        } else {
            let mut table = Table::new().left("CODE").prose("MEANS");
            codes.iter().for_each(|code| table.row([Cell::styled(Style::Strong, code.id), code.title.into()]));
            terminal.table(&table)?;
        }
        return Ok(Exit::Done);
    };
    let Some(code) = codes.iter().find(|code| code.id.eq_ignore_ascii_case(wanted)) else {
        let diagnostic = Diagnostic::error(&UNKNOWN_CODE, format!("there is no diagnostic {wanted}"));
        return Err(Failure::usage(diagnostic.hint("`lockgate explain` lists them all")));
    };
    if terminal.json {
        terminal.document(&json!({ "code": code.id, "title": code.title, "text": code.text }))?;
    } else {
        terminal.line(&terminal.paint.strong(&format!("{}: {}", code.id, code.title)))?;
        terminal.out(&format!("\n{}", prose(code.text, terminal.paint, terminal.width().unwrap_or(80).min(100))))?;
    }
    Ok(Exit::Done)
}

/// Markdown for a terminal: paragraphs wrapped, code blocks indented.
fn prose(markdown: &str, paint: Paint, width: usize) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut in_code = false;
    let flush = |paragraph: &mut String, out: &mut String| {
        if !paragraph.trim().is_empty() {
            out.push_str(&text::wrap(paragraph, width).join("\n"));
            out.push('\n');
        }
        paragraph.clear();
    };
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            flush(&mut paragraph, &mut out);
            in_code = !in_code;
        } else if in_code {
            out.push_str(&format!("    {}\n", paint.paint(Style::Command, line)));
        } else if line.trim().is_empty() {
            flush(&mut paragraph, &mut out);
            out.push('\n');
        } else if line.starts_with("- ") || line.starts_with("* ") {
            flush(&mut paragraph, &mut out);
            paragraph.push_str(line);
        } else {
            paragraph.push(' ');
            paragraph.push_str(line);
        }
    }
    flush(&mut paragraph, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::{Paint, prose};

    #[test]
    fn paragraphs_wrap_and_code_stays() {
        let text = prose("one two\nthree\n\n```yaml\na: 1   # kept\n```\n", Paint::OFF, 9);
        assert_eq!(text, "one two\nthree\n\n    a: 1   # kept\n");
    }
}
