use super::*;
use chrono_tz::{America, Asia, Europe, Pacific};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A Monday, the day after Berlin's day of 25 hours; 14:22 there.
fn now() -> DateTime<Utc> {
    at("2026-10-26T13:22:06Z")
}

fn berlin(text: &str) -> Result<DateTime<Utc>, TimeError> {
    parse_instant(text, Europe::Berlin, now())
}

#[test]
fn each_notation_is_read_in_the_viewers_zone() {
    for (text, wanted) in [
        ("2026-10-26", "2026-10-25T23:00:00Z"),
        ("2026-10-25", "2026-10-24T22:00:00Z"),
        ("2026-10-26T14:15", "2026-10-26T13:15:00Z"),
        ("2026-10-26 14:15:30", "2026-10-26T13:15:30Z"),
        ("2026-10-26T14:15:30.5", "2026-10-26T13:15:30.5Z"),
        ("2026-10-26T14:15:00Z", "2026-10-26T14:15:00Z"),
        ("2026-10-26t14:15z", "2026-10-26T14:15:00Z"),
        ("2026-10-26T14:15:00+05:30", "2026-10-26T08:45:00Z"),
        ("2026-10-26 14:15-03:00", "2026-10-26T17:15:00Z"),
        ("now", "2026-10-26T13:22:06Z"),
        (" Today ", "2026-10-25T23:00:00Z"),
        ("yesterday", "2026-10-24T22:00:00Z"),
        ("today-1d", "2026-10-24T22:00:00Z"),
        ("today-6d", "2026-10-19T22:00:00Z"),
        ("today-1w", "2026-10-18T22:00:00Z"),
        ("-30m", "2026-10-26T12:52:06Z"),
        ("-24h", "2026-10-25T13:22:06Z"),
    ] {
        assert_eq!(berlin(text), Ok(at(wanted)), "{text}");
    }
}

#[test]
fn days_ago_go_by_the_wall_clock_and_hours_do_not() {
    assert_eq!(berlin("-7d"), Ok(at("2026-10-19T12:22:06Z")));
    assert_eq!(berlin("-1w"), berlin("-7d"));
    assert_eq!(berlin("-168h"), Ok(at("2026-10-19T13:22:06Z")));
}

#[test]
fn a_time_that_happens_twice_is_the_earlier_and_a_missing_one_the_first_after_the_gap() {
    assert_eq!(berlin("2026-10-25T02:30"), Ok(at("2026-10-25T00:30:00Z")));
    assert_eq!(berlin("2026-03-29T02:30"), Ok(at("2026-03-29T01:00:00Z")));
    let sao_paulo = parse_instant("2018-11-04", America::Sao_Paulo, now());
    assert_eq!(sao_paulo, Ok(at("2018-11-04T03:00:00Z")));
    let apia = parse_instant("2011-12-30", Pacific::Apia, now());
    assert_eq!(apia, parse_instant("2011-12-31", Pacific::Apia, now()));
}

#[test]
fn what_cannot_be_read_says_what_to_write() {
    for text in [
        "",
        "tomorrowish",
        "26.10.2026",
        "-7y",
        "-",
        "-d",
        "-+7d",
        "-0d",
        "today-6h",
        "today-",
        "today+1d",
        "2026-10-26X12:00",
        "2026-10-26T14",
        "ünïcödé-tëxt",
    ] {
        let error = berlin(text).unwrap_err();
        assert_eq!(error, TimeError::Instant(text.into()));
        assert!(error.to_string().contains("2026-10-26T14:15"));
    }
    for text in ["2026-02-30", "2026-13-01", "2026-10-26T25:00", "2026-10-26T14:60:00Z"] {
        assert_eq!(berlin(text), Err(TimeError::NoSuchDate(text.into())));
    }
}

#[test]
fn dates_outside_1900_to_2300_are_refused() {
    for text in [
        "1899-12-31",
        "2301-01-01",
        "9999-12-31",
        "-999999d",
        "-99999999999999999h",
        "-240000000h",
    ] {
        let error = berlin(text).unwrap_err();
        assert!(
            matches!(error, TimeError::OutOfRange(_) | TimeError::Instant(_)),
            "{text} {error:?}"
        );
    }
    assert_eq!(berlin("1900-01-02"), Ok(at("1900-01-01T23:00:00Z")));
    assert_eq!(
        parse_instant("2300-01-01", Tz::UTC, now()),
        Ok(at("2300-01-01T00:00:00Z"))
    );
}

