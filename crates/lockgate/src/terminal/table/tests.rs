use super::*;

fn table() -> Table {
    let mut table = Table::new().left("ASSET").right("ROWS").prose("WHY");
    table.row(["raw.orders".into(), "1,234 rows".into(), "2 new files since the last run".into()]);
    table.row(["mart.x".into(), "5 rows".into(), Cell::new("")]);
    table
}

#[test]
fn numbers_stand_to_the_right_and_lines_end_without_spaces() {
    let text = table().render(Paint::OFF, None).text;
    assert_eq!(
        text,
        "ASSET             ROWS  WHY\n\
         raw.orders  1,234 rows  2 new files since the last run\n\
         mart.x          5 rows\n"
    );
}

#[test]
fn prose_is_cut_to_the_terminal() {
    let text = table().render(Paint::OFF, Some(40)).text;
    assert!(text.lines().all(|line| text::width(line) <= 40), "{text}");
    assert!(text.contains("2 new files si"), "{text}");
}

#[test]
fn data_columns_are_left_out_when_they_cannot_be_cut() {
    let mut table = Table::new().ruled();
    for index in 0..20 {
        table = table.data(&format!("column_{index}"), Align::Left);
    }
    table.row((0..20).map(|index| Cell::new(format!("value {index}"))));
    let rendered = table.render(Paint::OFF, Some(80));
    assert!(rendered.hidden_columns > 0);
    assert!(rendered.text.lines().all(|line| text::width(line) <= 80), "{}", rendered.text);
}

#[test]
fn wide_characters_keep_columns_straight() {
    let mut table = Table::new().left("").left("");
    table.row(["日本".into(), "x".into()]);
    table.row(["abcd".into(), "y".into()]);
    assert_eq!(table.render(Paint::OFF, None).text, "日本  x\nabcd  y\n");
}
