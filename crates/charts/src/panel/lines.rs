//! Lines: one a group, or one a measure. They break where there is no data.

use plotters_backend::DrawingBackend;
use tidemark_core::board_spec::{BoardPanel, Palette as Choice};
use tidemark_core::group;

use super::head::{self, Key};
use crate::canvas::{Align, Area, Canvas, Type};
use crate::figures;
use crate::plot::{self, BELOW, LEFT, RIGHT, TimeScale, ValueScale};
use crate::theme::Ink;
use crate::view::{Look, View};

/// Room for the list of groups beside a split chart.
const LIST: f64 = 184.0;

struct Line {
    name: String,
    ink: Ink,
    unit: String,
    values: Vec<Option<f64>>,
    /// Over the whole range.
    total: Option<f64>,
}

pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    let lines = if panel.splits() {
        by_group(canvas, view, panel)
    } else {
        by_measure(canvas, view, panel)
    };
    let keys: Vec<Key> = lines
        .iter()
        .filter(|_| !panel.splits())
        .map(|line| Key {
            name: line.name.clone(),
            ink: line.ink,
            value: Some(figures::value(line.total, &line.unit)),
            line: true,
        })
        .collect();
    head::draw(canvas, view, panel, area, &keys);

    let list = if panel.splits() { LIST } else { 0.0 };
    let plot = area.inset(LEFT, head::HEIGHT + 10.0, RIGHT + list, BELOW);
    let time = TimeScale::new(view, plot);
    let scale = ValueScale::new(
        lines.iter().flat_map(|line| line.values.iter().copied().flatten()),
        plot,
        4,
    );
    plot::days(canvas, &time, plot);
    scale.draw(canvas, lines.first().map_or("", |line| line.unit.as_str()));
    let has_data = |at: usize| {
        lines
            .iter()
            .any(|line| line.values.get(at).copied().flatten().is_some())
    };
    if !(0..view.answer.buckets.len()).any(has_data) {
        plot::empty(canvas, plot);
    }
    plot::trust_line(canvas, view, &time, plot.bottom(), has_data);
    // The first is the largest: it is drawn last, above the others.
    for line in lines.iter().rev() {
        trace(canvas, view, line, &time, &scale);
    }
    plot::tide(canvas, view, &time, plot);
    plot::time_axis(canvas, &time, plot);
    if panel.splits() {
        let named = lines.len() - view.rest();
        beside(
            canvas,
            view,
            &lines[..named],
            Area::new(plot.right() + RIGHT + 8.0, plot.y - 4.0, LIST - 28.0, plot.h + BELOW),
        );
    }
}

fn by_measure<B: DrawingBackend>(canvas: &Canvas<B>, view: View, panel: &BoardPanel) -> Vec<Line> {
    let measures: Vec<usize> = panel.measures.iter().filter_map(|name| view.measure(name)).collect();
    let inks = match panel.palette {
        Choice::Ordered => canvas.ink.ordered(measures.len()),
        Choice::Outcomes => {
            let mut inks = canvas.ink.outcomes(measures.len());
            if let Some(first) = inks.first_mut() {
                *first = canvas.ink.success_edge;
            }
            inks
        }
        Choice::Names => (0..measures.len()).map(|place| canvas.ink.name(place)).collect(),
    };
    measures
        .into_iter()
        .zip(inks)
        .map(|(measure, ink)| Line {
            name: view.info(measure).label.clone(),
            ink,
            unit: view.info(measure).unit.clone(),
            values: view.values(view.cut.overall, measure).to_vec(),
            total: view.cut.overall.total.get(measure).copied().flatten(),
        })
        .collect()
}

/// One line a group; those beyond the palette are grey.
fn by_group<B: DrawingBackend>(canvas: &Canvas<B>, view: View, panel: &BoardPanel) -> Vec<Line> {
    let Some(measure) = panel.measures.first().and_then(|name| view.measure(name)) else {
        return vec![];
    };
    let shown = view.cut.groups.len() - view.rest();
    view.cut
        .groups
        .iter()
        .enumerate()
        .map(|(place, group)| Line {
            name: group::name(group.key.as_deref()).to_owned(),
            ink: if place < shown {
                view.group_ink(&canvas.ink, place)
            } else {
                canvas.ink.series_8.at(0.5)
            },
            unit: view.info(measure).unit.clone(),
            values: view.values(group, measure).to_vec(),
            total: group.total.get(measure).copied().flatten(),
        })
        .collect()
}

/// One line: solid where exact, dashed where something waits, dashed with a hollow end into the partial bucket.
fn trace<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, line: &Line, time: &TimeScale, scale: &ValueScale) {
    let mut run: Vec<(f64, f64)> = Vec::new();
    let mut last: Option<((f64, f64), Look)> = None;
    let flush = |canvas: &mut Canvas<B>, run: &mut Vec<(f64, f64)>| {
        match run.len() {
            0 => {}
            1 => canvas.disc(run[0], 1.25, line.ink),
            _ => canvas.path(run, 1.5, line.ink),
        }
        run.clear();
    };
    for (at, bucket) in view.answer.buckets.iter().enumerate() {
        let Some(value) = line.values.get(at).copied().flatten().filter(|v| v.is_finite()) else {
            flush(canvas, &mut run);
            last = None;
            continue;
        };
        let point = (time.x((bucket.start_ms + bucket.end_ms) / 2.0), scale.y(value));
        let look = Look::of(bucket);
        let dashed = |look| matches!(look, Look::Partial | Look::Pending);
        match last {
            Some((before, seen)) if dashed(look) || dashed(seen) => {
                flush(canvas, &mut run);
                canvas.dashes(&[before, point], (3.0, 2.0), 1.5, line.ink);
                if !dashed(look) {
                    run.push(point);
                }
            }
            _ if !dashed(look) => run.push(point),
            _ => {}
        }
        if look == Look::Partial {
            canvas.ring(point, 2.75, 1.5, line.ink);
        }
        last = Some((point, look));
    }
    flush(canvas, &mut run);
}

/// The groups by their value in the last complete bucket, largest first.
fn beside<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, lines: &[Line], area: Area) {
    const ROW: f64 = 20.0;
    let hint = Type::new(11.0, canvas.ink.text_3);
    let latest = view.latest();
    let value = |line: &Line| latest.and_then(|at| line.values.get(at).copied().flatten());
    let mut order: Vec<&Line> = lines.iter().collect();
    order.sort_by(|a, b| value(b).unwrap_or(f64::MIN).total_cmp(&value(a).unwrap_or(f64::MIN)));
    let head = latest.map_or_else(String::new, |at| figures::bucket_span(view, at));
    canvas.text_in(area.x, area.y + 10.0, area.w, &head, hint);
    let mut y = area.y + 10.0 + ROW;
    let rest = view.rest();
    let room = ((area.h - 10.0) / ROW) as usize - usize::from(rest > 0);
    for line in order.iter().take(room) {
        let figure = figures::value(value(line), &line.unit);
        let width = canvas.width(&figure, Type::new(11.0, canvas.ink.text_1));
        canvas.rule(area.x, y - 4.0, 10.0, false, 2.0, line.ink);
        canvas.text_in(
            area.x + 16.0,
            y,
            area.w - width - 24.0,
            &line.name,
            Type::new(11.0, canvas.ink.text_2),
        );
        canvas.text(
            area.right(),
            y,
            &figure,
            Type::new(11.0, canvas.ink.text_1).align(Align::Right),
        );
        y += ROW;
    }
    if rest > 0 {
        canvas.text_in(area.x, y, area.w, &format!("{rest} others, grey"), hint);
    }
}
