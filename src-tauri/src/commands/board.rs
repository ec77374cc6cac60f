//! What a board draws, and what leaves the window as a file.

use std::path::PathBuf;

use tauri::{AppHandle, ipc::Response};
use tidemark_core::{
    api::{BoardAnswer, BoardRequest, RowsAnswer, RowsRequest},
    board_spec::{Board, BoardPanel},
};

use super::{Answer, DeskState};
use tidemark_db::ErrorInfo;

use crate::{
    headless, packed, report,
    save::{self, Leaving},
};

/// Boards read at one moment, packed. What is wrong with one leaves the others. `reading`: what `stop_reading` calls it.
#[tauri::command]
pub async fn boards(desk: DeskState<'_>, requests: Vec<BoardRequest>, reading: Option<u64>) -> Answer<Response> {
    packed(desk.boards(&requests, reading).await?)
}

/// Nobody waits for this reading, nor for those before.
#[tauri::command]
pub async fn stop_reading(desk: DeskState<'_>, reading: u64) -> Answer<()> {
    desk.stop_reading(reading);
    Ok(())
}

/// The same question in another zone, without a query; none where what was read does not answer it.
#[tauri::command]
pub async fn recut(desk: DeskState<'_>, request: BoardRequest) -> Answer<Response> {
    packed(desk.recut(&request).map(Ok).into_iter().collect())
}

fn packed(reads: Vec<Answer<BoardAnswer>>) -> Answer<Response> {
    let bytes = packed::pack(reads).map_err(|error| ErrorInfo {
        code: "not_packed".into(),
        message: format!("The numbers could not be handed to the window: {error}."),
        details: None,
    })?;
    Ok(Response::new(bytes))
}

#[tauri::command]
pub async fn rows(desk: DeskState<'_>, request: RowsRequest) -> Answer<RowsAnswer> {
    desk.rows(&request).await
}

#[tauri::command]
pub async fn close_rows(desk: DeskState<'_>) -> Answer<()> {
    desk.close_rows();
    Ok(())
}

/// Save a board, or one chart of it, where the person says, and tell where that is; null where they think better of it.
#[tauri::command]
pub async fn save_report(
    app: AppHandle,
    desk: DeskState<'_>,
    request: BoardRequest,
    board: Board,
    format: report::Format,
    panel: Option<BoardPanel>,
) -> Answer<Option<PathBuf>> {
    let file = report::make(&desk, &request, board, format, panel).await?;
    save::save(&app, file).await
}

/// Save what the window made itself: numbers as CSV, or the picture of a heatmap.
#[tauri::command]
pub async fn save_made(app: AppHandle, name: String, kind: save::Made, bytes: Vec<u8>) -> Answer<Option<PathBuf>> {
    let file = Leaving {
        stem: format!("tidemark-{}", save::in_a_name(&name)),
        ending: kind.ending(),
        bytes,
    };
    save::save(&app, file).await
}

/// Tell whoever waits outside (`scripts/run.sh` without a display) that a board shows its numbers.
#[tauri::command]
pub async fn numbers_on_screen(desk: DeskState<'_>, board: String) -> Answer<()> {
    match headless::folder() {
        Some(folder) => headless::tell(&folder, &board, desk.is_demo()),
        None => Ok(()),
    }
}
