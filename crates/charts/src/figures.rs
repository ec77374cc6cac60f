//! Numbers and times as the screen writes them.

use chrono::{DateTime, Datelike, FixedOffset};
use tidemark_core::axis::value_ticks;
use tidemark_core::format;

use crate::view::View;

/// Narrow no-break space: between groups of three and before a unit.
pub const THIN: &str = "\u{202f}";
/// A value that is not there.
pub use tidemark_core::format::{MISSING, change};

/// A measure's value with its unit.
pub fn value(value: Option<f64>, unit: &str) -> String {
    format::value(value, unit)
}

/// Labels of a value axis, all in one unit.
pub fn on_axis(ticks: &[f64], unit: &str) -> Vec<String> {
    format::axis_labels(ticks, unit)
}

/// Ticks of a value axis that holds zero: at most `count` on each side of it.
pub fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let mut ticks: Vec<f64> = Vec::new();
    if low < 0.0 {
        ticks.extend(
            value_ticks(-low, count)
                .into_iter()
                .filter(|tick| *tick > 0.0 && *tick <= -low)
                .map(|tick| -tick)
                .rev(),
        );
    }
    ticks.push(0.0);
    if high > 0.0 || low == 0.0 {
        ticks.extend(
            value_ticks(high, count)
                .into_iter()
                .filter(|tick| *tick > 0.0 && *tick <= high.max(1.0)),
        );
    }
    ticks
}

/// A share of a whole: one decimal, as the screen has it.
pub fn share(part: Option<f64>) -> String {
    match part {
        None => MISSING.to_owned(),
        Some(part) if part >= 0.9995 => format!("100{THIN}%"),
        Some(part) => format!("{:.1}{THIN}%", part * 100.0),
    }
}

/// `14:00–14:15`, with days where the bucket is one or longer.
pub fn bucket_span(view: View, at: usize) -> String {
    let bucket = &view.answer.buckets[at];
    span(view.local(bucket.start_ms), view.local(bucket.end_ms))
}

fn span(from: DateTime<FixedOffset>, to: DateTime<FixedOffset>) -> String {
    if to - from < chrono::TimeDelta::hours(23) {
        format!("{}–{}", from.format("%H:%M"), to.format("%H:%M"))
    } else {
        format!("{}", from.format("%a %-d %b"))
    }
}

/// A moment with its day: `Mon 26 Oct 14:15`; the year is always there, since a report is read later.
pub fn moment(at: DateTime<FixedOffset>) -> String {
    at.format("%a %-d %b %Y %H:%M").to_string()
}

/// The range as two moments with the zone's offset where it changes in between.
pub fn range(view: View) -> String {
    let (from, to) = (view.local(view.answer.from_ms), view.local(view.answer.to_ms));
    if from.date_naive() == to.date_naive() {
        format!("{}–{}", moment(from), to.format("%H:%M"))
    } else {
        format!("{} – {}", moment(from), moment(to))
    }
}

/// `Europe/Berlin (UTC+1)`, with both offsets where the range has two.
pub fn zone(view: View) -> String {
    let (from, to) = (view.local(view.answer.from_ms), view.local(view.answer.to_ms));
    let (from, to) = (offset(from), offset(to));
    if from == to && to == "UTC" && view.answer.tz.ends_with("UTC") {
        to
    } else if from == to {
        format!("{} ({to})", view.answer.tz)
    } else {
        format!("{} ({from}, then {to})", view.answer.tz)
    }
}

fn offset(at: DateTime<FixedOffset>) -> String {
    let seconds = at.offset().local_minus_utc();
    let (sign, rest) = if seconds < 0 { ('−', -seconds) } else { ('+', seconds) };
    match (rest / 3600, rest % 3600 / 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    }
}

/// What the change column compares with.
pub fn compared(view: View) -> String {
    view.cut.compare.map_or_else(String::new, |compare| {
        let from = view.local(compare.from_ms);
        format!("vs {} {}", from.day(), from.format("%b"))
    })
}

/// A whole number with groups of three.
pub fn count(value: u64) -> String {
    format::grouped(value as f64)
}

/// A moment as short as can be: the time alone on the day of the range's end.
pub fn short(view: View, ms: f64) -> String {
    let at = view.local(ms);
    let end = view.local(view.answer.to_ms - 1.0);
    if at.date_naive() == end.date_naive() {
        at.format("%H:%M").to_string()
    } else {
        at.format("%a %-d %b %H:%M").to_string()
    }
}

/// With seconds: watermarks and the server's clock.
pub fn clock(at: DateTime<FixedOffset>) -> String {
    at.format("%-d %b %Y %H:%M:%S").to_string()
}
