//! `cargo nextest run -p lockgate-project --release --run-ignored only speed --no-capture`

use std::fmt::Write;
use std::fs;
use std::time::Instant;

use lockgate_project::load;

#[test]
#[ignore = "measures; run it in a release build"]
#[allow(clippy::disallowed_methods, clippy::print_stderr)]
fn a_thousand_assets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lockgate.yml"), "name: big\n").unwrap();
    for index in 0..1_000 {
        let schema = folder.path().join(format!("assets/s{}", index % 10));
        fs::create_dir_all(&schema).unwrap();
        let mut settings = format!("description: Asset {index}.\nowner: team\ntags: [a, b]\n");
        settings
            .push_str("checks:\n  - not_null: [c1, c2]\n  - unique: [c0]\n    where: c1 > 0\n    error: \"> 0.1%\"\n");
        if index % 3 == 0 {
            settings.push_str("kind: source\nread: { path: data/*.csv }\ncolumns:\n");
            for column in 0..15 {
                writeln!(settings, "  c{column}: {{ type: \"decimal(18,2)\", required: true, description: A column }}")
                    .unwrap();
            }
            fs::write(schema.join(format!("t{index}.yml")), settings).unwrap();
        } else {
            let sql = "select a, b, sum(c) as c from raw.t where a > 1 group by 1, 2\n".repeat(20);
            fs::write(schema.join(format!("t{index}.sql")), format!("/*\n{settings}*/\n{sql}")).unwrap();
        }
    }
    let mut best = u128::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        let (project, diagnostics) = load(folder.path(), None, &|_| None);
        best = best.min(started.elapsed().as_millis());
        assert!(diagnostics.is_empty(), "{diagnostics}");
        assert_eq!(project.unwrap().assets.len(), 1_000);
    }
    eprintln!("1,000 assets load in {best} ms");
    if !cfg!(debug_assertions) {
        assert!(best < 100, "1,000 assets took {best} ms");
    }
}

#[test]
#[ignore = "measures; run it in a release build"]
#[allow(clippy::disallowed_methods, clippy::print_stderr)]
fn the_next_time_of_a_schedule() {
    let folder = tempfile::tempdir().unwrap();
    let crons = ["*/15 * * * *", "0 5 * * *", "30 2 * * mon", "0 0 1 1 *", "0 0 29 2 *"];
    let entries: String = crons
        .iter()
        .enumerate()
        .map(|(i, cron)| format!("  - {{ name: s{i}, cron: \"{cron}\", timezone: Europe/Berlin }}\n"))
        .collect();
    fs::write(folder.path().join("lockgate.yml"), format!("name: t\nschedules:\n{entries}")).unwrap();
    let (project, _) = load(folder.path(), None, &|_| None);
    for schedule in project.unwrap().schedules {
        let started = Instant::now();
        let from: chrono::DateTime<chrono::Utc> = "2025-03-01T12:00:00Z".parse().unwrap();
        let times = schedule.due(from, chrono::DateTime::<chrono::Utc>::MAX_UTC, 200);
        assert_eq!(times.len(), 200);
        let each = started.elapsed() / 200;
        eprintln!("{}: {each:?} a time", schedule.cron);
        assert!(cfg!(debug_assertions) || each.as_micros() < 1_000, "{each:?}");
    }
}
