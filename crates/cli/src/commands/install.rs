//! `install` and `uninstall`.

use serde_json::json;
use tidemark_db::Db;

use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::progress::spin;
use crate::prompt::confirm;

pub async fn install(context: &Context, roles: bool, dry_run: bool) -> Result {
    if dry_run {
        let sql = Db::install_sql(roles);
        context.out.answer(&json!({ "sql": sql }), || sql.clone())?;
        return Ok(Finding::None);
    }
    let db = context.db().await?;
    spin("installing", db.install(roles)).await?;
    let server = db.server_info().await?;
    context
        .out
        .answer(&json!({ "installed": true, "roles": roles, "server": server }), || {
            let with = if roles {
                " with roles tidemark_viewer and tidemark_operator"
            } else {
                ""
            };
            format!(
                "Schema tidemark is installed in {}{with}. Next: tidemark rollup apply ops_metrics",
                server.label
            )
        })?;
    Ok(Finding::None)
}

pub async fn uninstall(context: &Context) -> Result {
    let db = context.db().await?;
    let server = db.server_info().await?;
    confirm(
        context,
        &format!(
            "This drops schema tidemark in {} with all rollups, and takes Tidemark's triggers off your tables. Your tables stay as they are.",
            server.label
        ),
    )?;
    spin("uninstalling", db.uninstall()).await?;
    context.out.answer(&json!({ "uninstalled": true }), || {
        format!(
            "Schema tidemark is gone from {}; your tables are as they were.",
            server.label
        )
    })?;
    Ok(Finding::None)
}
