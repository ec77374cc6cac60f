//! A source as SQL: its FROM clause, its instants, and how a range of time is asked of its own index.

use super::{FIRST, LAST};
use crate::api::Grain;
use crate::model::{Join, SourceModel, TimeKind};
use crate::spec::on::{literal, quote};

/// FROM clause with the first `joins` lookups.
pub(super) fn from(source: &SourceModel, joins: &[Join]) -> String {
    let mut sql = format!("{} {}", source.table_sql(), quote(&source.alias));
    for join in joins {
        sql.push_str(&format!(
            "\n    left join {}.{} {} on {}",
            quote(&join.schema),
            quote(&join.table),
            quote(&join.alias),
            join.on
        ));
    }
    sql
}

/// The instant of a row, as timestamptz.
pub(super) fn instant(source: &SourceModel) -> String {
    let column = source.time_sql();
    match &source.time {
        TimeKind::Timestamptz => column,
        TimeKind::Timestamp { zone } => format!("({column} at time zone {})", literal(zone)),
        TimeKind::Date { zone } => format!("({column}::timestamp at time zone {})", literal(zone)),
        TimeKind::Epoch { per_second } => format!("to_timestamp({column}::double precision / {per_second})"),
    }
}

/// Rows whose instant lies in [lo, hi), in a form that the raw column's own index can serve.
pub(super) fn between(source: &SourceModel, lo: &str, hi: &str) -> String {
    let column = source.time_sql();
    match &source.time {
        TimeKind::Timestamptz => format!("{column} >= {lo} and {column} < {hi}"),
        TimeKind::Timestamp { zone } if zone == "UTC" => {
            format!("{column} >= ({lo} at time zone 'UTC') and {column} < ({hi} at time zone 'UTC')")
        }
        // A zone's wall clock is not monotonic: ask the index for a day and two hours more on each side, then be exact.
        TimeKind::Timestamp { .. } => {
            let exact = instant(source);
            format!(
                "{column} >= ({lo} at time zone 'UTC') - interval '26 hours' and {column} < ({hi} at time zone 'UTC') + interval '26 hours'\n      and {exact} >= {lo} and {exact} < {hi}"
            )
        }
        TimeKind::Date { .. } => {
            let exact = instant(source);
            format!(
                "{column} >= ({lo} at time zone 'UTC')::date - 2 and {column} < ({hi} at time zone 'UTC')::date + 2\n      and {exact} >= {lo} and {exact} < {hi}"
            )
        }
        TimeKind::Epoch { per_second } => format!(
            "{column} >= ceil(extract(epoch from {lo}) * {per_second})::bigint and {column} < ceil(extract(epoch from {hi}) * {per_second})::bigint"
        ),
    }
}

/// Rows that have a time at all: not NULL, not infinite, not outside 1900–2300. Before any arithmetic on it.
pub(super) fn valid(source: &SourceModel) -> String {
    let column = source.time_sql();
    let (first, last) = (literal(FIRST), literal(LAST));
    match &source.time {
        TimeKind::Timestamptz => format!("{column} >= {first}::timestamptz and {column} < {last}::timestamptz"),
        TimeKind::Timestamp { .. } | TimeKind::Date { .. } => {
            format!("{column} >= '1900-01-02'::timestamp and {column} < '2299-12-31'::timestamp")
        }
        TimeKind::Epoch { per_second } => format!(
            "{column} >= {} and {column} < {}",
            -2_208_988_800i128 * i128::from(*per_second),
            10_413_792_000i128 * i128::from(*per_second)
        ),
    }
}

/// The start of the bucket of an instant, as `tidemark.bucket_floor` gives it, in line: a call costs a writer 20 µs.
/// Independent of the session's TimeZone.
pub(super) fn bucket_floor(grain: Grain, instant: &str) -> String {
    match grain.fixed() {
        Some(width) => format!(
            "date_bin('{} minutes', {instant}, timestamptz '2001-01-01 00:00+00')",
            width.num_minutes()
        ),
        None => format!("date_trunc('{grain}', {instant}, 'UTC')"),
    }
}

/// The start of the next bucket.
pub(super) fn bucket_next(grain: Grain, start: &str) -> String {
    match grain.fixed() {
        Some(width) => format!("{start} + interval '{} minutes'", width.num_minutes()),
        None => format!("({start} at time zone 'UTC' + interval '1 {grain}') at time zone 'UTC'"),
    }
}
