//! `rollup new`, `plan`, `apply`, `list`, `show`, `drop`, `pause`, `resume`.

use serde_json::json;
use tidemark_core::api::{Plan, RollupSummary};
use tidemark_db::Declaration;

use crate::args::Rollup;
use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::output::table::Table;
use crate::progress::spin;
use crate::prompt::confirm;
use crate::when;

mod new;
mod show;

pub async fn run(context: &Context, command: Rollup) -> Result {
    match command {
        Rollup::New(asked) => new::run(context, asked).await,
        Rollup::Plan { file } => plan(context, &file).await,
        Rollup::Apply { file, no_backfill } => apply(context, &file, !no_backfill).await,
        Rollup::List => list(context).await,
        Rollup::Show { name, sql, declaration } => show::run(context, &name, sql, declaration).await,
        Rollup::Drop { name } => drop(context, &name).await,
        Rollup::Pause { name } => pause(context, &name, true).await,
        Rollup::Resume { name } => pause(context, &name, false).await,
    }
}

async fn plan(context: &Context, file: &str) -> Result {
    let db = context.db().await?;
    let declaration = db.declaration(file).await?;
    let plan = spin("planning", db.plan(&declaration)).await?;
    warn(context, &plan);
    context.out.answer(&plan, || {
        let mut text = format!(
            "-- {}: {}\n",
            plan.rollup,
            if plan.steps.is_empty() {
                "nothing would change"
            } else {
                "apply would"
            }
        );
        for step in &plan.steps {
            text += &format!("--   {}\n", step.replace('\n', "\n--   "));
        }
        if plan.sql.is_empty() {
            text
        } else {
            text + "\n" + &plan.sql
        }
    })?;
    Ok(Finding::None)
}

async fn apply(context: &Context, file: &str, backfill: bool) -> Result {
    let db = context.db().await?;
    let declaration = db.declaration(file).await?;
    let plan = spin("applying", db.apply(&declaration, backfill)).await?;
    warn(context, &plan);
    context.out.answer(&plan, || {
        if plan.steps.is_empty() {
            return format!("{} is installed as declared; nothing changed.", plan.rollup);
        }
        let mut text = format!("{} is installed:\n", plan.rollup);
        for step in &plan.steps {
            text += &format!("  {step}\n");
        }
        text + &format!(
            "Next: tidemark tick {} --drain, or keep it fresh with tidemark worker",
            plan.rollup
        )
    })?;
    Ok(Finding::None)
}

fn warn(context: &Context, plan: &Plan) {
    for warning in &plan.warnings {
        context.out.note(&format!("warning: {warning}"));
    }
}

async fn list(context: &Context) -> Result {
    let db = context.db().await?;
    let rollups = spin("reading", db.list()).await?;
    if rollups.is_empty() {
        let shipped = Declaration::shipped().join(", ");
        context.out.note(&format!("No rollup is installed here yet. These ship with Tidemark: {shipped}. Install one: tidemark rollup apply NAME"));
    }
    context.out.answer(&json!({ "rollups": rollups }), || table(&rollups))?;
    Ok(Finding::None)
}

fn table(rollups: &[RollupSummary]) -> String {
    if rollups.is_empty() {
        return String::new();
    }
    let tz = when::viewer();
    let mut table = Table::default().left(&["rollup", "title", "sources", "dimensions", "grains", "applied", ""]);
    for rollup in rollups {
        let grains: Vec<&str> = rollup.grains.iter().map(|grain| grain.name()).collect();
        table.row([
            rollup.rollup.clone(),
            rollup.title.clone(),
            rollup.sources.join(", "),
            rollup.dimensions.join(", "),
            grains.join(" "),
            when::show(rollup.applied_at, tz),
            if rollup.paused {
                "paused".to_owned()
            } else {
                String::new()
            },
        ]);
    }
    table.text()
}

async fn drop(context: &Context, name: &str) -> Result {
    let db = context.db().await?;
    // An unknown name is said before anything is asked.
    db.status(Some(name)).await?;
    confirm(
        context,
        &format!(
            "This drops rollup {name} with its tables and takes its triggers off your tables. Raw rows stay; frozen history can't be made again."
        ),
    )?;
    spin("dropping", db.drop_rollup(name)).await?;
    context.out.answer(&json!({ "dropped": name }), || {
        format!("{name} is gone; its raw tables are as they were.")
    })?;
    Ok(Finding::None)
}

async fn pause(context: &Context, name: &str, paused: bool) -> Result {
    let db = context.db().await?;
    db.set_paused(name, paused).await?;
    context.out.answer(&json!({ "rollup": name, "paused": paused }), || {
        if paused {
            format!("{name} is paused: changes go on being marked, nothing is computed. Go on: tidemark rollup resume {name}")
        } else {
            format!("{name} goes on with the next tick.")
        }
    })?;
    Ok(Finding::None)
}
