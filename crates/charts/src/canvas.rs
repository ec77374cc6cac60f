//! A drawing surface in logical pixels over any plotters backend.

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, FontFamily, FontStyle,
    text_anchor::{HPos, Pos, VPos},
};

use crate::error::{Error, Result};
use crate::font::{FAMILY, Fonts, printable};
use crate::theme::{Ink, Palette, Theme};

/// plotters' font sizes are 1.24 em; its SVG backend divides by this.
pub const POINTS_TO_EM: f64 = 1.24;
/// From the top anchor of a text to its baseline, in em, as plotters' SVG backend has it.
pub const BASELINE: f64 = 0.76;

/// A rectangle in logical pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

impl Area {
    pub const fn new(x: f64, y: f64, w: f64, h: f64) -> Area {
        Area { x, y, w, h }
    }

    pub fn right(self) -> f64 {
        self.x + self.w
    }

    pub fn bottom(self) -> f64 {
        self.y + self.h
    }

    /// The same without this much at each side.
    #[must_use]
    pub fn inset(self, left: f64, top: f64, right: f64, bottom: f64) -> Area {
        Area::new(
            self.x + left,
            self.y + top,
            self.w - left - right,
            self.h - top - bottom,
        )
    }
}

/// Where a text's x is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct Type {
    pub size: f64,
    pub bold: bool,
    pub ink: Ink,
    pub align: Align,
}

impl Type {
    pub const fn new(size: f64, ink: Ink) -> Type {
        Type {
            size,
            bold: false,
            ink,
            align: Align::Left,
        }
    }

    #[must_use]
    pub const fn bold(self) -> Type {
        Type { bold: true, ..self }
    }

    #[must_use]
    pub const fn align(self, align: Align) -> Type {
        Type { align, ..self }
    }
}

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

fn color(ink: Ink) -> BackendColor {
    BackendColor {
        alpha: ink.alpha,
        rgb: ink.rgb,
    }
}

struct Stroke {
    color: BackendColor,
    width: u32,
}

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.color
    }
    fn stroke_width(&self) -> u32 {
        self.width
    }
}

struct Lettering {
    size: f64,
    style: Type,
}

impl BackendTextStyle for Lettering {
    type FontError = Error;

    fn color(&self) -> BackendColor {
        color(self.style.ink)
    }
    fn size(&self) -> f64 {
        self.size
    }
    fn style(&self) -> FontStyle {
        if self.style.bold {
            FontStyle::Bold
        } else {
            FontStyle::Normal
        }
    }
    fn anchor(&self) -> Pos {
        let h_pos = match self.style.align {
            Align::Left => HPos::Left,
            Align::Center => HPos::Center,
            Align::Right => HPos::Right,
        };
        Pos::new(h_pos, VPos::Top)
    }
    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name(FAMILY)
    }
    /// Both backends place text themselves.
    fn layout_box(&self, _text: &str) -> Result<((i32, i32), (i32, i32))> {
        Err(Error::Font)
    }
    fn draw<E, F: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        _text: &str,
        _pos: BackendCoord,
        _draw: F,
    ) -> Result<Result<(), E>> {
        Err(Error::Font)
    }
}
