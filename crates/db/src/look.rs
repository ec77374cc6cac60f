//! A look before anything is made: which tables there are, and which numbers a declaration would give. Read-only.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tidemark_core::api::{Preview, PreviewGroup, TableInfo, TimeColumn};
use tidemark_core::model::Model;
use tidemark_core::sql;

use crate::introspect::resolve;
use crate::{Db, Declaration, Error, Result};

/// Raw rows that a preview may read, by the planner's estimate, and how long each of its queries may take.
const ROWS: f64 = 500_000.0;
const TIME: &str = "8s";
/// What is tried, longest first: the newest day, else part of it.
const HOURS: [(i64, &str); 4] = [(24 * 60, "day"), (6 * 60, "6 hours"), (60, "hour"), (5, "5 minutes")];

impl Db {
    /// Tables, views and foreign tables of this database, largest first; partitions stand under their parent.
    pub async fn tables(&self) -> Result<Vec<TableInfo>> {
        let rows = sqlx::query(
            "select format('%I.%I', n.nspname, c.relname) as sql, n.nspname::text as schema, c.relname::text as name,
               case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view' else 'foreign table' end as kind,
               s.rows, s.bytes, has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as readable,
               t.names, t.types, t.indexed
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             cross join lateral (
               with recursive member as (select c.oid union all select h.inhrelid from member m join pg_inherits h on h.inhparent = m.oid)
               select sum(nullif(p.reltuples, -1))::double precision as rows, coalesce(sum(pg_total_relation_size(p.oid)), 0)::bigint as bytes
               from member m join pg_class p on p.oid = m.oid where p.relkind in ('r', 'm')
             ) s
             cross join lateral (
               select coalesce(array_agg(a.attname::text order by a.attnum), '{}') as names, coalesce(array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum), '{}') as types,
                 coalesce(array_agg(exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indisvalid and i.indpred is null) order by a.attnum), '{}') as indexed
               from pg_attribute a join pg_type y on y.oid = a.atttypid
               where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                 and coalesce(nullif(y.typbasetype, 0), y.oid) in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype, 'bigint'::regtype, 'integer'::regtype)
             ) t
             where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and n.nspname not in ('tidemark', 'pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
             order by s.bytes desc, 1",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(table_of).collect())
    }

    /// The numbers that a declaration would give over the newest part of the data, computed from raw rows. Makes nothing.
    pub async fn preview(&self, declaration: &Declaration) -> Result<Preview> {
        let mut connection = self.dedicated().await?;
        let (_, model) = resolve(&mut connection, declaration).await?;
        sqlx::raw_sql(AssertSqlSafe(format!(
            "begin isolation level repeatable read read only; set local search_path = pg_catalog, pg_temp;
             set local timezone = 'UTC'; set local statement_timeout = '{TIME}'; set local lock_timeout = '1s'"
        )))
        .execute(&mut connection)
        .await?;
        let answer = preview(&mut connection, &model).await;
        connection.close().await.ok();
        answer.map_err(|error| match error.sqlstate() {
            Some("57014") => Error::input(
                "preview_timeout",
                format!(
                    "The preview was stopped after {TIME}: without an index that begins with the time column, finding the newest rows reads the whole table. Nothing was changed; you can apply without a preview."
                ),
            ),
            _ => error,
        })
    }
}

fn table_of(row: &sqlx::postgres::PgRow) -> TableInfo {
    let (names, types): (Vec<String>, Vec<String>) = (row.get("names"), row.get("types"));
    let columns = names.into_iter().zip(types).zip(row.get::<Vec<bool>, _>("indexed"));
    TableInfo {
        sql: row.get("sql"),
        schema: row.get("schema"),
        name: row.get("name"),
        kind: row.get("kind"),
        rows: row.get("rows"),
        bytes: row.get("bytes"),
        readable: row.get("readable"),
        times: columns
            .map(|((name, sql_type), indexed)| TimeColumn {
                name,
                sql_type,
                indexed,
            })
            .collect(),
    }
}

async fn preview(connection: &mut PgConnection, model: &Model) -> Result<Preview> {
    let started = Instant::now();
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut *connection)
        .await?;
    let newest: Option<DateTime<Utc>> = sqlx::query_scalar(AssertSqlSafe(sql::newest(model)))
        .bind(now)
        .fetch_one(&mut *connection)
        .await?;
    let to = newest.map_or(now, |newest| newest + TimeDelta::microseconds(1));
    let mut chosen = HOURS[HOURS.len() - 1];
    let mut shorter = None;
    for tried in HOURS {
        let rows = estimate(connection, model, to - TimeDelta::minutes(tried.0), to).await?;
        if rows <= ROWS {
            chosen = tried;
            break;
        }
        shorter = Some(rows);
    }
    let from = to - TimeDelta::minutes(chosen.0);
    let rows = sqlx::query(AssertSqlSafe(sql::preview(model)))
        .bind(from)
        .bind(to)
        .fetch_all(&mut *connection)
        .await?;
    let values = |row: &sqlx::postgres::PgRow| -> Result<Vec<Option<f64>>> {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let values = (4..row.len()).map(|at| row.try_get(at).map(finite));
        Ok(values.collect::<Result<_, _>>()?)
    };
    let by = model.dimensions.first().map(|dimension| dimension.name.clone());
    let (all, groups) = rows
        .split_first()
        .ok_or_else(|| Error::input("no_preview", "The preview gave no row at all; try again."))?;
    let why = match shorter {
        Some(rows) => format!("more would be about {rows:.0} raw rows, and the preview reads at most {ROWS:.0}"),
        None => format!("the preview reads no more than a day, and at most {ROWS:.0} raw rows"),
    };
    Ok(Preview {
        rollup: model.name.clone(),
        from,
        to,
        raw_rows: all.try_get(2)?,
        group_count: match by {
            Some(_) => usize::try_from(all.try_get::<i64, _>(3)?)
                .unwrap_or_default()
                .saturating_sub(1),
            None => 0,
        },
        measures: model.numbers().map(|measure| model.info(measure)).collect(),
        overall: values(all)?,
        groups: match by {
            Some(_) => groups
                .iter()
                .map(|row| {
                    Ok(PreviewGroup {
                        key: row.try_get(1)?,
                        values: values(row)?,
                    })
                })
                .collect::<Result<_>>()?,
            None => Vec::new(),
        },
        by,
        bound: format!(
            "The newest {} before {}: {why}.",
            chosen.1,
            to.format("%Y-%m-%d %H:%M UTC")
        ),
        took_ms: started.elapsed().as_secs_f64() * 1000.0,
    })
}

/// The planner's guess of the raw rows in a span.
async fn estimate(connection: &mut PgConnection, model: &Model, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<f64> {
    let mut rows = 0.0;
    for sql in sql::rows_between(model) {
        let plan: sqlx::types::Json<serde_json::Value> =
            sqlx::query_scalar(AssertSqlSafe(format!("explain (format json) {sql}")))
                .bind(from)
                .bind(to)
                .fetch_one(&mut *connection)
                .await?;
        rows += plan.0[0]["Plan"]["Plan Rows"].as_f64().unwrap_or_default();
    }
    Ok(rows)
}
