//! Saved boards, as the window lists them: read, and checked against what is installed here.

use tidemark_core::{
    api::{RollupSummary, SavedBoard},
    board_file::BoardFile,
    board_spec::Board,
};
use tidemark_db::ErrorInfo;
use tidemark_local::{LocalError, boards::Boards};

use crate::{desk::Desk, save::Leaving};

/// All of them; what is wrong with one leaves the others.
pub async fn list(desk: &Desk) -> Result<Vec<SavedBoard>, ErrorInfo> {
    let boards = folder(desk);
    let found = boards.list().map_err(failed)?;
    if found.is_empty() {
        return Ok(vec![]);
    }
    let rollups = desk.ask(|db| async move { db.list().await }).await?;
    let listed = found.into_iter().map(|(name, text)| {
        let origin = boards.path(&name).display().to_string();
        let read = text
            .map_err(|error| error.to_string())
            .and_then(|text| read(&origin, &text, &rollups).map_err(|error| error.to_string()));
        let (file, error) = match read {
            Ok((file, wrong)) => (Some(file), wrong),
            Err(error) => (None, Some(error)),
        };
        SavedBoard {
            name,
            rollup: file.as_ref().map(|file| file.rollup.clone()),
            board: file.map(|file| file.board),
            error,
        }
    });
    Ok(listed.collect())
}

/// Save under a name, or a new one. The board is checked first: what is saved can be opened.
pub async fn save(desk: &Desk, name: Option<String>, rollup: String, board: Board) -> Result<String, ErrorInfo> {
    let file = BoardFile { rollup, board };
    check(desk, "the board", &file.to_toml()).await?;
    folder(desk).save(name.as_deref(), &file).map_err(failed)
}

/// Take a shared file in, under a name that is free.
pub async fn import(desk: &Desk, origin: &str, text: &str) -> Result<String, ErrorInfo> {
    let file = check(desk, origin, text).await?;
    folder(desk).save(None, &file).map_err(failed)
}

async fn check(desk: &Desk, origin: &str, text: &str) -> Result<BoardFile, ErrorInfo> {
    let rollups = desk.ask(|db| async move { db.list().await }).await?;
    match read(origin, text, &rollups) {
        Ok((file, None)) => Ok(file),
        Ok((_, Some(message))) => Err(refused(message)),
        Err(error) => Err(refused(error.to_string())),
    }
}

/// A board, and what is wrong with it here.
fn read(
    origin: &str,
    text: &str,
    rollups: &[RollupSummary],
) -> Result<(BoardFile, Option<String>), tidemark_core::spec::SpecError> {
    let file = BoardFile::parse(origin, text)?;
    let wrong = match rollups.iter().find(|known| known.rollup == file.rollup) {
        Some(rollup) => file.check(origin, text, rollup).err().map(|error| error.to_string()),
        None => Some(format!(
            "{origin}: the board is over the rollup {}, which is not installed in this database",
            file.rollup
        )),
    };
    Ok((file, wrong))
}

/// A board's file, to be shared.
pub fn export(desk: &Desk, name: &str) -> Result<Leaving, ErrorInfo> {
    let file = folder(desk).path(name);
    let bytes =
        std::fs::read(&file).map_err(|error| refused(format!("Could not read {}: {error}.", file.display())))?;
    Ok(Leaving {
        stem: name.to_owned(),
        ending: "toml",
        bytes,
    })
}

pub fn folder(desk: &Desk) -> Boards {
    Boards::beside(&desk.settings_file)
}

pub fn failed(error: LocalError) -> ErrorInfo {
    refused(error.to_string())
}

fn refused(message: String) -> ErrorInfo {
    ErrorInfo {
        code: "board_file".into(),
        message,
        details: None,
    }
}
