//! Which database is open.

use tidemark_core::api::Plan;

use super::{Answer, DeskState};
use crate::{args::Target, connection::ConnectionState, session};

#[tauri::command]
pub async fn connection_state(desk: DeskState<'_>) -> Answer<ConnectionState> {
    Ok(desk.connection.borrow().clone())
}

#[tauri::command]
pub async fn connect_demo(desk: DeskState<'_>) -> Answer<()> {
    desk.open(Target::Demo, false);
    Ok(())
}

#[tauri::command]
pub async fn connect_url(desk: DeskState<'_>, url: String) -> Answer<()> {
    desk.open(Target::Url(url), false);
    Ok(())
}

#[tauri::command]
pub async fn disconnect(desk: DeskState<'_>) -> Answer<()> {
    desk.close().await;
    Ok(())
}

#[tauri::command]
pub async fn retry(desk: DeskState<'_>) -> Answer<()> {
    desk.retry();
    Ok(())
}

#[tauri::command]
pub async fn setup_plan(desk: DeskState<'_>) -> Answer<Plan> {
    desk.ask(|db| async move { db.plan(&session::offer(&db).await?).await })
        .await
}

#[tauri::command]
pub async fn setup_apply(desk: DeskState<'_>) -> Answer<()> {
    desk.ask(|db| async move { session::set_up(&db).await }).await?;
    desk.set_up.notify_one();
    Ok(())
}
