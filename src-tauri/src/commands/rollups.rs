//! Rollups and their health.

use tidemark_core::api::{AuditReport, RollupDetail, RollupSummary, StatusReport, TickReport};

use super::{Answer, DeskState};
use crate::{requests, watchdog};

#[tauri::command]
pub async fn rollups(desk: DeskState<'_>) -> Answer<Vec<RollupSummary>> {
    desk.ask(|db| async move { db.list().await }).await
}

#[tauri::command]
pub async fn status(desk: DeskState<'_>) -> Answer<StatusReport> {
    let report = desk.ask(|db| async move { db.status(None).await }).await?;
    watchdog::show_worst(&desk, &report);
    Ok(report)
}

#[tauri::command]
pub async fn detail(desk: DeskState<'_>, rollup: String) -> Answer<RollupDetail> {
    desk.ask(|db| async move { db.detail(&rollup).await }).await
}

#[tauri::command]
pub async fn tick(desk: DeskState<'_>, rollup: String) -> Answer<TickReport> {
    desk.ask(|db| async move { db.tick(&rollup).await }).await
}

#[tauri::command]
pub async fn set_paused(desk: DeskState<'_>, rollup: String, paused: bool) -> Answer<()> {
    desk.ask(|db| async move { db.set_paused(&rollup, paused).await })
        .await?;
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
    let report = desk
        .ask(|db| async move { db.audit(&rollup, range, repair).await })
        .await?;
    desk.tick_now.notify_one();
    Ok(report)
}

#[tauri::command]
pub async fn last_audit(desk: DeskState<'_>, rollup: String) -> Answer<Option<AuditReport>> {
    desk.ask(|db| async move { db.last_audit(&rollup).await }).await
}
