//! One row a group, with a sum at its foot.

use plotters_backend::DrawingBackend;
use tidemark_core::api::BoardSeries;
use tidemark_core::board_spec::{BoardPanel, ColumnShow};

use super::head;
use crate::canvas::{Align, Area, Canvas, Type};
use crate::rows::{Cell, Row, TableData};
use crate::view::View;

const ROW: f64 = 26.0;
/// Rows in a picture; the page and the command line show all.
pub const ROWS: usize = 24;
const GAP: f64 = 22.0;
const NAME: (f64, f64) = (110.0, 260.0);
const SPARK: f64 = 92.0;
const SHARE: f64 = 48.0;

pub fn height(view: View) -> f64 {
    let shown = view.cut.groups.len().min(ROWS);
    let more = usize::from(view.cut.groups.len() > ROWS);
    head::HEIGHT + ROW * (shown + more + 2) as f64 + 8.0
}

pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    let mut data = TableData::new(view, panel);
    head::draw(canvas, view, panel, area, &[]);
    let inner = area.inset(16.0, head::HEIGHT, 16.0, 0.0);
    let plain = Type::new(12.0, canvas.ink.text_1);
    let widest = data
        .rows
        .iter()
        .take(ROWS)
        .map(|row| canvas.width(&row.name, plain) + 20.0)
        .fold(NAME.0, f64::max);
    let (widths, room) = loop {
        let widths = widths(canvas, &data);
        let room = inner.w - widths.iter().map(|w| w + GAP).sum::<f64>();
        if room >= NAME.0 || !data.narrow() {
            break (widths, room);
        }
    };
    // What the names leave goes between the columns.
    let name = widest.min(NAME.1).min(room.max(NAME.0));
    let spare = (room - name).max(0.0);
    let gap = GAP + spare / widths.len().max(1) as f64;
    let rights: Vec<f64> = widths
        .iter()
        .rev()
        .scan(inner.right(), |right, width| {
            let at = *right;
            *right -= width + gap;
            Some(at)
        })
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();

    let hint = Type::new(11.0, canvas.ink.text_3);
    canvas.text_in(inner.x, inner.y + 17.0, name, &data.first, hint);
    for (column, right) in data.columns.iter().zip(&rights) {
        let text = if column.sorted {
            format!("{} ↓", column.label)
        } else {
            column.label.clone()
        };
        canvas.text(*right, inner.y + 17.0, &text, hint.align(Align::Right));
    }
    let mut y = inner.y + ROW;
    for row in data.rows.iter().take(ROWS) {
        line(
            canvas,
            view,
            row,
            name,
            &widths,
            &rights,
            Area::new(inner.x, y, inner.w, ROW),
        );
        y += ROW;
    }
    if data.rows.len() > ROWS {
        canvas.rule(inner.x, y, inner.w, false, 1.0, canvas.ink.rule);
        canvas.text(inner.x, y + 17.0, &format!("{} more", data.rows.len() - ROWS), hint);
        y += ROW;
    }
    line(
        canvas,
        view,
        &data.sum,
        name,
        &widths,
        &rights,
        Area::new(inner.x, y, inner.w, ROW),
    );
}

fn widths<B: DrawingBackend>(canvas: &Canvas<B>, data: &TableData) -> Vec<f64> {
    let cells = Type::new(12.0, canvas.ink.text_1).bold();
    let heads = Type::new(11.0, canvas.ink.text_3);
    data.columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let head = canvas.width(&column.label, heads) + if column.sorted { 14.0 } else { 0.0 };
            let all = data.rows.iter().take(ROWS).chain([&data.sum]);
            let widest = all
                .map(|row| canvas.width(&row.cells[at].text, cells))
                .fold(0.0, f64::max);
            match column.show {
                ColumnShow::Spark => SPARK.max(head),
                ColumnShow::Share => (widest + SHARE).max(head),
                _ => widest.max(head),
            }
        })
        .collect()
}

fn line<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    view: View,
    row: &Row,
    name: f64,
    widths: &[f64],
    rights: &[f64],
    area: Area,
) {
    let baseline = area.y + 17.5;
    let mut style = Type::new(12.0, canvas.ink.text_1);
    canvas.rule(
        area.x,
        area.y,
        area.w,
        false,
        1.0,
        if row.place.is_some() {
            canvas.ink.rule
        } else {
            canvas.ink.edge
        },
    );
    if let Some(place) = row.place {
        let ink = view.group_ink(&canvas.ink, place);
        canvas.fill(Area::new(area.x, baseline - 9.0, 10.0, 10.0), ink);
        canvas.text_in(area.x + 18.0, baseline, name - 18.0, &row.name, style);
    } else {
        style = style.bold();
        canvas.text_in(area.x, baseline, name, &row.name, style);
    }
    for ((cell, width), right) in row.cells.iter().zip(widths).zip(rights) {
        draw_cell(canvas, view, row, cell, style, *width, *right, baseline);
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "one cell's place and content; a struct of them would be used once"
)]
fn draw_cell<B: DrawingBackend>(
    canvas: &mut Canvas<B>,
    view: View,
    row: &Row,
    cell: &Cell,
    style: Type,
    width: f64,
    right: f64,
    baseline: f64,
) {
    if let Some(measure) = cell.spark {
        let series = series(view, row);
        spark(
            canvas,
            view,
            view.values(series, measure),
            Area::new(right - width, baseline - 12.0, width, 14.0),
        );
        return;
    }
    if let (Some(share), Some(_)) = (cell.share, row.place) {
        let full = SHARE - 16.0;
        let length = (full * share).clamp(1.0, full);
        let text = canvas.width("100.0 %", Type::new(12.0, style.ink));
        canvas.fill(
            Area::new(right - text - 6.0 - length, baseline - 6.5, length, 5.0),
            canvas.ink.edge,
        );
    }
    canvas.text(right, baseline, &cell.text, style.align(Align::Right));
}

fn series<'a>(view: View<'a>, row: &Row) -> &'a BoardSeries {
    row.place
        .and_then(|place| view.cut.groups.get(place))
        .unwrap_or(view.cut.overall)
}

/// A small line over the range, from zero up; it breaks where there is no data and leaves the partial bucket out.
pub fn spark<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, values: &[Option<f64>], area: Area) {
    let count = view.answer.buckets.len().max(2) as f64;
    let shown: Vec<Option<f64>> = values
        .iter()
        .zip(&view.answer.buckets)
        .map(|(value, bucket)| value.filter(|v| v.is_finite() && !bucket.partial))
        .collect();
    let high = shown.iter().flatten().copied().fold(0.0, f64::max);
    let low = shown.iter().flatten().copied().fold(0.0, f64::min);
    let place = |at: usize, value: f64| {
        let part = if high > low { (value - low) / (high - low) } else { 0.0 };
        (
            area.x + area.w * at as f64 / (count - 1.0),
            area.bottom() - part * area.h,
        )
    };
    let mut run = Vec::new();
    for (at, value) in shown.iter().enumerate() {
        match value {
            Some(value) => run.push(place(at, *value)),
            None => {
                canvas.path(&run, 1.0, canvas.ink.text_2);
                run.clear();
            }
        }
    }
    canvas.path(&run, 1.0, canvas.ink.text_2);
    if let Some((at, Some(value))) = shown.iter().enumerate().rev().find(|(_, v)| v.is_some()) {
        canvas.disc(place(at, *value), 1.75, canvas.ink.text_2);
    }
}
