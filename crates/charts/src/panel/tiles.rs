//! Large figures over the whole range, with their change and a small line.

use plotters_backend::DrawingBackend;
use tidemark_core::board_spec::{BoardPanel, BoardTile, Direction};

use super::head;
use crate::canvas::{Area, Canvas, Type};
use crate::figures;
use crate::panel::table::spark;
use crate::view::View;

pub const HEIGHT: f64 = 88.0;
/// From half as much again on, a change in the bad direction is red.
const WORSE: f64 = 1.5;

/// The board's tiles in one row.
pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, area: Area) {
    let tiles: Vec<(&BoardTile, usize)> = view
        .board
        .tiles
        .iter()
        .filter_map(|tile| Some((tile, view.measure(&tile.measure)?)))
        .collect();
    let width = area.w / tiles.len().max(1) as f64;
    for (place, (tile, measure)) in tiles.iter().enumerate() {
        let x = area.x + width * place as f64;
        if place > 0 {
            canvas.rule(x, area.y, area.h, true, 1.0, canvas.ink.rule);
        }
        let label = tile.label.as_deref().unwrap_or(&view.info(*measure).label);
        figure(
            canvas,
            view,
            *measure,
            label,
            tile.good,
            Area::new(x, area.y, width, area.h),
        );
    }
}

/// A panel of large figures.
pub fn numbers<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    head::draw(canvas, view, panel, area, &[]);
    let measures: Vec<usize> = panel.measures.iter().filter_map(|name| view.measure(name)).collect();
    let width = area.w / measures.len().max(1) as f64;
    for (place, measure) in measures.into_iter().enumerate() {
        let tile = Area::new(
            area.x + width * place as f64,
            area.y + head::HEIGHT - 20.0,
            width,
            HEIGHT,
        );
        figure(canvas, view, measure, &view.info(measure).label, None, tile);
    }
}

fn figure<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    view: View,
    measure: usize,
    label: &str,
    good: Option<Direction>,
    area: Area,
) {
    let unit = &view.info(measure).unit;
    let total = view.cut.overall.total.get(measure).copied().flatten();
    let x = area.x + 16.0;
    canvas.text_in(
        x,
        area.y + 22.0,
        area.w - 32.0,
        label,
        Type::new(12.0, canvas.ink.text_2),
    );

    let big = Type::new(22.0, canvas.ink.text_1).bold();
    let small = Type::new(13.0, canvas.ink.text_2);
    let text = figures::value(total, unit);
    let (number, suffix) = text.split_once(figures::THIN).map_or((text.as_str(), ""), |(n, s)| {
        // A narrow blank also groups figures by three: only a unit stands apart.
        if s.starts_with(|c: char| c.is_ascii_digit()) {
            (text.as_str(), "")
        } else {
            (n, s)
        }
    });
    canvas.text(x, area.y + 51.0, number, big);
    let mut right = x + canvas.width(number, big);
    if !suffix.is_empty() {
        right += 5.0;
        canvas.text(right, area.y + 51.0, suffix, small);
        right += canvas.width(suffix, small);
    }
    let compared = view
        .cut
        .compare
        .and_then(|c| c.overall.total.get(measure).copied().flatten());
    if let (Some(now), Some(before)) = (total, compared) {
        let change = figures::change(total, compared);
        let worse = match good {
            Some(Direction::Down) => now >= before * WORSE && now > before,
            Some(Direction::Up) => now * WORSE <= before && now < before,
            None => false,
        };
        let ink = if worse { canvas.ink.bad } else { canvas.ink.text_2 };
        canvas.text(right + 8.0, area.y + 51.0, &change, Type::new(12.0, ink));
    }
    if let Some(latest) = view.latest() {
        let value = view.values(view.cut.overall, measure).get(latest).copied().flatten();
        let text = format!("latest {}", figures::value(value, unit));
        canvas.text(x, area.y + 73.0, &text, Type::new(11.0, canvas.ink.text_3));
    }
    let line = Area::new(area.right() - 94.0, area.y + 60.0, 78.0, 18.0);
    spark(canvas, view, view.values(view.cut.overall, measure), line);
}
