//! Places, texts and lines, and how plotters' backends are told of them.

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, FontFamily, FontStyle,
    text_anchor::{HPos, Pos, VPos},
};

use crate::error::{Error, Result};
use crate::font::FAMILY;
use crate::theme::Ink;

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

    /// Its edge, as a path that closes.
    pub fn outline(self) -> [(f64, f64); 5] {
        let (left, right, top, bottom) = (self.x, self.right(), self.y, self.bottom());
        [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
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

pub fn color(ink: Ink) -> BackendColor {
    BackendColor {
        alpha: ink.alpha,
        rgb: ink.rgb,
    }
}

/// A line's colour and width in drawn pixels.
pub struct Stroke {
    pub color: BackendColor,
    pub width: u32,
}

impl BackendStyle for Stroke {
    fn color(&self) -> BackendColor {
        self.color
    }
    fn stroke_width(&self) -> u32 {
        self.width
    }
}

/// A text's look; `size` is in plotters' points.
pub struct Lettering {
    pub size: f64,
    pub style: Type,
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
