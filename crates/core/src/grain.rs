//! Bucket widths and their grid in UTC.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::api::Grain;

/// Monday, 5 January 1970: the origin of the grid of weeks, in seconds since the epoch.
const FIRST_MONDAY: i64 = 4 * 86_400;

impl Grain {
    /// All grains, finest first.
    pub const ALL: [Grain; 9] = [
        Grain::Minute,
        Grain::FiveMinutes,
        Grain::QuarterHour,
        Grain::Hour,
        Grain::Day,
        Grain::Week,
        Grain::Month,
        Grain::Year,
        Grain::Total,
    ];

    /// Read a grain as declarations and the command line write it: `1m 5m 15m hour day week month year total`.
    pub fn parse(text: &str) -> Option<Grain> {
        Grain::ALL.into_iter().find(|grain| grain.name() == text)
    }

    /// Name it as declarations, table names and JSON do.
    pub fn name(self) -> &'static str {
        match self {
            Grain::Minute => "1m",
            Grain::FiveMinutes => "5m",
            Grain::QuarterHour => "15m",
            Grain::Hour => "hour",
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
            Grain::Year => "year",
            Grain::Total => "total",
        }
    }

    /// Name it for people.
    pub fn label(self) -> &'static str {
        match self {
            Grain::Minute => "1 min",
            Grain::FiveMinutes => "5 min",
            Grain::QuarterHour => "15 min",
            other => other.name(),
        }
    }

    /// Give its length in UTC; `None` for months, years and the total, whose lengths differ.
    pub fn fixed(self) -> Option<TimeDelta> {
        self.seconds().map(TimeDelta::seconds)
    }

    fn seconds(self) -> Option<i64> {
        match self {
            Grain::Minute => Some(60),
            Grain::FiveMinutes => Some(300),
            Grain::QuarterHour => Some(900),
            Grain::Hour => Some(3_600),
            Grain::Day => Some(86_400),
            Grain::Week => Some(7 * 86_400),
            Grain::Month | Grain::Year | Grain::Total => None,
        }
    }

    /// Give the start of the UTC bucket that holds an instant.
    ///
    /// Weeks start on Monday. The one bucket of [`Grain::Total`] is all of time: it starts at the earliest instant
    /// that chrono knows, and so does a bucket that would start before it.
    pub fn utc_floor(self, at: DateTime<Utc>) -> DateTime<Utc> {
        if let Some(width) = self.seconds() {
            let origin = if self == Grain::Week { FIRST_MONDAY } else { 0 };
            let second = at.timestamp();
            let start = second - (second - origin).rem_euclid(width);
            return DateTime::from_timestamp(start, 0).unwrap_or(DateTime::<Utc>::MIN_UTC);
        }
        match self {
            Grain::Month => first_of(at.year(), at.month()).unwrap_or(DateTime::<Utc>::MIN_UTC),
            Grain::Year => first_of(at.year(), 1).unwrap_or(DateTime::<Utc>::MIN_UTC),
            _ => DateTime::<Utc>::MIN_UTC,
        }
    }

    /// Give the end of the UTC bucket that holds an instant, which is the start of the next one.
    ///
    /// The latest instant that chrono knows where there is no next bucket.
    pub fn utc_next(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let start = self.utc_floor(at);
        let next = match self {
            Grain::Month if start.month() == 12 => first_of(start.year() + 1, 1),
            Grain::Month => first_of(start.year(), start.month() + 1),
            Grain::Year => first_of(start.year() + 1, 1),
            _ => self.fixed().and_then(|width| start.checked_add_signed(width)),
        };
        next.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Does an instant lie on the grid: does a UTC bucket of this grain start there?
    pub fn starts_at(self, at: DateTime<Utc>) -> bool {
        self.utc_floor(at) == at
    }

    /// Is each bucket of `other` a whole number of buckets of this grain?
    ///
    /// A week divides neither a month nor a year; everything divides itself and the total.
    pub fn divides(self, other: Grain) -> bool {
        match self {
            Grain::Week => matches!(other, Grain::Week | Grain::Total),
            _ => self <= other && !(self == Grain::Month && other == Grain::Week),
        }
    }

    /// Count the UTC buckets that overlap `[from, to)`.
    pub fn utc_count(self, from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
        if from >= to {
            return 0;
        }
        let first = self.utc_floor(from);
        // The last instant inside the range, as precise as chrono is.
        let last = self.utc_floor(to - TimeDelta::nanoseconds(1));
        let steps = match self {
            Grain::Month => {
                i64::from(last.year() - first.year()) * 12 + i64::from(last.month()) - i64::from(first.month())
            }
            Grain::Year => i64::from(last.year() - first.year()),
            Grain::Total => 0,
            _ => (last.timestamp() - first.timestamp()) / self.seconds().unwrap_or(1),
        };
        u64::try_from(steps).unwrap_or(0) + 1
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn first_of(year: i32, month: u32) -> Option<DateTime<Utc>> {
    NaiveDate::from_ymd_opt(year, month, 1).map(|date| date.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn names_read_back_and_are_those_of_json() {
        for grain in Grain::ALL {
            assert_eq!(Grain::parse(grain.name()), Some(grain));
            assert_eq!(serde_json::to_value(grain).unwrap(), grain.name());
        }
        assert_eq!(Grain::parse("fortnight"), None);
    }

    #[test]
    fn weeks_start_on_monday_before_and_after_the_epoch() {
        assert_eq!(
            Grain::Week.utc_floor(at("2026-11-22T23:59:59Z")),
            at("2026-11-16T00:00:00Z")
        );
        assert_eq!(
            Grain::Week.utc_floor(at("1969-12-31T00:00:00Z")),
            at("1969-12-29T00:00:00Z")
        );
    }

    #[test]
    fn months_and_years_have_the_calendars_lengths() {
        assert_eq!(
            Grain::Month.utc_next(at("2024-02-10T00:00:00Z")),
            at("2024-03-01T00:00:00Z")
        );
        assert_eq!(
            Grain::Month.utc_next(at("2026-12-31T23:00:00Z")),
            at("2027-01-01T00:00:00Z")
        );
        assert_eq!(
            Grain::Year.utc_next(at("2024-02-10T00:00:00Z")),
            at("2025-01-01T00:00:00Z")
        );
    }

    #[test]
    fn a_week_divides_no_month_and_a_day_divides_all() {
        assert!(!Grain::Week.divides(Grain::Month));
        assert!(!Grain::Week.divides(Grain::Year));
        assert!(!Grain::Month.divides(Grain::Week));
        assert!(!Grain::Day.divides(Grain::Hour));
        assert!(Grain::Month.divides(Grain::Year));
        for coarse in [Grain::Day, Grain::Week, Grain::Month, Grain::Year, Grain::Total] {
            assert!(Grain::Day.divides(coarse), "{coarse}");
        }
    }

    #[test]
    fn the_total_is_one_bucket_and_panics_nowhere() {
        let now = at("2026-11-21T00:00:00Z");
        assert_eq!(Grain::Total.utc_count(now, now + TimeDelta::days(1)), 1);
        assert_eq!(Grain::Total.utc_count(now, now), 0);
        for grain in Grain::ALL {
            for edge in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                assert!(grain.utc_floor(edge) <= edge);
                assert!(grain.utc_next(edge) >= edge);
            }
            assert!(grain.utc_count(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC) >= 1);
        }
    }

    proptest! {
        #[test]
        fn an_instant_lies_in_its_bucket(second in -2_208_988_800i64..10_413_792_000, grain in 0usize..9) {
            let (grain, at) = (Grain::ALL[grain], DateTime::from_timestamp(second, 1).unwrap());
            let (start, next) = (grain.utc_floor(at), grain.utc_next(at));
            prop_assert!(start <= at && at < next);
            prop_assert_eq!(grain.utc_floor(start), start);
            prop_assert_eq!(grain.utc_count(start, next), 1);
            if grain != Grain::Total {
                prop_assert_eq!(grain.utc_floor(next), next);
                prop_assert_eq!(grain.utc_count(start, next + TimeDelta::nanoseconds(1)), 2);
            }
        }

        #[test]
        fn a_grain_that_divides_another_shares_its_boundaries(second in -2_208_988_800i64..10_413_792_000, a in 0usize..8, b in 0usize..8) {
            let (fine, coarse) = (Grain::ALL[a], Grain::ALL[b]);
            let start = coarse.utc_floor(DateTime::from_timestamp(second, 0).unwrap());
            if fine.divides(coarse) {
                prop_assert!(fine.starts_at(start));
            }
        }
    }
}
