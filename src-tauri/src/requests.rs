//! What the window asks for, in words that people use, turned into what the database side takes.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::{
    api::{RecomputeRequest, WeekStart},
    times::{self, TimeError},
};
use tidemark_db::ErrorInfo;

use crate::desk::Desk;

/// Both ends of a range; `None` is open.
type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);
type Range = (DateTime<Utc>, DateTime<Utc>);

/// A recompute of a range: a preset, `FROM..TO`, or `all`.
pub fn recompute(
    desk: &Desk,
    rollup: String,
    range: &str,
    reason: Option<String>,
    pace: i16,
) -> Result<RecomputeRequest, ErrorInfo> {
    let settings = desk.settings();
    let (from, to) = range_bounds(range, settings.zone(), settings.week_start, Utc::now())?;
    Ok(RecomputeRequest {
        rollup,
        from,
        to,
        scope: None,
        reason: reason.filter(|reason| !reason.trim().is_empty()),
        pace,
    })
}

fn range_bounds(range: &str, tz: Tz, week: WeekStart, now: DateTime<Utc>) -> Result<Bounds, ErrorInfo> {
    if range.trim() == "all" {
        return Ok((None, None));
    }
    let (from, to) = times::parse_range(range, tz, week, now).map_err(bad_time)?;
    Ok((Some(from), Some(to)))
}

/// Range of an audit; `None` is everything that is not frozen.
pub fn audit_range(desk: &Desk, from: Option<&str>, to: Option<&str>) -> Result<Option<Range>, ErrorInfo> {
    between(from, to, desk.settings().zone(), Utc::now())
}

/// With one end given, an open start is the beginning of time that rollups hold, an open end is now.
fn between(from: Option<&str>, to: Option<&str>, tz: Tz, now: DateTime<Utc>) -> Result<Option<Range>, ErrorInfo> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let text = format!("{}..{}", from.unwrap_or("1900-01-01T00:00Z"), to.unwrap_or("now"));
    times::parse_range(&text, tz, WeekStart::default(), now)
        .map(Some)
        .map_err(bad_time)
}

#[expect(clippy::needless_pass_by_value, reason = "used as map_err(bad_time)")]
fn bad_time(error: TimeError) -> ErrorInfo {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    ErrorInfo {
        code: "bad_range".into(),
        message: format!("{first}{}.", letters.as_str()),
        details: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn everything_is_a_range_without_ends() {
        let bounds = range_bounds("all", Tz::UTC, WeekStart::Monday, at("2026-10-26T12:00:00Z"));
        assert_eq!(bounds.expect("bounds"), (None, None));
    }

    #[test]
    fn a_range_is_read_in_the_viewers_zone() {
        let now = at("2026-10-26T12:00:00Z");
        let bounds = range_bounds("2026-10-25..2026-10-26", Tz::Europe__Berlin, WeekStart::Monday, now);
        // The day of 25 hours.
        let expected = (Some(at("2026-10-24T22:00:00Z")), Some(at("2026-10-25T23:00:00Z")));
        assert_eq!(bounds.expect("bounds"), expected);
    }

    #[test]
    fn what_cannot_be_read_says_what_to_write() {
        let now = at("2026-10-26T12:00:00Z");
        let error = range_bounds("sometime", Tz::UTC, WeekStart::Monday, now).expect_err("no range");
        assert_eq!(error.code, "bad_range");
        assert!(
            error.message.starts_with("Can't read the range 'sometime'"),
            "{}",
            error.message
        );
        assert!(between(Some("2026-10-26"), Some("2026-10-25"), Tz::UTC, now).is_err());
        assert_eq!(between(None, None, Tz::UTC, now).expect("everything"), None);
    }
}
