use super::*;
use chrono_tz::{Africa, America, Antarctica, Asia, Australia, Europe, Pacific, TZ_VARIANTS};
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn cut(from: &str, to: &str, grain: Grain, tz: Tz) -> Vec<ViewerBucket> {
    viewer_buckets(at(from), at(to), grain, tz, WeekStart::Monday)
}

fn starts(buckets: &[ViewerBucket], tz: Tz) -> Vec<String> {
    buckets
        .iter()
        .map(|bucket| to_local(bucket.start, tz).format("%m-%d %H:%M %:z").to_string())
        .collect()
}

fn hours(buckets: &[ViewerBucket]) -> Vec<f64> {
    buckets
        .iter()
        .map(|bucket| (bucket.end - bucket.start).num_seconds() as f64 / 3600.0)
        .collect()
}

#[test]
fn days_of_a_clock_change_last_23_and_25_hours() {
    let tz = America::New_York;
    let spring = cut("2026-03-07T05:00:00Z", "2026-03-10T04:00:00Z", Grain::Day, tz);
    assert_eq!(hours(&spring), [24.0, 23.0, 24.0]);
    let autumn = cut("2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", Grain::Day, tz);
    assert_eq!(hours(&autumn), [25.0]);
}

#[test]
fn a_repeated_hour_is_two_buckets_and_a_missing_one_none() {
    let tz = Europe::Berlin;
    let autumn = cut("2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z", Grain::Hour, tz);
    assert_eq!(
        starts(&autumn, tz),
        [
            "10-25 01:00 +02:00",
            "10-25 02:00 +02:00",
            "10-25 02:00 +01:00",
            "10-25 03:00 +01:00"
        ]
    );
    let spring = cut("2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z", Grain::Hour, tz);
    assert_eq!(starts(&spring, tz), ["03-29 01:00 +01:00", "03-29 03:00 +02:00"]);
}

#[test]
fn midnight_that_does_not_exist_starts_the_day_at_one() {
    let tz = America::Sao_Paulo;
    let days = cut("2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z", Grain::Day, tz);
    assert_eq!(
        starts(&days, tz),
        ["11-03 00:00 -03:00", "11-04 01:00 -02:00", "11-05 00:00 -02:00"]
    );
    assert_eq!(hours(&days), [24.0, 23.0, 24.0]);
    let cairo = cut(
        "2024-04-25T22:00:00Z",
        "2024-04-26T21:00:00Z",
        Grain::Day,
        Africa::Cairo,
    );
    assert_eq!(starts(&cairo, Africa::Cairo), ["04-26 01:00 +03:00"]);
}

#[test]
fn a_midnight_that_happens_twice_starts_the_day_the_first_time() {
    // Clocks went from 00:01 back to 23:01 of the day before.
    let tz = America::St_Johns;
    let days = cut("2006-10-29T02:40:00Z", "2006-10-29T03:00:00Z", Grain::Day, tz);
    assert_eq!(starts(&days, tz), ["10-29 00:00 -02:30"]);
    assert_eq!(hours(&days), [25.0]);
}

#[test]
fn a_date_that_was_skipped_has_no_bucket() {
    let tz = Pacific::Apia;
    let days = cut("2011-12-29T10:00:00Z", "2012-01-01T00:00:00Z", Grain::Day, tz);
    assert_eq!(
        starts(&days, tz),
        ["12-29 00:00 -10:00", "12-31 00:00 +14:00", "01-01 00:00 +14:00"]
    );
    assert_eq!(hours(&days), [24.0, 24.0, 24.0]);
}

#[test]
fn hours_start_on_the_hour_in_zones_at_half_and_quarter_hours() {
    for (tz, minute) in [(Asia::Kolkata, 30), (Asia::Kathmandu, 15), (Pacific::Chatham, 15)] {
        let buckets = cut("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", Grain::Hour, tz);
        assert_eq!(buckets.len(), 25);
        assert!(
            buckets
                .iter()
                .all(|bucket| bucket.start.timestamp() % 3600 == minute * 60),
            "{tz}"
        );
        assert_eq!(base_fits(Grain::QuarterHour, &buckets), Ok(()));
        assert_eq!(base_fits(Grain::Hour, &buckets), Err(buckets[0].start));
    }
}

