//! A rollup from a table of one's own: look, draft, preview, plan. Only `apply_declaration` makes anything.

use tidemark_core::{
    api::{Plan, Preview, TableInfo},
    draft::{Draft, Wish},
};
use tidemark_db::Declaration;

use super::{Answer, DeskState};

#[tauri::command]
pub async fn tables(desk: DeskState<'_>) -> Answer<Vec<TableInfo>> {
    desk.ask(|db| async move { db.tables().await }).await
}

#[tauri::command]
pub async fn draft_table(desk: DeskState<'_>, table: String, time: Option<String>) -> Answer<Draft> {
    let wish = Wish { name: None, time };
    desk.ask(|db| async move { db.draft(&table, &wish).await }).await
}

#[tauri::command]
pub async fn preview_declaration(desk: DeskState<'_>, text: String) -> Answer<Preview> {
    desk.ask(|db| async move { db.preview(&edited(text)).await }).await
}

#[tauri::command]
pub async fn plan_declaration(desk: DeskState<'_>, text: String) -> Answer<Plan> {
    desk.ask(|db| async move { db.plan(&edited(text)).await }).await
}

#[tauri::command]
pub async fn apply_declaration(desk: DeskState<'_>, text: String) -> Answer<Plan> {
    let plan = desk
        .ask(|db| async move { db.apply(&edited(text), true).await })
        .await?;
    desk.set_up.notify_one();
    desk.tick_now.notify_one();
    Ok(plan)
}

fn edited(text: String) -> Declaration {
    Declaration {
        origin: "declaration.toml".to_owned(),
        text,
    }
}
