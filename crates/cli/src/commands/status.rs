//! `status [NAME] [--check]`.

use chrono::{DateTime, Utc};
use tidemark_core::api::{RollupStatus, StatusReport, StatusWord};
use tidemark_core::format;

use super::counted;
use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::output::table::{Table, pairs};
use crate::progress::spin;
use crate::when;

pub async fn run(context: &Context, name: Option<&str>, check: bool) -> Result {
    let db = context.db().await?;
    let report = spin("reading", db.status(name)).await?;
    if report.rollups.is_empty() {
        context
            .out
            .note("No rollup is installed here yet. Install one: tidemark rollup apply ops_metrics");
    }
    context
        .out
        .answer(&report, || match (name, report.rollups.as_slice()) {
            (Some(_), [rollup]) => one(rollup, report.server_time),
            _ => all(&report),
        })?;
    let unhealthy = report.rollups.iter().any(|rollup| rollup.status != StatusWord::Healthy);
    Ok(Finding::when(check && unhealthy))
}

fn all(report: &StatusReport) -> String {
    if report.rollups.is_empty() {
        return String::new();
    }
    let now = report.server_time;
    let mut table = Table::default()
        .left(&["rollup", "status"])
        .right(&["lag", "waiting", "oldest"])
        .left(&["last success", "capture", "last audit", "ticked by"]);
    let mut notes = String::new();
    for rollup in &report.rollups {
        table.row([
            rollup.rollup.clone(),
            word(rollup.status).to_owned(),
            seconds(rollup.lag_seconds),
            format::grouped(rollup.pending_buckets as f64),
            seconds(rollup.oldest_pending_seconds),
            when::ago(rollup.last_success_at, now),
            capture(rollup),
            audit(rollup, now),
            tickers(rollup),
        ]);
        for finding in &rollup.capture_findings {
            notes += &format!("{}: {}\n", rollup.rollup, crate::output::table::plain(finding));
        }
        if let Some(error) = &rollup.last_error {
            notes += &format!(
                "{}: last error {}: {}\n",
                rollup.rollup,
                when::ago(rollup.last_error_at, now),
                crate::output::table::plain(error)
            );
        }
    }
    let notes = if notes.is_empty() { notes } else { format!("\n{notes}") };
    table.text() + &notes
}

fn one(rollup: &RollupStatus, now: DateTime<Utc>) -> String {
    let tz = when::viewer();
    let at = |at: Option<DateTime<Utc>>| {
        at.map_or_else(
            || "never".to_owned(),
            |time| format!("{} ({})", when::show_seconds(time, tz), when::ago(at, now)),
        )
    };
    let mut rows = vec![
        ("rollup", rollup.rollup.clone()),
        ("status", word(rollup.status).to_owned()),
        ("watermark", at(rollup.watermark_at)),
        ("lag", seconds(rollup.lag_seconds)),
        ("waiting", counted(rollup.pending_buckets, "bucket", "buckets")),
        ("oldest waiting", seconds(rollup.oldest_pending_seconds)),
        ("backing off", counted(rollup.backing_off, "bucket", "buckets")),
        ("last attempt", at(rollup.last_attempt_at)),
        ("last success", at(rollup.last_success_at)),
        (
            "last error",
            match &rollup.last_error {
                Some(error) => format!("{}, {error}", when::ago(rollup.last_error_at, now)),
                None => "none".to_owned(),
            },
        ),
        ("capture", capture(rollup)),
        (
            "frozen before",
            rollup
                .frozen_before
                .map_or_else(|| "nothing is frozen".to_owned(), |at| when::show(at, tz)),
        ),
        ("frozen marks", format::grouped(rollup.frozen_marks as f64)),
        ("queue", format::size(rollup.queue_bytes as f64)),
        ("ticked by", tickers(rollup)),
        ("last audit", audit(rollup, now)),
        (
            "future rows",
            rollup
                .future_rows
                .map_or_else(|| "not counted yet".to_owned(), |rows| format::grouped(rows as f64)),
        ),
        ("engine", rollup.engine.clone()),
    ];
    rows.extend(rollup.capture_findings.iter().map(|finding| ("", finding.clone())));
    if let Some(next) = &rollup.rebuilding {
        let total = next.buckets_total.unwrap_or(next.pending_buckets);
        rows.push((
            "rebuilding",
            format!(
                "a changed declaration, {} of {} built; this one is read until then",
                format::grouped((total - next.pending_buckets).max(0) as f64),
                counted(total, "bucket", "buckets")
            ),
        ));
    }
    if rollup.paused {
        rows.push(("", format!("paused; go on: tidemark rollup resume {}", rollup.rollup)));
    }
    pairs(rows)
}

/// The status word as JSON has it.
fn word(status: StatusWord) -> &'static str {
    match status {
        StatusWord::NotTrusted => "not_trusted",
        StatusWord::Failing => "failing",
        StatusWord::Stalled => "stalled",
        StatusWord::Lagging => "lagging",
        StatusWord::CatchingUp => "catching_up",
        StatusWord::Paused => "paused",
        StatusWord::NeverRun => "never_run",
        StatusWord::FrozenMarks => "frozen_marks",
        StatusWord::Healthy => "healthy",
    }
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| format::MISSING.to_owned(), format::age)
}

fn capture(rollup: &RollupStatus) -> String {
    format!(
        "{}, {}",
        rollup.capture,
        if rollup.capture_intact { "intact" } else { "broken" }
    )
}

fn audit(rollup: &RollupStatus, now: DateTime<Utc>) -> String {
    match (rollup.last_audit_at, rollup.last_audit_differences) {
        (None, _) => "never".to_owned(),
        (at, Some(0)) => format!("{}, no difference", when::ago(at, now)),
        (at, Some(count)) => format!(
            "{}, {}",
            when::ago(at, now),
            counted(count, "difference", "differences")
        ),
        (at, None) => when::ago(at, now),
    }
}

fn tickers(rollup: &RollupStatus) -> String {
    if rollup.tickers.is_empty() {
        return "nothing: run tidemark worker".to_owned();
    }
    rollup
        .tickers
        .iter()
        .map(|ticker| ticker.name.clone())
        .collect::<Vec<_>>()
        .join(", ")
}
