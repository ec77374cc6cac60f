//! A panel's head: title, what it shows and a legend in one line.

use plotters_backend::DrawingBackend;
use tidemark_core::board_spec::{BoardPanel, PanelKind};
use tidemark_core::group;

use super::heat;
use crate::canvas::{Area, Canvas, Type};
use crate::theme::Ink;
use crate::view::View;

pub const HEIGHT: f64 = 34.0;

/// One entry of a legend.
pub struct Key {
    pub name: String,
    pub ink: Ink,
    /// Over the whole range, for lines.
    pub value: Option<String>,
    pub line: bool,
}

/// What a panel's own filter leaves: `platform openai`.
pub fn only(panel: &BoardPanel) -> Option<String> {
    let words = panel.filter.iter().map(|(dimension, values)| {
        let values: Vec<&str> = values.iter().map(|value| group::name(value.as_deref())).collect();
        format!("{dimension} {}", values.join(" or "))
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Draw a head; the legend keeps to the right, and leaves out what does not fit.
pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, panel: &BoardPanel, area: Area, keys: &[Key]) {
    let baseline = area.y + 22.0;
    let title = Type::new(13.0, canvas.ink.text_1).bold();
    let hint = Type::new(11.0, canvas.ink.text_3);
    canvas.text(area.x + 16.0, baseline, &panel.title, title);
    let mut left = area.x + 16.0 + canvas.width(&panel.title, title) + 12.0;
    let width = match panel.kind {
        PanelKind::Table | PanelKind::Number => (panel.subtitle.is_none()).then(|| "over the whole range".to_owned()),
        PanelKind::Heatmap => Some(heat::words(view, panel)),
        _ => Some(view.width_word()),
    };
    let said = [only(panel), panel.subtitle.clone(), width];
    let subtitle = said.into_iter().flatten().collect::<Vec<_>>().join(", ");
    canvas.text_in(left, baseline, area.right() - 12.0 - left, &subtitle, hint);
    left += canvas.width(&subtitle, hint) + 24.0;

    let name = Type::new(11.0, canvas.ink.text_2);
    let value = Type::new(11.0, canvas.ink.text_1).bold();
    let mut right = area.right() - 12.0;
    for key in keys.iter().rev() {
        let swatch = if key.line { 14.0 } else { 10.0 };
        let figure = key.value.as_ref().map_or(0.0, |v| canvas.width(v, value) + 6.0);
        let width = swatch + 6.0 + canvas.width(&key.name, name) + figure;
        if right - width < left {
            break;
        }
        let x = right - width;
        if key.line {
            canvas.rule(x, baseline - 4.0, swatch, false, 2.0, key.ink);
        } else {
            canvas.fill(Area::new(x, baseline - 9.0, 10.0, 10.0), key.ink);
        }
        canvas.text(x + swatch + 6.0, baseline, &key.name, name);
        if let Some(text) = &key.value {
            canvas.text(right - figure + 6.0, baseline, text, value);
        }
        right = x - 16.0;
    }
}
