//! `rollup show NAME`.

use tidemark_core::api::RollupDetail;
use tidemark_core::format;

use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::output::table::{Table, pairs};
use crate::progress::spin;
use crate::when;

pub async fn run(context: &Context, name: &str, sql: bool, declaration: bool) -> Result {
    let db = context.db().await?;
    let detail = spin("reading", db.detail(name)).await?;
    context.out.answer(&detail, || match (sql, declaration) {
        (true, _) => detail.sql.clone(),
        (_, true) => detail.declaration.clone(),
        _ => text(&detail),
    })?;
    Ok(Finding::None)
}

fn text(detail: &RollupDetail) -> String {
    let tz = when::viewer();
    let measures: Vec<&str> = detail.measures.iter().map(|measure| measure.name.as_str()).collect();
    let mut text = pairs([
        ("rollup", detail.rollup.clone()),
        ("applied", when::show(detail.applied_at, tz)),
        ("dimensions", detail.dimensions.join(", ")),
        ("measures", measures.join(", ")),
        (
            "relations",
            detail
                .relations
                .iter()
                .map(|name| format!("tidemark.{name}"))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    ]);

    let mut grains = Table::default()
        .left(&["grain", "table"])
        .right(&["rows", "size"])
        .left(&["oldest", "newest", "kept"]);
    for grain in &detail.grains {
        let time = |at: Option<_>| at.map_or_else(|| format::MISSING.to_owned(), |at| when::show(at, tz));
        grains.row([
            grain.grain.name().to_owned(),
            grain.table.clone(),
            format::estimate(&format::count(grain.rows as f64)),
            format::size(grain.bytes as f64),
            time(grain.oldest),
            time(grain.newest),
            grain.keep.clone().unwrap_or_else(|| "for ever".to_owned()),
        ]);
    }
    text += &format!("\n{}", grains.text());

    let mut sources = Table::default()
        .left(&["source", "table", "time", "index", "triggers"])
        .right(&["rows"])
        .left(&["capture"]);
    for source in &detail.sources {
        sources.row([
            source.name.clone(),
            source.table.clone(),
            source.time.clone().unwrap_or_else(|| "(lookup)".to_owned()),
            match source.time_indexed {
                Some(true) => "yes".to_owned(),
                Some(false) => "none: see tidemark doctor".to_owned(),
                None => String::new(),
            },
            source.triggers.clone(),
            format::estimate(&format::count(source.rows as f64)),
            if source.intact { "intact" } else { "broken" }.to_owned(),
        ]);
    }
    text += &format!("\n{}", sources.text());

    let mut runs = Table::default()
        .left(&["tick", "by"])
        .right(&["took", "marks", "buckets", "raw rows"])
        .left(&["error"]);
    for run in detail.runs.iter().take(10) {
        runs.row([
            when::show_seconds(run.started_at, tz),
            run.by.clone(),
            format::latency(run.took_ms),
            format::grouped(run.marks as f64),
            format::grouped(run.buckets as f64),
            format::count(run.raw_rows as f64),
            run.error.clone().unwrap_or_default(),
        ]);
    }
    if !runs.is_empty() {
        text += &format!("\n{}", runs.text());
    }

    let mut audits = Table::default()
        .left(&["audit"])
        .right(&["buckets", "differences", "took"]);
    for audit in detail.audits.iter().take(5) {
        audits.row([
            when::show_seconds(audit.at, tz),
            format::grouped(audit.buckets as f64),
            format::grouped(audit.differences as f64),
            format::latency(audit.took_ms),
        ]);
    }
    if !audits.is_empty() {
        text += &format!("\n{}", audits.text());
    }
    text
}
