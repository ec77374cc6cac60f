//! The viewer's buckets: hours, days, weeks, months and years cut by the wall clock of an IANA zone.
//!
//! All cutting happens here, with chrono-tz, and travels to the database as UTC instants, so that a server with other
//! tz data can't split a day in two.
//!
//! - A **day** (week, month, year) starts at the first instant of its local date: at midnight; at the first of two
//!   midnights; or, where midnight doesn't exist, at the first instant after the gap. It lasts as long as it lasts: 23,
//!   24, 25 hours. A date that the zone skipped (Apia, 30 December 2011) has no bucket.
//! - An **hour** (1, 5, 15 minutes) is cut where the wall clock shows a multiple of the grain since midnight: at :00, which is at
//!   :30 in UTC for Kolkata. A repeated hour is two buckets, a missing one none. Where the clock moves by something other
//!   than a whole number of buckets (Lord Howe: half an hour), the change itself is a cut as well, so the bucket before or
//!   after it is shorter. It is one, too, where the change skips midnight in mid-bucket (Toronto 1919), so that
//!   hours always tile days.
//!
//! Buckets of one grain tile time: no gap, no overlap, and those below a day are never longer than the grain.

use chrono::{DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta};
use chrono::{TimeZone, Utc, Weekday};
use chrono_tz::{GapInfo, Tz};

use crate::api::{Grain, WeekStart};

/// One bucket of the viewer: the half-open interval `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewerBucket {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
}

/// Cut time into the viewer's buckets: the full extents of all that overlap `[from, to)`, in order.
///
/// [`Grain::Total`] is one bucket, `[from, to)` itself. Empty when `from >= to`. The caller bounds the count: a minute
/// grain over a year is half a million buckets.
pub fn viewer_buckets(
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    grain: Grain,
    tz: Tz,
    week: WeekStart,
) -> Vec<ViewerBucket> {
    if from >= to {
        return Vec::new();
    }
    match (grain, grain.fixed()) {
        (Grain::Total, _) => vec![ViewerBucket { start: from, end: to }],
        (Grain::Day | Grain::Week | Grain::Month | Grain::Year, _) | (_, None) => by_date(from, to, grain, tz, week),
        (_, Some(width)) => by_clock(from, to, width.num_seconds(), tz),
    }
}

/// Show an instant as the viewer's clock does.
pub fn to_local(at: DateTime<Utc>, tz: Tz) -> DateTime<FixedOffset> {
    at.with_timezone(&offset_at(at, tz))
}

/// Check that a base grain can make these buckets.
///
/// # Errors
/// The first boundary that doesn't lie on the base grain's UTC grid.
pub fn base_fits(base: Grain, cuts: &[ViewerBucket]) -> Result<(), DateTime<Utc>> {
    for cut in cuts {
        for instant in [cut.start, cut.end] {
            if !base.starts_at(instant) {
                return Err(instant);
            }
        }
    }
    Ok(())
}

/// Find the first instant of a local date, or the first after it where the zone skipped the whole date.
pub fn day_start(date: NaiveDate, tz: Tz) -> DateTime<Utc> {
    from_local(date.and_time(NaiveTime::MIN), tz)
}

/// Find the instant at which the wall clock shows `local`: the earlier of two, the first after a gap.
pub fn from_local(local: NaiveDateTime, tz: Tz) -> DateTime<Utc> {
    if let Some(instant) = tz.from_local_datetime(&local).earliest() {
        return instant.with_timezone(&Utc);
    }
    GapInfo::new(&local, &tz)
        .and_then(|gap| gap.end)
        .map_or_else(|| local.and_utc(), |end| end.with_timezone(&Utc))
}

/// Give the zone's offset from UTC at an instant.
pub fn offset_at(at: DateTime<Utc>, tz: Tz) -> FixedOffset {
    tz.offset_from_utc_datetime(&at.naive_utc()).fix()
}

/// Find the changes of the zone's offset in `(from, to]`, as the first instants of the new offset.
pub fn offset_changes(from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz) -> Vec<DateTime<Utc>> {
    // No zone has ever changed twice within half a day.
    const STEP: i64 = 43_200;
    let mut changes = Vec::new();
    let mut at = from;
    while at < to {
        let next = at
            .checked_add_signed(TimeDelta::seconds(STEP))
            .map_or(to, |next| next.min(to));
        changes.extend(change_in(at, next, tz));
        at = next;
    }
    changes
}

