//! What all plots share: scales, grid, time axis, trust line and tide mark.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use plotters_backend::DrawingBackend;
use tidemark_core::api::{Tick, TickKind};
use tidemark_core::axis::time_ticks;

use crate::canvas::{Align, Area, Canvas, Type};
use crate::figures;
use crate::view::{Look, View, instant};

/// Room for labels left of every plot, so that time axes line up.
pub const LEFT: f64 = 56.0;
pub const RIGHT: f64 = 12.0;
/// Room for labels below.
pub const BELOW: f64 = 20.0;

/// Time to logical pixels, with the ticks that fit there.
#[derive(Debug, Clone)]
pub struct TimeScale {
    from: f64,
    to: f64,
    area: Area,
    ticks: Vec<Tick>,
}

impl TimeScale {
    pub fn new(view: View, area: Area) -> TimeScale {
        let buckets = &view.answer.buckets;
        let from = buckets.first().map_or(view.answer.from_ms, |b| b.start_ms);
        let to = buckets.last().map_or(view.answer.to_ms, |b| b.end_ms);
        let to = to.max(from + 1.0);
        let ticks = ticks(instant(from), instant(to), view.tz(), area.w);
        TimeScale { from, to, area, ticks }
    }

    pub fn x(&self, ms: f64) -> f64 {
        self.area.x + (ms - self.from) / (self.to - self.from) * self.area.w
    }
}

/// Values to logical pixels, from zero up.
#[derive(Debug, Clone)]
pub struct ValueScale {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    area: Area,
}

impl ValueScale {
    /// Room for `values`; what is not finite is left out.
    pub fn new(values: impl Iterator<Item = f64>, area: Area, at_most: usize) -> ValueScale {
        let (mut low, mut high) = (0.0f64, 0.0f64);
        for value in values.filter(|v| v.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if high <= low {
            high = low + 1.0;
        }
        let ticks = figures::ticks(low, high, at_most);
        let air = (high - low) * 0.04;
        ValueScale {
            low: if low < 0.0 { low - air } else { 0.0 },
            high: if high > 0.0 { high + air } else { 0.0 },
            ticks,
            area,
        }
    }

    pub fn y(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        self.area.bottom() - part.clamp(-0.5, 1.5) * self.area.h
    }

    /// Grid lines with their labels; the line of zero is the trust line's.
    pub fn draw<B: DrawingBackend>(&self, canvas: &mut Canvas<B>, unit: &str) {
        let style = Type::new(11.0, canvas.ink.text_3).align(Align::Right);
        for (tick, label) in self.ticks.iter().zip(figures::on_axis(&self.ticks, unit)) {
            let y = self.y(*tick);
            if *tick != 0.0 {
                canvas.rule(self.area.x, y, self.area.w, false, 1.0, canvas.ink.grid);
            }
            canvas.text(self.area.x - 6.0, y + 4.0, &label, style);
        }
    }
}

/// Day boundaries behind the series; a repeated or missing hour in the accent.
pub fn days<B: DrawingBackend>(canvas: &mut Canvas<B>, time: &TimeScale, area: Area) {
    for tick in &time.ticks {
        let ink = match tick.kind {
            TickKind::Plain => continue,
            TickKind::Day => canvas.ink.day,
            TickKind::Shift => canvas.ink.accent,
        };
        canvas.rule(time.x(tick.at_ms), area.y, area.h, true, 1.0, ink);
    }
}

/// The ticks of the core for a width; where that leaves fewer than three, those of a wider plot, to be thinned out.
fn ticks(from: DateTime<Utc>, to: DateTime<Utc>, tz: Tz, width: f64) -> Vec<Tick> {
    let mut ticks = Vec::new();
    for wider in [1.0, 1.5, 2.5, 4.0] {
        ticks = time_ticks(from, to, tz, width * wider);
        if ticks.len() >= 3 {
            break;
        }
    }
    ticks
}

/// Ticks and labels below a plot. Where dates don't fit every second or third is labelled; what would touch another
/// label is left out, plain ones first.
pub fn time_axis<B: DrawingBackend>(canvas: &mut Canvas<B>, time: &TimeScale, area: Area) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for kind in [TickKind::Day, TickKind::Shift, TickKind::Plain] {
        let style = match kind {
            TickKind::Plain => Type::new(11.0, canvas.ink.text_3),
            TickKind::Day => Type::new(11.0, canvas.ink.text_1).bold(),
            TickKind::Shift => Type::new(11.0, canvas.ink.accent),
        };
        let ticks: Vec<&Tick> = time.ticks.iter().filter(|tick| tick.kind == kind).collect();
        let places: Vec<(f64, f64)> = ticks
            .iter()
            .map(|tick| {
                let margin = if kind == TickKind::Shift { 1.0 } else { 3.0 };
                let half = canvas.width(&tick.label, style) / 2.0 + margin;
                let center = time
                    .x(tick.at_ms)
                    .clamp(area.x - LEFT + half, (area.right() + RIGHT - half).max(area.x));
                (center - half, center + half)
            })
            .collect();
        let apart = |step: usize| {
            let kept: Vec<_> = places.iter().step_by(step).collect();
            kept.windows(2).all(|pair| pair[0].1 <= pair[1].0)
        };
        let step = (1..=places.len().max(1)).find(|step| apart(*step)).unwrap_or(1);
        for (at, (tick, place)) in ticks.iter().zip(places).enumerate() {
            canvas.rule(time.x(tick.at_ms), area.bottom(), 4.0, true, 1.0, canvas.ink.axis);
            let free = taken.iter().all(|other| place.1 <= other.0 || place.0 >= other.1);
            if free && at % step == 0 {
                let center = f64::midpoint(place.0, place.1);
                canvas.text(center, area.bottom() + 15.0, &tick.label, style.align(Align::Center));
                taken.push(place);
            }
        }
    }
}

/// The axis line says how far each bucket can be trusted; where there is no data there is no line.
pub fn trust_line<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    view: View,
    time: &TimeScale,
    y: f64,
    has_data: impl Fn(usize) -> bool,
) {
    for (_, bucket) in view.answer.buckets.iter().enumerate().filter(|(at, _)| has_data(*at)) {
        let (from, to) = (time.x(bucket.start_ms), time.x(bucket.end_ms));
        match Look::of(bucket) {
            Look::Exact => canvas.rule(from, y, to - from, false, 2.0, canvas.ink.axis),
            Look::Partial => canvas.hatch(Area::new(from, y - 1.5, to - from, 3.0), canvas.ink.partial),
            Look::Pending => canvas.dashes(&[(from, y), (to, y)], (3.0, 2.0), 2.0, canvas.ink.pending),
            Look::Frozen => canvas.dashes(&[(from, y), (to, y)], (1.0, 2.0), 2.0, canvas.ink.frozen),
        }
    }
}

/// Complete up to here, partial to the right.
pub fn tide<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, time: &TimeScale, area: Area) {
    let Some(at) = view.tide() else { return };
    let x = time.x(at);
    canvas.rule(x, area.y, area.h, true, 1.0, canvas.ink.accent);
    let top = area.y - 5.0;
    canvas.polygon(&[(x - 4.0, top), (x + 4.0, top), (x, area.y)], canvas.ink.accent);
}

/// Say that there is nothing to see, where there is nothing.
pub fn empty<B: DrawingBackend>(canvas: &mut Canvas<B>, area: Area) {
    let style = Type::new(12.0, canvas.ink.text_3).align(Align::Center);
    canvas.text(
        area.x + area.w / 2.0,
        area.y + area.h / 2.0,
        "no data in this range",
        style,
    );
}
