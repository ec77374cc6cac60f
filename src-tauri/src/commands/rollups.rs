//! Rollups and their health.

use tidemark_core::api::{AuditReport, RollupDetail, RollupSummary, StatusReport, TickReport};

use super::{Answer, DeskState};
use crate::{requests, watchdog};

#[tauri::command]
pub async fn rollups(desk: DeskState<'_>) -> Answer<Vec<RollupSummary>> {
    desk.told(desk.db()?.list().await)
}

#[tauri::command]
pub async fn status(desk: DeskState<'_>) -> Answer<StatusReport> {
    let report = desk.told(desk.db()?.status(None).await)?;
    watchdog::show_worst(&desk, &report);
    Ok(report)
}

#[tauri::command]
pub async fn detail(desk: DeskState<'_>, rollup: String) -> Answer<RollupDetail> {
    desk.told(desk.db()?.detail(&rollup).await)
}

#[tauri::command]
pub async fn tick(desk: DeskState<'_>, rollup: String) -> Answer<TickReport> {
    desk.told(desk.db()?.tick(&rollup).await)
}

#[tauri::command]
pub async fn set_paused(desk: DeskState<'_>, rollup: String, paused: bool) -> Answer<()> {
    desk.told(desk.db()?.set_paused(&rollup, paused).await)?;
    desk.tick_now.notify_one();
    Ok(())
}

#[tauri::command]
pub async fn audit(
    desk: DeskState<'_>,
    rollup: String,
    from: Option<String>,
    to: Option<String>,
    repair: bool,
) -> Answer<AuditReport> {
    let range = requests::audit_range(&desk, from.as_deref(), to.as_deref())?;
    let report = desk.told(desk.db()?.audit(&rollup, range, repair).await)?;
    desk.tick_now.notify_one();
    Ok(report)
}
