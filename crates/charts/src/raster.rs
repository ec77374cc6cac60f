//! PNG: plotters' bitmap backend at twice the final size, scaled down for smooth edges.
//!
//! Text is drawn here and not by plotters, which places glyphs on whole pixels and forgets their bearings.

use plotters::backend::BitMapBackend;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    text_anchor::HPos,
};

use crate::canvas::{BASELINE, Canvas, POINTS_TO_EM};
use crate::error::Result;
use crate::font::Fonts;
use crate::theme::Theme;

/// Pixels of the picture for one logical pixel.
const OUTPUT: u32 = 2;
/// Drawn pixels for one of the picture, in each direction.
const SMOOTH: u32 = 2;

/// Draw on a bitmap of `width` by `height` logical pixels and pack it.
pub fn png(
    (width, height): (f64, f64),
    theme: Theme,
    draw: impl FnOnce(&mut Canvas<Raster>) -> Result<()>,
) -> Result<Vec<u8>> {
    let (out_w, out_h) = (width.ceil() as u32 * OUTPUT, height.ceil() as u32 * OUTPUT);
    let (full_w, full_h) = (out_w * SMOOTH, out_h * SMOOTH);
    let mut pixels = vec![0; full_w as usize * full_h as usize * 3];
    {
        let fonts = Fonts::embedded()?;
        let raster = Raster {
            pixels: BitMapBackend::with_buffer(&mut pixels, (full_w, full_h)),
            fonts: fonts.clone(),
        };
        let mut canvas = Canvas::new(raster, f64::from(OUTPUT * SMOOTH), theme, fonts);
        draw(&mut canvas)?;
        canvas.finish()?;
    }
    pack(&halve(&pixels, full_w as usize), out_w, out_h)
}

/// The mean of each two by two pixels.
fn halve(pixels: &[u8], width: usize) -> Vec<u8> {
    let stride = width * 3;
    let mut out = Vec::with_capacity(pixels.len() / 4);
    for rows in pixels.chunks_exact(stride * 2) {
        let (above, below) = rows.split_at(stride);
        for (a, b) in above.chunks_exact(6).zip(below.chunks_exact(6)) {
            for i in 0..3 {
                let sum = u16::from(a[i]) + u16::from(a[i + 3]) + u16::from(b[i]) + u16::from(b[i + 3]);
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
    out
}

fn pack(pixels: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // 96 logical pixels an inch.
    let per_meter = 96 * OUTPUT * 10_000 / 254;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_meter,
        yppu: per_meter,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

/// plotters' bitmap with text and joints of its own.
pub struct Raster<'a> {
    pixels: BitMapBackend<'a>,
    fonts: Fonts,
}

type Outcome<'a> = Result<(), DrawingErrorKind<<BitMapBackend<'a> as DrawingBackend>::ErrorType>>;

impl<'a> DrawingBackend for Raster<'a> {
    type ErrorType = <BitMapBackend<'a> as DrawingBackend>::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.pixels.get_size()
    }

    fn ensure_prepared(&mut self) -> Outcome<'a> {
        self.pixels.ensure_prepared()
    }

    fn present(&mut self) -> Outcome<'a> {
        self.pixels.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Outcome<'a> {
        self.pixels.draw_pixel(point, color)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Outcome<'a> {
        self.pixels.draw_rect(from, to, style, fill)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Outcome<'a> {
        self.pixels.draw_line(from, to, style)
    }

    /// Segment by segment with round joints: plotters' own outline of a path spikes at sharp turns.
    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Outcome<'a> {
        let radius = style.stroke_width() / 2;
        let mut last = None;
        for point in path {
            if let Some(last) = last {
                self.draw_line(last, point, style)?;
                if radius > 1 {
                    self.draw_circle(last, radius, &style.color(), true)?;
                }
            }
            last = Some(point);
        }
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Outcome<'a> {
        let em = style.size() / POINTS_TO_EM;
        let bold = matches!(style.style(), FontStyle::Bold);
        let width = self.fonts.width(text, em, bold);
        let left = match style.anchor().h_pos {
            HPos::Left => f64::from(x),
            HPos::Center => f64::from(x) - width / 2.0,
            HPos::Right => f64::from(x) - width,
        };
        let baseline = f64::from(y) + em * BASELINE;
        let color = style.color();
        for outline in self
            .fonts
            .outlines(text, em as f32, bold, (left as f32, baseline as f32))
        {
            let corner = outline.px_bounds().min;
            let mut dots = Vec::new();
            outline.draw(|x, y, cover| dots.push((x as i32, y as i32, cover)));
            for (x, y, cover) in dots {
                let at = (corner.x as i32 + x, corner.y as i32 + y);
                self.pixels
                    .draw_pixel(at, color.mix(f64::from(cover.clamp(0.0, 1.0))))?;
            }
        }
        Ok(())
    }
}
