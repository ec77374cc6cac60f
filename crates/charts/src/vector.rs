//! SVG: plotters' SVG backend on a fine grid (it only knows whole numbers), with the true size in the header.

use plotters::backend::SVGBackend;

use crate::canvas::Canvas;
use crate::error::{Error, Result};
use crate::font::Fonts;
use crate::theme::{Palette, Theme};

/// Grid steps for one logical pixel.
const FINE: f64 = 10.0;

/// Draw an SVG of `width` by `height` logical pixels. `title` is what a screen reader says.
pub fn svg(
    (width, height): (f64, f64),
    theme: Theme,
    title: &str,
    draw: impl FnOnce(&mut Canvas<SVGBackend>) -> Result<()>,
) -> Result<String> {
    let (fine_w, fine_h) = ((width * FINE).ceil() as u32, (height * FINE).ceil() as u32);
    let mut text = String::new();
    {
        let backend = SVGBackend::with_string(&mut text, (fine_w, fine_h));
        let mut canvas = Canvas::new(backend, FINE, theme, Fonts::embedded()?);
        draw(&mut canvas)?;
        canvas.finish()?;
    }
    let body = text
        .find('>')
        .map(|end| &text[end + 1..])
        .ok_or_else(|| Error::Draw("no SVG element".to_owned()))?;
    let title = crate::html::escape(&crate::font::printable(title));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {fine_w} {fine_h}\" \
         role=\"img\" style=\"font-variant-numeric:tabular-nums lining-nums\">\n<title>{title}</title>"
    );
    out.push_str(&join_texts(body));
    Ok(if theme == Theme::Css {
        with_properties(&out)
    } else {
        out
    })
}

/// plotters breaks the line after a text, which readers show as a blank.
fn join_texts(body: &str) -> String {
    body.replace("\n</text>", "</text>")
        .split(">\n")
        .fold(String::with_capacity(body.len()), |mut out, part| {
            if !out.is_empty() {
                out.push('>');
                // The text itself follows its tag at once; elements start on lines of their own.
                if part.starts_with('<') {
                    out.push('\n');
                }
            }
            out.push_str(part);
            out
        })
}

/// Put custom properties in the place of placeholder colours.
///
/// Only attributes are touched: inside a text the quotation marks are escaped.
fn with_properties(svg: &str) -> String {
    let mut out = svg.to_owned();
    for (place, (name, _, _)) in Palette::PROPERTIES.iter().enumerate() {
        out = out.replace(&format!("\"#{:06X}\"", place + 1), &format!("\"var({name})\""));
    }
    out
}
