//! A rollup's row, tables and functions; and their end.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidemark_core::capture::ChangeColumn;
use tidemark_core::model::Model;
use tidemark_core::spec::on::{literal, quote};
use tidemark_core::sql::{Kind, compile, trigger_prefix};

use super::Stage;
use crate::rollups::lock_rollup;
use crate::{Declaration, Error, Result};

/// Step one: the row, the tables, the functions; and the relations, unless another declaration still has them.
pub(super) async fn make(
    connection: &mut PgConnection,
    model: &Model,
    declaration: &Declaration,
    stage: Stage,
) -> Result<i32> {
    let mut transaction = connection.begin().await?;
    let taken: Option<String> = sqlx::query_scalar(
        "select string_agg(c.relname, ', ') from pg_class c where c.relnamespace = to_regnamespace('tidemark') and c.relname = any ($1)
           and not exists (select from tidemark.rollup r, jsonb_array_elements(r.model -> 'relations') v
             where r.name = $2 and v ->> 'name' = c.relname)",
    )
    .bind(model.relations.iter().map(|relation| relation.name.clone()).collect::<Vec<_>>())
    .bind(&model.name)
    .fetch_one(&mut *transaction)
    .await?;
    if let Some(taken) = taken {
        return Err(Error::input(
            "relation_taken",
            format!("tidemark.{taken} exists already; give the relation another name. Nothing was changed."),
        ));
    }
    let id: i32 = sqlx::query_scalar(
        "insert into tidemark.rollup (name, stage, storage, title, declaration, model, sql, base_grain, installed_at, capture, poll_lag, poll_overlap, paused)
         values ($1, $2, $3, $4, $5, $6, '', $7,
           coalesce((select installed_at from tidemark.rollup where name = $1 and stage = 'serving'), clock_timestamp()), case when $8 is null then 'trigger' else 'poll' end, make_interval(secs => $8), make_interval(secs => $9),
           coalesce((select paused from tidemark.rollup where name = $1 and stage = 'serving'), false))
         on conflict on constraint rollup_name_key do update set title = excluded.title, declaration = excluded.declaration, model = excluded.model,
           base_grain = excluded.base_grain, poll_lag = excluded.poll_lag, poll_overlap = excluded.poll_overlap, declaration_no = rollup.declaration_no + 1, applied_at = clock_timestamp()
         returning id",
    )
    .bind(&model.name)
    .bind(stage.word())
    .bind(&model.storage)
    .bind(&model.title)
    .bind(&declaration.text)
    .bind(sqlx::types::Json(model))
    .bind(model.base().name())
    .bind(model.poll.as_ref().map(|poll| poll.lag as f64))
    .bind(model.poll.as_ref().map(|poll| poll.overlap as f64))
    .fetch_one(&mut *transaction)
    .await?;
    sqlx::query("insert into tidemark.health (rollup_id) values ($1) on conflict do nothing")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    for (at, level) in model.levels.iter().enumerate() {
        sqlx::query("insert into tidemark.level (rollup_id, level, grain, table_name, keep, merge_from) values ($1, $2, $3, $4, $5::text::interval, $6) on conflict do nothing")
            .bind(id)
            .bind(at as i16)
            .bind(level.grain.name())
            .bind(model.table(at))
            .bind(&level.keep)
            .bind(level.merge_from.map(|finer| finer as i16))
            .execute(&mut *transaction)
            .await?;
    }
    for (ordinal, input) in inputs(model).into_iter().enumerate() {
        sqlx::query(
            "insert into tidemark.input (rollup_id, ordinal, kind, name, schema_name, table_name, time_column, columns, trigger_prefix, trigger_events, change_columns)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict on constraint input_pkey do update set schema_name = excluded.schema_name, table_name = excluded.table_name, columns = excluded.columns",
        )
        .bind(id)
        .bind(ordinal as i16)
        .bind(input.kind)
        .bind(input.name)
        .bind(input.schema)
        .bind(input.table)
        .bind(input.time)
        .bind(sqlx::types::Json(input.columns()))
        .bind(trigger_prefix(model, input.name))
        .bind(if model.poll.is_some() { "" } else { "IUDT" })
        .bind(input.change.iter().map(|change| change.column.as_str()).collect::<Vec<_>>())
        .execute(&mut *transaction)
        .await?;
    }
    let statements = compile(model, id);
    let views: String = statements
        .iter()
        .filter(|statement| statement.kind == Kind::View)
        .map(|statement| statement.sql.as_str())
        .collect();
    sqlx::query("update tidemark.rollup set sql = $2, views = $3 where id = $1")
        .bind(id)
        .bind(describe(model, id))
        .bind(views)
        .execute(&mut *transaction)
        .await?;
    // Of an older version they may return something else, which CREATE OR REPLACE refuses. Triggers hang on the others.
    let old: Vec<String> = sqlx::query_scalar(
        "select format('drop function %s', p.oid::regprocedure) from pg_proc p
         where p.pronamespace = to_regnamespace('tidemark') and starts_with(p.proname, $1 || '__')
           and not starts_with(p.proname, $1 || '__capture_')",
    )
    .bind(&model.storage)
    .fetch_all(&mut *transaction)
    .await?;
    for statement in old {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    for statement in statements
        .into_iter()
        .filter(|statement| statement.kind != Kind::View || stage == Stage::Serving)
    {
        sqlx::raw_sql(AssertSqlSafe(statement.sql.clone()))
            .execute(&mut *transaction)
            .await
            .map_err(|error| {
                tracing::debug!(name = statement.name, kind = ?statement.kind, "statement failed");
                Error::from(error)
            })?;
    }
    sqlx::query("select tidemark.grant_roles()")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(id)
}

pub(super) struct Input<'a> {
    kind: &'static str,
    pub(super) name: &'a str,
    schema: &'a str,
    table: &'a str,
    time: Option<&'a str>,
    change: &'a [ChangeColumn],
    used: &'a BTreeMap<String, String>,
}

