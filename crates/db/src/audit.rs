//! The audit: a rollup compared with its raw rows in one snapshot, bucket by bucket, sketches included.

use std::time::Instant;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tidemark_core::api::{AuditDifference, AuditReport, Grain};
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;

use crate::read::{Chosen, READING};
use crate::{Db, Error, Result};

/// Buckets of one level that are compared in one statement.
const CHUNK: usize = 2_000;
/// Differences that a report lists.
const LISTED: usize = 100;
/// Floats are sums in another order: this much, relatively, is no difference.
const TOLERANCE: f64 = 1e-9;

type Span = (DateTime<Utc>, DateTime<Utc>);

impl Db {
    /// Compare with raw rows everything that is neither frozen nor waiting. The finest complete level is compared with
    /// raw rows, each coarser one with what its finer level merges to. `repair` marks what differs as a job.
    pub async fn audit(&self, rollup: &str, range: Option<Span>, repair: bool) -> Result<AuditReport> {
        let started = Instant::now();
        if range.is_some_and(|(from, to)| from >= to) {
            return Err(Error::input(
                "bad_range",
                "The range is empty: --from must be before --to.",
            ));
        }
        for _ in 0..4 {
            let Chosen { id, model, .. } = self.choose(rollup, &[], &[]).await?;
            let mut transaction = self.pool.begin_with(READING).await?;
            sqlx::raw_sql("set local statement_timeout = 0")
                .execute(&mut *transaction)
                .await?;
            let mut found = match compare(&mut transaction, id, &model, range).await {
                Err(error) if error.is_applied_meanwhile() => continue,
                found => found?,
            };
            // Locks on the raw tables are held by now: was one of them truncated or rewritten under the snapshot?
            let stale: bool = sqlx::query_scalar("select tidemark.snapshot_is_stale($1)")
                .bind(id)
                .fetch_one(&mut *transaction)
                .await?;
            transaction.commit().await?;
            if !stale {
                found.report.took_ms = started.elapsed().as_secs_f64() * 1000.0;
                self.record(id, &mut found, repair, range.is_none()).await?;
                return Ok(found.report);
            }
        }
        Err(Error::Server {
            message: "A raw table is being truncated or rewritten again and again; try again in a moment.".to_owned(),
            sqlstate: None,
        })
    }

