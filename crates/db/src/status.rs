//! Health and details of rollups.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};
use tidemark_core::api::{
    AuditSummary, GrainDetail, Rebuilding, RollupDetail, RollupStatus, Run, SourceDetail, StatusReport, StatusWord,
    Ticker,
};
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;

use crate::{Db, Result};

/// The worst lag of each half hour. A run tells what the lag had grown to before it; and since a watermark only moves
/// forward, the first run after a half hour, or the watermark as it is now, tells how far behind that one ended.
const LAG: &str = "
    with told as (
      select started_at as at, lag_seconds as lag from tidemark.run where rollup_id = $1 and lag_seconds is not null and started_at > clock_timestamp() - interval '25 hours'
      union all
      select clock_timestamp(), extract(epoch from clock_timestamp() - watermark_at)::double precision from tidemark.health where rollup_id = $1 and watermark_at is not null
    )
    select case when s.hi > (select min(started_at) from tidemark.run where rollup_id = $1) then greatest(0, (select max(lag) from told where at >= s.lo and at < s.hi),
      (select lag - extract(epoch from at - s.hi)::double precision from told where at >= s.hi order by at limit 1)) end
    from (select clock_timestamp() as now) n
    cross join lateral (select n.now - n_back * interval '30 minutes' as lo, n.now - (n_back - 1) * interval '30 minutes' as hi from generate_series(48, 1, -1) n_back) s
    order by s.lo";

impl Db {
    /// `None`: all rollups, worst first.
    pub async fn status(&self, rollup: Option<&str>) -> Result<StatusReport> {
        match rollup {
            Some(rollup) => drop(self.rollup_id(rollup).await?),
            None => self.require_installed().await?,
        }
        let rows = sqlx::query(
            "select s.*, clock_timestamp() as server_time,
               (select coalesce(array_agg(f.message || coalesce('; ' || f.fix, '')), '{}') from tidemark.capture_findings(r.id) f) as capture_findings
             from tidemark.status s join tidemark.rollup r on r.name = s.rollup and r.stage = 'serving'
             where $1::text is null or s.rollup = $1 order by s.rollup",
        )
        .bind(rollup)
        .fetch_all(&self.pool)
        .await?;
        let server_time = match rows.first() {
            Some(row) => row.get("server_time"),
            None => {
                sqlx::query_scalar("select clock_timestamp()")
                    .fetch_one(&self.pool)
                    .await?
            }
        };
        let mut rollups: Vec<RollupStatus> = rows.iter().map(status_of).collect();
        rollups.sort_by_key(|status| status.status);
        Ok(StatusReport { server_time, rollups })
    }