/// Find the one change of offset in `(from, to]`, to the second.
fn change_in(from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz) -> Option<DateTime<Utc>> {
    let before = offset_at(from, tz);
    if before == offset_at(to, tz) {
        return None;
    }
    // `low` has the old offset, `high` the new one; changes happen on whole seconds.
    let (mut low, mut high) = (from.timestamp(), to.timestamp());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let instant = DateTime::from_timestamp(middle, 0)?;
        if offset_at(instant, tz) == before {
            low = middle
        } else {
            high = middle
        }
    }
    DateTime::from_timestamp(high, 0)
}

fn by_date(from: DateTime<Utc>, to: DateTime<Utc>, grain: Grain, tz: Tz, week: WeekStart) -> Vec<ViewerBucket> {
    // One bucket early: a clock put back across midnight shows yesterday's date in today's bucket.
    let today = first_date(to_local(from, tz).date_naive(), grain, week);
    let mut date = today.pred_opt().map_or(today, |before| first_date(before, grain, week));
    let mut start = day_start(date, tz);
    let mut buckets = Vec::new();
    while start < to {
        let Some(next) = next_date(date, grain) else { break };
        let end = day_start(next, tz);
        if start < end && end > from {
            buckets.push(ViewerBucket { start, end });
        }
        (date, start) = (next, end);
    }
    buckets
}

/// Give the first date of the calendar bucket that holds `date`.
pub(crate) fn first_date(date: NaiveDate, grain: Grain, week: WeekStart) -> NaiveDate {
    let first = match grain {
        Grain::Week => {
            let first = match week {
                WeekStart::Monday => Weekday::Mon,
                WeekStart::Saturday => Weekday::Sat,
                WeekStart::Sunday => Weekday::Sun,
            };
            date.checked_sub_days(Days::new(u64::from(date.weekday().days_since(first))))
        }
        Grain::Month => date.with_day(1),
        Grain::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
        _ => Some(date),
    };
    first.unwrap_or(date)
}

/// Give the first date of the next calendar bucket, `first` being the first of one.
pub(crate) fn next_date(first: NaiveDate, grain: Grain) -> Option<NaiveDate> {
    match grain {
        Grain::Week => first.checked_add_days(Days::new(7)),
        Grain::Month => first.checked_add_months(Months::new(1)),
        Grain::Year => first.checked_add_months(Months::new(12)),
        _ => first.succ_opt(),
    }
}

fn by_clock(from: DateTime<Utc>, to: DateTime<Utc>, width: i64, tz: Tz) -> Vec<ViewerBucket> {
    // Whether an instant is a cut depends on that instant alone, and no two cuts are further apart than the width; so
    // the first cut found from two widths before `from` on lies at or before `from`.
    let mut buckets = Vec::new();
    let Some(mut start) = from.checked_sub_signed(TimeDelta::seconds(2 * width)) else {
        return buckets;
    };
    start = next_cut(start, width, tz);
    while start < to {
        let end = next_cut(start, width, tz);
        if end <= start {
            break;
        }
        if end > from {
            buckets.push(ViewerBucket { start, end });
        }
        start = end;
    }
    buckets
}

/// Find the first cut after an instant.
fn next_cut(at: DateTime<Utc>, width: i64, tz: Tz) -> DateTime<Utc> {
    let grid = |at: DateTime<Utc>| {
        let offset = i64::from(offset_at(at, tz).local_minus_utc());
        let local = at.timestamp() + offset;
        DateTime::from_timestamp(local - local.rem_euclid(width) + width - offset, 0)
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    };
    let next = grid(at);
    let Some(change) = change_in(at, next, tz) else {
        return next;
    };
    let (old, new) = (offset_at(at, tz), offset_at(change, tz));
    let moved = i64::from(new.local_minus_utc()) - i64::from(old.local_minus_utc());
    let today = change.with_timezone(&new).date_naive();
    let skips_midnight = today > change.with_timezone(&old).date_naive() && day_start(today, tz) == change;
    if moved.rem_euclid(width) != 0 || skips_midnight {
        change
    } else {
        next
    }
}

#[cfg(test)]
#[path = "zone_tests.rs"]
mod tests;
