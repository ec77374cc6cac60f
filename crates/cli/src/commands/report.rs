//! `report NAME --out FILE`.

use std::path::Path;

use serde_json::json;
use tidemark_charts::{Format, Label, Theme, render, report_html};
use tidemark_core::api::{BoardRequest, ReadMode, RollupSummary, State};
use tidemark_core::board_file::BoardFile;
use tidemark_core::board_spec::Board;
use tidemark_core::spec::SpecError;
use tidemark_db::Db;

use super::{filters, grain, week_start};
use crate::args::{Report, ThemeArg};
use crate::context::Context;
use crate::failure::{Failure, Finding, Result};
use crate::progress::spin;
use crate::when;

#[derive(Clone, Copy)]
enum Kind {
    Picture(Format),
    Page,
}

pub async fn run(context: &Context, asked: Report) -> Result {
    let kind = kind(&asked.out)?;
    let folder = asked.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Failure::Usage(format!(
            "there is no folder {}; make it, or choose another place for --out",
            folder.display()
        )));
    }
    let tz = when::zone(asked.tz.as_deref())?;
    let (from, to) = when::range(&asked.from, &asked.to, tz)?;
    let filters = filters(&asked.filters)?;
    let limits = when::settings()?.limits;
    let db = context.db().await?;
    let board = board(&db, &asked.name, asked.board.as_deref()).await?;
    let request = BoardRequest {
        rollup: asked.name.clone(),
        range: format!("{}..{}", from.to_rfc3339(), to.to_rfc3339()),
        grain: asked.grain.map(grain),
        tz: tz.name().to_owned(),
        week_start: week_start(asked.week_start),
        by: board.by.clone(),
        filters,
        groupings: board.groupings(),
        mode: ReadMode::Exact,
        compare: None,
    };
    let answer = spin("reading", db.report(&request, &board)).await?;
    let label = Label {
        connection: db.server_info().await?.label,
        demo: tidemark_local::demo::is_demo(db.pool()).await.unwrap_or(false),
        limits,
    };
    let theme = match asked.theme {
        ThemeArg::Light => Theme::Light,
        ThemeArg::Dark => Theme::Dark,
    };
    let bytes = match kind {
        Kind::Picture(format) => render(&answer, &board, &label, theme, format)?,
        Kind::Page => report_html(&answer, &board, &label)?.into_bytes(),
    };
    std::fs::write(&asked.out, &bytes).map_err(|source| Failure::File {
        path: asked.out.clone(),
        source,
    })?;
    let state = answer.state();
    if state == State::Pending {
        context.out.note(&format!(
            "The report says pending, since it shows buckets that wait for a tick. Tick first: tidemark tick {} --drain",
            asked.name
        ));
    }
    context.out.answer(
        &json!({ "out": asked.out, "bytes": bytes.len(), "state": state }),
        || asked.out.display().to_string(),
    )?;
    Ok(Finding::None)
}

fn kind(out: &Path) -> Result<Kind> {
    let ending = out
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    match ending.as_str() {
        "png" => Ok(Kind::Picture(Format::Png)),
        "svg" => Ok(Kind::Picture(Format::Svg)),
        "html" | "htm" => Ok(Kind::Page),
        _ => Err(Failure::Usage(format!(
            "--out {} must end in .png, .svg or .html; nothing was written",
            out.display()
        ))),
    }
}

/// The board of a file, else the rollup's own.
async fn board(db: &Db, name: &str, file: Option<&Path>) -> Result<Board> {
    let known = db.list().await?;
    match known.into_iter().find(|rollup| rollup.rollup == name) {
        Some(rollup) => match file {
            Some(path) => from_file(path, &rollup),
            None => Ok(rollup.board),
        },
        // Let the database's side say what was probably meant.
        None => Err(db
            .detail(name)
            .await
            .map_or_else(Failure::from, |_| Failure::Usage(format!("there is no rollup {name}")))),
    }
}

fn from_file(path: &Path, rollup: &RollupSummary) -> Result<Board> {
    let text = std::fs::read_to_string(path).map_err(|source| Failure::File {
        path: path.to_owned(),
        source,
    })?;
    let origin = path.display().to_string();
    let wrong = |error: SpecError| Failure::Usage(error.to_string());
    let file = BoardFile::parse(&origin, &text).map_err(wrong)?;
    if file.rollup != rollup.rollup {
        return Err(Failure::Usage(format!(
            "{origin} is a board over {0}, not over {1}; write: tidemark report {0} --board {origin}",
            file.rollup, rollup.rollup
        )));
    }
    file.check(&origin, &text, rollup).map_err(wrong)?;
    Ok(file.board)
}
