//! Connections under a name.

use tidemark_core::probe::{Aim, ConnectionTest};
use tidemark_local::{keychain, settings::Profile};

use super::{Answer, DeskState};
use crate::profiles::{self, ConnectionList, PastedConnection};

#[tauri::command]
pub async fn connections(desk: DeskState<'_>) -> Answer<ConnectionList> {
    profiles::list(&desk)
}

/// Why passwords can't be kept in the system's keychain; `null` where they can.
#[tauri::command]
pub async fn no_keychain() -> Answer<Option<String>> {
    Ok(keychain::unavailable().await)
}

#[tauri::command]
pub async fn paste_connection(url: String) -> Answer<PastedConnection> {
    profiles::paste(&url)
}

#[tauri::command]
pub async fn aim_connection(profile: Profile) -> Answer<Aim> {
    profiles::aim(&profile)
}

#[tauri::command]
pub async fn test_connection(
    desk: DeskState<'_>,
    name: Option<String>,
    profile: Profile,
    password: Option<String>,
) -> Answer<ConnectionTest> {
    profiles::test(&desk, name, profile, password).await
}

#[tauri::command]
pub async fn save_connection(
    desk: DeskState<'_>,
    before: Option<String>,
    name: String,
    profile: Profile,
    password: Option<String>,
) -> Answer<ConnectionList> {
    profiles::save(&desk, before, name, profile, password).await
}

#[tauri::command]
pub async fn delete_connection(desk: DeskState<'_>, name: String) -> Answer<ConnectionList> {
    profiles::delete(&desk, &name).await
}

#[tauri::command]
pub async fn default_connection(desk: DeskState<'_>, name: Option<String>) -> Answer<ConnectionList> {
    profiles::set_default(&desk, name.as_deref())
}

#[tauri::command]
pub async fn connect_profile(desk: DeskState<'_>, name: String, password: Option<String>) -> Answer<()> {
    profiles::open(&desk, name, password).await
}
