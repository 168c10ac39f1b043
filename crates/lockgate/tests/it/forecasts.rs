//! Forecasts over many runs: what they go on from, when they are held, and what a kill costs.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{Days, NaiveDate};

use crate::session::shell;

/// A project of one source and one forecast.
struct Shop(tempfile::TempDir);

impl Shop {
    fn new(source: &str, forecast: &str) -> Shop {
        let folder = tempfile::tempdir().unwrap();
        let shop = Shop(folder);
        shop.write("lockgate.yml", "name: shop\n");
        shop.write("assets/raw/rows.yml", &format!("kind: source\nread: {{ path: data/rows.csv }}\n{source}"));
        shop.forecast(forecast);
        shop
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn forecast(&self, text: &str) {
        self.write("assets/forecast/rows.yml", &format!("kind: forecast\nof: raw.rows\n{text}"));
    }

    /// The exit code, and all that was said.
    fn does(&self, line: &str) -> (i32, String) {
        let output = shell(line, self.path()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap_or(-1), said)
    }

    fn runs(&self, as_of: &str) -> (i32, String) {
        self.does(&format!("lockgate run --as-of {as_of}"))
    }

    /// A run that publishes everything.
    fn publishes(&self, as_of: &str) {
        let (code, said) = self.runs(as_of);
        assert_eq!(code, 0, "{said}");
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        let (code, said) = self.does(&format!("lockgate query \"{sql}\" --format csv 2>&1"));
        assert_eq!(code, 0, "{said}");
        said.lines().skip(1).filter(|line| !line.contains(" row")).map(str::to_owned).collect()
    }

    fn one(&self, sql: &str) -> String {
        let rows = self.rows(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0].clone()
    }
}

/// A number from -0.5 to 0.5 that looks like chance.
fn noise(seed: u64) -> f64 {
    let mut bits = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D;
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits ^= bits >> 32;
    (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn day(first: NaiveDate, days: usize) -> NaiveDate {
    first.checked_add_days(Days::new(days as u64)).unwrap()
}

/// Departures of an airport over a pandemic: a weekly course, a fall to 4 % within two weeks of March 2020, and a slow way back to a half.
fn departures(days: usize) -> String {
    let first = NaiveDate::from_ymd_opt(2019, 1, 1).unwrap();
    let fall = NaiveDate::from_ymd_opt(2020, 3, 12).unwrap();
    let mut text = "day,departed\n".to_owned();
    for number in 0..days {
        let date = day(first, number);
        let since = (date - fall).num_days() as f64;
        let level = match since {
            ..0.0 => 1.0,
            ..34.0 => 0.04 + 0.96 * (-since / 4.0).exp(),
            _ => 0.04 + 0.46 * (1.0 - (-(since - 34.0) / 120.0).exp()),
        };
        let week = [1.05, 1.0, 1.0, 1.04, 1.08, 0.85, 0.98][number % 7];
        writeln!(text, "{date},{:.0}", 900.0 * level * week * (1.0 + 0.1 * noise(number as u64))).unwrap();
    }
    text
}

#[test]
fn a_pandemic_holds_the_forecast_and_lets_it_go() {
    let shop = Shop::new(
        "columns: { day: date, departed: int }\n",
        "time: day\nstep: 1d\nvalue: departed\nhorizon: 14d\nintervals: [80]\nrefit: { every: 30d, when_error: 1.3x }\n",
    );
    let first = NaiveDate::from_ymd_opt(2019, 1, 1).unwrap();
    let mut held = Vec::new();
    let mut live = String::new();
    for days in (400..=650).step_by(14) {
        shop.write("data/rows.csv", &departures(days));
        let today = day(first, days);
        let (code, said) = shop.runs(&format!("{today}T00:30:00Z"));
        let begins = shop.one("select min(day) from forecast.rows");
        if code == 0 {
            live = begins;
        } else {
            assert_eq!(code, 3, "{today}: {said}");
            assert!(said.contains("steady: 0.0 % of the series err as usual"), "{today}: {said}");
            assert_eq!(begins, live, "{today}: the last good forecast stays live");
            held.push(today);
        }
    }
    let date = |month, day| NaiveDate::from_ymd_opt(2020, month, day).unwrap();
    let (begun, ended) = (held[0], held[held.len() - 1]);
    assert!(date(3, 12) < begun && begun <= date(4, 5), "held from {begun}");
    assert!(ended <= date(9, 30), "and until {ended}: {held:?}");
    assert!(live.as_str() > "2020-09", "published again by itself: {live}");
}

/// Hours of some meters: a daily course that each has in its own size.
fn meters(meters: usize, hours: usize) -> String {
    let mut text = "meter,ts,kwh\n".to_owned();
    let start = chrono::DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    for meter in 0..meters {
        for hour in 0..hours {
            let course = 3.0 * (hour as f64 * std::f64::consts::TAU / 24.0).sin();
            let value = (4.0 + course) * (1.0 + meter as f64 / 50.0) + noise((meter * 100_000 + hour) as u64);
            let ts = (start + chrono::TimeDelta::hours(hour as i64)).format("%FT%TZ");
            writeln!(text, "m{meter:03},{ts},{value:.3}").unwrap();
        }
    }
    text
}

const METERS: &str = "columns: { meter: string, ts: timestamptz, kwh: double }\n";

#[test]
fn between_refits_models_go_on_and_are_scored() {
    let shop = Shop::new(
        METERS,
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nrefit: { every: 3d, when_error: 2x }\n\
         checks:\n  - change: { value: 20% }\n",
    );
    let build = |hours: usize, as_of: &str| {
        shop.write("data/rows.csv", &meters(3, hours));
        shop.publishes(as_of);
    };
    let fitted = || shop.rows("select distinct fitted_at from forecast.rows");
    build(24 * 28, "2026-01-29");
    assert_eq!(fitted(), ["2026-01-29T00:00:00Z"]);
    assert_eq!(shop.one("select count(scored_error) + count(live_forecast) from forecast.rows"), "0");
    // Half a day later the same models go on, and twelve steps have come.
    build(24 * 28 + 12, "2026-01-29T12:00:00Z");
    assert_eq!(fitted(), ["2026-01-29T00:00:00Z"]);
    let scored = "select count(scored_error), max(case when scored_error is not null then step end), \
                  count(live_forecast), max(case when live_forecast is not null then step end), \
                  avg(scored_error) < 1, min(abs(scored_bias) - scored_error) = 0, count(scored_covered_80) \
                  from forecast.rows";
    assert_eq!(shop.one(scored), "36,12,36,12,true,true,36");
    assert_eq!(shop.one("select count(*) from forecast.rows where state is not null and step = 1"), "3");
    // The profile history holds it.
    let (_, said) = shop.does("lockgate show forecast.rows --json");
    assert!(said.contains("scored_error"), "{said}");
    // The models that are taken up say what a search of the same rows says: nothing has changed but twelve hours.
    let taken_up = shop.rows("select meter, ts, round(forecast, 1) as f from forecast.rows order by meter, ts");
    // Past `every` they are searched, and the old ones stay unless the new ones do better.
    build(24 * 31 + 1, "2026-02-01T01:00:00Z");
    assert_eq!(fitted(), ["2026-02-01T01:00:00Z"]);
    let duels = shop.rows("select distinct meter, choice from forecast.rows");
    assert!(duels.len() == 3 && duels.iter().all(|choice| choice.contains("champion")), "{duels:?}");
    // A change of the settings asks for new models, and there is no champion then.
    shop.forecast(
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nmodels: [seasonal_mean]\nrefit: { every: 3d }\n",
    );
    shop.publishes("2026-02-01T01:30:00Z");
    assert_eq!(fitted(), ["2026-02-01T01:30:00Z"]);
    assert_eq!(shop.rows("select distinct model from forecast.rows"), ["seasonal_mean"]);
    assert_eq!(taken_up.len(), 72);
    // What is far off the live forecast is held.
    shop.forecast(
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nmodels: [naive]\n\
         checks:\n  - change: { value: 20% }\n",
    );
    let (code, said) = shop.runs("2026-02-01T01:40:00Z");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("% off the live one at the same times, 20 % are allowed"), "{said}");
}

#[test]
fn a_new_series_is_like_its_siblings_at_its_own_size() {
    let shop = Shop::new(
        METERS,
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nmodels: [seasonal_mean]\nhierarchy: [[]]\n",
    );
    let mut text = meters(9, 24 * 14);
    // A tenth one since six hours, ten times as large.
    for line in meters(1, 24 * 14).lines().rev().take(6) {
        let (head, value) = line.rsplit_once(',').unwrap();
        let value = value.parse::<f64>().unwrap() * 10.0;
        writeln!(text, "{},{value}", head.replace("m000", "new")).unwrap();
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2026-01-15");
    let of = |meter: &str| {
        let said = format!("select round(forecast, 1) from forecast.rows where meter = '{meter}' order by ts");
        shop.rows(&said).iter().map(|row| row.parse::<f64>().unwrap()).collect::<Vec<_>>()
    };
    let (new, usual) = (of("new"), of("m000"));
    assert_eq!(new.len(), 24);
    // Its siblings weigh as much as one of its six values. At the six hours at which it was seen, the sum knows of it as well, takes a part
    // of it for a rise that passes, and pulls it down.
    for (hour, (new, usual)) in new.iter().zip(&usual).enumerate().take(18) {
        assert!((new - 10.0 * usual).abs() < 4.0 * usual, "{hour}: {new} is about ten times {usual}");
    }
    let sum = "select max(abs(t.forecast - l.f)) < 1e-6 from forecast.rows t join (select ts, sum(forecast) as f from forecast.rows \
               where hierarchy = 'meter' group by ts) l on t.ts = l.ts where t.hierarchy = 'total'";
    assert_eq!(shop.one(sum), "true");
    let told = shop
        .one("select distinct model, cast(choice as varchar) like '%newcomer%' from forecast.rows where meter = 'new'");
    assert_eq!(told, "none,true");
}

#[test]
fn far_steps_of_replaced_forecasts_are_scored_when_they_come() {
    let shop = Shop::new(
        METERS,
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 8h\nmodels: [seasonal_mean]\nrefit: { every: 30d }\n",
    );
    let build = |more: usize| {
        shop.write("data/rows.csv", &meters(2, 24 * 14 + more));
        shop.publishes(&format!("2026-01-15T{more:02}:00:00Z"));
    };
    let scored = || {
        shop.rows(
            "select step, count(*), count(scored_covered_80) from forecast.rows where scored_error is not null group by 1 order by 1",
        )
    };
    build(0);
    assert!(scored().is_empty());
    build(1);
    assert_eq!(scored(), ["1,2,2"]);
    build(2);
    assert_eq!(scored(), ["1,2,2", "2,2,2"], "the second step of the first forecast, which was replaced an hour ago");
    // Three hours at once: the first three steps of the live one, and those of the first that they do not tell of already.
    build(5);
    assert_eq!(scored(), ["1,2,2", "2,2,2", "3,2,2", "4,2,2", "5,2,2"]);
    let same = "select max(abs(n.scored_forecast - o.forecast)) < 0.0001 and max(abs(n.scored_error - abs(o.forecast - r.kwh))) < 0.0001 \
                and count(*) = 4 from forecast.rows n join version('forecast.rows', 1) o on n.meter = o.meter and n.step = o.step \
                join raw.rows r on r.meter = o.meter and r.ts = o.ts where n.step in (4, 5)";
    assert_eq!(shop.one(same), "true", "what the first forecast said of these hours, against what came");
}

#[test]
fn errors_that_grow_ask_for_new_models() {
    let shop = Shop::new(
        METERS,
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nintervals: [80]\nrefit: { when_error: 2x }\n\
         checks:\n  - steady: { share: 0% }\n",
    );
    shop.write("data/rows.csv", &meters(1, 24 * 21));
    shop.publishes("2026-01-22");
    // A day as ever: months later it would still be the same models.
    shop.write("data/rows.csv", &meters(1, 24 * 22));
    shop.publishes("2026-01-23");
    let fitted = || shop.one("select distinct fitted_at from forecast.rows");
    assert_eq!(fitted(), "2026-01-22T00:00:00Z");
    // Then a day that is nothing like it.
    let mut text = meters(1, 24 * 22);
    let usual = meters(1, 24 * 23);
    for line in usual.lines().skip(1 + 24 * 22) {
        let (time, value) = line.rsplit_once(',').unwrap();
        writeln!(text, "{time},{}", value.parse::<f64>().unwrap() + 5.0).unwrap();
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2026-01-24");
    assert_eq!(fitted(), "2026-01-24T00:00:00Z");
}

#[test]
fn sums_and_their_series_add_up() {
    let shop = Shop::new(
        "columns: { city: string, shop: string, day: date, sold: int }\n",
        "series: [city, shop]\ntime: day\nstep: 1d\nvalue: sold\nhorizon: 7d\nintervals: [80]\n\
         hierarchy: [[], [city], [city, shop]]\nchecks:\n  - unique: [hierarchy, city, shop, day]\n",
    );
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let mut text = "city,shop,day,sold\n".to_owned();
    for (number, (city, name)) in [("Oslo", "a"), ("Oslo", "b"), ("Rome", "a"), ("Rome", "")].iter().enumerate() {
        for days in 0..120 {
            let sold = 20.0 + 10.0 * number as f64 + 8.0 * f64::from(u8::from(days % 7 < 5));
            let sold = sold + 6.0 * noise((number * 1000 + days) as u64);
            writeln!(text, "{city},{name},{},{sold:.0}", day(first, days)).unwrap();
        }
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2025-05-01");
    let levels = "select hierarchy, count(*), count(city), count(shop) from forecast.rows group by 1 order by 2, 1";
    assert_eq!(shop.rows(levels), ["total,7,0,0", "city,14,14,0", "\"city, shop\",28,28,21"]);
    let apart = |upper: &str, by: &str| {
        shop.one(&format!(
            "select max(abs(u.forecast - l.f)) < 1e-9 and count(*) > 6 from forecast.rows u join (select {by} day, sum(forecast) as f \
             from forecast.rows where hierarchy = 'city, shop' group by {by} day) l on {} u.day = l.day where u.hierarchy = '{upper}'",
            if by.is_empty() { "" } else { "u.city = l.city and" },
        ))
    };
    assert_eq!(apart("total", ""), "true");
    assert_eq!(apart("city", "city,"), "true");
    let sound = "select bool_and(lo_80 <= forecast and forecast <= hi_80 and abs(forecast - level - trend - season - known - rest) < 1e-9) \
                 from forecast.rows";
    assert_eq!(shop.one(sound), "true");
    // The next day each is compared with what was said of it.
    for (number, (city, name)) in [("Oslo", "a"), ("Oslo", "b"), ("Rome", "a"), ("Rome", "")].iter().enumerate() {
        writeln!(text, "{city},{name},2025-05-01,{}", 28 + 10 * number).unwrap();
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2025-05-02");
    let scored = "select hierarchy, sum(scored_actual) from forecast.rows where step = 1 group by 1 order by 1";
    assert_eq!(shop.rows(scored), ["city,172.0", "\"city, shop\",172.0", "total,172.0"]);
}

#[test]
fn a_sum_ends_where_a_series_of_it_is_late() {
    let shop = Shop::new(
        "columns: { city: string, shop: string, day: date, sold: int }\n",
        "series: [city, shop]\ntime: day\nstep: 1d\nvalue: sold\nhorizon: 14d\nintervals: [80]\nmodels: [seasonal_naive]\n\
         hierarchy: [[], [city]]\n",
    );
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let sold = |number: usize, days: usize| 20 * (number + 1) + [8, 7, 6, 9, 8, 0, 0][days % 7];
    let mut text = "city,shop,day,sold\n".to_owned();
    for (number, (city, name)) in [("Oslo", "a"), ("Oslo", "b"), ("Rome", "a"), ("Rome", "gone")].iter().enumerate() {
        // A shop of Rome is three days late; another closed in February, and is waited for no more.
        let until = [120, 120, 117, 40][number];
        for days in 0..until {
            writeln!(text, "{city},{name},{},{}", day(first, days), sold(number, days)).unwrap();
        }
    }
    // One that sells now and then has no rows in between: it is not late.
    for days in (0..100).step_by(9) {
        writeln!(text, "Oslo,kiosk,{},3", day(first, days)).unwrap();
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2025-05-01");
    let late = "select hierarchy, city, shop from forecast.rows where step = 1 and cast(treatments as varchar) like '%late%' order by 1, 2";
    assert_eq!(shop.rows(late), ["city,Rome,", "\"city, shop\",Rome,a", "total,,"]);
    for (city, number) in [("Oslo", 0), ("Rome", 2)] {
        let expected: Vec<String> = (120..134).map(|days| format!("{}.0", sold(number, days))).collect();
        let said =
            format!("select round(forecast, 3) from forecast.rows where city = '{city}' and shop = 'a' order by day");
        assert_eq!(shop.rows(&said), expected, "{city}: nothing that a sum lacks is laid on its series");
    }
}

#[test]
fn what_is_known_in_advance_shapes_the_forecast() {
    let shop = Shop::new(
        "columns: { shop: string, day: date, sold: double, promotion: int }\n",
        "series: shop\ntime: day\nstep: 1d\nvalue: sold\nhorizon: 7d\nregressors: promotion\nmodels: [regression]\n",
    );
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let mut text = "shop,day,sold,promotion\n".to_owned();
    for (number, name) in ["a", "b"].iter().enumerate() {
        for days in 0..147 {
            let promotion = days * 7919 % 11 < 3 || days == 142;
            let sold = 50.0 + 30.0 * f64::from(u8::from(promotion)) + 4.0 * noise((number * 1000 + days) as u64);
            // The week ahead: of `a` it is known when there is a promotion, of `b` it is not.
            match (days < 140, name) {
                (true, _) => writeln!(text, "{name},{},{sold:.2},{}", day(first, days), u8::from(promotion)).unwrap(),
                (false, &"a") => writeln!(text, "{name},{},,{}", day(first, days), u8::from(days == 142)).unwrap(),
                _ => {}
            }
        }
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2025-05-21");
    let rows = shop.rows("select step, forecast > 70, known from forecast.rows where shop = 'a' order by step");
    let promoted: Vec<bool> = rows.iter().map(|row| row.contains("true")).collect();
    assert_eq!(promoted, [false, false, true, false, false, false, false], "{rows:?}");
    let left_out = shop.rows("select distinct shop, choice from forecast.rows order by shop");
    assert!(!left_out[0].contains("left_out\"\":[\"\"promotion"), "{left_out:?}");
    assert!(left_out[1].contains("regressors_left_out"), "{left_out:?}");
    assert_eq!(shop.one("select max(abs(known)) = 0 from forecast.rows where shop = 'b'"), "true");
}

#[test]
fn a_killed_build_goes_on_where_it_was() {
    let forecast = "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 6h\nmodels: [seasonal_mean, naive]\n";
    let shop = Shop::new(METERS, forecast);
    shop.write("data/rows.csv", &meters(400, 96));
    let (code, said) = shop.does("lockgate run raw.rows --as-of 2026-01-05T00:10:00Z");
    assert_eq!(code, 0, "{said}");
    let (code, said) = shop.does("LOCKGATE_FAULTS=lake.piece_kept=kill lockgate run --as-of 2026-01-05T00:10:00Z");
    assert_ne!(code, 0, "it was to die: {said}");
    let kept = shop.path().join("store/tables/forecast/rows/_lockgate/kept");
    assert!(kept.exists(), "what it had made is kept");
    // Later in the same hour: what was made is taken up as it was, the rest is made now.
    shop.publishes("2026-01-05T00:20:00Z");
    assert!(!kept.exists(), "and thrown away when it is of no use any more");
    let by = "select fitted_at, count(distinct meter) from forecast.rows group by 1 order by 1";
    let rows = shop.rows(by);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(rows[0].starts_with("2026-01-05T00:10:00Z,") && rows[1].starts_with("2026-01-05T00:20:00Z,"), "{rows:?}");
    // To the bit what a build says that nobody kills.
    let all = "select meter, ts, forecast, lo_80, hi_95, model, backtest_error, treatments from forecast.rows order by meter, ts";
    let resumed = shop.rows(all);
    let calm = Shop::new(METERS, forecast);
    calm.write("data/rows.csv", &meters(400, 96));
    calm.publishes("2026-01-05T00:20:00Z");
    assert_eq!(resumed.len(), 2400);
    assert_eq!(resumed, calm.rows(all));
}

#[test]
fn series_of_any_size_and_key_come_whole() {
    let shop = Shop::new(
        "columns: { meter: string, ts: timestamptz, kwh: double }\n",
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 1000\nmodels: [seasonal_mean]\npartition_by: [class]\n\
         checks:\n  - steady: { share: 0% }\n",
    );
    // Longer than a batch of rows, out of order, two rows of one hour, a series without a name, one that ended long ago.
    let text = meters(3, 9000);
    let mut lines: Vec<&str> = text.lines().skip(1).collect();
    lines.reverse();
    let mut written = "meter,ts,kwh\n".to_owned();
    for line in &lines {
        writeln!(written, "{}", line.replacen("m001", "", 1)).unwrap();
    }
    let newest = lines[0].rsplit_once(',').unwrap().0.rsplit_once(',').unwrap().1;
    writeln!(written, "m002,{newest},1000000").unwrap();
    writeln!(written, "old,2026-01-02T00:00:00Z,5").unwrap();
    shop.write("data/rows.csv", &written);
    shop.publishes("2027-01-11");
    let by = "select meter, count(*), min(step), max(step), max(abs(forecast - 10)) < 100 from forecast.rows group by 1 order by 1 nulls first";
    assert_eq!(shop.rows(by), [",1000,1,1000,true", "m000,1000,1,1000,true", "m002,1000,1,1000,true"]);
    let treated = shop.rows("select distinct meter, treatments from forecast.rows order by 1 nulls first");
    assert!(!treated[0].contains("duplicates") && treated[2].contains("duplicates"), "{treated:?}");
}

#[test]
fn a_model_of_ones_own_joins_the_backtest() {
    let shop = Shop::new(
        METERS,
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nmodels: { python: models/yesterday.py }\n",
    );
    // It knows what nobody else does: the course without the noise.
    shop.write(
        "models/yesterday.py",
        "import math\n\ndef forecast(values, horizon, seasons):\n    n = len(values)\n    \
         level = sum(values) / n / 4\n    \
         return [level * (4 + 3 * math.sin((n + step) * math.tau / 24)) for step in range(horizon)]\n",
    );
    shop.write("data/rows.csv", &meters(2, 24 * 21));
    shop.publishes("2026-01-22");
    let models = shop.rows("select distinct meter, model, choice from forecast.rows order by meter");
    assert!(models.iter().all(|row| row.contains("yesterday") && row.contains("regression")), "{models:?}");
    let (code, said) = shop.does(
        "lockgate forecast data/rows.csv --series meter --time ts --value kwh --horizon 2 --models models/yesterday.py,naive --format csv",
    );
    assert!(code == 0 && said.contains("yesterday"), "{said}");
    // Changed, it is made anew; broken, it says where, and the live forecast stays.
    shop.write("models/yesterday.py", "def forecast(values, horizon, seasons):\n    return 1 / 0\n");
    let (code, said) = shop.runs("2026-01-22T00:30:00Z");
    assert!(code == 0 && said.contains("LG1208") && said.contains("ZeroDivisionError"), "{said}");
    shop.write("models/yesterday.py", "import nothing_of_the_kind\n");
    let (code, said) = shop.runs("2026-01-22T00:40:00Z");
    assert!(code == 1 && said.contains("LG1208") && said.contains("nothing_of_the_kind"), "{said}");
    assert_eq!(shop.one("select count(*) from forecast.rows"), "48");
    std::fs::remove_file(shop.path().join("models/yesterday.py")).unwrap();
    let (code, said) = shop.does("lockgate plan");
    assert!(code == 2 && said.contains("yesterday.py cannot be read"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_ends_a_forecast_and_its_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("rows.csv"), meters(1, 24 * 21)).unwrap();
    let pid_file = path("pid");
    let text = format!(
        "import os, time\n\ndef forecast(values, horizon, seasons):\n    open({:?}, 'w').write(str(os.getpid()))\n    time.sleep(600)\n",
        pid_file.to_str().unwrap()
    );
    std::fs::write(path("hangs.py"), text).unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lockgate"))
        .args(["forecast", "rows.csv", "--series", "meter", "--time", "ts", "--value", "kwh", "--horizon", "24"])
        .args(["--models", "hangs.py"])
        .current_dir(folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let waited = |done: &mut dyn FnMut() -> bool| {
        (0..400).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            done()
        })
    };
    let thinks = || std::fs::read_to_string(&pid_file).ok().and_then(|pid| pid.parse::<u32>().ok());
    assert!(waited(&mut || thinks().is_some()), "the model is asked");
    let model = thinks().unwrap();
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let mut code = None;
    assert!(waited(&mut || {
        code = child.try_wait().unwrap().map(|status| status.code());
        code.is_some()
    }));
    assert_eq!(code, Some(Some(130)));
    let lives = || std::fs::read_to_string(format!("/proc/{model}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(waited(&mut || !lives()), "its model lives on");
}

#[test]
fn trees_learn_from_all_series() {
    let shop = Shop::new(
        METERS,
        "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\nmodels: [boosted, seasonal_naive]\n",
    );
    shop.write("data/rows.csv", &meters(40, 24 * 14));
    shop.publishes("2026-01-15");
    let better = "select count(*) > 30 from (select distinct meter from forecast.rows where model like '%boosted%' and backtest_error < naive_error)";
    assert_eq!(shop.one(better), "true");
    // Where there is too little to learn from, that is said, and the others go on.
    shop.write("data/rows.csv", &meters(1, 100));
    let (code, said) = shop.runs("2026-01-16");
    assert!(code == 0 && said.contains("`boosted` has nothing to learn from"), "{said}");
}

#[test]
fn a_forecast_is_drawn_and_explained() {
    let shop = Shop::new(
        "columns: { city: string, day: date, sold: int }\n",
        "series: city\ntime: day\nstep: 1d\nvalue: sold\nhorizon: 7d\nhierarchy: [[]]\n",
    );
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    let mut text = "city,day,sold\n".to_owned();
    for days in 0..90 {
        for (number, city) in ["Oslo", "Rome <&>"].iter().enumerate() {
            let sold = 30 + 20 * number + if days % 7 < 5 { 9 } else { 0 };
            writeln!(text, "{city},{},{sold}", day(first, days)).unwrap();
        }
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2025-04-01");
    let (code, said) = shop.does("lockgate forecast show forecast.rows --explain --backtest --svg whole.svg");
    assert_eq!(code, 0, "{said}");
    for words in
        ["forecast.rows of the whole", "fitted     2025-04-01", "DAY", "FORECAST", "LEVEL", "MEAN ERROR", "whole.svg"]
    {
        assert!(said.contains(words), "`{words}` is not in {said}");
    }
    let (code, said) = shop.does("lockgate forecast show forecast.rows --series 'Rome <&>' --svg rome.svg");
    assert!(code == 0 && said.contains("forecast.rows of Rome <&>"), "{said}");
    let whole = std::fs::read_to_string(shop.path().join("whole.svg")).unwrap();
    let svg = std::fs::read_to_string(shop.path().join("rome.svg")).unwrap();
    let lines = |svg: &str| svg.matches("<polyline").count();
    assert!(whole.contains("its backtest") && lines(&whole) > 5 && lines(&svg) == 2, "{whole}");
    assert!(svg.starts_with("<svg xmlns") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(
        svg.contains("Rome &lt;&amp;&gt;") && svg.matches("<polygon").count() == 2 && !svg.contains("NaN"),
        "{svg}"
    );
}

#[test]
fn what_is_gone_is_forecast_no_more() {
    let forecast = "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 6h\nmodels: [seasonal_mean]\n";
    let shop = Shop::new(METERS, forecast);
    shop.write("data/rows.csv", &meters(3, 96));
    shop.publishes("2026-01-05");
    let names = || shop.rows("select distinct meter from forecast.rows order by 1");
    assert_eq!(names(), ["m000", "m001", "m002"]);
    // The middle and the last one are taken out of the input; the first is forecast, and nothing of the others.
    shop.write("data/rows.csv", &meters(1, 97));
    shop.publishes("2026-01-05T01:00:00Z");
    assert_eq!(names(), ["m000"]);
    assert_eq!(shop.one("select count(scored_error), count(live_forecast) from forecast.rows"), "1,5");
    // Of another quantity nothing is compared.
    shop.write("assets/raw/rows.yml", &format!("kind: source\nread: {{ path: data/rows.csv }}\n{METERS}"));
    shop.forecast(&forecast.replace("step: 1h", "step: 1d").replace("horizon: 6h", "horizon: 2d"));
    shop.publishes("2026-01-05T02:00:00Z");
    assert_eq!(shop.one("select count(scored_error), count(live_forecast) from forecast.rows"), "0,0");
}

#[test]
fn a_sum_adds_what_its_series_were_at_each_step() {
    let shop = Shop::new(
        "columns: { shop: string, at: timestamptz, sold: double }\n",
        "series: shop\ntime: at\nstep: 1d\nvalue: sold\nhorizon: 3d\nmodels: [naive]\nhierarchy: [[]]\n",
    );
    let mut text = "shop,at,sold\n".to_owned();
    let first = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
    for days in 0..30 {
        // At different hours; one of them twice, which is one value of it.
        let date = day(first, days);
        writeln!(text, "a,{date}T06:00:00Z,10\nb,{date}T18:00:00Z,5\nb,{date}T18:00:00Z,7").unwrap();
    }
    shop.write("data/rows.csv", &text);
    shop.publishes("2025-01-31");
    let of = "select hierarchy, shop, min(forecast), max(forecast) from forecast.rows group by 1, 2 order by 3";
    assert_eq!(shop.rows(of), ["shop,b,6.0,6.0", "shop,a,10.0,10.0", "total,,16.0,16.0"]);
    // Each is compared with its own; without the sum, its rows in the live forecast are nobody's.
    assert_eq!(shop.does("lockgate run forecast.rows --force --as-of 2025-01-31T00:10:00Z").0, 0);
    assert_eq!(shop.one("select count(*), max(abs(forecast - live_forecast)) from forecast.rows"), "9,0.0");
    shop.forecast("series: shop\ntime: at\nstep: 1d\nvalue: sold\nhorizon: 3d\nmodels: [naive]\n");
    shop.publishes("2025-01-31T00:20:00Z");
    assert_eq!(shop.one("select count(*), count(distinct shop) from forecast.rows"), "6,2");
}

#[test]
fn past_its_time_a_forecast_is_made_with_what_is_cheap() {
    let shop = Shop::new(METERS, "series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\ntime_budget: 1s\n");
    shop.write("data/rows.csv", &meters(300, 24 * 14));
    shop.publishes("2026-01-15");
    let fast = "count(distinct case when choice like '%\\\"tier\\\":\\\"fast\\\"%' then meter end)";
    assert_eq!(shop.one(&format!("select count(distinct meter), {fast} > 50 from forecast.rows")), "300,true");
    // With time, dearer models are asked.
    shop.forecast("series: meter\ntime: ts\nstep: 1h\nvalue: kwh\nhorizon: 24h\n");
    shop.publishes("2026-01-15T00:30:00Z");
    assert_eq!(shop.one("select count(*) from forecast.rows where choice like '%\\\"tier\\\":\\\"fast\\\"%'"), "0");
}
