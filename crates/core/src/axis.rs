//! Where the ticks of a chart's axes go, and what they say.
//!
//! Time axes are divided by the wall clock of the viewer's zone, so a tick says 06:00 on a day of 25 hours too.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;

use crate::api::{Grain, Tick, TickKind, WeekStart};
use crate::format::NARROW_SPACE;
use crate::zone::{offset_at, offset_changes, to_local, viewer_buckets};

/// Least distance between two labels such as `15:00`, in pixels.
const CLOCK_PX: f64 = 56.0;
/// Least distance between two labels such as `Mon 26 Oct`.
const DATE_PX: f64 = 76.0;
/// Width that a date needs to be followed by the length of its day.
const ODD_DAY_PX: f64 = 110.0;

/// How far apart ticks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Minutes of the wall clock, up to half a day.
    Clock(u32),
    Day,
    Week,
    Months(u32),
    Years(i32),
}

const STEPS: [Step; 19] = [
    Step::Clock(1),
    Step::Clock(5),
    Step::Clock(15),
    Step::Clock(60),
    Step::Clock(180),
    Step::Clock(360),
    Step::Clock(720),
    Step::Day,
    Step::Week,
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Years(1),
    Step::Years(2),
    Step::Years(5),
    Step::Years(10),
    Step::Years(20),
    Step::Years(50),
    Step::Years(100),
];

impl Step {
    /// Typical length in seconds.
    fn seconds(self) -> f64 {
        match self {
            Step::Clock(minutes) => f64::from(minutes) * 60.0,
            Step::Day => 86_400.0,
            Step::Week => 7.0 * 86_400.0,
            Step::Months(months) => f64::from(months) * 28.0 * 86_400.0,
            Step::Years(years) => f64::from(years) * 365.0 * 86_400.0,
        }
    }

    /// Buckets whose starts may be ticks.
    fn grain(self) -> Grain {
        match self {
            Step::Clock(minutes) if minutes < 5 => Grain::Minute,
            Step::Clock(minutes) if minutes < 15 => Grain::FiveMinutes,
            Step::Clock(minutes) if minutes < 60 => Grain::QuarterHour,
            Step::Clock(_) => Grain::Hour,
            Step::Day => Grain::Day,
            Step::Week => Grain::Week,
            Step::Months(_) => Grain::Month,
            Step::Years(_) => Grain::Year,
        }
    }

    fn divides(self, local: DateTime<FixedOffset>) -> bool {
        match self {
            Step::Clock(minutes) => local.second() == 0 && (local.hour() * 60 + local.minute()).is_multiple_of(minutes),
            Step::Months(months) => local.month0().is_multiple_of(months),
            Step::Years(years) => local.year() % years == 0,
            Step::Day | Step::Week => true,
        }
    }
}

/// Place the ticks of a time axis that shows `[from, to)` on `width_px` pixels, in order of time.
///
/// The finest of 15 minutes, 1, 3, 6, 12 hours, day, week, month and year that keeps labels 56 pixels apart (1 and 5 minutes
/// where the range is under an hour). A day's first instant is a [`TickKind::Day`] tick with its date; in steps of weeks and
/// more, the first tick of a year is. Where the zone's offset changes, and steps are shorter than a day, a
/// [`TickKind::Shift`] tick says which hour came before and which comes now: `02 02` for a repeated one, `01 03` for a
/// missing one; it stands beside the day's own tick where both fall on one instant. Plain ticks that would touch another are left out.
pub fn time_ticks(from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz, width_px: f64) -> Vec<Tick> {
    let seconds = (to - from).num_milliseconds() as f64 / 1e3;
    let px = width_px / seconds;
    if !(seconds > 0.0 && px.is_finite() && px > 0.0) {
        return Vec::new();
    }
    let fits = |step: &&Step| {
        let least = if matches!(step, Step::Day | Step::Week) {
            DATE_PX
        } else {
            CLOCK_PX
        };
        let too_fine = matches!(step, Step::Clock(minutes) if *minutes < 15) && seconds >= 3_600.0;
        !too_fine && step.seconds() * px >= least
    };
    let step = STEPS.iter().find(fits).copied().unwrap_or(Step::Years(100));
    let clock = matches!(step, Step::Clock(_));

    let mut ticks: Vec<(DateTime<Utc>, Tick)> = Vec::new();
    if clock {
        let changes = offset_changes(from, to, tz).into_iter().filter(|change| *change < to);
        ticks.extend(changes.map(|change| (change, shift_tick(change, tz))));
    }
    if clock || step == Step::Day {
        for day in viewer_buckets(from, to, Grain::Day, tz, WeekStart::Monday) {
            let hours = (day.end - day.start).num_minutes() as f64 / 60.0;
            let mut label = date_label(day.start, tz);
            if hours != 24.0 && hours * 3_600.0 * px >= ODD_DAY_PX {
                label.push_str(&format!(" {hours}{NARROW_SPACE}h"));
            }
            ticks.push((day.start, tick(day.start, label, TickKind::Day)));
        }
    }
    if step != Step::Day {
        for bucket in viewer_buckets(from, to, step.grain(), tz, WeekStart::Monday) {
            let local = to_local(bucket.start, tz);
            if step.divides(local) {
                let (label, kind) = plain_label(step, local);
                ticks.push((bucket.start, tick(bucket.start, label, kind)));
            }
        }
    }
    ticks.retain(|(at, _)| from <= *at && *at < to);
    without_collisions(ticks, px)
}

