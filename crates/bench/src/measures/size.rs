//! How much room it takes.

use sqlx::{AssertSqlSafe, Row};

use crate::Result;
use crate::data::{ROLLUP, Set};
use crate::report::{Line, Section};
use crate::sample::Spread;

pub const DISK: &str = "disk";

pub async fn measure(set: &Set) -> Result<Section> {
    let mut section = Section::new(
        "Room",
        format!(
            "{}. `pg_total_relation_size`: with indexes and what lies out of line.",
            set.spec.describe()
        ),
    );
    let raw: i64 = set
        .one("select (pg_total_relation_size('usage_logs') + pg_total_relation_size('ops_error_logs'))::bigint")
        .await?;
    let tables = sqlx::query(
        "select c.oid::regclass::text as name, greatest(c.reltuples, 0)::bigint as n, pg_total_relation_size(c.oid) as bytes, pg_indexes_size(c.oid) as index_bytes
         from pg_class c where c.relnamespace = 'tidemark'::regnamespace and c.relkind = 'r'
           and (starts_with(c.relname, $1 || '__') or c.relname in ('mark', 'dirty')) order by bytes desc",
    )
    .bind(ROLLUP)
    .fetch_all(set.pool())
    .await?;
    let total: i64 = tables.iter().map(|row| row.get::<i64, _>("bytes")).sum();
    let ratio = total as f64 / raw as f64;
    section.lines.push(Line::of(
        DISK,
        "rollup tables and queue, all grains",
        "raw tables",
        Spread::of(ratio),
        "MB",
        total as f64 / 1e6,
        raw as f64 / 1e6,
    ));
    section
        .figures
        .push_str("| table | rows | size | of it indexes | a row |\n|---|---|---|---|---|\n");
    for row in &tables {
        let (n, bytes): (i64, i64) = (row.get("n"), row.get("bytes"));
        section.figures.push_str(&format!(
            "| `{}` | {n} | {:.1} MB | {:.1} MB | {} B |\n",
            row.get::<String, _>("name"),
            bytes as f64 / 1e6,
            row.get::<i64, _>("index_bytes") as f64 / 1e6,
            if n > 0 { bytes / n } else { 0 }
        ));
    }
    let columns: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum",
    )
    .bind(format!("tidemark.{ROLLUP}__15m"))
    .fetch_all(set.pool())
    .await?;
    let sums: Vec<String> = columns
        .iter()
        .map(|name| format!("round(avg(pg_column_size(\"{name}\")), 1)::text"))
        .collect();
    let sizes: Vec<Option<String>> = sqlx::query_scalar(AssertSqlSafe(format!(
        "select unnest(array[{}]) from tidemark.{ROLLUP}__15m",
        sums.join(", ")
    )))
    .fetch_all(set.pool())
    .await?;
    section
        .figures
        .push_str("\n| column of the quarter hours | bytes, where there are any |\n|---|---|\n");
    for (name, size) in columns.iter().zip(sizes) {
        section
            .figures
            .push_str(&format!("| `{name}` | {} |\n", size.unwrap_or_else(|| "–".to_owned())));
    }
    Ok(section)
}
