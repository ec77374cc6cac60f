//! `audit [NAME]`.

use serde_json::json;
use tidemark_core::api::AuditReport;
use tidemark_core::format;

use super::counted;
use crate::context::{Context, rollups};
use crate::failure::{Failure, Finding, Result};
use crate::output::table::Table;
use crate::progress::spin;
use crate::when;

pub async fn run(
    context: &Context,
    name: Option<&str>,
    from: Option<&str>,
    to: Option<&str>,
    tz: Option<&str>,
    repair: bool,
) -> Result {
    let tz = when::zone(tz)?;
    let range = match (from, to) {
        (None, None) => None,
        (Some(from), to) => Some(when::range(from, to.unwrap_or("now"), tz)?),
        (None, Some(_)) => {
            return Err(Failure::Usage(
                "--to needs --from; without both, everything that is not frozen is audited".to_owned(),
            ));
        }
    };
    let db = context.db().await?;
    let mut reports = Vec::new();
    for rollup in rollups(context, &db, name).await? {
        reports.push(spin(&format!("auditing {rollup}"), db.audit(&rollup, range, repair)).await?);
    }
    context.out.answer(&json!({ "audits": reports }), || {
        reports.iter().map(text).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Finding::when(reports.iter().any(|report| report.difference_count > 0)))
}

fn text(report: &AuditReport) -> String {
    let tz = when::viewer();
    let compared = format!(
        "{} and {} compared as of {} in {}",
        counted(report.buckets, "bucket", "buckets"),
        counted(report.groups, "group", "groups"),
        when::show_seconds(report.as_of, tz),
        format::latency(report.took_ms)
    );
    let verdict = match report.difference_count {
        0 => "no difference".to_owned(),
        count => counted(count, "difference", "differences"),
    };
    let mut text = format!("{}: {verdict}. {compared}.\n", report.rollup);
    if report.waiting_buckets > 0 {
        text += &format!(
            "  {} for a tick and not compared.\n",
            counted(report.waiting_buckets, "bucket waits", "buckets wait")
        );
    }
    if report.outside_rows > 0 {
        text += &format!(
            "  {} without a usable time: in no bucket.\n",
            counted(report.outside_rows, "raw row is", "raw rows are")
        );
    }
    if report.future_rows > 0 {
        text += &format!(
            "  {} dated in the future.\n",
            counted(report.future_rows, "raw row is", "raw rows are")
        );
    }
    if report.difference_count > 0 {
        text += "\n";
        text += &differences(report);
        text += &match report.repair_job {
            Some(job) => format!("Job {job} computes them anew. Watch: tidemark jobs\n"),
            None => format!("Repair: tidemark audit {} --repair\n", report.rollup),
        };
    }
    text
}

fn differences(report: &AuditReport) -> String {
    let tz = when::viewer();
    let mut table = Table::default()
        .left(&["grain", "bucket", "group", "differs"])
        .right(&["rollup", "raw rows"]);
    for difference in &report.differences {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| format::MISSING.to_owned());
        table.row([
            difference.grain.name().to_owned(),
            when::show(difference.bucket_start, tz),
            difference.group.clone(),
            difference.what.clone(),
            value(&difference.rollup_value),
            value(&difference.raw_value),
        ]);
    }
    let more = report.difference_count - report.differences.len() as i64;
    if more > 0 {
        format!("{}… and {}\n", table.text(), counted(more, "more", "more"))
    } else {
        table.text()
    }
}
