//! `recompute [NAME]`.

use std::time::Duration;

use serde_json::json;
use tidemark_core::api::{Job, JobState, RecomputePreview, RecomputeRequest, TickOutcome};
use tidemark_core::format;
use tidemark_db::Db;

use super::{counted, jobs};
use crate::args::Recompute;
use crate::context::{Context, rollups};
use crate::failure::{Failure, Finding, Result};
use crate::output::table::Table;
use crate::progress::{Bar, spin};
use crate::when;

pub async fn run(context: &Context, asked: Recompute) -> Result {
    let tz = when::zone(asked.tz.as_deref())?;
    let read = |text: &Option<String>| text.as_deref().map(|text| when::instant(text, tz)).transpose();
    let (from, to) = (read(&asked.from)?, read(&asked.to)?);
    if let (Some(first), Some(end)) = (&asked.from, &asked.to) {
        when::range(first, end, tz)?;
    }
    let db = context.db().await?;
    let requests: Vec<RecomputeRequest> = rollups(context, &db, asked.name.as_deref())
        .await?
        .into_iter()
        .map(|rollup| RecomputeRequest {
            rollup,
            from,
            to,
            scope: asked.scope.clone(),
            reason: asked.reason.clone(),
            pace: asked.pace,
        })
        .collect();
    if asked.dry_run {
        return preview(context, &db, &requests).await;
    }
    let mut made = Vec::new();
    for request in &requests {
        made.push(spin("marking", db.recompute(request)).await?);
    }
    if asked.wait {
        for job in &mut made {
            *job = wait(context, &db, job.clone()).await?;
        }
    }
    let found = asked.wait && made.iter().any(|job| job.state != JobState::Done);
    context.out.answer(&json!({ "jobs": made }), || {
        let mut text = jobs::table(&made);
        if !asked.wait {
            text += "The ticks work it off. Watch: tidemark jobs\n";
        }
        text
    })?;
    Ok(Finding::when(found))
}

async fn preview(context: &Context, db: &Db, requests: &[RecomputeRequest]) -> Result {
    let mut previews: Vec<RecomputePreview> = Vec::new();
    for request in requests {
        previews.push(spin("estimating", db.recompute_preview(request)).await?);
    }
    let tz = when::viewer();
    context.out.answer(&json!({ "previews": previews }), || {
        let mut table = Table::default().left(&["rollup", "from", "to"]).right(&[
            "buckets",
            "raw rows",
            "time",
            "frozen, left out",
        ]);
        for preview in &previews {
            table.row([
                preview.rollup.clone(),
                when::show(preview.from, tz),
                when::show(preview.to, tz),
                format::grouped(preview.buckets as f64),
                format::estimate(&format::count(preview.raw_rows as f64)),
                format::estimate(&format::age(preview.seconds)),
                format::grouped(preview.frozen_buckets as f64),
            ]);
        }
        table.text() + "Nothing was changed.\n"
    })?;
    Ok(Finding::None)
}

/// Tick until a job has ended, whoever else ticks.
async fn wait(context: &Context, db: &Db, job: Job) -> Result<Job> {
    let bar = Bar::new(&job.rollup);
    let work = async {
        let mut job = job;
        while job.state == JobState::Running {
            let report = db.tick(&job.rollup).await?;
            job = db.job(job.id).await?;
            bar.set(
                &format!("job {}", job.id),
                job.buckets_done as u64,
                job.buckets_total as u64,
            );
            match report.outcome {
                TickOutcome::Paused => {
                    let name = &job.rollup;
                    return Err(Failure::Usage(format!(
                        "{name} is paused, so job {} waits. Go on: tidemark rollup resume {name}",
                        job.id
                    )));
                }
                TickOutcome::Failed => {
                    context.out.note(&format!(
                        "{}: {}",
                        job.rollup,
                        report.error.as_deref().unwrap_or("a tick failed")
                    ));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                TickOutcome::Resting => tokio::time::sleep(report.rest()).await,
                TickOutcome::Busy | TickOutcome::Yielded | TickOutcome::BackingOff => {
                    tokio::time::sleep(Duration::from_millis(200)).await
                }
                TickOutcome::Drained if job.state == JobState::Running => {
                    tokio::time::sleep(Duration::from_millis(200)).await
                }
                TickOutcome::Drained | TickOutcome::More => {}
            }
        }
        Ok(job)
    };
    let job = bar.watch(work).await?;
    if job.state != JobState::Done {
        context.out.note(&format!(
            "Job {} ended as {}: {} done.",
            job.id,
            jobs::word(&job),
            counted(job.buckets_done, "bucket", "buckets")
        ));
    }
    Ok(job)
}
