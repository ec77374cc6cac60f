//! Stacked bars: disjoint counts that add up, with a lane below for what is too small to be seen.

use plotters_backend::DrawingBackend;
use tidemark_core::api::BoardSeries;
use tidemark_core::board_spec::{BoardPanel, Palette as Choice};
use tidemark_core::group;

use super::head::{self, Key};
use crate::canvas::{Area, Canvas, Type};
use crate::plot::{self, BELOW, LEFT, RIGHT, TimeScale, ValueScale};
use crate::theme::Ink;
use crate::view::{Look, View};

/// Where the plot above the lane ends, and where the lane starts.
const UPPER: f64 = 0.6;
const LOWER: f64 = 0.74;
/// Buckets at least this wide are bars with a gap; narrower ones join into steps.
const BAR: f64 = 5.5;

/// One layer of the stack.
struct Layer {
    name: String,
    ink: Ink,
    /// The line on top of what is fine, which keeps a pale area readable.
    edge: Option<Ink>,
    values: Vec<Option<f64>>,
}

pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    let layers = layers(canvas, view, panel);
    let lane: Vec<&Layer> = {
        let wanted: Vec<String> = panel.lane.iter().filter_map(|name| label(view, name)).collect();
        layers.iter().filter(|layer| wanted.contains(&layer.name)).collect()
    };
    let keys: Vec<Key> = layers
        .iter()
        .map(|layer| Key {
            name: layer.name.clone(),
            ink: layer.edge.unwrap_or(layer.ink),
            value: None,
            line: false,
        })
        .collect();
    head::draw(canvas, view, panel, area, &keys);

    let plot = area.inset(LEFT, head::HEIGHT + 10.0, RIGHT, BELOW);
    let unit = panel
        .measures
        .first()
        .and_then(|name| view.measure(name))
        .map_or("", |m| view.info(m).unit.as_str());
    let time = TimeScale::new(view, plot);
    plot::days(canvas, &time, plot);
    let all: Vec<&Layer> = layers.iter().collect();
    let has_data = |at: usize| {
        layers
            .iter()
            .any(|layer| layer.values.get(at).copied().flatten().is_some())
    };
    if !(0..view.answer.buckets.len()).any(has_data) {
        plot::empty(canvas, plot);
    }
    if lane.is_empty() {
        bars(canvas, view, &all, &time, plot, 4, unit);
        plot::trust_line(canvas, view, &time, plot.bottom(), has_data);
    } else {
        let low = plot.inset(0.0, plot.h * LOWER, 0.0, 0.0);
        let high = Area::new(plot.x, plot.y, plot.w, plot.h * UPPER);
        bars(canvas, view, &all, &time, high, 3, unit);
        plot::trust_line(canvas, view, &time, high.bottom(), has_data);
        if let Some(text) = &panel.lane_label {
            canvas.text(plot.x, high.bottom() + 15.0, text, Type::new(11.0, canvas.ink.text_3));
        }
        bars(canvas, view, &lane, &time, low, 2, unit);
        plot::trust_line(canvas, view, &time, low.bottom(), has_data);
    }
    plot::tide(canvas, view, &time, plot);
    plot::time_axis(canvas, &time, plot);
}

fn label(view: View, name: &str) -> Option<String> {
    view.measure(name).map(|m| view.info(m).label.clone())
}

/// Layers in the order of the declaration.
fn layers<B: DrawingBackend>(canvas: &Canvas<B>, view: View, panel: &BoardPanel) -> Vec<Layer> {
    let measures: Vec<usize> = panel.measures.iter().filter_map(|name| view.measure(name)).collect();
    if panel.splits()
        && let Some(measure) = measures.first()
    {
        return by_group(canvas, view, *measure);
    }
    let inks = match panel.palette {
        Choice::Outcomes => canvas.ink.outcomes(measures.len()),
        Choice::Ordered => canvas.ink.ordered(measures.len()),
        Choice::Names => (0..measures.len()).map(|place| canvas.ink.name(place)).collect(),
    };
    let outcomes = panel.palette == Choice::Outcomes;
    let layers = measures
        .iter()
        .zip(inks)
        .enumerate()
        .map(|(place, (measure, ink))| Layer {
            name: view.info(*measure).label.clone(),
            ink,
            edge: (outcomes && place == 0).then_some(canvas.ink.success_edge),
            values: view.values(view.cut.overall, *measure).to_vec(),
        });
    // Outcomes that never happen are left out.
    let happens = |layer: &Layer| layer.values.iter().flatten().any(|v| *v > 0.0);
    layers
        .enumerate()
        .filter(|(place, layer)| *place == 0 || happens(layer))
        .map(|(_, layer)| layer)
        .collect()
}

