//! What shapes the verdicts of checks beside their own words.

use std::collections::BTreeSet;

use lockgate_project::Project;

/// The variables and functions that the SQL of checks may use: they shape its verdicts too. A function may use any
/// variable and other functions, so who calls one is taken to use all.
pub(super) fn used_by_checks(texts: &[String], project: &Project) -> Vec<String> {
    let texts: Vec<(&String, String)> = texts.iter().map(|text| (text, text.to_lowercase())).collect();
    let functions: Vec<&str> = project.functions.iter().map(|function| function.source.text.as_str()).collect();
    let is_called = |name: &String| texts.iter().any(|(_, text)| text.contains(name));
    let calls = functions.iter().any(|text| words_before_arguments(text).iter().any(is_called));
    let is_used = |name: &str| texts.iter().any(|(text, _)| text.contains(&format!("${name}")));
    let vars = project.vars.iter().filter(|(name, _)| calls || is_used(name));
    let vars = vars.map(|(name, value)| format!("${name} = {value:?}"));
    vars.chain(functions.iter().filter(|_| calls).map(|text| (*text).to_owned())).collect()
}

/// The names of the functions that a text creates are among them, whatever else is: in lower case, since SQL calls them in
/// any.
fn words_before_arguments(text: &str) -> BTreeSet<String> {
    let text = text.to_lowercase();
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = BTreeSet::new();
    // A comment or the quote of the name may stand between.
    let ends = ["(", "\"", "/*", "--"].iter().flat_map(|end| text.match_indices(end));
    for (at, _) in ends {
        let before = text[..at].trim_end();
        let word = before.rsplit(|c| !is_part(c)).next().unwrap_or_default();
        words.extend((!word.is_empty()).then(|| word.to_owned()));
    }
    words
}
