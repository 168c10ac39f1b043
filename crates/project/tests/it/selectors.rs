//! Selections, one a line of `tests/selectors.txt`, and what they yield.

use std::fmt::Write;

use lockgate_project::selector::{SelectorAsset, parse};

/// raw.orders → clean.orders → mart.daily → mart.monthly; raw.items → clean.items → mart.daily.
fn assets() -> Vec<SelectorAsset> {
    let asset = |name: &str, kind: &str, tags: &[&str], inputs: &[&str], changed: bool| SelectorAsset {
        name: name.parse().unwrap(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        kind: kind.to_owned(),
        inputs: inputs.iter().map(|name| name.parse().unwrap()).collect(),
        changed,
    };
    vec![
        asset("raw.orders", "source", &["shop", "pii"], &[], false),
        asset("raw.items", "source", &["shop"], &[], false),
        asset("clean.orders", "transform", &["pii"], &["raw.orders"], true),
        asset("clean.items", "transform", &[], &["raw.items"], false),
        asset("mart.daily", "transform", &["finance"], &["clean.orders", "clean.items"], false),
        asset("mart.daily_2", "transform", &[], &["gone.table"], false),
        asset("mart.monthly", "transform", &["finance"], &["mart.daily"], false),
    ]
}

#[test]
fn selections() {
    let file = crate::here("selectors.txt");
    let mut text = String::new();
    for line in std::fs::read_to_string(&file).unwrap().lines() {
        let Some(selection) = line.strip_prefix('>') else { continue };
        let (words, exclude) = selection.split_once("--exclude").unwrap_or((selection, ""));
        let list = |text: &str| -> Vec<String> {
            let text = text.trim();
            if text.is_empty() { Vec::new() } else { vec![text.to_owned()] }
        };
        let outcome = parse(&list(words), &list(exclude)).and_then(|selector| selector.select(&assets()));
        writeln!(text, ">{}", selection.trim_end()).unwrap();
        match outcome {
            Ok(names) if names.is_empty() => text.push_str("nothing\n\n"),
            Ok(names) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                writeln!(text, "{}\n", names.join(" ")).unwrap();
            }
            Err(diagnostics) => text.push_str(&crate::render::diagnostics(&diagnostics)),
        }
    }
    crate::expect(&file, &text).unwrap();
}
