use super::*;
use chrono_tz::{America, Asia, Australia, Europe};
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Labels in order; dates in `[]`, shifts in `<>`.
fn labels(from: &str, to: &str, tz: Tz, width: f64) -> String {
    let mark = |tick: Tick| match tick.kind {
        TickKind::Plain => tick.label,
        TickKind::Day => format!("[{}]", tick.label),
        TickKind::Shift => format!("<{}>", tick.label),
    };
    let ticks = time_ticks(at(from), at(to), tz, width);
    ticks
        .into_iter()
        .map(mark)
        .collect::<Vec<_>>()
        .join(" ")
        .replace(NARROW_SPACE, "_")
}

#[test]
fn the_last_day_of_the_overview_has_a_tick_every_three_hours() {
    assert_eq!(
        labels("2026-10-25T13:30:00Z", "2026-10-26T13:30:00Z", Europe::Berlin, 576.0),
        "15:00 18:00 21:00 [Mon 26 Oct] 03:00 06:00 09:00 12:00"
    );
    assert_eq!(
        labels("2026-10-25T13:30:00Z", "2026-10-26T13:30:00Z", Europe::Berlin, 432.0),
        "18:00 [Mon 26 Oct] 06:00 12:00"
    );
}

#[test]
fn a_repeated_and_a_missing_hour_are_marked_and_the_day_says_its_length() {
    assert_eq!(
        labels("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", Europe::Berlin, 640.0),
        "[Sun 25 Oct 25_h] <02 02> 06:00 09:00 12:00 15:00 18:00 21:00"
    );
    assert_eq!(
        labels("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", Europe::Berlin, 1700.0),
        "[Sun 29 Mar 23_h] 01:00 <01 03> 04:00 05:00 06:00 07:00 08:00 09:00 10:00 11:00 12:00 13:00 14:00 15:00 16:00 17:00 18:00 19:00 20:00 21:00 22:00 23:00"
    );
    assert_eq!(
        labels(
            "2018-11-04T01:00:00Z",
            "2018-11-04T09:00:00Z",
            America::Sao_Paulo,
            640.0
        ),
        "22:00 23:00 [Sun 4 Nov 23_h] <23 01> 02:00 03:00 04:00 05:00 06:00"
    );
    assert_eq!(
        labels(
            "2026-04-04T13:00:00Z",
            "2026-04-05T13:30:00Z",
            Australia::Lord_Howe,
            640.0
        ),
        "[Sun 5 Apr 24.5_h] <01 01:30> 06:00 09:00 12:00 15:00 18:00 21:00"
    );
}

#[test]
fn ticks_stand_on_the_hour_in_a_zone_at_half_past() {
    assert_eq!(
        labels("2026-10-26T08:00:00Z", "2026-10-26T12:00:00Z", Asia::Kolkata, 400.0),
        "14:00 15:00 16:00 17:00"
    );
}

#[test]
fn steps_grow_from_minutes_to_centuries() {
    let tz = Europe::Berlin;
    assert_eq!(
        labels("2026-10-26T09:57:00Z", "2026-10-26T10:12:00Z", tz, 300.0),
        "11:00 11:05 11:10"
    );
    assert_eq!(
        labels("2026-10-26T09:05:00Z", "2026-10-26T10:05:00Z", tz, 640.0),
        "10:15 10:30 10:45 11:00"
    );
    assert_eq!(
        labels("2026-10-19T22:00:00Z", "2026-10-26T23:00:00Z", tz, 640.0),
        "[Tue 20 Oct] [Wed 21 Oct] [Thu 22 Oct] [Fri 23 Oct] [Sat 24 Oct] [Sun 25 Oct] [Mon 26 Oct]"
    );
    assert_eq!(
        labels("2026-12-15T00:00:00Z", "2027-01-14T00:00:00Z", tz, 640.0),
        "21 Dec 28 Dec [4 Jan 2027] 11 Jan"
    );
    assert_eq!(
        labels("2026-10-05T00:00:00Z", "2027-03-05T00:00:00Z", tz, 640.0),
        "Nov Dec [2027] Feb Mar"
    );
    assert_eq!(
        labels("2025-12-05T00:00:00Z", "2028-01-05T00:00:00Z", tz, 640.0),
        "[2026] Apr Jul Oct [2027] Apr Jul Oct [2028]"
    );
    assert_eq!(
        labels("1980-12-05T00:00:00Z", "2028-01-05T00:00:00Z", tz, 640.0),
        "1985 1990 1995 2000 2005 2010 2015 2020 2025"
    );
}

#[test]
fn an_axis_without_room_or_time_has_no_ticks() {
    let (a, b) = ("2026-10-26T00:00:00Z", "2026-10-27T00:00:00Z");
    for width in [0.0, -5.0, f64::NAN, f64::INFINITY] {
        assert_eq!(labels(a, b, Tz::UTC, width), "");
    }
    assert_eq!(labels(b, a, Tz::UTC, 500.0), "");
    assert_eq!(labels(a, a, Tz::UTC, 500.0), "");
}

#[test]
fn value_axes_start_at_zero_and_step_by_one_two_or_five() {
    for (max, count, wanted) in [
        (22_600.0, 4, vec![0.0, 10_000.0, 20_000.0]),
        (16.0, 4, vec![0.0, 5.0, 10.0, 15.0]),
        (3.3, 4, vec![0.0, 1.0, 2.0, 3.0]),
        (980.0, 2, vec![0.0, 500.0]),
        (4.1, 2, vec![0.0, 2.0]),
        (0.33, 4, vec![0.0, 0.1, 0.2, 0.3]),
        (1.0, 3, vec![0.0, 0.5, 1.0]),
        (0.0, 4, vec![0.0, 1.0]),
        (f64::NAN, 4, vec![0.0, 1.0]),
    ] {
        assert_eq!(value_ticks(max, count), wanted, "{max} {count}");
    }
}

proptest! {
    #[test]
    fn labels_keep_their_distance(second in 0i64..4_000_000_000, length in 60i64..40_000_000, width in 100f64..2_000.0, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
        let from = DateTime::from_timestamp(second, 0).unwrap();
        let to = from + TimeDelta::seconds(length);
        let ticks = time_ticks(from, to, chrono_tz::TZ_VARIANTS[zone], width);
        let px = width / length as f64 / 1e3;
        prop_assert!(ticks.iter().all(|tick| tick.at_ms >= from.timestamp_millis() as f64 && tick.at_ms < to.timestamp_millis() as f64));
        for pair in ticks.windows(2) {
            prop_assert!(pair[0].at_ms <= pair[1].at_ms);
            if pair.iter().any(|tick| tick.kind == TickKind::Plain) {
                prop_assert!((pair[1].at_ms - pair[0].at_ms) * px >= 55.0, "{:?}", pair);
            }
        }
    }

    #[test]
    fn a_value_axis_has_two_to_count_ticks_below_the_maximum(max in 1e-9f64..1e15, count in 2usize..8) {
        let ticks = value_ticks(max, count);
        prop_assert!(ticks.len() >= 2 && ticks.len() <= count);
        prop_assert_eq!(ticks[0], 0.0);
        prop_assert!(ticks[ticks.len() - 1] <= max * (1.0 + 1e-12));
        if count > 2 {
            prop_assert!(ticks[ticks.len() - 1] > max * 0.4);
        }
    }
}
