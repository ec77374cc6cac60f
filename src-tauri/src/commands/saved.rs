//! Boards that a person made and saved.

use std::path::PathBuf;

use tauri::AppHandle;
use tidemark_core::{api::SavedBoard, board_spec::Board};

use super::{Answer, DeskState};
use crate::{boards, save};

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

/// Copy a board's file where the person says, to be shared, and tell where that is.
#[tauri::command]
pub async fn export_board(app: AppHandle, desk: DeskState<'_>, name: String) -> Answer<Option<PathBuf>> {
    let file = boards::export(&desk, &name)?;
    save::save(&app, file).await
}
