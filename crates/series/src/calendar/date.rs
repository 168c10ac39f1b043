//! Days of the proleptic Gregorian calendar as numbers, so that months can be counted without a clock or a table.

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Astronomical: the year before 1 is 0.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

const DAYS_PER_ERA: i64 = 146_097;

impl Date {
    /// The day of that number; a day past its month's end counts on into the next month.
    #[must_use]
    pub fn new(year: i64, month: u32, day: u32) -> Self {
        Self { year, month, day }
    }

    /// The day that is `days` after 1970-01-01.
    ///
    /// The year is counted from March, so that the leap day is its last, in eras of 400 years, which all have the same length.
    #[must_use]
    pub fn from_days(days: i64) -> Self {
        let shifted = days + 719_468;
        let era = shifted.div_euclid(DAYS_PER_ERA);
        let in_era = shifted.rem_euclid(DAYS_PER_ERA);
        let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * in_year + 2) / 153;
        let day = in_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self { year, month: month as u32, day: day as u32 }
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let from_march = (i64::from(self.month) + 9) % 12;
        let in_year = (153 * from_march + 2) / 5 + i64::from(self.day) - 1;
        let in_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + in_year;
        era * DAYS_PER_ERA + in_era - 719_468
    }

    /// 0 is Monday, 6 is Sunday.
    #[must_use]
    pub fn weekday(self) -> u32 {
        weekday(self.days())
    }
}

/// The weekday of a day since 1970-01-01, which was a Thursday; 0 is Monday, 6 is Sunday.
#[must_use]
pub fn weekday(days: i64) -> u32 {
    (days + 3).rem_euclid(7) as u32
}
