//! A whole board as one picture: what it is and how far it can be trusted, tiles, panels, footer.

use std::iter;

use plotters_backend::DrawingBackend;
use tidemark_core::api::{BoardAnswer, PendingKind, State};
use tidemark_core::board_spec::{BoardPanel, PanelKind, PanelWidth};

use crate::canvas::{Align, Area, Canvas, Type};
use crate::figures;
use crate::panel::{self, tiles};
use crate::view::{Look, View};

pub const WIDTH: f64 = 1280.0;
const HEAD: f64 = 76.0;
const FOOT: f64 = 30.0;

/// Panels side by side, or one over the whole width.
pub struct Band<'a> {
    pub panels: Vec<&'a BoardPanel>,
    pub height: f64,
}

/// Put halves in pairs; a half without a partner gets the whole width.
pub fn bands<'a>(view: View<'a>) -> Vec<Band<'a>> {
    let mut bands: Vec<Band> = Vec::new();
    let mut open = false;
    for panel in &view.board.panels {
        let half = panel.width == PanelWidth::Half && panel.kind != PanelKind::Table;
        let height = panel::height(view, panel);
        match bands.last_mut() {
            Some(band) if open && half => {
                band.panels.push(panel);
                band.height = band.height.max(height);
                open = false;
            }
            _ => {
                bands.push(Band {
                    panels: vec![panel],
                    height,
                });
                open = half;
            }
        }
    }
    bands
}

/// Size of the picture in logical pixels.
pub fn size(view: View) -> (f64, f64) {
    let panels: f64 = bands(view).iter().map(|band| band.height).sum();
    (WIDTH, HEAD + tiles_height(view) + panels + FOOT)
}

fn tiles_height(view: View) -> f64 {
    if view
        .board
        .tiles
        .iter()
        .any(|tile| view.measure(&tile.measure).is_some())
    {
        tiles::HEIGHT
    } else {
        0.0
    }
}

pub fn draw<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View) {
    let (width, height) = size(view);
    canvas.fill(Area::new(0.0, 0.0, width, height), canvas.ink.surface);
    head(canvas, view);
    let mut y = HEAD;
    let tiles_height = tiles_height(view);
    if tiles_height > 0.0 {
        canvas.rule(0.0, y, width, false, 1.0, canvas.ink.edge);
        tiles::draw(canvas, view, Area::new(0.0, y, width, tiles_height));
        y += tiles_height;
    }
    for band in bands(view) {
        canvas.rule(0.0, y, width, false, 1.0, canvas.ink.edge);
        let each = width / band.panels.len() as f64;
        for (place, panel) in band.panels.iter().enumerate() {
            let x = each * place as f64;
            if place > 0 {
                canvas.rule(x, y, band.height, true, 1.0, canvas.ink.edge);
            }
            panel::draw(canvas, view, panel, Area::new(x, y, each, band.height));
        }
        y += band.height;
    }
    canvas.rule(0.0, y, width, false, 1.0, canvas.ink.edge);
    foot(canvas, view, y + 20.0);
}

fn head<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View) {
    let title = Type::new(18.0, canvas.ink.text_1).bold();
    let plain = Type::new(12.0, canvas.ink.text_2);
    canvas.text(16.0, 32.0, &view.board.title, title);
    let mut x = 16.0 + canvas.width(&view.board.title, title) + 12.0;
    canvas.text(x, 32.0, &view.answer.rollup, plain);
    x += canvas.width(&view.answer.rollup, plain) + 16.0;
    if view.label.demo {
        demo(canvas, x);
        x += 96.0;
    }
    let range = figures::range(view);
    let strong = Type::new(13.0, canvas.ink.text_1).bold().align(Align::Right);
    canvas.text_in(WIDTH - 16.0, 32.0, WIDTH - 32.0 - x, &range, strong);

    let (word, ink) = state(canvas, view.report.state());
    canvas.disc((20.5, 54.0), 4.0, ink);
    let bold = Type::new(12.0, ink).bold();
    canvas.text(32.0, 58.0, word, bold);
    let rest = format!(" · {}", trust(view).join(" · "));
    let x = 32.0 + canvas.width(word, bold);
    let zone = figures::zone(view);
    let right = Type::new(12.0, canvas.ink.text_1).align(Align::Right);
    let room = WIDTH - 16.0 - canvas.width(&zone, right) - 24.0;
    canvas.text_in(x, 58.0, room - x, &rest, plain);
    canvas.text(WIDTH - 16.0, 58.0, &zone, right);
}

