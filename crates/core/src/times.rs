//! The notations in which people write instants, ranges and zones.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

use crate::api::{Grain, WeekStart};
use crate::suggest::closest;
use crate::zone;

/// A time, range or zone that can't be used, written for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// None of the notations.
    #[error(
        "can't read the time '{0}': write a date (2026-10-26), a date and time (2026-10-26T14:15, with Z or +01:00 for a \
         fixed offset), now, today, yesterday, today-6d, or a time ago (-30m, -24h, -7d, -2w)"
    )]
    Instant(String),
    /// The notation is right, the date doesn't exist.
    #[error("there is no such date or time as '{0}'")]
    NoSuchDate(String),
    /// Outside the years that rollups hold.
    #[error("'{0}' lies outside the years 1900 to 2300, which is all that rollups hold")]
    OutOfRange(String),
    /// None of the presets, and no `FROM..TO`.
    #[error(
        "can't read the range '{0}': write one of 1h 6h 24h 7d 30d 90d today yesterday this-week, or FROM..TO, for \
         example 2026-10-01..2026-10-26"
    )]
    Range(String),
    /// Ranges are half-open and hold something.
    #[error("the range is empty: it starts at {from} and must end later than that, not at {to}")]
    Empty { from: String, to: String },
    /// No IANA zone of that name.
    #[error("there is no time zone '{name}'{}", hint(.suggestion))]
    Zone { name: String, suggestion: Option<String> },
}

fn hint(suggestion: &Option<String>) -> String {
    match suggestion {
        Some(zone) => format!("; did you mean {zone}?"),
        None => ": write an IANA name such as Europe/Berlin, America/New_York or UTC".into(),
    }
}

/// Read an instant.
///
/// - A bare date is its first instant in `tz`: midnight, or whatever comes first where midnight doesn't exist.
/// - A date and time without an offset is wall-clock time in `tz`: the earlier one where it happens twice, the first
///   instant after the gap where it doesn't happen. With `Z` or an offset (RFC 3339, seconds optional) it is that instant.
/// - `now`; `today` and `yesterday`, as the bare dates; `today-6d`, the first instant of the day six days before.
/// - `-30m` and `-24h` are minutes and hours before now; `-7d` and `-2w` are days and weeks by the wall clock of `tz`: the
///   same time of day seven days earlier, though that be 167 or 169 hours.
///
/// # Errors
/// [`TimeError`], which says what to write instead.
pub fn parse_instant(text: &str, tz: Tz, now: DateTime<Utc>) -> Result<DateTime<Utc>, TimeError> {
    let word = text.trim();
    let today = zone::to_local(now, tz).date_naive();
    let instant = match word.to_ascii_lowercase().as_str() {
        "now" => now,
        "today" => zone::day_start(today, tz),
        "yesterday" => zone::day_start(today.pred_opt().unwrap_or(today), tz),
        day if day.starts_with("today-") => {
            let days = amount(&day["today-".len()..]).filter(|(_, unit)| "dw".contains(*unit));
            let (count, unit) = days.ok_or_else(|| TimeError::Instant(word.into()))?;
            let then = earlier(now, count, unit, tz).ok_or_else(|| TimeError::OutOfRange(word.into()))?;
            zone::day_start(zone::to_local(then, tz).date_naive(), tz)
        }
        ago if ago.starts_with('-') => {
            let (count, unit) = amount(&ago[1..]).ok_or_else(|| TimeError::Instant(word.into()))?;
            earlier(now, count, unit, tz).ok_or_else(|| TimeError::OutOfRange(word.into()))?
        }
        _ => calendar(word, tz)?,
    };
    in_range(word, instant)
}

/// Read a range `[from, to)`: a preset or `FROM..TO`, each side in the notations of [`parse_instant`].
///
/// `6h`, `7d` and the like end now, and begin as `-6h` and `-7d` do; `today` and `this-week` run from their first instant
/// up to now, `yesterday` is the whole day. `FROM..` ends now.
///
/// # Errors
/// [`TimeError`], also where the range would be empty.
pub fn parse_range(
    text: &str,
    tz: Tz,
    week: WeekStart,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, DateTime<Utc>), TimeError> {
    let word = text.trim();
    if let Some((from, to)) = word.split_once("..") {
        let from = parse_instant(from, tz, now)?;
        let to = if to.trim().is_empty() {
            now
        } else {
            parse_instant(to, tz, now)?
        };
        return not_empty(from, to, tz);
    }
    let today = zone::to_local(now, tz).date_naive();
    // At midnight sharp, today has no past yet.
    let up_to_now = |from: DateTime<Utc>| (from, now.max(from + TimeDelta::minutes(1)));
    match word.to_ascii_lowercase().as_str() {
        "today" => Ok(up_to_now(zone::day_start(today, tz))),
        "yesterday" => not_empty(
            zone::day_start(today.pred_opt().unwrap_or(today), tz),
            zone::day_start(today, tz),
            tz,
        ),
        "this-week" => Ok(up_to_now(zone::day_start(
            zone::first_date(today, Grain::Week, week),
            tz,
        ))),
        preset => {
            let (count, unit) = amount(preset).ok_or_else(|| TimeError::Range(word.into()))?;
            let from = earlier(now, count, unit, tz).ok_or_else(|| TimeError::OutOfRange(word.into()))?;
            not_empty(in_range(word, from)?, now, tz)
        }
    }
}