/// One layer a group; those beyond the palette are one grey layer with their count.
fn by_group<B: DrawingBackend>(canvas: &Canvas<B>, view: View, measure: usize) -> Vec<Layer> {
    let groups = view.cut.groups;
    let rest = view.rest();
    let shown = groups.len() - rest;
    let mut layers: Vec<Layer> = groups[..shown]
        .iter()
        .enumerate()
        .map(|(place, group)| Layer {
            name: group::name(group.key.as_deref()).to_owned(),
            ink: view.group_ink(&canvas.ink, place),
            edge: None,
            values: view.values(group, measure).to_vec(),
        })
        .collect();
    if rest > 0 {
        layers.push(Layer {
            name: format!("{rest} others"),
            ink: canvas.ink.series_8,
            edge: None,
            values: sum(&groups[shown..], measure, view),
        });
    }
    layers
}

fn sum(groups: &[BoardSeries], measure: usize, view: View) -> Vec<Option<f64>> {
    (0..view.answer.buckets.len())
        .map(|at| {
            groups
                .iter()
                .filter_map(|group| view.values(group, measure).get(at).copied().flatten())
                .reduce(|a, b| a + b)
        })
        .collect()
}

/// The bars of one scale, the first layer at the bottom.
fn bars<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    view: View,
    layers: &[&Layer],
    time: &TimeScale,
    area: Area,
    ticks: usize,
    unit: &str,
) {
    let value = |layer: &Layer, at: usize| {
        layer
            .values
            .get(at)
            .copied()
            .flatten()
            .filter(|v| v.is_finite() && *v > 0.0)
    };
    let total = |at: usize| layers.iter().filter_map(|layer| value(layer, at)).sum::<f64>();
    let scale = ValueScale::new((0..view.answer.buckets.len()).map(total), area, ticks);
    scale.draw(canvas, unit);
    for (at, bucket) in view.answer.buckets.iter().enumerate() {
        if layers
            .iter()
            .all(|layer| layer.values.get(at).copied().flatten().is_none())
        {
            continue;
        }
        let (x, right) = (time.x(bucket.start_ms), time.x(bucket.end_ms));
        let width = if right - x >= BAR { right - x - 1.0 } else { right - x };
        let look = Look::of(bucket);
        let top = scale.y(total(at));
        let whole = Area::new(x, top, width, area.bottom() - top);
        if look == Look::Pending {
            canvas.fill(whole, canvas.ink.pending_tint);
        }
        let mut below = 0.0;
        for layer in layers {
            let Some(v) = value(layer, at) else { continue };
            let (y, base) = (scale.y(below + v), scale.y(below));
            segment(canvas, Area::new(x, y, width, base - y), layer, look);
            below += v;
        }
        if look == Look::Pending {
            let (r, b) = (whole.right() - 0.5, whole.bottom());
            let outline = [(x + 0.5, b), (x + 0.5, top), (r, top), (r, b)];
            let dash = if width >= BAR { &outline[..] } else { &outline[1..3] };
            canvas.dashes(dash, (3.0, 2.0), 1.0, canvas.ink.pending);
        } else if total(at) == 0.0 {
            // Read, and the count is zero: a mark on the line.
            let ink = layers.iter().find_map(|layer| layer.edge).unwrap_or(canvas.ink.axis);
            canvas.fill(Area::new(x, area.bottom() - 2.5, width, 1.5), ink);
        }
    }
}

fn segment<B: DrawingBackend>(canvas: &mut Canvas<B>, area: Area, layer: &Layer, look: Look) {
    match look {
        Look::Exact => canvas.fill(area, layer.ink),
        Look::Partial => canvas.hatch(area, layer.edge.unwrap_or(layer.ink)),
        Look::Frozen => {
            canvas.fill(area, canvas.ink.frozen_tint);
            canvas.dots(area, canvas.ink.frozen);
        }
        // What waits is drawn as one dashed outline.
        Look::Pending => {}
    }
    if let Some(edge) = layer.edge
        && matches!(look, Look::Exact | Look::Partial)
    {
        canvas.fill(Area::new(area.x, area.y, area.w, 1.25f64.min(area.h)), edge);
    }
}