    /// All that there is to say about one rollup, beside its status.
    pub async fn detail(&self, rollup: &str) -> Result<RollupDetail> {
        let id = self.rollup_id(rollup).await?;
        let row = sqlx::query("select declaration, model, sql, applied_at from tidemark.rollup where id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await?;
        let model = row.get::<sqlx::types::Json<Model>, _>("model").0;
        let runs = sqlx::query("select * from tidemark.run where rollup_id = $1 order by started_at desc limit 50")
            .bind(id)
            .fetch_all(&self.pool)
            .await?;
        let audits = sqlx::query("select at, buckets, differences, took_ms from tidemark.audit where rollup_id = $1 order by at desc limit 14").bind(id).fetch_all(&self.pool).await?;
        Ok(RollupDetail {
            rollup: rollup.to_owned(),
            declaration: row.get("declaration"),
            sql: row.get("sql"),
            applied_at: row.get("applied_at"),
            dimensions: model
                .dimensions
                .iter()
                .map(|dimension| dimension.name.clone())
                .collect(),
            measures: model.numbers().map(|measure| model.info(measure)).collect(),
            grains: self.grains(&model).await?,
            sources: self.sources(id).await?,
            runs: runs
                .iter()
                .map(|row| Run {
                    started_at: row.get("started_at"),
                    took_ms: row.get("took_ms"),
                    by: row.get("ticker"),
                    marks: row.get("marks"),
                    buckets: row.get("buckets"),
                    raw_rows: row.get("raw_rows"),
                    error: row.get("error"),
                })
                .collect(),
            lag: sqlx::query_scalar(LAG).bind(id).fetch_all(&self.pool).await?,
            audits: audits
                .iter()
                .map(|row| AuditSummary {
                    at: row.get("at"),
                    buckets: row.get("buckets"),
                    differences: row.get("differences"),
                    took_ms: row.get("took_ms"),
                })
                .collect(),
            relations: model.relations.iter().map(|relation| relation.name.clone()).collect(),
        })
    }

    async fn grains(&self, model: &Model) -> Result<Vec<GrainDetail>> {
        let mut grains = Vec::new();
        for (at, level) in model.levels.iter().enumerate() {
            let table = format!("tidemark.{}", quote(&model.table(at)));
            let row = sqlx::query(AssertSqlSafe(format!(
                "select c.reltuples::bigint as rows, pg_total_relation_size(c.oid) as bytes, (select min(bucket) from {table}) as oldest, (select max(bucket) from {table}) as newest
                 from pg_class c where c.oid = $1::regclass"
            )))
            .bind(&table)
            .fetch_one(&self.pool)
            .await?;
            let estimated: i64 = row.get("rows");
            let rows = if estimated >= 0 {
                estimated
            } else {
                sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
                    .fetch_one(&self.pool)
                    .await?
            };
            grains.push(GrainDetail {
                grain: level.grain,
                table,
                rows,
                bytes: row.get("bytes"),
                oldest: row.get("oldest"),
                newest: row.get("newest"),
                keep: level.keep.clone(),
            });
        }
        Ok(grains)
    }

    async fn sources(&self, id: i32) -> Result<Vec<SourceDetail>> {
        let rows = sqlx::query(
            "select i.name, format('%I.%I', i.schema_name, i.table_name) as table_name, i.time_column,
               coalesce((select case when bool_or(c.reltuples < 0 and pg_relation_size(c.oid) > 0) then -1 else sum(greatest(c.reltuples, 0)) end from tidemark.members(i.rollup_id) m join pg_class c on c.oid = m.relid where m.ordinal = i.ordinal and c.relkind = 'r'), 0)::bigint as rows,
               exists (select from pg_index x join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
                 where x.indrelid = to_regclass(format('%I.%I', i.schema_name, i.table_name)) and x.indisvalid and a.attname = i.time_column) as indexed,
               (select coalesce(string_agg(case substr(t.tgname, length(i.trigger_prefix) + 1) when 'ins' then 'I' when 'upd' then 'U' when 'del' then 'D' else 'T' end, ''
                  order by position(substr(t.tgname, length(i.trigger_prefix) + 1, 1) in 'iudt')), '')
                from pg_trigger t where t.tgrelid = to_regclass(format('%I.%I', i.schema_name, i.table_name)) and starts_with(t.tgname, i.trigger_prefix) and t.tgenabled <> 'D') as triggers,
               not exists (select from tidemark.capture_findings(i.rollup_id) f where f.input = i.name) as intact
             from tidemark.input i where i.rollup_id = $1 order by i.ordinal",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .iter()
            .map(|row| {
                let time: Option<String> = row.get("time_column");
                SourceDetail {
                    name: row.get("name"),
                    table: row.get("table_name"),
                    time_indexed: time.is_some().then(|| row.get("indexed")),
                    time,
                    rows: row.get("rows"),
                    triggers: row.get("triggers"),
                    intact: row.get("intact"),
                }
            })
            .collect())
    }
}

fn status_of(row: &PgRow) -> RollupStatus {
    let word = serde_json::from_value(serde_json::Value::String(row.get("status"))).unwrap_or(StatusWord::NotTrusted);
    let tickers: sqlx::types::Json<Vec<Ticker>> = row.get("tickers");
    RollupStatus {
        rollup: row.get("rollup"),
        engine: row.get("engine"),
        capture: row.get("capture"),
        capture_intact: row.get("capture_intact"),
        capture_findings: row.get("capture_findings"),
        status: word,
        watermark_at: row.get("watermark_at"),
        lag_seconds: row.get("lag_seconds"),
        pending_buckets: row.get("pending_buckets"),
        oldest_pending_seconds: row.get("oldest_pending_seconds"),
        last_attempt_at: row.get("last_attempt_at"),
        last_success_at: row.get("last_success_at"),
        last_error: row.get("last_error"),
        last_error_at: row.get("last_error_at"),
        frozen_before: row.get::<Option<DateTime<Utc>>, _>("frozen_before"),
        frozen_marks: row.get("frozen_marks"),
        queue_bytes: row.get("queue_bytes"),
        tickers: tickers.0,
        last_audit_at: row.get("last_audit_at"),
        last_audit_differences: row.get("last_audit_differences"),
        backing_off: row.get("backing_off"),
        future_rows: row.get("future_rows"),
        paused: row.get("paused"),
        rebuilding: row
            .get::<Option<sqlx::types::Json<Rebuilding>>, _>("rebuilding")
            .map(|json| json.0),
    }
}
