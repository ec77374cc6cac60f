//! What a board draws, and what leaves the window as a file.

use std::path::PathBuf;

use tidemark_core::api::{BoardAnswer, BoardRequest};

use super::{Answer, DeskState};
use crate::{connection::ConnectionKind, ready};

#[tauri::command]
pub async fn board(desk: DeskState<'_>, request: BoardRequest) -> Answer<BoardAnswer> {
    desk.told(desk.db()?.board(&request).await)
}

/// Tell whoever waits outside (`scripts/run.sh` without a display) that a board shows its numbers.
#[tauri::command]
pub async fn numbers_on_screen(desk: DeskState<'_>, board: String) -> Answer<()> {
    let demo = desk.connection.borrow().kind == Some(ConnectionKind::Demo);
    match std::env::var_os("TIDEMARK_HEADLESS_SHOT") {
        Some(folder) => ready::tell(&PathBuf::from(folder), &board, demo),
        None => Ok(()),
    }
}
