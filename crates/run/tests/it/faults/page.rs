//! `docs/faults.md`: what is tried, from the tables that the tests go by, so that it cannot say more than they do.

use std::fmt::Write;
use std::path::Path;

use super::bugs::BUGS;
use super::disk::LUCKS;
use super::points::{ELSEWHERE, Mode, TABLE, points, row};
use super::stories::Story;
use super::sweep::{KINDS, WAYS};

const HEAD: &str = "\
# Faults

What the tests do to Lockgate, and what it survives. This page is made by `cargo xtask faults` from the tables that the
tests go by, and a test fails when it is stale. Every test asserts that its fault fired, and a fault that fired and was not
survived fails it: what stands here was tried, fired, and was survived wherever these tests pass. `cargo xtask test` tries
a part of it, as each section says; all of it is tried with `LOCKGATE_FAULTS_WHOLE=1`.

Survived means, each time: readers through Lockgate and direct readers of the Delta log saw the state before or the
state after and no other, and members of a group switched together; then, without faults, the same command again and a
run came to the very end that there would have been; every version was published once, by the audit log; nothing was
left to do; and after `gc` no file was left that no kept version needs.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    operations(&mut page);
    power(&mut page);
    named(&mut page);
    page.push_str("\n## Bugs found\n\nBy these tests, and mended with them:\n\n");
    for bug in BUGS {
        let _ = writeln!(page, "* {bug}");
    }
    page
}

fn operations(page: &mut String) {
    page.push_str(
        "\n## Every operation of a run\n\nOne run appends to a source, merges, switches a group and holds a version. \
         Each of its operations is struck, from the first to the last, in every way, when `LOCKGATE_FAULTS_WHOLE=1` says \
         so (at night). `cargo xtask test` lets all answer late in one run, and strikes one in eighteen in each other way.\n\n| operations | ways |\n| --- | --- |\n",
    );
    let ways = WAYS.iter().map(|way| way.says).collect::<Vec<_>>().join("; ");
    for (point, kinds) in KINDS {
        let _ = writeln!(page, "| `{point}`: {} | {ways} |", kinds.join(", "));
    }
}

fn power(page: &mut String) {
    page.push_str(
        "\n## Power cuts\n\nThe power is cut at each operation of the same run that changes something, and of a project's \
         first run. What was not synced is then, each time in every way (`cargo xtask test`: at one in ten, by turns):\n\n",
    );
    for luck in LUCKS {
        let _ = writeln!(page, "* {}", luck.says());
    }
    page.push_str(
        "\nThe catalog keeps its log up to the last commit that was synced; what was written after it without a sync \
         (tasks, events, heartbeats, plans) is lost with the rest. SQLite's own syncing is taken at its word.\n",
    );
}

fn named(page: &mut String) {
    let struck: usize = points()
        .into_iter()
        .flat_map(|point| TABLE.iter().filter(|(of, _)| *of == row(point)))
        .map(|(_, stories)| stories.len() * Mode::ALL.len())
        .sum();
    let _ = write!(
        page,
        "\n## Named points\n\nEach durable step has a name. At each, a step fails once, fails for ever, the process is \
         killed, or it freezes there while another process does the same. Of {} points, {} are fired in {} stories, \
         {struck} times in all at night; `cargo xtask test` fails each once, and strikes one in eight in another way.\n\n",
        points().len(),
        points().into_iter().filter(|point| !ELSEWHERE.contains(&row(point))).count(),
        Story::ALL.len(),
    );
    page.push_str("| point | what has happened | fired in |\n| --- | --- | --- |\n");
    for point in points() {
        let stories = TABLE.iter().find(|(of, _)| *of == row(point)).map_or(&[][..], |(_, stories)| *stories);
        let told: Vec<&str> = stories.iter().map(|story| story.says()).collect();
        let told = if told.is_empty() && point.name == "lake.piece_kept" {
            "the tests of forecasts, which alone keep pieces".to_owned()
        } else if told.is_empty() {
            "the catalog's own suite: no command passes it yet".to_owned()
        } else {
            told.join("; ")
        };
        let _ = writeln!(page, "| `{}` | {} | {told} |", point.name, point.means);
    }
}

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults.md");
    let page = page();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let standing = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(standing == page, "docs/faults.md is stale: `cargo xtask faults` writes it");
}
