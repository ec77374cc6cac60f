//! `purge NAME --before T [--raw]`.

use serde_json::json;
use tidemark_core::format;

use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::progress::Bar;
use crate::prompt::confirm;
use crate::when;

pub async fn run(context: &Context, name: &str, before: &str, raw: bool, tz: Option<&str>) -> Result {
    let tz = when::zone(tz)?;
    let line = when::instant(before, tz)?;
    let db = context.db().await?;
    db.status(Some(name)).await?;
    if raw {
        let shown = when::show(line, tz);
        confirm(
            context,
            &format!(
                "This freezes {name} before {shown} and deletes the raw rows of its sources from before. They can't be brought back."
            ),
        )?;
    }
    let bar = Bar::new("purging");
    let mut told = |progress: tidemark_db::Progress| bar.set(&progress.what, progress.done, progress.total);
    let deleted = bar.clone().watch(db.purge(name, line, raw, &mut told)).await?;
    let frozen = db
        .status(Some(name))
        .await?
        .rollups
        .first()
        .and_then(|rollup| rollup.frozen_before);
    context.out.answer(
        &json!({ "rollup": name, "frozen_before": frozen, "deleted_rows": deleted }),
        || {
            let line = frozen.map_or_else(|| format::MISSING.to_owned(), |at| when::show(at, tz));
            let rows = if raw {
                format!(", {} raw rows deleted", format::grouped(deleted as f64))
            } else {
                String::new()
            };
            format!("{name} is frozen before {line}{rows}.")
        },
    )?;
    Ok(Finding::None)
}