/// Read the name of an IANA zone, in any case.
///
/// # Errors
/// [`TimeError::Zone`] with the zone that was probably meant: `Berlin` and `Europe/Belrin` mean `Europe/Berlin`.
pub fn parse_zone(name: &str) -> Result<Tz, TimeError> {
    let name = name.trim();
    if let Ok(tz) = Tz::from_str(name) {
        return Ok(tz);
    }
    let plain = name.replace(' ', "_");
    if let Some(tz) = TZ_VARIANTS.iter().find(|tz| tz.name().eq_ignore_ascii_case(&plain)) {
        return Ok(*tz);
    }
    let suggestion = crate::zone_search::zone_of_city(name).or_else(|| {
        let names = || TZ_VARIANTS.iter().map(|tz| tz.name());
        let city = |name: &'static str| name.rsplit('/').next().unwrap_or(name);
        closest(name, names()).or_else(|| {
            let near = closest(name.rsplit('/').next().unwrap_or(name), names().map(city))?;
            crate::zone_search::zone_of_city(near).or_else(|| names().find(|name| city(name) == near))
        })
    });
    Err(TimeError::Zone {
        name: name.into(),
        suggestion: suggestion.map(Into::into),
    })
}

/// Move an instant by days on the wall clock of a zone: 14:15 stays 14:15, whatever the offset was then.
///
/// Where that time happens twice the offset of the instant is kept if it is one of the two, else the earlier one is
/// taken; where it doesn't happen, the first instant after the gap.
pub fn shift_by_wall_clock(at: DateTime<Utc>, tz: Tz, days: i64) -> DateTime<Utc> {
    let local = zone::to_local(at, tz);
    let count = Days::new(days.unsigned_abs());
    let naive = local.naive_local();
    let moved = if days < 0 {
        naive.checked_sub_days(count)
    } else {
        naive.checked_add_days(count)
    };
    let Some(moved) = moved else { return at };
    let same_offset = local
        .offset()
        .from_local_datetime(&moved)
        .single()
        .map(|at| at.with_timezone(&Utc));
    match same_offset {
        Some(same) if zone::offset_at(same, tz) == *local.offset() => same,
        _ => zone::from_local(moved, tz),
    }
}

/// Read `24h` and the like.
fn amount(text: &str) -> Option<(i64, char)> {
    let unit = text.chars().last().filter(|unit| "mhdw".contains(*unit))?;
    let digits = text.strip_suffix(unit)?;
    let count = digits.parse().ok()?;
    (count > 0 && digits.bytes().all(|digit| digit.is_ascii_digit())).then_some((count, unit))
}

fn earlier(now: DateTime<Utc>, count: i64, unit: char, tz: Tz) -> Option<DateTime<Utc>> {
    // Four centuries of minutes: what is longer leaves the range anyway, and mustn't overflow before.
    let count = (count < 250_000_000).then_some(count)?;
    match unit {
        'm' => now.checked_sub_signed(TimeDelta::try_minutes(count)?),
        'h' => now.checked_sub_signed(TimeDelta::try_hours(count)?),
        'd' if count < 200_000 => Some(shift_by_wall_clock(now, tz, -count)),
        'w' if count < 30_000 => Some(shift_by_wall_clock(now, tz, -7 * count)),
        _ => None,
    }
}

fn calendar(text: &str, tz: Tz) -> Result<DateTime<Utc>, TimeError> {
    let upper = text.to_ascii_uppercase();
    // What looks right but can't be is told apart from what can't be read.
    let looks_right = upper.len() >= 10
        && upper.bytes().take(10).enumerate().all(|(i, b)| {
            if i == 4 || i == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    let wrong = || {
        if looks_right {
            TimeError::NoSuchDate(text.into())
        } else {
            TimeError::Instant(text.into())
        }
    };
    if !looks_right {
        return Err(wrong());
    }
    let (date, rest) = upper.split_at(10);
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").map_err(|_| wrong())?;
    if rest.is_empty() {
        return Ok(zone::day_start(date, tz));
    }
    let unreadable = || TimeError::Instant(text.into());
    let time = rest.strip_prefix(['T', ' ']).ok_or_else(unreadable)?.trim_start();
    // RFC 3339 writes -00:00 and Z for UTC; people leave out seconds.
    let split = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, offset) = time.split_at(split);
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let local = format!("{date}T{}{seconds}", clock.trim_end());
    let local = NaiveDateTime::parse_from_str(&local, "%Y-%m-%dT%H:%M:%S%.f").map_err(|_| {
        let digits = clock
            .trim_end()
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b':' || b == b'.');
        if digits && clock.len() >= 5 {
            wrong()
        } else {
            unreadable()
        }
    })?;
    if offset.is_empty() {
        return Ok(zone::from_local(local, tz));
    }
    let offset = if offset == "Z" {
        "+00:00".to_owned()
    } else {
        offset.to_owned()
    };
    let fixed = chrono::FixedOffset::from_str(&offset).map_err(|_| unreadable())?;
    fixed
        .from_local_datetime(&local)
        .single()
        .map(|at| at.with_timezone(&Utc))
        .ok_or_else(wrong)
}

fn in_range(text: &str, at: DateTime<Utc>) -> Result<DateTime<Utc>, TimeError> {
    let edge = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc());
    if Some(at) < edge(1900) || Some(at) > edge(2300) {
        Err(TimeError::OutOfRange(text.into()))
    } else {
        Ok(at)
    }
}

fn not_empty(from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz) -> Result<(DateTime<Utc>, DateTime<Utc>), TimeError> {
    if from < to {
        return Ok((from, to));
    }
    let show = |at| zone::to_local(at, tz).format("%Y-%m-%d %H:%M:%S %:z").to_string();
    Err(TimeError::Empty {
        from: show(from),
        to: show(to),
    })
}

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
