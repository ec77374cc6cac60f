//! `query NAME`.

use std::io::IsTerminal;

use serde_json::Value;
use tidemark_core::api::{Grain, MeasureInfo, PendingKind, QueryAnswer, QueryRequest, QueryRow, ReadMode, State};
use tidemark_core::{format, group};

use super::{filters, grain, week_start};
use crate::args::Query;
use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::output::{self, table::Table};
use crate::progress::spin;
use crate::when;

pub async fn run(context: &Context, asked: Query) -> Result {
    let tz = when::zone(asked.tz.as_deref())?;
    let (from, to) = when::range(&asked.from, &asked.to, tz)?;
    let request = QueryRequest {
        filters: filters(&asked.filters)?,
        rollup: asked.name,
        from,
        to,
        grain: grain(asked.grain),
        tz,
        week_start: week_start(asked.week_start),
        by: asked.by,
        measures: asked.measures,
        mode: match (asked.rollup_only, asked.live) {
            (true, _) => ReadMode::RollupOnly,
            (_, true) => ReadMode::Live,
            _ => ReadMode::Exact,
        },
    };
    let db = context.db().await?;
    let answer = spin("reading", db.query(&request)).await?;
    if answer.rows.is_empty() {
        context.out.note("No rows: there is no data in this range.");
    }
    if let Some(why) = &answer.pending_reason {
        let what = match why.kind {
            PendingKind::Polled => "The newest buckets are pending",
            _ => "Buckets that wait were not computed from raw rows",
        };
        context.out.note(&format!("{what}: {}.", why.text));
    }
    // On a terminal, measures that nobody asked for by name are left out where they don't fit.
    let room = (request.measures.is_empty() && std::io::stdout().is_terminal())
        .then(terminal_size::terminal_size)
        .flatten()
        .map(|(width, _)| usize::from(width.0));
    context.out.answer(&answer, || text(&answer, room))?;
    Ok(Finding::None)
}

fn text(answer: &QueryAnswer, room: Option<usize>) -> String {
    let mut out = String::new();
    if !answer.rows.is_empty() {
        let mut table = table(answer);
        let least = answer.dimensions.len() + 2;
        let dropped = room.map_or(0, |room| table.narrow(room, least));
        out += &table.text();
        out += "\n";
        if dropped > 0 {
            let from = answer.measures.len() - dropped.min(answer.measures.len());
            let more: Vec<&str> = answer.measures[from..]
                .iter()
                .map(|measure| measure.name.as_str())
                .collect();
            out += &format!("No room for {}. Choose with --measure.\n", more.join(", "));
        }
    }
    let range = |at: &chrono::DateTime<chrono::FixedOffset>| at.format("%Y-%m-%d %H:%M %:z").to_string();
    out += &format!(
        "{} by {}, {} to {}, {}; {}, as of {}",
        answer.rollup,
        answer.grain.label(),
        range(&answer.from),
        range(&answer.to),
        answer.tz,
        output::trust(answer),
        answer.as_of.format("%Y-%m-%d %H:%M:%S UTC")
    );
    if answer.live_buckets > 0 {
        out += &format!("; {} buckets read live", format::grouped(answer.live_buckets as f64));
    }
    out
}

fn table(answer: &QueryAnswer) -> Table {
    let dimensions: Vec<&str> = answer.dimensions.iter().map(String::as_str).collect();
    let measures: Vec<&str> = answer.measures.iter().map(|measure| measure.name.as_str()).collect();
    let noted = answer.rows.iter().any(|row| !note(row).is_empty());
    let mut table = Table::default()
        .left(&["bucket"])
        .left(if noted { &["state"] } else { &[] })
        .left(&dimensions)
        .right(&measures);
    for row in &answer.rows {
        let mut cells = vec![bucket(answer.grain, row)];
        cells.extend(noted.then(|| note(row)));
        cells.extend(dimensions.iter().map(|name| dimension(row.values.get(name))));
        cells.extend(
            answer
                .measures
                .iter()
                .map(|measure| value(row.values.get(&measure.name), measure)),
        );
        table.row(cells);
    }
    table
}

/// A bucket by its start, as short as its grain allows; the offset tells a repeated hour from the first.
fn bucket(grain: Grain, row: &QueryRow) -> String {
    let at = |format: &str| row.bucket_start.format(format).to_string();
    match grain {
        Grain::Minute | Grain::FiveMinutes | Grain::QuarterHour | Grain::Hour => at("%Y-%m-%d %H:%M %:z"),
        Grain::Day | Grain::Week => at("%a %Y-%m-%d"),
        Grain::Month => at("%Y-%m"),
        Grain::Year => at("%Y"),
        Grain::Total => "total".to_owned(),
    }
}

fn note(row: &QueryRow) -> String {
    let state = match row.state {
        State::Exact => None,
        State::Pending => Some("pending"),
        State::Frozen => Some("frozen"),
    };
    [state, row.partial.then_some("partial")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn dimension(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => group::name(None).to_owned(),
        Some(Value::String(text)) => group::name(Some(text)).to_owned(),
        Some(other) => other.to_string(),
    }
}

/// Counts in full; everything else as the screen writes it, with its unit.
fn value(value: Option<&Value>, measure: &MeasureInfo) -> String {
    let number = match value {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if measure.unit.is_empty() && number.fract() == 0.0 => format::grouped(number),
        number => format::value(number, &measure.unit),
    }
}
