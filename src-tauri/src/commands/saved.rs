//! Boards that a person made and saved.

use std::path::PathBuf;

use tauri::{AppHandle, Manager};
use tidemark_core::{api::SavedBoard, board_spec::Board};

use super::{Answer, DeskState};
use crate::{boards, report};

#[tauri::command]
pub async fn saved_boards(desk: DeskState<'_>) -> Answer<Vec<SavedBoard>> {
    boards::list(&desk).await
}

#[tauri::command]
pub async fn save_board(desk: DeskState<'_>, name: Option<String>, rollup: String, board: Board) -> Answer<String> {
    boards::save(&desk, name, rollup, board).await
}

#[tauri::command]
pub async fn rename_board(desk: DeskState<'_>, name: String, title: String) -> Answer<String> {
    boards::folder(&desk).rename(&name, &title).map_err(boards::failed)
}

#[tauri::command]
pub async fn delete_board(desk: DeskState<'_>, name: String) -> Answer<()> {
    boards::folder(&desk).delete(&name).map_err(boards::failed)
}

#[tauri::command]
pub async fn import_board(desk: DeskState<'_>, origin: String, text: String) -> Answer<String> {
    boards::import(&desk, &origin, &text).await
}

/// Copy a board's file where the person's downloads go, to be shared, and say where that is.
#[tauri::command]
pub async fn export_board(app: AppHandle, desk: DeskState<'_>, name: String) -> Answer<PathBuf> {
    let folder = app.path().download_dir().or_else(|_| app.path().home_dir());
    let folder = folder.unwrap_or_else(|_| std::env::temp_dir());
    report::copy(&boards::folder(&desk).path(&name), &folder, &name)
}
