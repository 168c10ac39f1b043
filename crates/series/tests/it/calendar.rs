//! Holidays against published lists, and columns.

use lockgate_series::axis::{Axis, Step};
use lockgate_series::calendar::{Columns, Country, Date, columns, easter};

fn of(country: &str, year: i64) -> Vec<String> {
    let country: Country = country.parse().unwrap();
    let date = |day| Date::from_days(day);
    country
        .holidays(year)
        .iter()
        .map(|holiday| format!("{:02}-{:02} {}", date(holiday.day).month, date(holiday.day).day, holiday.name))
        .collect()
}

#[test]
fn easter_is_where_the_church_has_it() {
    let dates = [
        (1961, 4, 2),
        (2000, 4, 23),
        (2008, 3, 23),
        (2011, 4, 24),
        (2019, 4, 21),
        (2024, 3, 31),
        (2025, 4, 20),
        (2038, 4, 25),
        (2049, 4, 18),
    ];
    for (year, month, day) in dates {
        assert_eq!(easter(year), Date::new(year, month, day));
    }
}

#[test]
fn united_states_as_the_office_of_personnel_management_has_them() {
    let expected = [
        "01-01 new year",
        "01-18 martin luther king",
        "02-15 presidents",
        "05-31 memorial",
        "06-18 juneteenth",
        "07-05 independence",
        "09-06 labor",
        "10-11 columbus",
        "11-11 veterans",
        "11-25 thanksgiving",
        "12-24 christmas",
    ];
    assert_eq!(of("us", 2021), expected);
    // New Year's Day 2022 was kept on the last day of 2021.
    let first = Country::Us.holidays(2022)[0];
    assert_eq!(Date::from_days(first.day), Date::new(2021, 12, 31));
    assert!(!of("US", 2020).iter().any(|day| day.contains("juneteenth")));
}

#[test]
fn great_britain_as_gov_uk_has_them() {
    assert_eq!(
        of("GB", 2021),
        [
            "01-01 new year",
            "04-02 good friday",
            "04-05 easter monday",
            "05-03 early may",
            "05-31 spring",
            "08-30 summer",
            "12-27 christmas",
            "12-28 boxing"
        ]
    );
    // Christmas on a Sunday: Boxing Day keeps its Monday, Christmas is kept on the Tuesday.
    assert_eq!(of("GB", 2022)[6..], ["12-26 boxing", "12-27 christmas"]);
    assert_eq!(of("GB", 2022)[0], "01-03 new year");
}

#[test]
fn germany_france_canada() {
    assert_eq!(
        of("DE", 2024),
        [
            "01-01 new year",
            "03-29 good friday",
            "04-01 easter monday",
            "05-01 labour",
            "05-09 ascension",
            "05-20 whit monday",
            "10-03 german unity",
            "12-25 christmas",
            "12-26 boxing"
        ]
    );
    assert_eq!(
        of("FR", 2024),
        [
            "01-01 new year",
            "04-01 easter monday",
            "05-01 labour",
            "05-08 victory",
            "05-09 ascension",
            "05-20 whit monday",
            "07-14 bastille",
            "08-15 assumption",
            "11-01 all saints",
            "11-11 armistice",
            "12-25 christmas"
        ]
    );
    assert_eq!(
        of("CA", 2024),
        [
            "01-01 new year",
            "03-29 good friday",
            "05-20 victoria",
            "07-01 canada",
            "09-02 labour",
            "09-30 truth and reconciliation",
            "10-14 thanksgiving",
            "11-11 remembrance",
            "12-25 christmas",
            "12-26 boxing"
        ]
    );
    assert!("XX".parse::<Country>().is_err());
}

#[test]
fn columns_mark_days() {
    let axis = Axis::new(Step::Days(1));
    let first = Date::new(2021, 1, 1).days();
    let what = Columns { country: Some(Country::Us), ..Columns::default() };
    let known = columns(&what, &axis, first, 800, 830).unwrap();
    assert!(known.columns.iter().all(|column| column.len() == 830));
    let column = |name: &str| &known.columns[known.names.iter().position(|known| known == name).unwrap()];
    let at = |month, day| (Date::new(2022, month, day).days() - first) as usize;
    assert_eq!(column("holiday thanksgiving")[at(11, 24)], 1.0);
    assert_eq!(column("holiday thanksgiving").iter().sum::<f64>(), 2.0);
    assert_eq!(column("day after a holiday")[at(11, 25)], 1.0);
    assert_eq!(column("day before a holiday")[at(12, 25)], 1.0);
    // Within one year each holiday is seen once: together they can be learnt.
    let short = columns(&what, &axis, first, 365, 395).unwrap();
    assert!(
        short.names.contains(&"holiday other".to_owned()) && !short.names.contains(&"holiday thanksgiving".to_owned())
    );
}

#[test]
fn columns_count_days_of_longer_steps() {
    let axis = Axis::new(Step::Months(1));
    let what = Columns { country: Some(Country::Us), working_days: true, ..Columns::default() };
    let known = columns(&what, &axis, (2021 - 1970) * 12, 24, 24).unwrap();
    let working = &known.columns[known.names.iter().position(|name| name == "working days").unwrap()];
    // January 2021: 21 weekdays, of them New Year's Day and Martin Luther King's.
    assert_eq!(working[0], 19.0);
    assert!(columns(&what, &Axis::new(Step::Integer(1)), 0, 10, 10).is_none());
    assert!(columns(&Columns::default(), &axis, 0, 10, 10).is_none());
}

#[test]
fn hours_have_their_local_day() {
    let offset = |_: i64| -5 * 3_600_000_000_i64;
    let axis = Axis::local(Step::Micros(3_600_000_000), &offset);
    let first = Date::new(2021, 7, 1).days() * 24;
    let known = columns(&Columns { country: Some(Country::Us), ..Columns::default() }, &axis, first, 240, 240).unwrap();
    let other = &known.columns[known.names.iter().position(|name| name == "holiday other").unwrap()];
    // Independence Day 2021 was kept on Monday the 5th: 24 local hours.
    assert_eq!(other.iter().sum::<f64>(), 24.0);
    assert_eq!(other[4 * 24], 1.0);
}
