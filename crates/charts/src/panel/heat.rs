//! Hour of the day by day, as in the window: rows are local days, columns local hours. A repeated hour shares its cell.

use chrono::{DateTime, FixedOffset, Timelike};
use plotters_backend::DrawingBackend;
use tidemark_core::board_spec::{BoardPanel, Watch};

use super::head;
use crate::canvas::{Align, Area, Canvas, Type};
use crate::figures::{self, THIN};
use crate::plot::{BELOW, RIGHT};
use crate::view::{Look, View};

/// Room for the days left of the cells.
const LEFT: f64 = 116.0;
/// Width of one colour of the scale.
const SWATCH: f64 = 12.0;

struct Day {
    start: DateTime<FixedOffset>,
    cells: Vec<Cell>,
}

/// Where a bucket is drawn; `left` and `width` in hours.
struct Cell {
    bucket: usize,
    hour: u32,
    left: f64,
    width: f64,
}

pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    let measure = panel.measures.first().and_then(|name| view.measure(name));
    let (Some(measure), Some(_)) = (measure, &view.report.week) else {
        return unfit(canvas, view, panel, area);
    };
    let values = view.values(view.cut.overall, measure);
    let value = |at: usize| values.get(at).copied().flatten().filter(|v| v.is_finite());
    let whole = (0..values.len()).filter(|at| !view.answer.buckets[*at].partial);
    let most = whole.filter_map(value).fold(0.0, f64::max);
    let days = days(view);
    let over = |cell: &&Cell| over_limit(view, cell.bucket);

    let any_over = days.iter().flat_map(|day| &day.cells).any(|cell| over(&cell));
    let most_text = figures::value(Some(most), &view.info(measure).unit);
    let right = legend(canvas, view, &most_text, any_over, area);
    let head = Area::new(area.x, area.y, right - area.x, area.h);
    head::draw(canvas, view, panel, head, &[]);

    let plot = area.inset(LEFT, head::HEIGHT + 6.0, RIGHT, BELOW);
    let (wide, high) = (plot.w / 24.0, plot.h / days.len() as f64);
    for (row, day) in days.iter().enumerate() {
        let y = plot.y + high * row as f64;
        name(canvas, day, row + 1 == days.len(), plot.x, y + high / 2.0 + 4.0);
        for cell in &day.cells {
            let place = Area::new(plot.x + cell.left * wide, y, cell.width * wide - 1.0, high - 1.0);
            match (value(cell.bucket), Look::of(&view.answer.buckets[cell.bucket])) {
                (None, Look::Partial) => {}
                (None, _) => canvas.path(&place.inset(0.5, 0.5, 0.5, 0.5).outline(), 1.0, canvas.ink.edge),
                (_, Look::Partial) => canvas.hatch(place, canvas.ink.seq_5),
                (_, Look::Pending) => canvas.hatch(place, canvas.ink.pending),
                (Some(value), _) => canvas.fill(place, canvas.ink.steps()[step(value, most)]),
            }
        }
        let over: Vec<&Cell> = day.cells.iter().filter(over).collect();
        for run in over.chunk_by(|a, b| b.hour <= a.hour + 1) {
            let (from, to) = (f64::from(run[0].hour), f64::from(run[run.len() - 1].hour + 1));
            let place = Area::new(plot.x + from * wide - 0.5, y - 0.5, (to - from) * wide, high);
            canvas.path(&place.outline(), 1.5, canvas.ink.bad);
        }
    }
    let style = Type::new(11.0, canvas.ink.text_3).align(Align::Center);
    for hour in (0..24).step_by(3) {
        let x = plot.x + (f64::from(hour) + 0.5) * wide;
        canvas.text(x, plot.bottom() + 15.0, &format!("{hour:02}"), style);
    }
}

/// A board that was saved when the rollup had finer buckets may hold a heatmap that can't be drawn any more.
fn unfit<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    head::draw(canvas, view, panel, area, &[]);
    let why = format!(
        "A heatmap shows hours of the day, and the finest buckets of {} are of a {}.",
        view.answer.rollup,
        view.answer.base_grain.label()
    );
    let style = Type::new(12.0, canvas.ink.text_2);
    canvas.text_in(area.x + 16.0, area.y + head::HEIGHT + 16.0, area.w - 32.0, &why, style);
}