fn range(text: &str) -> Result<(DateTime<Utc>, DateTime<Utc>), TimeError> {
    parse_range(text, Europe::Berlin, WeekStart::Monday, now())
}

#[test]
fn presets_end_now_and_days_have_their_own_length() {
    for (text, from, to) in [
        ("1h", "2026-10-26T12:22:06Z", "2026-10-26T13:22:06Z"),
        ("24h", "2026-10-25T13:22:06Z", "2026-10-26T13:22:06Z"),
        ("7d", "2026-10-19T12:22:06Z", "2026-10-26T13:22:06Z"),
        ("90d", "2026-07-28T12:22:06Z", "2026-10-26T13:22:06Z"),
        ("today", "2026-10-25T23:00:00Z", "2026-10-26T13:22:06Z"),
        ("yesterday", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("this-week", "2026-10-25T23:00:00Z", "2026-10-26T13:22:06Z"),
        ("2026-10-25..2026-10-26", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        ("-2d .. -1d", "2026-10-24T12:22:06Z", "2026-10-25T13:22:06Z"),
        ("today..", "2026-10-25T23:00:00Z", "2026-10-26T13:22:06Z"),
    ] {
        assert_eq!(range(text), Ok((at(from), at(to))), "{text}");
    }
    let sunday = parse_range("this-week", Europe::Berlin, WeekStart::Sunday, now());
    assert_eq!(sunday, Ok((at("2026-10-24T22:00:00Z"), now())));
    let saturday = parse_range("this-week", Europe::Berlin, WeekStart::Saturday, now());
    assert_eq!(saturday, Ok((at("2026-10-23T22:00:00Z"), now())));
}

#[test]
fn a_range_that_is_empty_or_backwards_is_an_error_except_at_midnight_sharp() {
    assert!(matches!(range("2026-10-26..2026-10-26"), Err(TimeError::Empty { .. })));
    assert!(matches!(range("now..-1h"), Err(TimeError::Empty { .. })));
    assert!(matches!(range("..now"), Err(TimeError::Instant(_))));
    assert!(matches!(range("fortnight"), Err(TimeError::Range(_))));
    let midnight = at("2026-10-25T23:00:00Z");
    let (from, to) = parse_range("today", Europe::Berlin, WeekStart::Monday, midnight).unwrap();
    assert!(from == midnight && from < to);
}

#[test]
fn zones_are_read_in_any_case_and_typos_get_a_hint() {
    assert_eq!(parse_zone("Europe/Berlin"), Ok(Europe::Berlin));
    assert_eq!(parse_zone("europe/berlin"), Ok(Europe::Berlin));
    assert_eq!(parse_zone("america/new york"), Ok(America::New_York));
    assert_eq!(parse_zone("utc"), Ok(Tz::UTC));
    for (typed, meant) in [
        ("Berlin", Some("Europe/Berlin")),
        ("Europe/Belrin", Some("Europe/Berlin")),
        ("Kolkatta", Some("Asia/Kolkata")),
        ("America/NewYork", Some("America/New_York")),
        ("Europe/Munich", Some("Europe/Berlin")),
        ("Atlantis/Qzxwv", None),
    ] {
        let Err(TimeError::Zone { suggestion, .. }) = parse_zone(typed) else {
            panic!("{typed} was read")
        };
        assert_eq!(suggestion.as_deref(), meant, "{typed}");
    }
}

#[test]
fn a_week_before_is_the_same_time_of_day() {
    let monday = at("2026-10-26T13:15:00Z");
    assert_eq!(
        shift_by_wall_clock(monday, Europe::Berlin, -7),
        at("2026-10-19T12:15:00Z")
    );
    assert_eq!(
        shift_by_wall_clock(monday, Asia::Kolkata, -7),
        monday - TimeDelta::days(7)
    );
}

#[test]
fn a_shift_keeps_the_offset_where_a_time_happens_twice() {
    let winter = at("2026-10-26T01:30:00Z");
    assert_eq!(
        shift_by_wall_clock(winter, Europe::Berlin, -1),
        at("2026-10-25T01:30:00Z")
    );
    let summer = at("2026-10-24T00:30:00Z");
    assert_eq!(
        shift_by_wall_clock(summer, Europe::Berlin, 1),
        at("2026-10-25T00:30:00Z")
    );
    let gap = at("2026-03-28T01:30:00Z");
    assert_eq!(shift_by_wall_clock(gap, Europe::Berlin, 1), at("2026-03-29T01:00:00Z"));
}
