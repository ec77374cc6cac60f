//! The panels of a board.

pub mod head;
pub mod heat;
pub mod lines;
pub mod stack;
pub mod table;
pub mod tiles;

use plotters_backend::DrawingBackend;
use tidemark_core::board_spec::{BoardPanel, PanelKind};

use crate::canvas::{Area, Canvas};
use crate::view::View;

/// Height of a panel without its table rows.
pub fn height(view: View, panel: &BoardPanel) -> f64 {
    match panel.kind {
        PanelKind::Table => table::height(view.of(panel)),
        PanelKind::Number => head::HEIGHT + 60.0,
        _ if panel.lane.is_empty() => head::HEIGHT + 184.0,
        _ => head::HEIGHT + 216.0,
    }
}

/// Draw a panel into its area.
pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area) {
    let view = view.of(panel);
    match panel.kind {
        PanelKind::Stack | PanelKind::Bars | PanelKind::Area => stack::draw(canvas, view, panel, area),
        PanelKind::Lines => lines::draw(canvas, view, panel, area),
        PanelKind::Table => table::draw(canvas, view, panel, area),
        PanelKind::Number => tiles::numbers(canvas, view, panel, area),
        PanelKind::Heatmap => heat::draw(canvas, view, panel, area),
    }
}
