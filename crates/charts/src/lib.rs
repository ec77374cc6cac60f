//! Boards as pictures and as a page: the same scales, zone, labels and colours as the window's.
//!
//! [`render`] draws a whole board as PNG or SVG with plotters; [`report_html`] writes one page that needs nothing
//! else: each chart as inline SVG, the table as a table, light or dark as its reader likes.
//!
//! Everything that comes from a database is escaped, and control characters are made visible.

mod canvas;
mod error;
mod figures;
mod font;
mod html;
mod page;
mod panel;
mod plot;
mod raster;
mod rows;
mod style;
mod theme;
mod vector;
mod view;

pub use error::{Error, Result};
pub use theme::Theme;
pub use view::Label;

use tidemark_core::api::ReportAnswer;
use tidemark_core::board_spec::Board;

use crate::view::View;

/// What [`render`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Png,
    Svg,
}

/// Draw a board as one picture, 1280 logical pixels wide; the PNG has two pixels for each.
pub fn render(answer: &ReportAnswer, board: &Board, label: &Label, theme: Theme, format: Format) -> Result<Vec<u8>> {
    let view = View::new(answer, board, label)?;
    let size = page::size(view);
    match format {
        Format::Png => raster::png(size, theme, |canvas| {
            page::draw(canvas, view);
            Ok(())
        }),
        Format::Svg => {
            let title = format!("{}, {}", board.title, figures::range(view));
            vector::svg(size, theme, &title, |canvas| {
                page::draw(canvas, view);
                Ok(())
            })
            .map(String::into_bytes)
        }
    }
}

/// Write a board as one self-contained HTML page.
pub fn report_html(answer: &ReportAnswer, board: &Board, label: &Label) -> Result<String> {
    html::page(View::new(answer, board, label)?)
}