    /// What the last audit found, whoever ran it; `None` where none was kept, or a program of another version kept it.
    pub async fn last_audit(&self, rollup: &str) -> Result<Option<AuditReport>> {
        let id = self.rollup_id(rollup).await?;
        let report: Option<Value> =
            sqlx::query_scalar("select report from tidemark.audit where rollup_id = $1 order by at desc limit 1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(report.and_then(|report| serde_json::from_value(report).ok()))
    }

    /// Keep the result where this connection may write; an audit over a read-only connection is still an audit.
    async fn record(&self, id: i32, found: &mut Compared, repair: bool, whole: bool) -> Result<()> {
        let report = &mut found.report;
        let may_write: bool = sqlx::query_scalar("select current_setting('transaction_read_only') = 'off' and has_table_privilege('tidemark.audit', 'insert')").fetch_one(&self.pool).await?;
        if !may_write {
            if repair {
                return Err(Error::Forbidden {
                    message:
                        "This connection may only read, so --repair can't mark anything. Connect as tidemark_operator."
                            .to_owned(),
                });
            }
            return Ok(());
        }
        let mut transaction = self.pool.begin().await?;
        if repair && !found.wrong.is_empty() {
            let (lo, hi): (Vec<_>, Vec<_>) = found.wrong.iter().copied().unzip();
            // Kind c: these buckets are known to be wrong, so until they are recomputed they are read live.
            report.repair_job = sqlx::query_scalar(
                "with span as (select tidemark.align(r.base_grain, range_agg(tstzrange(lo, hi))) as spans, r.base_grain from unnest($2::timestamptz[], $3::timestamptz[]) u (lo, hi), tidemark.rollup r where r.id = $1 group by r.base_grain),
                 job as (insert into tidemark.job (rollup_id, kind, span, buckets_total, reason)
                   select $1, 'request', tstzrange(lower(spans), upper(spans)), tidemark.bucket_count(base_grain, spans), 'audit repair' from span returning id),
                 dirty as (insert into tidemark.dirty (rollup_id, kind, span, job_id, since) select $1, 'c', s, job.id, clock_timestamp() from span, unnest(spans) s, job)
                 select id from job",
            )
            .bind(id)
            .bind(lo)
            .bind(hi)
            .fetch_one(&mut *transaction)
            .await?;
        }
        sqlx::query("insert into tidemark.audit (rollup_id, took_ms, buckets, differences, waiting, report) values ($1, $2, $3, $4, $5, $6)")
            .bind(id)
            .bind(report.took_ms)
            .bind(report.buckets)
            .bind(report.difference_count)
            .bind(report.waiting_buckets)
            .bind(sqlx::types::Json(&*report))
            .execute(&mut *transaction)
            .await?;
        // Differences stay until a repair is done or a whole audit finds none; a clean part says nothing of the rest.
        sqlx::query(
            "update tidemark.health set last_audit_at = clock_timestamp(), last_audit_differences = $2, future_rows = $3,
               unrepaired = case when $2 > 0 then $2 when $5 then 0 else unrepaired end,
               repair_job_id = case when $4::bigint is not null then $4 else repair_job_id end
             where rollup_id = $1",
        )
        .bind(id)
        .bind(report.difference_count)
        .bind(report.future_rows)
        .bind(report.repair_job)
        .bind(whole)
        .execute(&mut *transaction)
        .await?;
        // Something changed that no poll saw, so what is remembered of lookups may be older than what history shows.
        sqlx::query("delete from tidemark.polled where rollup_id = $1 and not isfinite(slot) and $2 > 0")
            .bind(id)
            .bind(report.difference_count)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

struct Compared {
    report: AuditReport,
    /// Spans with differences.
    wrong: Vec<Span>,
}

async fn compare(connection: &mut PgConnection, id: i32, model: &Model, range: Option<Span>) -> Result<Compared> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "with base as (
           select r.base_grain, r.frozen_before, tidemark.{}() as extent from tidemark.rollup r where r.id = $1
         ), target as (
           select b.*, tstzmultirange(tstzrange(b.frozen_before, null) * tstzrange(tidemark.bucket_floor(b.base_grain, $2), tidemark.bucket_ceil(b.base_grain, $3))) as asked from base b
         ), waiting as (
           select coalesce(range_agg(span), '{{}}') as spans from (
             select d.span from tidemark.dirty d where d.rollup_id = $1 and d.kind in ('c', 'b', 'u')
             union all
             select case when m.kind = 'c' then tstzrange(m.lo, m.hi) else tstzrange(null, null) end from tidemark.mark m where m.rollup_id = $1
             union all
             select unnest(tidemark.unpolled($1, $4))
           ) s
         )
         select clock_timestamp() as at, tidemark.bucket_count(base_grain, extent * asked * waiting.spans) as waiting,
           -- Level by level: a day that has only begun is a whole bucket of its level too.
           array(select v.level::integer from tidemark.level v, unnest(tidemark.align(v.grain, extent) * asked - waiting.spans) s where v.rollup_id = $1 order by v.level, s) as levels,
           array(select lower(s) from tidemark.level v, unnest(tidemark.align(v.grain, extent) * asked - waiting.spans) s where v.rollup_id = $1 order by v.level, s) as lo,
           array(select upper(s) from tidemark.level v, unnest(tidemark.align(v.grain, extent) * asked - waiting.spans) s where v.rollup_id = $1 order by v.level, s) as hi,
           (select array_agg(nullif(complete_from, '-infinity') order by level) from tidemark.level where rollup_id = $1) as lines
         from target, waiting",
        quote(&format!("{}__extent", model.storage))
    )))
    .bind(id)
    .bind(range.map(|range| range.0))
    .bind(range.map(|range| range.1))
    .bind(&model.storage)
    .fetch_one(&mut *connection)
    .await?;
    let levels: Vec<i32> = row.get("levels");
    let spans: Vec<Span> = row
        .get::<Vec<DateTime<Utc>>, _>("lo")
        .into_iter()
        .zip(row.get::<Vec<DateTime<Utc>>, _>("hi"))
        .collect();
    let clean = |level: usize| -> Vec<Span> {
        levels
            .iter()
            .zip(&spans)
            .filter(|(of, _)| **of == level as i32)
            .map(|(_, span)| *span)
            .collect()
    };
    let lines: Vec<Option<DateTime<Utc>>> = row.get("lines");
    let outside = sqlx::query(AssertSqlSafe(format!(
        "select * from tidemark.{}()",
        quote(&format!("{}__outside", model.storage))
    )))
    .fetch_one(&mut *connection)
    .await?;
    let mut compared = Compared {
        report: AuditReport {
            rollup: model.name.clone(),
            from: clean(0).first().map(|span| span.0),
            to: clean(0).last().map(|span| span.1),
            as_of: row.get("at"),
            took_ms: 0.0,
            buckets: 0,
            groups: 0,
            difference_count: 0,
            differences: Vec::new(),
            waiting_buckets: row.get("waiting"),
            outside_rows: outside.get(0),
            future_rows: outside.get(1),
            repair_job: None,
        },
        wrong: Vec::new(),
    };
    for level in 0..model.levels.len() {
        let grain = model.levels[level].grain;
        let line = lines[level].unwrap_or(DateTime::<Utc>::MIN_UTC);
        // Where the finer level is complete this one is merged from it, below that it is computed from raw rows.
        let merged_from = model.levels[level]
            .merge_from
            .map_or(DateTime::<Utc>::MAX_UTC, |finer| {
                lines[finer].unwrap_or(DateTime::<Utc>::MIN_UTC)
            });
        let buckets = whole_buckets(grain, &clean(level), line);
        let (raw, merged): (Vec<Span>, Vec<Span>) = buckets.into_iter().partition(|bucket| bucket.0 < merged_from);
        for (buckets, from_raw) in [(raw, true), (merged, false)] {
            for chunk in buckets.chunks(CHUNK) {
                compare_chunk(connection, model, level, chunk, from_raw, &mut compared).await?;
            }
        }
    }
    Ok(compared)
}

