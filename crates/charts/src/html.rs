//! One page that needs nothing else: inline drawings, the table as a table, light or dark as its reader likes.

use tidemark_core::api::State;
use tidemark_core::board_spec::{BoardPanel, PanelKind};

use crate::canvas::Area;
use crate::error::Result;
use crate::figures;
use crate::font::printable;
use crate::page::{self, WIDTH};
use crate::panel::{self, tiles};
use crate::rows::{Row, TableData};
use crate::theme::{Palette, Theme};
use crate::vector::svg;
use crate::view::View;

const STYLE: &str = include_str!("report.css");
/// Rows of a table in a page.
const ROWS: usize = 500;

/// Make a text harmless inside HTML, in elements and in attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn safe(text: &str) -> String {
    escape(&printable(text))
}

pub fn page(view: View) -> Result<String> {
    let mut body = header(view);
    if view
        .board
        .tiles
        .iter()
        .any(|tile| view.measure(&tile.measure).is_some())
    {
        let drawing = svg(
            (WIDTH, tiles::HEIGHT),
            Theme::Css,
            "Figures over the whole range",
            |canvas| {
                tiles::draw(canvas, view, Area::new(0.0, 0.0, WIDTH, tiles::HEIGHT));
                Ok(())
            },
        )?;
        body += &format!("<section class=\"wide\">{drawing}</section>\n");
    }
    for band in page::bands(view) {
        let alone = band.panels.len() == 1;
        for panel in &band.panels {
            body += &match panel.kind {
                PanelKind::Table => table(view, panel)?,
                _ => chart(view, panel, if alone { WIDTH } else { WIDTH / 2.0 }, band.height)?,
            };
        }
    }
    let notes: Vec<String> = page::notes(view).iter().map(|note| safe(note)).collect();
    body += &format!(
        "<footer><span>{}</span><span>Tidemark {}</span></footer>\n",
        notes.join(" · "),
        env!("CARGO_PKG_VERSION")
    );
    Ok(format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} · {}</title>\n<style>\n{}{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        safe(&view.board.title),
        safe(&figures::range(view)),
        properties(),
    ))
}

/// The palette as custom properties, light and dark.
fn properties() -> String {
    let list = |pick: fn(&(&str, u32, u32)) -> u32| -> String {
        Palette::PROPERTIES
            .iter()
            .map(|entry| format!("{}:#{:06x};", entry.0, pick(entry)))
            .collect()
    };
    format!(
        ":root{{color-scheme:light;{}}}\n@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{}}}}}\n",
        list(|entry| entry.1),
        list(|entry| entry.2)
    )
}

fn header(view: View) -> String {
    let (class, word) = match view.report.state() {
        State::Exact => ("exact", "Exact"),
        State::Pending => ("pending", "Pending"),
        State::Frozen => ("frozen", "Part frozen"),
    };
    let demo = if view.label.demo {
        "<span class=\"demo\">DEMO DATA</span>"
    } else {
        ""
    };
    let trust: Vec<String> = page::trust(view).iter().map(|said| safe(said)).collect();
    format!(
        "<header>\n<h1>{} <small>{}</small>{demo}</h1>\n<p class=\"range\"><time datetime=\"{}\">{}</time></p>\n\
         <p class=\"trust {class}\"><b>{word}</b> · {}</p>\n<p class=\"zone\">{}</p>\n</header>\n",
        safe(&view.board.title),
        safe(&view.answer.rollup),
        view.local(view.answer.from_ms).to_rfc3339(),
        safe(&figures::range(view)),
        trust.join(" · "),
        safe(&figures::zone(view)),
    )
}

fn chart(view: View, panel: &BoardPanel, width: f64, height: f64) -> Result<String> {
    let drawing = svg((width, height), Theme::Css, &panel.title, |canvas| {
        panel::draw(canvas, view, panel, Area::new(0.0, 0.0, width, height));
        Ok(())
    })?;
    let class = if width < WIDTH { "half" } else { "wide" };
    Ok(format!("<section class=\"{class}\">{drawing}</section>\n"))
}

fn table(view: View, panel: &BoardPanel) -> Result<String> {
    let view = view.of(panel);
    let data = TableData::new(view, panel);
    let title = [Some(panel.title.clone()), panel::head::only(panel)];
    let title = title.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let mut out = format!(
        "<section class=\"wide table\"><h2>{}</h2>\n<table>\n<thead><tr><th>{}</th>",
        safe(&title),
        safe(&data.first)
    );
    for column in &data.columns {
        let arrow = if column.sorted { " ↓" } else { "" };
        out += &format!("<th>{}{arrow}</th>", safe(&column.label));
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in data.rows.iter().take(ROWS) {
        out += &line(view, row)?;
    }
    out += "</tbody>\n<tfoot>\n";
    if data.rows.len() > ROWS {
        out += &format!(
            "<tr><td colspan=\"{}\">{} more</td></tr>\n",
            data.columns.len() + 1,
            data.rows.len() - ROWS
        );
    }
    out += &line(view, &data.sum)?;
    out += "</tfoot>\n</table></section>\n";
    Ok(out)
}

fn line(view: View, row: &Row) -> Result<String> {
    let css = Palette::of(Theme::Css);
    let swatch = row.place.map_or_else(String::new, |place| {
        let (_, _, number) = view.group_ink(&css, place).rgb;
        let (name, _, _) = Palette::PROPERTIES[usize::from(number) - 1];
        format!("<i style=\"background:var({name})\"></i>")
    });
    let mut out = format!("<tr><th scope=\"row\">{swatch}{}</th>", safe(&row.name));
    for cell in &row.cells {
        if let Some(measure) = cell.spark {
            let series = row
                .place
                .and_then(|place| view.cut.groups.get(place))
                .unwrap_or(view.cut.overall);
            let drawing = svg((92.0, 16.0), Theme::Css, &view.info(measure).label, |canvas| {
                panel::table::spark(
                    canvas,
                    view,
                    view.values(series, measure),
                    Area::new(2.0, 2.0, 88.0, 12.0),
                );
                Ok(())
            })?;
            out += &format!("<td>{drawing}</td>");
        } else {
            let bar = cell
                .share
                .filter(|_| row.place.is_some())
                .map_or_else(String::new, |share| {
                    format!(
                        "<i class=\"share\" style=\"width:{:.0}px\"></i>",
                        (share * 32.0).clamp(1.0, 32.0)
                    )
                });
            out += &format!("<td>{bar}{}</td>", safe(&cell.text));
        }
    }
    Ok(out + "</tr>\n")
}
