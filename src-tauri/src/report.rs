//! A board as a file: the same drawing code as `tidemark report`.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use tidemark_charts::{Label, Theme, render, report_html};
use tidemark_core::{
    api::{BoardAnswer, BoardRequest},
    board_spec::{Board, BoardPanel, PanelWidth},
    times, zone,
};
use tidemark_db::ErrorInfo;

use crate::desk::Desk;

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

/// Ask the board's question again, draw the answer, and write it into a folder under a name that is free there.
///
/// One `panel` alone is a board with nothing else on it.
pub async fn save(
    desk: &Desk,
    request: &BoardRequest,
    mut board: Board,
    format: Format,
    panel: Option<BoardPanel>,
    folder: &Path,
) -> Result<PathBuf, ErrorInfo> {
    let answer = desk.ask(|db| async move { db.board(request).await }).await?;
    let connection = desk
        .connection
        .borrow()
        .server
        .as_ref()
        .map(|server| server.label.clone());
    let label = Label {
        connection: connection.unwrap_or_default(),
        demo: desk.is_demo(),
    };
    let mut stem = file_stem(&answer);
    if let Some(panel) = panel {
        stem = format!("{stem}-{}", in_a_name(&panel.title.to_lowercase()));
        board.tiles.clear();
        board.panels = vec![BoardPanel {
            width: PanelWidth::Full,
            ..panel
        }];
    }
    let (folder, drawn_in) = (folder.to_owned(), format);
    // Drawing takes a tenth of a second of pure work: not on a thread that others wait for.
    let work = move || {
        let bytes = draw(&answer, &board, &label, drawn_in)?;
        write(&folder, &stem, format.ending(), &bytes).map_err(|error| {
            failed(format!(
                "Could not write the report into {}: {error}.",
                folder.display()
            ))
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(failed(error.to_string())))
}

fn draw(answer: &BoardAnswer, board: &Board, label: &Label, format: Format) -> Result<Vec<u8>, ErrorInfo> {
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

fn in_a_name(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || c == '_' { c } else { '-' })
        .collect()
}

/// Copy a board's file into a folder under a name that is free there.
pub fn copy(file: &Path, folder: &Path, name: &str) -> Result<PathBuf, ErrorInfo> {
    std::fs::read(file)
        .and_then(|bytes| write(folder, name, "toml", &bytes))
        .map_err(|error| {
            failed(format!(
                "Could not copy {} into {}: {error}.",
                file.display(),
                folder.display()
            ))
        })
}

/// Write a file that was not there: `stem.png`, else `stem-2.png` and so on.
fn write(folder: &Path, stem: &str, ending: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    for number in 1.. {
        let name = if number == 1 {
            format!("{stem}.{ending}")
        } else {
            format!("{stem}-{number}.{ending}")
        };
        let path = folder.join(name);
        match File::create_new(&path) {
            Ok(mut file) => return file.write_all(bytes).map(|()| path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_report_of_the_same_minute_overwrites_nothing() {
        let folder = std::env::temp_dir().join(format!("tidemark-report-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let first = write(&folder, "a", "svg", b"1").expect("written");
        let second = write(&folder, "a", "svg", b"2").expect("written");
        assert_eq!((first, second.clone()), (folder.join("a.svg"), folder.join("a-2.svg")));
        assert_eq!(std::fs::read(second).expect("read"), b"2");
        assert!(write(&folder.join("missing"), "a", "svg", b"").is_err());
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