/// The buckets of a grain that lie wholly in some spans, from a line on.
fn whole_buckets(grain: Grain, spans: &[Span], line: DateTime<Utc>) -> Vec<Span> {
    let mut out = Vec::new();
    for &(lo, hi) in spans {
        let lo = lo.max(line);
        let mut start = if grain.starts_at(lo) { lo } else { grain.utc_next(lo) };
        while start < hi {
            let next = grain.utc_next(start);
            if next > hi {
                break;
            }
            out.push((start, next));
            start = next;
        }
    }
    out
}

async fn compare_chunk(
    connection: &mut PgConnection,
    model: &Model,
    level: usize,
    chunk: &[Span],
    from_raw: bool,
    compared: &mut Compared,
) -> Result<()> {
    let grain = model.levels[level].grain;
    let (lo, hi): (Vec<_>, Vec<_>) = chunk.iter().copied().unzip();
    let groups: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "select count(*) from tidemark.{} as t join unnest($1::timestamptz[]) as u (lo) on u.lo = t.bucket",
        quote(&model.table(level))
    )))
    .bind(&lo)
    .fetch_one(&mut *connection)
    .await?;
    compared.report.buckets += chunk.len() as i64;
    compared.report.groups += groups;
    let rows = sqlx::query(AssertSqlSafe(format!(
        "select * from tidemark.{}($1, $2, $3) order by 1, 2",
        quote(&format!("{}__diff_{grain}", model.storage))
    )))
    .bind(&lo)
    .bind(&hi)
    .bind(from_raw)
    .fetch_all(connection)
    .await?;
    for row in rows {
        let (expected, stored): (Option<Value>, Option<Value>) = (row.get("expected"), row.get("stored"));
        let Some((what, raw_value, rollup_value)) = describe(expected.as_ref(), stored.as_ref()) else {
            continue;
        };
        let start: DateTime<Utc> = row.get("bucket");
        compared.report.difference_count += 1;
        compared.wrong.push((start, grain.utc_next(start)));
        if compared.report.differences.len() < LISTED {
            compared.report.differences.push(AuditDifference {
                grain,
                bucket_start: start,
                group: row.get("grp"),
                what,
                rollup_value,
                raw_value,
            });
        }
    }
    Ok(())
}

/// What differs between what should be and what is; `None` where it is only the last digits of floats.
fn describe(expected: Option<&Value>, stored: Option<&Value>) -> Option<(String, Option<String>, Option<String>)> {
    let rows = |side: &Value| side.get("raw_rows").map(|rows| format!("{rows} raw rows"));
    match (expected, stored) {
        (Some(expected), None) => Some(("missing".to_owned(), rows(expected), None)),
        (None, Some(stored)) => Some(("extra".to_owned(), None, rows(stored))),
        (Some(Value::Object(expected)), Some(Value::Object(stored))) => {
            let different: Vec<&String> = expected
                .iter()
                .filter(|(name, value)| !close(value, stored.get(*name).unwrap_or(&Value::Null)))
                .map(|(name, _)| name)
                .collect();
            let first = *different.first()?;
            let names = different
                .iter()
                .map(|name| name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            Some((names, expected.get(first).map(text), stored.get(first).map(text)))
        }
        _ => None,
    }
}

/// Exact decimals come as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn close(a: &Value, b: &Value) -> bool {
    if a == b {
        return true;
    }
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) if !(a.is_i64() && b.is_i64()) => (x - y).abs() <= TOLERANCE * x.abs().max(y.abs()),
        _ => false,
    }
}
