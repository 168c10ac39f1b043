use super::{Paint, Style};

#[test]
fn paint_adds_nothing_when_off() {
    assert_eq!(Paint::OFF.paint(Style::Bad, "held"), "held");
}

#[test]
fn paint_closes_what_it_opens() {
    assert_eq!(Paint(true).bad("held"), "\x1b[1;31mheld\x1b[0m");
    assert_eq!(Paint(true).bad(""), "");
}
