//! The embedded font: how wide a text is, and its outlines.

use ab_glyph::{Font, FontRef, OutlinedGlyph, PxScale, ScaleFont};

use crate::error::{Error, Result};

/// What drawings name; any face of it that a reader has is narrower than the embedded one, so measured texts fit.
pub const FAMILY: &str =
    "Adwaita Sans, Inter Variable, Inter, system-ui, Cantarell, Ubuntu, Noto Sans, DejaVu Sans, sans-serif";

static REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");
static BOLD: &[u8] = include_bytes!("../fonts/DejaVuSans-Bold.ttf");

/// Regular and bold.
#[derive(Clone)]
pub struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

impl Fonts {
    pub fn embedded() -> Result<Fonts> {
        let load = |bytes| FontRef::try_from_slice(bytes).map_err(|_| Error::Font);
        Ok(Fonts {
            regular: load(REGULAR)?,
            bold: load(BOLD)?,
        })
    }

    fn face(&self, bold: bool) -> &FontRef<'static> {
        if bold { &self.bold } else { &self.regular }
    }

    /// ab_glyph scales by ascent and descent, people by the em.
    fn scale(&self, bold: bool, em: f32) -> PxScale {
        let face = self.face(bold);
        let units = face.units_per_em().unwrap_or(2048.0);
        PxScale::from(em * face.height_unscaled() / units)
    }

    /// Width of a text in the unit of `em`.
    pub fn width(&self, text: &str, em: f64, bold: bool) -> f64 {
        let face = self.face(bold).as_scaled(self.scale(bold, em as f32));
        let mut width = 0.0;
        let mut last = None;
        for c in text.chars() {
            let glyph = face.glyph_id(c);
            if let Some(last) = last {
                width += face.kern(last, glyph);
            }
            width += face.h_advance(glyph);
            last = Some(glyph);
        }
        f64::from(width)
    }

    /// Outlines of a text whose baseline starts at `(x, y)`.
    pub fn outlines(&self, text: &str, em: f32, bold: bool, (x, y): (f32, f32)) -> Vec<OutlinedGlyph> {
        let scale = self.scale(bold, em);
        let face = self.face(bold).as_scaled(scale);
        let mut at = x;
        let mut last = None;
        let mut outlines = Vec::new();
        for c in text.chars() {
            let id = face.glyph_id(c);
            if let Some(last) = last {
                at += face.kern(last, id);
            }
            let glyph = id.with_scale_and_position(scale, ab_glyph::point(at, y));
            outlines.extend(face.outline_glyph(glyph));
            at += face.h_advance(id);
            last = Some(id);
        }
        outlines
    }

    /// Cut a text to a width, with an ellipsis where something is left out.
    pub fn fit(&self, text: &str, em: f64, bold: bool, width: f64) -> String {
        if self.width(text, em, bold) <= width {
            return text.to_owned();
        }
        let mut kept: Vec<char> = text.chars().collect();
        while kept.pop().is_some() {
            let shorter: String = kept.iter().collect::<String>().trim_end().to_owned() + "…";
            if self.width(&shorter, em, bold) <= width {
                return shorter;
            }
        }
        String::new()
    }
}

/// Make a text harmless to draw: control characters and those that turn the writing direction show as �.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_to_its_place() {
        let fonts = Fonts::embedded().unwrap();
        let cut = fonts.fit("a platform with a very long name", 12.0, false, 80.0);
        assert!(cut.ends_with('…') && fonts.width(&cut, 12.0, false) <= 80.0, "{cut}");
        assert_eq!(fonts.fit("openai", 12.0, false, 80.0), "openai");
    }

    #[test]
    fn figures_are_all_of_one_width() {
        let fonts = Fonts::embedded().unwrap();
        let widths: Vec<f64> = "0123456789"
            .chars()
            .map(|c| fonts.width(&c.to_string(), 12.0, false))
            .collect();
        assert!(widths.iter().all(|w| (w - widths[0]).abs() < 1e-6));
    }

    #[test]
    fn control_characters_and_direction_marks_are_not_drawn() {
        assert_eq!(printable("a\u{1b}[2J\u{202e}b\n"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
    }
}
