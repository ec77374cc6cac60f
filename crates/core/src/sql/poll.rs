//! Poll capture: which rows have a change column in the window, as a content per place.
//!
//! A place is a source's bucket and the minute of the change, or a lookup's key. `tidemark.polled` remembers the content
//! of each; a poll marks the places where it is another now. So what stays in the window is not recomputed again and
//! again, and a row that leaves a place (it was changed again, or deleted) is seen as long as that place is in the window.

use super::source::{bucket_floor, instant, valid};
use super::{LAST, READER, Statement, function};
use crate::capture::ChangeColumn;
use crate::model::{LookupInput, Model, SourceModel, TimeKind};
use crate::spec::on::{literal, quote};

/// `ROLLUP__poll(from)`: one row per place with rows that changed at or after `from`, a whole minute.
pub(super) fn poll(model: &Model) -> Option<Statement> {
    model.poll.as_ref()?;
    let sources = model
        .sources
        .iter()
        .enumerate()
        .map(|(at, source)| of_source(model, at, source));
    let lookups = model
        .lookups
        .iter()
        .enumerate()
        .filter(|(_, lookup)| !lookup.change.is_empty())
        .map(|(at, lookup)| of_lookup(model.sources.len() + at, lookup));
    let arms: Vec<String> = sources.chain(lookups).collect();
    Some(function(
        &format!("{}__poll", model.storage),
        "p_from timestamptz",
        "table (input smallint, bucket timestamptz, keys jsonb, slot timestamptz, row_count bigint, digest numeric)",
        // The text of a row must not depend on who looks.
        &format!(
            "{READER} set datestyle = 'ISO, MDY' set intervalstyle = 'postgres' set extra_float_digits = 1 set bytea_output = 'hex'"
        ),
        &format!(
            "Rows behind {} whose change columns lie in the window, by place, with a digest of their used columns. Called by tidemark.poll_changes.",
            model.name
        ),
        &format!("begin\n  return query\n  {};\nend", arms.join("\n  union all\n  ")),
    ))
}

fn of_source(model: &Model, ordinal: usize, source: &SourceModel) -> String {
    let alias = quote(&source.alias);
    let instants: Vec<String> = source.change.iter().map(|change| changed_at(&alias, change)).collect();
    format!(
        "select {ordinal}::smallint, {bucket}, '[]'::jsonb,
    tidemark.bucket_floor('1m', least(greatest({at}), {last}::timestamptz)), count(*), sum(hashtextextended(row({used})::text, 0))
  from {table} as {alias}
  where ({window}) and {valid}
  group by 2, 4",
        bucket = bucket_floor(model.base(), &instant(source)),
        at = instants.join(", "),
        last = literal(LAST),
        used = qualified(&alias, source.used.keys()),
        table = source.table_sql(),
        window = window(&alias, &source.change),
        valid = valid(source),
    )
}

fn of_lookup(ordinal: usize, lookup: &LookupInput) -> String {
    let keys: Vec<String> = lookup.keys.iter().map(|key| format!("k.{}", quote(key))).collect();
    let present: Vec<String> = keys.iter().map(|key| format!("{key} is not null")).collect();
    format!(
        "select {ordinal}::smallint, '-infinity'::timestamptz, jsonb_build_array({keys}), 'infinity'::timestamptz, count(*), sum(hashtextextended(row({used})::text, 0))
  from {schema}.{table} as k
  where ({window}) and {present}
  group by 3",
        keys = keys.join(", "),
        used = qualified("k", lookup.used.keys()),
        schema = quote(&lookup.schema),
        table = quote(&lookup.table),
        window = window("k", &lookup.change),
        present = present.join(" and "),
    )
}

fn qualified<'a>(alias: &str, columns: impl Iterator<Item = &'a String>) -> String {
    columns
        .map(|column| format!("{alias}.{}", quote(column)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Any of the columns at or after `p_from`, on the columns themselves, so that their indexes serve.
fn window(alias: &str, columns: &[ChangeColumn]) -> String {
    columns
        .iter()
        .map(|change| {
            let column = format!("{alias}.{}", quote(&change.column));
            match &change.time {
                TimeKind::Timestamptz | TimeKind::Date { .. } => format!("{column} >= p_from"),
                TimeKind::Timestamp { zone } if zone == "UTC" => format!("{column} >= (p_from at time zone 'UTC')"),
                // A zone's wall clock is not monotonic.
                TimeKind::Timestamp { .. } => format!(
                    "({column} >= (p_from at time zone 'UTC') - interval '26 hours' and {} >= p_from)",
                    changed_at(alias, change)
                ),
                TimeKind::Epoch { per_second } => {
                    format!("{column} >= ceil(extract(epoch from p_from) * {per_second})::bigint")
                }
            }
        })
        .collect::<Vec<_>>()
        .join(" or ")
}

/// The instant that a change column tells.
fn changed_at(alias: &str, change: &ChangeColumn) -> String {
    let column = format!("{alias}.{}", quote(&change.column));
    match &change.time {
        TimeKind::Timestamptz | TimeKind::Date { .. } => column,
        TimeKind::Timestamp { zone } => format!("({column} at time zone {})", literal(zone)),
        // Beyond what a timestamp can be, to_timestamp raises.
        TimeKind::Epoch { per_second } => format!(
            "to_timestamp(least({column}, {})::double precision / {per_second})",
            10_413_792_000i128 * i128::from(*per_second)
        ),
    }
}
