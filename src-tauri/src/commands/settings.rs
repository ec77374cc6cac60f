//! The viewer's settings, and the zones to choose from.

use chrono::Utc;
use tidemark_core::zone_search::{self, ZoneMatch};

use tidemark_local::{Settings, settings::system_time_zone};

use super::{Answer, DeskState};
use crate::remember;

/// As many as the picker shows without scrolling far.
const ZONES: usize = 40;

#[tauri::command]
pub async fn settings(desk: DeskState<'_>) -> Answer<Settings> {
    Ok(desk.settings())
}

#[tauri::command]
pub async fn save_settings(desk: DeskState<'_>, settings: Settings) -> Answer<Settings> {
    remember::save(&desk, settings)
}

#[tauri::command]
pub async fn system_zone() -> Answer<String> {
    Ok(system_time_zone().name().to_owned())
}

#[tauri::command]
pub async fn search_zones(query: String) -> Answer<Vec<ZoneMatch>> {
    Ok(zone_search::search(&query, Utc::now(), ZONES))
}
