use super::*;

#[test]
fn cuts_by_columns_not_characters() {
    assert_eq!(cut("revenue", 10), "revenue");
    assert_eq!(cut("revenue", 5), "reve…");
    assert_eq!(cut("日本語の列", 6), "日本…");
    assert_eq!(cut("revenue", 0), "");
}

#[test]
fn control_characters_are_shown() {
    assert_eq!(harmless("a\nb\t\u{1b}[31m"), "a⏎b⇥\\u{1b}[31m");
}

#[test]
fn wraps_at_spaces() {
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap("incomprehensible", 4), ["incomprehensible"]);
}

#[test]
fn lists_end_in_words() {
    assert_eq!(list(&["a", "b", "c"], 3), "a, b and c");
    assert_eq!(list(&["a", "b", "c", "d"], 2), "a, b and 2 more");
}