impl Input<'_> {
    /// The columns that capture watches, with their types.
    fn columns(&self) -> BTreeMap<&str, &str> {
        let change = self
            .change
            .iter()
            .map(|change| (change.column.as_str(), change.sql_type.as_str()));
        let used = self.used.iter().map(|(name, kind)| (name.as_str(), kind.as_str()));
        change.chain(used).collect()
    }
}

pub(super) fn inputs(model: &Model) -> Vec<Input<'_>> {
    let sources = model.sources.iter().map(|source| Input {
        kind: "source",
        name: &source.name,
        schema: &source.schema,
        table: &source.table,
        time: Some(&source.time_column),
        change: &source.change,
        used: &source.used,
    });
    let lookups = model.lookups.iter().map(|lookup| Input {
        kind: "lookup",
        name: &lookup.name,
        schema: &lookup.schema,
        table: &lookup.table,
        time: None,
        change: &lookup.change,
        used: &lookup.used,
    });
    sources.chain(lookups).collect()
}

/// Step three: from now on everything that changes is marked; what is there already is to be built.
pub(super) async fn activate(connection: &mut PgConnection, model: &Model, id: i32, backfill: bool) -> Result<()> {
    let mut transaction = connection.begin().await?;
    lock_rollup(&mut transaction, id).await?;
    let active: bool = sqlx::query_scalar("select active from tidemark.rollup where id = $1")
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
    // Triggers that were put back are found by their fingerprint: the next tick makes dirty what they missed and trusts them.
    if !active {
        sqlx::query("select tidemark.move_lines($1, clock_timestamp())")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(AssertSqlSafe(format!(
            "update tidemark.health set fingerprint = tidemark.fingerprint($1), fingerprint_seen = tidemark.fingerprint($1), members = tidemark.member_states($1), capture_broken_at = null,
               extent = tidemark.{}(), watermark_at = null where rollup_id = $1",
            quote(&format!("{}__extent", model.storage))
        )))
        .bind(id)
        .execute(&mut *transaction)
        .await?;
        let build = "with wanted as (
             select h.extent, tidemark.bucket_count(r.base_grain, h.extent) as buckets
             from tidemark.health h join tidemark.rollup r on r.id = h.rollup_id where h.rollup_id = $1 and not isempty(h.extent)
           ), job as (
             insert into tidemark.job (rollup_id, kind, span, buckets_total, reason) select $1, 'build', range_merge(extent), buckets, 'first build' from wanted where $2 returning id
           )
           insert into tidemark.dirty (rollup_id, kind, span, since, job_id)
           select $1, case when $2 then 'b'::\"char\" else 'u'::\"char\" end, e, clock_timestamp(), (select id from job) from wanted, unnest(extent) e";
        sqlx::query(build)
            .bind(id)
            .bind(backfill)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("update tidemark.rollup set active = true where id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Drop what [`compile`] made, by name: everything called STORAGE__, and the views, which only the declaration that is
/// read has.
pub(crate) async fn drop_objects(connection: &mut PgConnection, id: i32, storage: &str, stage: Stage) -> Result<()> {
    let statements: Vec<String> = sqlx::query_scalar(
        "select format('drop view if exists tidemark.%I', v ->> 'name') from tidemark.rollup r, jsonb_array_elements(r.model -> 'relations') v where r.id = $1 and $3
         union all
         select format('drop function %s', p.oid::regprocedure) from pg_proc p where p.pronamespace = to_regnamespace('tidemark') and starts_with(p.proname, $2 || '__')
         union all
         select format('drop table tidemark.%I', c.relname) from pg_class c where c.relnamespace = to_regnamespace('tidemark') and c.relkind = 'r' and starts_with(c.relname, $2 || '__')",
    )
    .bind(id)
    .bind(storage)
    .bind(stage == Stage::Serving)
    .fetch_all(&mut *connection)
    .await?;
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// For `show`: the SQL of an installed rollup, commented by kind.
pub(crate) fn describe(model: &Model, id: i32) -> String {
    compile(model, id)
        .into_iter()
        .map(|statement| {
            let kind = match statement.kind {
                Kind::Table => "table",
                Kind::Function => "function",
                Kind::View => "view",
            };
            format!("-- {kind} {}\n{}\n", literal(&statement.name), statement.sql)
        })
        .collect()
}
