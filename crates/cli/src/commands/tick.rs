//! `tick [NAME] [--drain]`.

use serde_json::json;
use tidemark_core::api::{TickOutcome, TickReport};
use tidemark_core::format;

use super::counted;
use crate::context::{Context, rollups};
use crate::failure::{Finding, Result};
use crate::output::table::Table;
use crate::progress::{Bar, spin};

pub async fn run(context: &Context, name: Option<&str>, drain: bool) -> Result {
    let db = context.db().await?;
    let mut reports = Vec::new();
    for rollup in rollups(context, &db, name).await? {
        let report = if drain {
            let bar = Bar::new(&rollup);
            let mut told = |progress: tidemark_db::Progress| bar.set(&progress.what, progress.done, progress.total);
            let mut report = bar.clone().watch(db.drain(&rollup, &mut told)).await?;
            if report.outcome != TickOutcome::Drained {
                // A tick that did not look, because the rollup is paused, does not know what is left.
                let status = db.status(Some(&rollup)).await?;
                report.left = status
                    .rollups
                    .first()
                    .map_or(report.left, |status| status.pending_buckets);
            }
            report
        } else {
            spin(&rollup, db.tick(&rollup)).await?
        };
        say(context, &report, drain);
        reports.push(report);
    }
    let found = reports
        .iter()
        .any(|report| report.outcome == TickOutcome::Failed || (drain && report.left > 0));
    context.out.answer(&json!({ "rollups": reports }), || table(&reports))?;
    Ok(Finding::when(found))
}

/// What a number in the table does not say.
fn say(context: &Context, report: &TickReport, drain: bool) {
    let name = &report.rollup;
    match report.outcome {
        TickOutcome::Failed => {
            let why = report.error.as_deref().unwrap_or("no reason was given");
            context.out.note(&format!(
                "{name}: {why}. The marks are kept; what failed is tried again. Look: tidemark status {name}"
            ));
        }
        TickOutcome::Paused => context
            .out
            .note(&format!("{name} is paused. Go on: tidemark rollup resume {name}")),
        TickOutcome::Yielded => context.out.note(&format!(
            "{name}: stood aside, somebody waits for an exclusive lock on a source."
        )),
        _ if drain && report.left > 0 => {
            context.out.note(&format!(
                "{name}: {} still waiting. Look: tidemark status {name}",
                counted(report.left, "bucket is", "buckets are")
            ));
        }
        _ => {}
    }
}

fn table(reports: &[TickReport]) -> String {
    if reports.is_empty() {
        return String::new();
    }
    let mut table = Table::default()
        .left(&["rollup", "outcome"])
        .right(&["marks", "buckets", "raw rows", "left", "took"]);
    for report in reports {
        table.row([
            report.rollup.clone(),
            word(report.outcome).to_owned(),
            format::grouped(report.marks as f64),
            format::grouped(report.buckets as f64),
            format::grouped(report.raw_rows as f64),
            format::grouped(report.left as f64),
            format::latency(report.took_ms),
        ]);
    }
    table.text()
}

fn word(outcome: TickOutcome) -> &'static str {
    match outcome {
        TickOutcome::Drained => "drained",
        TickOutcome::More => "more waits",
        TickOutcome::Busy => "busy: another ticker",
        TickOutcome::Paused => "paused",
        TickOutcome::Yielded => "stood aside",
        TickOutcome::Resting => "rests",
        TickOutcome::BackingOff => "tries again later",
        TickOutcome::Failed => "failed",
    }
}