#[test]
fn lord_howes_half_hour_is_a_short_bucket_of_its_own() {
    let tz = Australia::Lord_Howe;
    let autumn = cut("2026-04-04T14:00:00Z", "2026-04-04T16:30:00Z", Grain::Hour, tz);
    assert_eq!(
        starts(&autumn, tz),
        ["04-05 01:00 +11:00", "04-05 01:30 +10:30", "04-05 02:00 +10:30"]
    );
    assert_eq!(hours(&autumn), [1.0, 0.5, 1.0]);
    let spring = cut("2026-10-03T14:30:00Z", "2026-10-03T17:00:00Z", Grain::Hour, tz);
    assert_eq!(
        starts(&spring, tz),
        ["10-04 01:00 +10:30", "10-04 02:30 +11:00", "10-04 03:00 +11:00"]
    );
    assert_eq!(hours(&spring), [1.0, 0.5, 1.0]);
    let days = cut("2026-04-04T13:00:00Z", "2026-04-05T13:00:00Z", Grain::Day, tz);
    assert_eq!(hours(&days), [24.5]);
}

#[test]
fn a_half_hour_that_is_skipped_inside_an_hour_ends_it_there() {
    // 02:30 became 03:00.
    let tz = America::Caracas;
    let buckets = cut("2016-05-01T05:30:00Z", "2016-05-01T08:00:00Z", Grain::Hour, tz);
    assert_eq!(
        starts(&buckets, tz),
        ["05-01 01:00 -04:30", "05-01 02:00 -04:30", "05-01 03:00 -04:00"]
    );
    assert_eq!(hours(&buckets), [1.0, 0.5, 1.0]);
}

#[test]
fn trolls_two_hours_and_casablancas_ramadan_are_cut_by_the_wall_clock() {
    let troll = cut(
        "2026-03-28T00:00:00Z",
        "2026-03-29T22:00:00Z",
        Grain::Day,
        Antarctica::Troll,
    );
    assert_eq!(hours(&troll), [24.0, 22.0]);
    let year = cut(
        "2026-01-01T12:00:00Z",
        "2026-12-31T12:00:00Z",
        Grain::Day,
        Africa::Casablanca,
    );
    let odd: Vec<f64> = hours(&year).into_iter().filter(|hours| *hours != 24.0).collect();
    assert_eq!(odd, [25.0, 23.0]);
}

#[test]
fn weeks_start_on_the_viewers_day() {
    let (from, to, tz) = (at("2026-11-19T00:00:00Z"), at("2026-11-20T00:00:00Z"), Europe::Berlin);
    let monday = viewer_buckets(from, to, Grain::Week, tz, WeekStart::Monday);
    assert_eq!(starts(&monday, tz), ["11-16 00:00 +01:00"]);
    let sunday = viewer_buckets(from, to, Grain::Week, tz, WeekStart::Sunday);
    assert_eq!(starts(&sunday, tz), ["11-15 00:00 +01:00"]);
    let saturday = viewer_buckets(from, to, Grain::Week, tz, WeekStart::Saturday);
    assert_eq!(starts(&saturday, tz), ["11-14 00:00 +01:00"]);
}

#[test]
fn months_and_years_follow_the_local_calendar() {
    let tz = Europe::Berlin;
    let months = cut("2026-02-28T23:30:00Z", "2026-10-30T00:00:00Z", Grain::Month, tz);
    assert_eq!(starts(&months, tz)[0], "03-01 00:00 +01:00");
    assert_eq!(hours(&months)[0], 31.0 * 24.0 - 1.0);
    assert_eq!(months.len(), 8);
    let years = cut("2026-02-28T23:30:00Z", "2027-01-01T00:00:00Z", Grain::Year, tz);
    assert_eq!(years.len(), 2);
}