/// Divide a value axis that starts at zero and reaches up to `max`: zero and multiples of 1, 2 or 5 times a power of ten.
///
/// At most `count` ticks, zero included, and at least two; as many as fit. `[0, 1]` where `max` is not above zero.
pub fn value_ticks(max: f64, count: usize) -> Vec<f64> {
    if !(max > 0.0 && max.is_finite()) {
        return vec![0.0, 1.0];
    }
    let parts = count.max(2) - 1;
    let top = max.log10().floor() as i32;
    let mut steps = (top - 4..=top).flat_map(|power| [1.0, 2.0, 5.0].map(|digit| (digit, power)));
    let fits = |&(digit, power): &(f64, i32)| (max / scaled(digit, power)).floor() <= parts as f64;
    let (digit, power) = steps
        .find(fits)
        .filter(|&(digit, power)| scaled(digit, power) <= max)
        .unwrap_or_else(|| {
            // Two ticks of which the upper one would lie above the axis: the largest that doesn't.
            (
                [5.0, 2.0]
                    .into_iter()
                    .find(|digit| scaled(*digit, top) <= max)
                    .unwrap_or(1.0),
                top,
            )
        });
    let last = (max / scaled(digit, power)).floor().min(parts as f64) as u32;
    (0..=last)
        .map(|index| scaled(f64::from(index) * digit, power))
        .collect()
}

/// Multiply by a power of ten, with one rounding: 3 tenths are 0.3.
fn scaled(digits: f64, power: i32) -> f64 {
    if power < 0 {
        digits / 10f64.powi(-power)
    } else {
        digits * 10f64.powi(power)
    }
}

fn tick(at: DateTime<Utc>, label: String, kind: TickKind) -> Tick {
    Tick {
        at_ms: at.timestamp_millis() as f64,
        label,
        kind,
    }
}

fn shift_tick(change: DateTime<Utc>, tz: Tz) -> Tick {
    let before = change - TimeDelta::seconds(1);
    let last = before.with_timezone(&offset_at(before, tz));
    let first = to_local(change, tz);
    let now = if first.minute() == 0 {
        first.format("%H")
    } else {
        first.format("%H:%M")
    };
    tick(change, format!("{} {now}", last.format("%H")), TickKind::Shift)
}

fn date_label(at: DateTime<Utc>, tz: Tz) -> String {
    to_local(at, tz).format("%a %-d %b").to_string()
}

fn plain_label(step: Step, local: DateTime<FixedOffset>) -> (String, TickKind) {
    let new_year = NaiveDate::from_ymd_opt(local.year(), 1, 1).is_some_and(|first| local.date_naive() == first);
    match step {
        Step::Clock(_) => (local.format("%H:%M").to_string(), TickKind::Plain),
        Step::Week if local.ordinal() <= 7 => (local.format("%-d %b %Y").to_string(), TickKind::Day),
        Step::Day | Step::Week => (local.format("%-d %b").to_string(), TickKind::Plain),
        Step::Months(_) if !new_year => (local.format("%b").to_string(), TickKind::Plain),
        Step::Months(_) => (local.year().to_string(), TickKind::Day),
        Step::Years(_) => (local.year().to_string(), TickKind::Plain),
    }
}

/// Leave out plain ticks that come too near to another; days and shifts stay.
fn without_collisions(mut ticks: Vec<(DateTime<Utc>, Tick)>, px: f64) -> Vec<Tick> {
    ticks.sort_by_key(|(at, tick)| (*at, tick.kind != TickKind::Day, tick.kind == TickKind::Plain));
    let far = |a: DateTime<Utc>, b: DateTime<Utc>| (a - b).num_milliseconds().abs() as f64 / 1e3 * px >= CLOCK_PX - 0.5;
    let fixed: Vec<DateTime<Utc>> = ticks
        .iter()
        .filter(|(_, tick)| tick.kind != TickKind::Plain)
        .map(|(at, _)| *at)
        .collect();
    let mut last_plain: Option<DateTime<Utc>> = None;
    ticks.retain(|(at, tick)| {
        if tick.kind != TickKind::Plain {
            return true;
        }
        let next = fixed.partition_point(|other| other < at);
        let near_fixed = fixed[next.saturating_sub(1)..(next + 1).min(fixed.len())].iter();
        let free = near_fixed.chain(&last_plain).all(|other| far(*at, *other));
        if free {
            last_plain = Some(*at);
        }
        free
    });
    ticks.into_iter().map(|(_, tick)| tick).collect()
}

#[cfg(test)]
#[path = "axis_tests.rs"]
mod tests;
