//! What the window may ask for. Each command hands on to a function that knows nothing of Tauri.

pub mod board;
pub mod connection;
pub mod jobs;
pub mod newtab;
pub mod profiles;
pub mod rollups;
pub mod saved;
pub mod settings;

use std::sync::Arc;

use tidemark_db::ErrorInfo;

use crate::desk::Desk;

type DeskState<'a> = tauri::State<'a, Arc<Desk>>;
type Answer<T> = Result<T, ErrorInfo>;
