//! `jobs`, `cancel`, `pause`, `resume`, `pace`.

use serde_json::json;
use tidemark_core::api::{Job, JobKind, JobState};
use tidemark_core::format;

use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::output::table::Table;
use crate::progress::spin;
use crate::when;

/// What shall become of a job.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    Cancel,
    Pause,
    Resume,
    Pace(i16),
}

pub async fn list(context: &Context) -> Result {
    let db = context.db().await?;
    let jobs = spin("reading", db.jobs()).await?;
    if jobs.is_empty() {
        context
            .out
            .note("There are no jobs. Make one: tidemark recompute NAME --from TIME --to TIME");
    }
    context.out.answer(&json!({ "jobs": jobs }), || table(&jobs))?;
    Ok(Finding::None)
}

pub async fn change(context: &Context, change: Change, id: i64) -> Result {
    let db = context.db().await?;
    let job = match change {
        Change::Cancel => db.cancel_job(id).await?,
        Change::Pause => db.pause_job(id).await?,
        Change::Resume => db.resume_job(id).await?,
        Change::Pace(percent) => db.pace_job(id, percent).await?,
    };
    context.out.answer(&job, || table(std::slice::from_ref(&job)))?;
    Ok(Finding::None)
}

pub fn table(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return String::new();
    }
    let tz = when::viewer();
    let mut table = Table::default()
        .right(&["job"])
        .left(&["rollup", "kind", "state"])
        .right(&["done", "of", "rate", "left", "pace"])
        .left(&["from", "to", "by", "reason"]);
    for job in jobs {
        let part = if job.buckets_total > 0 {
            job.buckets_done as f64 / job.buckets_total as f64 * 100.0
        } else {
            100.0
        };
        let running = job.state == JobState::Running;
        let scope = job.scope.as_ref().map_or_else(String::new, |scope| format!("{scope} "));
        table.row([
            job.id.to_string(),
            job.rollup.clone(),
            match job.kind {
                JobKind::Build => "build",
                JobKind::Request => "recompute",
            }
            .to_owned(),
            word(job).to_owned(),
            format!("{} ({part:.0}\u{202f}%)", format::grouped(job.buckets_done as f64)),
            format::grouped(job.buckets_total as f64),
            job.rate
                .filter(|_| running)
                .map_or_else(String::new, |rate| format!("{}/s", format::count(rate))),
            job.seconds_left
                .filter(|_| running)
                .map_or_else(String::new, |left| format::estimate(&format::age(left))),
            if job.pace < 100 {
                format!("{}\u{202f}%", job.pace)
            } else {
                String::new()
            },
            when::show(job.from, tz),
            when::show(job.to, tz),
            job.requested_by.clone(),
            scope + job.reason.as_deref().unwrap_or_default(),
        ]);
    }
    table.text()
}

pub fn word(job: &Job) -> &'static str {
    match job.state {
        JobState::Running => "running",
        JobState::Paused => "paused",
        JobState::Done => "done",
        JobState::Cancelled => "cancelled",
    }
}
