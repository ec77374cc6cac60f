//! A drawing surface in logical pixels over any plotters backend.

use plotters_backend::{BackendCoord, DrawingBackend};

use crate::error::{Error, Result};
use crate::font::{Fonts, printable};
use crate::style::{Lettering, Stroke, color};
use crate::theme::{Ink, Palette, Theme};

pub use crate::style::{Align, Area, Type};

/// plotters' font sizes are 1.24 em; its SVG backend divides by this.
pub const POINTS_TO_EM: f64 = 1.24;
/// From the top anchor of a text to its baseline, in em, as plotters' SVG backend has it.
pub const BASELINE: f64 = 0.76;

/// Draws on a backend; the first failure is kept and told by [`Canvas::finish`].
pub struct Canvas<B: DrawingBackend> {
    backend: B,
    scale: f64,
    failure: Option<String>,
    pub ink: Palette,
    pub fonts: Fonts,
}

impl<B: DrawingBackend> Canvas<B> {
    pub fn new(backend: B, scale: f64, theme: Theme, fonts: Fonts) -> Canvas<B> {
        Canvas {
            backend,
            scale,
            failure: None,
            ink: Palette::of(theme),
            fonts,
        }
    }

    /// Tell whether everything could be drawn.
    pub fn finish(mut self) -> Result<()> {
        let last = self.backend.present().map_err(|error| error.to_string());
        match self.failure.map_or(last, Err) {
            Ok(()) => Ok(()),
            Err(error) => Err(Error::Draw(error)),
        }
    }

    fn note<E: std::fmt::Display>(&mut self, outcome: Result<(), E>) {
        if let Err(error) = outcome {
            self.failure.get_or_insert_with(|| error.to_string());
        }
    }

    /// Logical to drawn pixels; what no picture has is cut off, so that no arithmetic overflows.
    fn at(&self, (x, y): (f64, f64)) -> BackendCoord {
        let fix = |v: f64| (v * self.scale).round().clamp(-1e6, 1e6) as i32;
        (fix(x), fix(y))
    }

    fn stroke(&self, width: f64, ink: Ink) -> Stroke {
        Stroke {
            color: color(ink),
            width: (width * self.scale).round().max(1.0) as u32,
        }
    }

    pub fn fill(&mut self, area: Area, ink: Ink) {
        if area.w <= 0.0 || area.h <= 0.0 {
            return;
        }
        let (from, to) = (self.at((area.x, area.y)), self.at((area.right(), area.bottom())));
        let outcome = self.backend.draw_rect(from, to, &color(ink), true);
        self.note(outcome);
    }

    /// A horizontal or vertical hairline that stays sharp.
    pub fn rule(&mut self, x: f64, y: f64, length: f64, vertical: bool, width: f64, ink: Ink) {
        let area = if vertical {
            Area::new(x - width / 2.0, y, width, length)
        } else {
            Area::new(x, y - width / 2.0, length, width)
        };
        self.fill(area, ink);
    }

    pub fn path(&mut self, points: &[(f64, f64)], width: f64, ink: Ink) {
        if points.len() < 2 {
            return;
        }
        let points: Vec<_> = points.iter().map(|p| self.at(*p)).collect();
        let outcome = self.backend.draw_path(points, &self.stroke(width, ink));
        self.note(outcome);
    }

    /// A path of dashes `on` long, `off` apart.
    pub fn dashes(&mut self, points: &[(f64, f64)], (on, off): (f64, f64), width: f64, ink: Ink) {
        let mut walked = 0.0;
        for pair in points.windows(2) {
            let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
            let length = (x2 - x1).hypot(y2 - y1);
            let along = |at: f64| (x1 + (x2 - x1) * at / length, y1 + (y2 - y1) * at / length);
            let mut at = 0.0;
            while at < length {
                let phase = (walked + at) % (on + off);
                let step = if phase < on { on - phase } else { on + off - phase }.max(0.05);
                let end = (at + step).min(length);
                if phase < on {
                    self.path(&[along(at), along(end)], width, ink);
                }
                at = end;
            }
            walked += length;
        }
    }

    pub fn polygon(&mut self, points: &[(f64, f64)], ink: Ink) {
        let points: Vec<_> = points.iter().map(|p| self.at(*p)).collect();
        let outcome = self.backend.fill_polygon(points, &color(ink));
        self.note(outcome);
    }

    pub fn disc(&mut self, center: (f64, f64), radius: f64, ink: Ink) {
        let radius = (radius * self.scale).round().max(1.0) as u32;
        let outcome = self.backend.draw_circle(self.at(center), radius, &color(ink), true);
        self.note(outcome);
    }

    /// A hollow end of a line.
    pub fn ring(&mut self, center: (f64, f64), radius: f64, width: f64, ink: Ink) {
        self.disc(center, radius, ink);
        self.disc(center, radius - width, self.ink.surface);
    }

    /// Diagonal lines inside an area.
    pub fn hatch(&mut self, area: Area, ink: Ink) {
        const STEP: f64 = 4.0;
        if area.w <= 0.0 || area.h <= 0.0 {
            return;
        }
        // Lines x + y = c, on a grid that all hatched areas share.
        let mut c = ((area.x + area.y) / STEP).ceil() * STEP;
        while c < area.right() + area.bottom() {
            let from = if c - area.x <= area.bottom() {
                (area.x, c - area.x)
            } else {
                (c - area.bottom(), area.bottom())
            };
            let to = if c - area.right() >= area.y {
                (area.right(), c - area.right())
            } else {
                (c - area.y, area.y)
            };
            self.path(&[from, to], 1.25, ink);
            c += STEP;
        }
    }

    /// Dots inside an area: frozen.
    pub fn dots(&mut self, area: Area, ink: Ink) {
        const STEP: f64 = 3.0;
        let mut row = 0.0;
        let mut y = (area.y / STEP).ceil() * STEP;
        while y < area.bottom() - 0.5 {
            let mut x = area.x + if row % 2.0 == 0.0 { 0.5 } else { 0.5 + STEP / 2.0 };
            while x < area.right() - 0.5 {
                self.fill(Area::new(x, y, 1.0, 1.0), ink);
                x += STEP;
            }
            row += 1.0;
            y += STEP;
        }
    }

    /// Write a text on a baseline.
    pub fn text(&mut self, x: f64, baseline: f64, text: &str, style: Type) {
        let text = printable(text);
        if text.is_empty() {
            return;
        }
        let at = self.at((x, baseline - style.size * BASELINE));
        let style = Lettering {
            size: style.size * self.scale * POINTS_TO_EM,
            style,
        };
        let outcome = self.backend.draw_text(&text, &style, at);
        self.note(outcome);
    }

    /// Write a text, cut to a width.
    pub fn text_in(&mut self, x: f64, baseline: f64, width: f64, text: &str, style: Type) {
        let text = self.fonts.fit(&printable(text), style.size, style.bold, width);
        self.text(x, baseline, &text, style);
    }

    /// How wide a text will be.
    pub fn width(&self, text: &str, style: Type) -> f64 {
        self.fonts.width(&printable(text), style.size, style.bold)
    }
}
