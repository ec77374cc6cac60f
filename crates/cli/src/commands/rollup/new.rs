//! `rollup new --table T`: a first declaration for a table.

use serde_json::json;
use tidemark_core::draft::Wish;

use crate::args::New;
use crate::context::Context;
use crate::failure::{Failure, Finding, Result};
use crate::progress::spin;
use crate::prompt::confirm;

pub async fn run(context: &Context, asked: New) -> Result {
    let db = context.db().await?;
    let wish = Wish {
        name: asked.name,
        time: asked.time,
    };
    let draft = spin("looking", db.draft(&asked.table, &wish)).await?;
    if let Some(file) = &asked.out {
        if file.exists() {
            confirm(
                context,
                &format!("{} is there already and would be overwritten.", file.display()),
            )?;
        }
        std::fs::write(file, &draft.declaration).map_err(|source| Failure::File {
            path: file.clone(),
            source,
        })?;
    }
    for note in &draft.notes {
        context.out.note(&format!("note: {note}"));
    }
    let answer = json!({
        "table": draft.table, "rollup": draft.rollup, "out": asked.out, "notes": draft.notes, "declaration": draft.declaration,
    });
    context.out.answer(&answer, || match &asked.out {
        Some(file) => format!(
            "{0} is written. See what it would make: tidemark rollup plan {0}\nInstall it: tidemark rollup apply {0}",
            file.display()
        ),
        None => draft.declaration.clone(),
    })?;
    Ok(Finding::None)
}
