//! Recompute jobs. The ticker works on them, so each change wakes it.

use tidemark_core::api::{Job, RecomputePreview};

use super::{Answer, DeskState};
use crate::requests;

#[tauri::command]
pub async fn recompute_preview(
    desk: DeskState<'_>,
    rollup: String,
    range: String,
    reason: Option<String>,
    pace: i16,
) -> Answer<RecomputePreview> {
    let request = requests::recompute(&desk, rollup, &range, reason, pace)?;
    desk.ask(|db| async move { db.recompute_preview(&request).await }).await
}

#[tauri::command]
pub async fn recompute(
    desk: DeskState<'_>,
    rollup: String,
    range: String,
    reason: Option<String>,
    pace: i16,
) -> Answer<Job> {
    let request = requests::recompute(&desk, rollup, &range, reason, pace)?;
    let job = desk.ask(|db| async move { db.recompute(&request).await }).await?;
    desk.tick_now.notify_one();
    Ok(job)
}

#[tauri::command]
pub async fn jobs(desk: DeskState<'_>) -> Answer<Vec<Job>> {
    desk.ask(|db| async move { db.jobs().await }).await
}

#[tauri::command]
pub async fn cancel_job(desk: DeskState<'_>, id: i64) -> Answer<Job> {
    desk.ask(|db| async move { db.cancel_job(id).await }).await
}

#[tauri::command]
pub async fn pause_job(desk: DeskState<'_>, id: i64) -> Answer<Job> {
    desk.ask(|db| async move { db.pause_job(id).await }).await
}

#[tauri::command]
pub async fn resume_job(desk: DeskState<'_>, id: i64) -> Answer<Job> {
    let job = desk.ask(|db| async move { db.resume_job(id).await }).await?;
    desk.tick_now.notify_one();
    Ok(job)
}

#[tauri::command]
pub async fn pace_job(desk: DeskState<'_>, id: i64, pace: i16) -> Answer<Job> {
    let job = desk.ask(|db| async move { db.pace_job(id, pace).await }).await?;
    desk.tick_now.notify_one();
    Ok(job)
}
