//! The command line as a page, from clap's own definitions.

use clap::{Arg, Command, CommandFactory};

use crate::arguments::Arguments;

pub(super) fn page() -> String {
    let mut root = Arguments::command();
    root.build();
    let mut page = "# The command line\n\n".to_owned();
    page.push_str(&format!("{}\n\n```\n{}\n```\n", about(&root), usage(&mut root)));
    page.push_str("\nExit codes, the worst wins: 2 wrong usage or an invalid project, 1 failed, 3 held or late, 0 done \
                   (warnings included); 130 interrupted; `plan --detailed-exitcode` answers 4 for \"there are changes\". \
                   stdout is data, stderr everything else.\n");
    page.push_str("\n## Global options\n\n");
    page.push_str(&arguments(&root, |argument| argument.is_global_set()));
    let names: Vec<String> = root
        .get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help")
        .map(|c| c.get_name().to_owned())
        .collect();
    for name in names {
        let Some(command) = root.find_subcommand_mut(&name) else { continue };
        page.push_str(&format!("\n## lockgate {name}\n\n{}\n\n```\n{}\n```\n\n", about(command), usage(command)));
        page.push_str(&arguments(command, |argument| !argument.is_global_set()));
        if let Some(more) = command.get_after_help() {
            page.push_str(&format!("\n```\n{}\n```\n", more.to_string().trim_end()));
        }
    }
    page
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let about = about.trim().to_owned();
    if about.ends_with('.') { about } else { format!("{about}.") }
}

fn usage(command: &mut Command) -> String {
    let usage = command.render_usage().to_string();
    usage.trim_start_matches("Usage:").trim().to_owned()
}

fn arguments(command: &Command, wanted: impl Fn(&Arg) -> bool) -> String {
    let mut lines = String::new();
    for argument in command.get_arguments() {
        let is_flag_of_clap =
            ["help", "version"].contains(&argument.get_id().as_str()) && argument.get_short().is_some();
        if argument.is_hide_set() || is_flag_of_clap || !wanted(argument) {
            continue;
        }
        let text = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
        let mut line = format!("* `{}` {}", written(argument), text.replace('\n', " "));
        let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() && argument.get_action().takes_values() && !argument.is_hide_default_value_set() {
            line.push_str(&format!("; default: {}", defaults.join(" ")));
        }
        let choices = argument.get_possible_values();
        if !choices.is_empty() && argument.get_action().takes_values() {
            let choices: Vec<String> = choices
                .iter()
                .map(|choice| {
                    let help = choice.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
                    format!("`{}`{help}", choice.get_name())
                })
                .collect();
            line.push_str(&format!(": {}", choices.join(", ")));
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// `-o, --output FILE`, `NAME`, `--held`.
fn written(argument: &Arg) -> String {
    let names = [argument.get_short().map(|c| format!("-{c}")), argument.get_long().map(|l| format!("--{l}"))];
    let names: Vec<String> = names.into_iter().flatten().collect();
    let value = argument.get_value_names().unwrap_or_default().join(" ");
    match (names.is_empty(), argument.get_action().takes_values()) {
        (true, _) => value,
        (false, true) => format!("{} {value}", names.join(", ")),
        (false, false) => names.join(", "),
    }
}