/// What it shows, of which days.
pub fn words(view: View, panel: &BoardPanel) -> String {
    let measure = panel.measures.first().and_then(|name| view.measure(name));
    let label = measure.map_or("", |measure| &view.info(measure).label);
    format!("{label} per hour, last 7 days")
}

fn days(view: View) -> Vec<Day> {
    let buckets = view.answer.buckets.iter().enumerate();
    let starts: Vec<(usize, DateTime<FixedOffset>)> =
        buckets.map(|(at, bucket)| (at, view.local(bucket.start_ms))).collect();
    let days = starts.chunk_by(|(_, a), (_, b)| a.date_naive() == b.date_naive());
    days.map(|day| Day {
        start: day[0].1,
        cells: cells(day),
    })
    .collect()
}

fn cells(day: &[(usize, DateTime<FixedOffset>)]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::with_capacity(day.len());
    for (bucket, start) in day {
        let hour = start.hour();
        let mut cell = Cell {
            bucket: *bucket,
            hour,
            left: f64::from(hour),
            width: 1.0,
        };
        if let Some(before) = cells.last_mut().filter(|before| before.hour == hour) {
            before.width = 0.5;
            cell.left += 0.5;
            cell.width = 0.5;
        }
        cells.push(cell);
    }
    cells
}

/// Put a value on the scale. Zero is its lowest step.
fn step(value: f64, most: f64) -> usize {
    if most > 0.0 {
        ((value / most * 7.0).ceil() - 1.0).clamp(0.0, 6.0) as usize
    } else {
        0
    }
}

/// Was the error rate of any group above the viewer's limit?
fn over_limit(view: View, bucket: usize) -> bool {
    let rule = view.board.rules.iter().find(|rule| rule.watch == Watch::ErrorRate);
    let columns = rule.and_then(|rule| Some((view.measure(&rule.measure)?, view.measure(&rule.samples)?)));
    let limits = &view.label.limits;
    columns.is_some_and(|(rate, samples)| {
        view.cut.groups.iter().any(|group| {
            let value = |measure| {
                view.values(group, measure)
                    .get(bucket)
                    .copied()
                    .flatten()
                    .unwrap_or(0.0)
            };
            value(samples) >= f64::from(limits.min_samples) && value(rate) > limits.error_rate_percent
        })
    })
}

/// A row's day, and how long it is where the clocks moved.
fn name<B: DrawingBackend>(canvas: &mut Canvas<B>, day: &Day, today: bool, left: f64, baseline: f64) {
    let style = if today {
        Type::new(11.0, canvas.ink.text_1).bold()
    } else {
        Type::new(11.0, canvas.ink.text_2)
    };
    let name = day.start.format("%a %-d %b").to_string();
    canvas.text(left - LEFT + 16.0, baseline, &name, style);
    let ends = day.cells.first().zip(day.cells.last());
    let whole = ends.is_some_and(|(first, last)| (first.hour, last.hour) == (0, 23));
    if whole && day.cells.len() != 24 {
        let style = Type::new(11.0, canvas.ink.accent).align(Align::Right);
        canvas.text(left - 6.0, baseline, &format!("{}{THIN}h", day.cells.len()), style);
    }
}

/// The scale, and what an outline means, right in the head. Gives where that begins.
fn legend<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, most: &str, any_over: bool, area: Area) -> f64 {
    let baseline = area.y + 22.0;
    let style = Type::new(11.0, canvas.ink.text_2);
    let mut x = area.right() - 12.0 - canvas.width(most, style);
    canvas.text(x, baseline, most, style);
    x -= 4.0;
    for ink in canvas.ink.steps().into_iter().rev() {
        x -= SWATCH;
        canvas.fill(Area::new(x, baseline - 8.0, SWATCH, 8.0), ink);
    }
    x -= 4.0 + canvas.width("0", style);
    canvas.text(x, baseline, "0", style);
    if any_over {
        let words = format!("error rate over {}{THIN}%", view.label.limits.error_rate_percent);
        x -= 12.0 + canvas.width(&words, style);
        canvas.text(x, baseline, &words, style);
        x -= 14.0;
        canvas.path(&Area::new(x, baseline - 8.5, 8.0, 8.0).outline(), 1.5, canvas.ink.bad);
    }
    x
}