#[test]
fn a_day_based_rollup_does_not_fit_berlin_but_fits_utc() {
    let berlin = cut(
        "2026-06-01T00:00:00Z",
        "2026-06-02T00:00:00Z",
        Grain::Day,
        Europe::Berlin,
    );
    assert_eq!(base_fits(Grain::Day, &berlin), Err(at("2026-05-31T22:00:00Z")));
    let utc = cut("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", Grain::Day, Tz::UTC);
    assert_eq!(base_fits(Grain::Day, &utc), Ok(()));
}

#[test]
fn an_empty_range_has_no_bucket_and_the_total_has_one() {
    let (from, to) = ("2026-06-01T00:10:00Z", "2026-06-02T00:20:00Z");
    for grain in Grain::ALL {
        assert!(cut(to, from, grain, Tz::UTC).is_empty());
        assert!(cut(from, from, grain, Tz::UTC).is_empty());
    }
    assert_eq!(
        cut(from, to, Grain::Total, Tz::UTC),
        [ViewerBucket {
            start: at(from),
            end: at(to)
        }]
    );
}

#[test]
fn toronto_1919_skips_midnight_inside_an_hour_and_hours_still_tile_days() {
    // 23:30 became 00:30.
    let tz = America::Toronto;
    let days = cut("1919-03-31T04:30:00Z", "1919-03-31T12:00:00Z", Grain::Day, tz);
    assert_eq!(starts(&days, tz), ["03-31 00:30 -04:00"]);
    let hours = cut("1919-03-31T04:00:00Z", "1919-03-31T06:00:00Z", Grain::Hour, tz);
    assert_eq!(
        starts(&hours, tz),
        ["03-30 23:00 -05:00", "03-31 00:30 -04:00", "03-31 01:00 -04:00"]
    );
}

#[test]
fn offset_changes_of_a_year_are_found() {
    let changes = offset_changes(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"), Europe::Berlin);
    assert_eq!(changes, [at("2026-03-29T01:00:00Z"), at("2026-10-25T01:00:00Z")]);
}

fn some_grain() -> impl Strategy<Value = Grain> {
    (0usize..8).prop_map(|index| Grain::ALL[index])
}

proptest! {
    #[test]
    fn buckets_tile_time(
        // 1970 to 2100.
        second in 0i64..4_102_444_800, length in 1i64..400_000, zone in 0..TZ_VARIANTS.len(), grain in some_grain(), week in 0usize..3
    ) {
        let (tz, week) = (TZ_VARIANTS[zone], [WeekStart::Monday, WeekStart::Saturday, WeekStart::Sunday][week]);
        let from = DateTime::from_timestamp(second, 0).unwrap();
        let to = from + TimeDelta::seconds(length);
        let buckets = viewer_buckets(from, to, grain, tz, week);
        prop_assert!(buckets[0].start <= from && from < buckets[0].end);
        let last = buckets[buckets.len() - 1];
        prop_assert!(last.start < to && to <= last.end);
        for pair in buckets.windows(2) {
            prop_assert_eq!(pair[0].end, pair[1].start);
        }
        for bucket in &buckets {
            prop_assert!(bucket.start < bucket.end);
            if grain <= Grain::Hour {
                prop_assert!(bucket.end - bucket.start <= grain.fixed().unwrap());
            }
            // The same bucket, asked for by any instant in it.
            let again = viewer_buckets(bucket.start, bucket.end, grain, tz, week);
            prop_assert_eq!(again, vec![*bucket]);
        }
    }

    #[test]
    fn each_day_is_a_whole_number_of_hours_and_quarters(second in 0i64..4_102_444_800, zone in 0..TZ_VARIANTS.len()) {
        let tz = TZ_VARIANTS[zone];
        let from = DateTime::from_timestamp(second, 0).unwrap();
        let day = viewer_buckets(from, from + TimeDelta::seconds(1), Grain::Day, tz, WeekStart::Monday)[0];
        for grain in [Grain::QuarterHour, Grain::Hour] {
            let parts = viewer_buckets(day.start, day.end, grain, tz, WeekStart::Monday);
            prop_assert_eq!(parts[0].start, day.start);
            prop_assert_eq!(parts[parts.len() - 1].end, day.end);
        }
    }
}