fn demo<B: DrawingBackend>(canvas: &mut Canvas<B>, x: f64) {
    let frame = Area::new(x, 18.0, 84.0, 19.0);
    canvas.dashes(&frame.outline(), (3.0, 2.0), 1.0, canvas.ink.accent);
    let style = Type::new(11.0, canvas.ink.accent).bold().align(Align::Center);
    canvas.text(x + 42.0, 31.5, "DEMO DATA", style);
}

fn state<B: DrawingBackend>(canvas: &Canvas<B>, state: State) -> (&'static str, crate::theme::Ink) {
    match state {
        State::Exact => ("Exact", canvas.ink.ok),
        State::Pending => ("Pending", canvas.ink.pending),
        State::Frozen => ("Part frozen", canvas.ink.frozen),
    }
}

/// What is said of the numbers, in the order of the trust line.
pub fn trust(view: View) -> Vec<String> {
    let answer = view.answer;
    let mut said = Vec::new();
    let (waiting, of) = match &view.report.week {
        Some(week) if answer.pending_buckets == 0 => (week, " of the last 7 days"),
        _ => (answer, ""),
    };
    if waiting.pending_buckets > 0 {
        let what = if polled(waiting) {
            "may change with a poll"
        } else {
            "wait for a tick"
        };
        said.push(format!(
            "{} buckets{of} {what}",
            figures::count(waiting.pending_buckets)
        ));
    }
    if let Some(complete) = answer.complete_through_ms {
        said.push(format!("complete through {}", figures::short(view, complete)));
    }
    said.push(format!("as of {}", figures::clock(view.local(answer.as_of_ms))));
    said.push(format!(
        "{} buckets from the rollup, {} read live",
        figures::count(answer.rollup_buckets),
        figures::count(answer.live_buckets)
    ));
    if !view.label.connection.is_empty() {
        said.push(view.label.connection.clone());
    }
    said
}

/// What waited was read, but changes may be missing that no poll has found.
fn polled(answer: &BoardAnswer) -> bool {
    let reason = answer.pending_reason.as_ref();
    reason.is_some_and(|reason| reason.kind == PendingKind::Polled)
}

/// What is said below: which buckets are partial, and what the numbers equal.
pub fn notes(view: View) -> Vec<String> {
    let mut notes = Vec::new();
    let views = || iter::once(view).chain(view.week());
    let partial = |view: View| {
        let mut buckets = view.answer.buckets.iter();
        let at = buckets.rposition(|bucket| Look::of(bucket) == Look::Partial)?;
        Some(figures::bucket_span(view, at))
    };
    let mut partial: Vec<String> = views().filter_map(partial).collect();
    partial.dedup();
    match &partial[..] {
        [] => {}
        [one] => notes.push(format!("Hatched: {one} is partial")),
        more => notes.push(format!("Hatched: {} are partial", more.join(" and "))),
    }
    let moment = figures::clock(view.local(view.answer.as_of_ms));
    // Hours of a heatmap have no edge to be dashed.
    let waiting = match &view.report.week {
        Some(week) if week.state == State::Pending => "Dashed or violet",
        _ => "Dashed",
    };
    match view.report.state() {
        State::Exact => notes.push(format!("Every number equals the raw rows as of {moment}")),
        State::Pending if views().any(|view| polled(view.answer)) => notes.push(format!(
            "{waiting}: as of {moment}, without changes that no poll has found yet"
        )),
        State::Pending => notes.push(format!(
            "{waiting}: waits for a tick, the number is what the rollup last held"
        )),
        State::Frozen => notes.push("Dotted: before the frozen line, where raw rows may be gone".to_owned()),
    }
    notes
}

fn foot<B: DrawingBackend>(canvas: &mut Canvas<B>, view: View, baseline: f64) {
    let style = Type::new(11.0, canvas.ink.text_3);
    let by = concat!("Tidemark ", env!("CARGO_PKG_VERSION"));
    canvas.text(WIDTH - 16.0, baseline, by, style.align(Align::Right));
    canvas.text_in(16.0, baseline, WIDTH - 140.0, &notes(view).join("   ·   "), style);
}
