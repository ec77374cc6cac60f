//! What the window asks for, in words that people use, turned into what the database side takes.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::{
    api::RecomputeRequest,
    times::{self, TimeError},
};
use tidemark_db::ErrorInfo;
use crate::remember::Settings;

use crate::desk::Desk;

/// Both ends of a range; `None` is open.
pub type Bounds = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// Zone that the viewer sees times in: the one in the settings, else the system's.
pub fn viewer_zone(settings: &Settings) -> Result<Tz, ErrorInfo> {
    let name = settings.time_zone.clone().unwrap_or_else(crate::remember::system_zone);
    times::parse_zone(&name).map_err(bad_time)
}

/// A recompute of a range: a preset, `FROM..TO`, or `all`.
pub fn recompute(
    desk: &Desk,
    rollup: String,
    range: &str,
    reason: Option<String>,
) -> Result<RecomputeRequest, ErrorInfo> {
    let settings = desk.settings();
    let (from, to) = range_bounds(range, viewer_zone(&settings)?, &settings, Utc::now())?;
    Ok(RecomputeRequest {
        rollup,
        from,
        to,
        scope: None,
        reason: reason.filter(|reason| !reason.trim().is_empty()),
    })
}

fn range_bounds(range: &str, tz: Tz, settings: &Settings, now: DateTime<Utc>) -> Result<Bounds, ErrorInfo> {
    if range.trim() == "all" {
        return Ok((None, None));
    }
    let (from, to) = times::parse_range(range, tz, settings.week_start, now).map_err(bad_time)?;
    Ok((Some(from), Some(to)))
}

/// Range of an audit; `None` is everything that is not frozen.
pub fn audit_range(
    desk: &Desk,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, ErrorInfo> {
    let tz = viewer_zone(&desk.settings())?;
    between(from, to, tz, Utc::now())
}

/// With one end given, an open start is the beginning of time that rollups hold, an open end is now.
fn between(
    from: Option<&str>,
    to: Option<&str>,
    tz: Tz,
    now: DateTime<Utc>,
) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>, ErrorInfo> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let text = format!("{}..{}", from.unwrap_or("1900-01-01T00:00Z"), to.unwrap_or("now"));
    times::parse_range(&text, tz, Default::default(), now).map(Some).map_err(bad_time)
}

#[expect(clippy::needless_pass_by_value, reason = "used as map_err(bad_time)")]
fn bad_time(error: TimeError) -> ErrorInfo {
    let code = match error {
        TimeError::Zone { .. } => "bad_zone",
        _ => "bad_range",
    };
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    ErrorInfo {
        code: code.into(),
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
        let bounds = range_bounds("all", Tz::UTC, &Settings::default(), at("2026-10-26T12:00:00Z"));
        assert_eq!(bounds.expect("bounds"), (None, None));
    }

    #[test]
    fn a_range_is_read_in_the_viewers_zone() {
        let now = at("2026-10-26T12:00:00Z");
        let bounds = range_bounds("2026-10-25..2026-10-26", Tz::Europe__Berlin, &Settings::default(), now);
        // The day of 25 hours.
        let expected = (Some(at("2026-10-24T22:00:00Z")), Some(at("2026-10-25T23:00:00Z")));
        assert_eq!(bounds.expect("bounds"), expected);
    }

    #[test]
    fn what_cannot_be_read_says_what_to_write() {
        let now = at("2026-10-26T12:00:00Z");
        let error = range_bounds("sometime", Tz::UTC, &Settings::default(), now).expect_err("no range");
        assert_eq!(error.code, "bad_range");
        assert!(error.message.starts_with("Can't read the range 'sometime'"), "{}", error.message);
        assert!(between(Some("2026-10-26"), Some("2026-10-25"), Tz::UTC, now).is_err());
        assert_eq!(between(None, None, Tz::UTC, now).expect("everything"), None);
    }
}
