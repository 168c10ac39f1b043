use std::path::Path;

use lockgate_types::Code;

use super::*;

static UNKNOWN: Code = Code { id: "LG0103", title: "unknown key", text: "" };

fn diagnostic(text: &str, line: u32, column: u32, length: u32) -> Diagnostic {
    Diagnostic::error(&UNKNOWN, "unknown key `chekcs`")
        .at(Place::at(Path::new("assets/raw/orders.yml"), text, line, column, length))
        .expected("one of checks, columns, read")
        .hint("did you mean `checks`?")
}

#[test]
fn looks_like_rustc() {
    let text = "kind: source\nchekcs: []\n";
    assert_eq!(
        render(&diagnostic(text, 2, 1, 6), Paint::OFF, Some(80)),
        "\
error[LG0103]: unknown key `chekcs`
  --> assets/raw/orders.yml:2:1
  |
2 | chekcs: []
  | ^^^^^^
  = expected: one of checks, columns, read
  = hint: did you mean `checks`?
"
    );
}

#[test]
fn underlines_by_columns() {
    let text = "\t日本: x";
    let shown = render(&diagnostic(text, 1, 5, 1), Paint::OFF, None);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[3], "1 |     日本: x");
    // A tab is four columns, each of the two characters two, then the colon.
    assert_eq!(lines[4], "  |          ^");
}

#[test]
fn long_lines_show_the_place() {
    let text = format!("{}here{}", "a ".repeat(200), " b".repeat(40));
    let shown = render(&diagnostic(&text, 1, 401, 4), Paint::OFF, Some(60));
    assert!(shown.contains("here"), "{shown}");
    assert!(shown.lines().all(|line| text::width(line) <= 60), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[3].find("here").map(|at| lines[3][..at].chars().count()), lines[4].find('^'));
}

#[test]
fn a_place_behind_the_end_and_one_without_line() {
    let shown = render(&diagnostic("a: 1", 1, 5, 9), Paint::OFF, None);
    assert!(shown.contains("1 | a: 1\n  |     ^\n"), "{shown}");
    let file = Diagnostic::error(&UNKNOWN, "x").at(Place::file(Path::new("lockgate.yml")));
    assert_eq!(render(&file, Paint::OFF, None), "error[LG0103]: x\n --> lockgate.yml\n");
}

#[test]
fn the_sum_names_errors_and_warnings() {
    let all = Diagnostics(vec![
        diagnostic("x", 1, 1, 1),
        Diagnostic::warning(&UNKNOWN, "careful"),
        Diagnostic::error(&UNKNOWN, "no"),
    ]);
    let shown = render_all(&all, Paint::OFF, None);
    assert!(shown.starts_with("warning[LG0103]: careful\n"), "{shown}");
    assert!(shown.ends_with("2 errors, 1 warning; lockgate explain LG0103 says more\n"), "{shown}");
}
