//! A board as a file: the same drawing code as `tidemark report`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tidemark_charts::{Label, Theme, render, report_html};
use tidemark_core::{
    api::{BoardAnswer, BoardRequest, ReportAnswer},
    board_spec::{Board, BoardPanel, PanelWidth},
    times, zone,
};
use tidemark_db::ErrorInfo;

use crate::{
    desk::Desk,
    save::{Leaving, in_a_name},
};

/// What a report can be saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Png,
    Svg,
    Html,
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Format::Png => "png",
            Format::Svg => "svg",
            Format::Html => "html",
        }
    }
}

/// Ask the board's question again, and draw the answer.
///
/// One `panel` alone is a board with nothing else on it.
pub async fn make(
    desk: &Desk,
    request: &BoardRequest,
    mut board: Board,
    format: Format,
    panel: Option<BoardPanel>,
) -> Result<Leaving, ErrorInfo> {
    let mut part = String::new();
    if let Some(panel) = panel {
        part = format!("-{}", in_a_name(&panel.title.to_lowercase()));
        board.tiles.clear();
        board.panels = vec![BoardPanel {
            width: PanelWidth::Full,
            ..panel
        }];
    }
    let answer = desk.report(request, &board).await?;
    let stem = file_stem(&answer.board) + &part;
    let connection = desk
        .connection
        .borrow()
        .server
        .as_ref()
        .map(|server| server.label.clone());
    let label = Label {
        connection: connection.unwrap_or_default(),
        demo: desk.is_demo(),
        limits: desk.settings().limits,
    };
    // Drawing takes a tenth of a second of pure work: not on a thread that others wait for.
    let work = move || {
        Ok(Leaving {
            bytes: draw(&answer, &board, &label, format)?,
            stem,
            ending: format.ending(),
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(failed(error.to_string())))
}

fn draw(answer: &ReportAnswer, board: &Board, label: &Label, format: Format) -> Result<Vec<u8>, ErrorInfo> {
    let drawn = match format {
        Format::Png => render(answer, board, label, Theme::Light, tidemark_charts::Format::Png),
        Format::Svg => render(answer, board, label, Theme::Light, tidemark_charts::Format::Svg),
        Format::Html => report_html(answer, board, label).map(String::into_bytes),
    };
    drawn.map_err(|error| failed(error.to_string()))
}

fn failed(message: String) -> ErrorInfo {
    ErrorInfo {
        code: "report".into(),
        message,
        details: None,
    }
}

/// `tidemark-ops_metrics-2026-10-26-1422`, by the viewer's clock.
fn file_stem(answer: &BoardAnswer) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since the epoch are whole numbers far below 2^53"
    )]
    let at = DateTime::<Utc>::from_timestamp_millis(answer.as_of_ms as i64).unwrap_or_default();
    let at = zone::to_local(at, times::parse_zone(&answer.tz).unwrap_or_default());
    format!("tidemark-{}-{}", in_a_name(&answer.rollup), at.format("%Y-%m-%d-%H%M"))
}
