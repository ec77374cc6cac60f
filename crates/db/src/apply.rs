//! Plan, apply and drop: a declaration becomes tables, functions and triggers in the operator's database.
//!
//! In this order, so that no change is missed: (1) tables and functions, (2) triggers, one table a transaction,
//! (3) everything that raw rows say now is marked as to be built, and the rollup becomes active.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tidemark_core::api::{Plan, RollupSummary};
use tidemark_core::model::{Model, TimeKind};
use tidemark_core::spec::on::{literal, quote};
use tidemark_core::sql::{Kind, compile, trigger_prefix, triggers};

use crate::introspect::resolve;
use crate::schema::{drop_triggers, with_patience};
use crate::{Db, Declaration, Error, Result};

/// What is installed under a name.
struct Installed {
    id: i32,
    declaration: String,
    model: Model,
    active: bool,
    frozen: bool,
    intact: bool,
    /// As it was compiled when it was applied.
    sql: String,
}

/// Held while a rollup is applied.
const APPLY_LOCK: i64 = 0x7469_6465_0002;

impl Db {
    /// What `apply` would do. Changes nothing.
    pub async fn plan(&self, declaration: &Declaration) -> Result<Plan> {
        let installs_schema = !self.is_installed().await?;
        let mut connection = self.dedicated().await?;
        let (_, model) = resolve(&mut connection, declaration).await?;
        let installed = if installs_schema {
            None
        } else {
            installed(&mut connection, &model.name).await?
        };
        let warnings = checks(&mut connection, &model).await?;
        let steps = steps(&model, installed.as_ref(), declaration)?;
        let mut sql: String = compile(&model, installed.as_ref().map_or(0, |found| found.id))
            .into_iter()
            .map(|statement| statement.sql + "\n")
            .collect();
        for (table, statement) in trigger_sql(&mut connection, &model).await? {
            sql.push_str(&format!("-- on {table}\n{statement}\n"));
        }
        Ok(Plan {
            rollup: model.name,
            steps,
            warnings,
            sql,
            installs_schema,
        })
    }

    /// Install the schema where it is missing, then the rollup; marks all raw rows as to be built unless `backfill` is false.
    pub async fn apply(&self, declaration: &Declaration, backfill: bool) -> Result<Plan> {
        // One at a time, or two that make the same triggers deadlock. The lock lasts as long as a transaction on a
        // connection of its own, which does nothing else: an end of any kind lets it go.
        let mut guard = self.dedicated().await?;
        sqlx::raw_sql("set lock_timeout = 0; set idle_in_transaction_session_timeout = 0; begin")
            .execute(&mut guard)
            .await?;
        sqlx::query("select pg_advisory_xact_lock($1)")
            .bind(APPLY_LOCK)
            .execute(&mut guard)
            .await?;
        let done = self.apply_alone(declaration, backfill).await;
        guard.close().await.ok();
        done
    }

    async fn apply_alone(&self, declaration: &Declaration, backfill: bool) -> Result<Plan> {
        // Refused before anything is made.
        let mut plan = self.plan(declaration).await?;
        if !backfill && let Some(step) = plan.steps.iter_mut().find(|step| step.starts_with("mark all raw rows")) {
            "leave the rows that are there now unbuilt: they are computed live where they are asked for"
                .clone_into(step);
        }
        let mut connection = self.dedicated().await?;
        may_trigger(&mut connection, declaration).await?;
        if plan.installs_schema {
            self.install(false).await?;
        }
        if plan.steps.is_empty() {
            return Ok(plan);
        }
        let (_, model) = resolve(&mut connection, declaration).await?;
        let found = installed(&mut connection, &model.name).await?;
        make(&mut connection, &model, declaration).await?;
        // Triggers that are as they should be are left alone: a new trigger is a gap that makes everything dirty.
        let whole = found.is_some_and(|found| found.active && found.intact && storage(&found.model) == storage(&model));
        for (_, sql) in if whole {
            Vec::new()
        } else {
            trigger_sql(&mut connection, &model).await?
        } {
            with_patience(&mut connection, &format!("begin; {sql} commit")).await?;
        }
        drop_strays(&mut connection, &model).await?;
        sqlx::raw_sql("reset lock_timeout").execute(&mut connection).await?;
        activate(&mut connection, &model, backfill).await?;
        connection.close().await.ok();
        Ok(plan)
    }

    pub async fn list(&self) -> Result<Vec<RollupSummary>> {
        self.require_installed().await?;
        let rows = sqlx::query(
            "select name, title, model, applied_at, paused from tidemark.rollup where active order by name",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let model: sqlx::types::Json<Model> = row.get("model");
                let model = model.0;
                Ok(RollupSummary {
                    rollup: row.get("name"),
                    title: row.get("title"),
                    sources: model
                        .sources
                        .iter()
                        .map(|source| format!("{}.{}", source.schema, source.table))
                        .collect(),
                    dimensions: model
                        .dimensions
                        .iter()
                        .map(|dimension| dimension.name.clone())
                        .collect(),
                    grains: model.levels.iter().map(|level| level.grain).collect(),
                    measures: model.numbers().map(|measure| model.info(measure)).collect(),
                    board: model.board.clone(),
                    applied_at: row.get("applied_at"),
                    paused: row.get("paused"),
                })
            })
            .collect()
    }

    /// Take a rollup's triggers off, then drop its tables, views and functions.
    pub async fn drop_rollup(&self, rollup: &str) -> Result<()> {
        let id = self.rollup_id(rollup).await?;
        let mut connection = self.dedicated().await?;
        drop_triggers(&mut connection, Some(rollup)).await?;
        let mut transaction = connection.begin().await?;
        lock_rollup(&mut transaction, id).await?;
        drop_objects(&mut transaction, id, rollup).await?;
        sqlx::query("delete from tidemark.mark where rollup_id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from tidemark.rollup where id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        connection.close().await.ok();
        Ok(())
    }

    pub async fn set_paused(&self, rollup: &str, paused: bool) -> Result<()> {
        let id = self.rollup_id(rollup).await?;
        sqlx::query("update tidemark.rollup set paused = $2 where id = $1")
            .bind(id)
            .bind(paused)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The id of an active rollup; an error with a near name where there is none.
    pub(crate) async fn rollup_id(&self, rollup: &str) -> Result<i32> {
        self.require_installed().await?;
        if let Some(id) = sqlx::query_scalar("select id from tidemark.rollup where name = $1")
            .bind(rollup)
            .fetch_optional(&self.pool)
            .await?
        {
            return Ok(id);
        }
        let names: Vec<String> = sqlx::query_scalar("select name from tidemark.rollup order by name")
            .fetch_all(&self.pool)
            .await?;
        let hint = match tidemark_core::suggest::closest(rollup, names.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean {near}?"),
            None if names.is_empty() => "No rollup is installed; run: tidemark rollup apply FILE".to_owned(),
            None => format!("Installed: {}.", names.join(", ")),
        };
        Err(Error::input(
            "unknown_rollup",
            format!("There is no rollup {rollup:?} here. {hint}"),
        ))
    }
}

/// Wait for the rollup's tick lock, which lasts to the end of the transaction.
pub(crate) async fn lock_rollup(connection: &mut PgConnection, id: i32) -> Result<()> {
    sqlx::query("select pg_advisory_xact_lock(1953064293, $1)")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

async fn installed(connection: &mut PgConnection, name: &str) -> Result<Option<Installed>> {
    let row = sqlx::query(
        "select r.id, r.declaration, r.sql, r.model, r.active, isfinite(r.frozen_before) as frozen,
           not exists (select from tidemark.capture_findings(r.id)) as intact
         from tidemark.rollup r where name = $1",
    )
    .bind(name)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Installed {
        id: row.get("id"),
        declaration: row.get("declaration"),
        model: row.get::<sqlx::types::Json<Model>, _>("model").0,
        active: row.get("active"),
        frozen: row.get("frozen"),
        intact: row.get("intact"),
        sql: row.get("sql"),
    }))
}

/// What decides the stored numbers; the rest of a model is words and pictures.
fn storage(model: &Model) -> serde_json::Value {
    let mut bare = model.clone();
    bare.title = String::new();
    bare.description = String::new();
    bare.board = None;
    for measure in &mut bare.measures {
        measure.label = String::new();
        measure.unit = String::new();
    }
    for dimension in &mut bare.dimensions {
        dimension.label = String::new();
    }
    serde_json::to_value(&bare).unwrap_or_default()
}

fn steps(model: &Model, installed: Option<&Installed>, declaration: &Declaration) -> Result<Vec<String>> {
    let Some(found) = installed else {
        let tables: Vec<String> = (0..model.levels.len())
            .map(|level| format!("tidemark.{}", model.table(level)))
            .collect();
        let mut steps = vec![format!("create rollup tables {}", tables.join(", "))];
        if !model.relations.is_empty() {
            steps.push(format!(
                "create views {}",
                model
                    .relations
                    .iter()
                    .map(|relation| format!("tidemark.{}", relation.name))
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        }
        let mut on: Vec<String> = triggers(model)
            .iter()
            .map(|trigger| format!("{}.{}", trigger.schema, trigger.table))
            .collect();
        on.dedup();
        steps.push(format!(
            "put capture triggers (insert, update, delete, truncate) on {}",
            on.join(", ")
        ));
        steps.push("mark all raw rows as to be built; ticks then build them, newest first".to_owned());
        return Ok(steps);
    };
    if storage(model) == storage(&found.model) {
        let mut steps = Vec::new();
        if found.declaration != declaration.text {
            steps.push("store the declaration; names, labels or the board changed, numbers did not".to_owned());
        }
        if found.sql != describe(model, found.id) {
            steps.push("replace the functions by those of this version of Tidemark".to_owned());
        }
        if !found.intact || !found.active {
            steps.push("put missing or changed capture triggers back, then recompute everything".to_owned());
        }
        return Ok(steps);
    }
    if found.frozen {
        return Err(Error::input(
            "would_lose_frozen",
            format!(
                "Applying this would build {} anew, and raw rows of its frozen buckets may be gone. Give the new declaration another name. Nothing was changed.",
                model.name
            ),
        ));
    }
    Ok(vec![
        format!(
            "build {} anew from raw rows, newest first; until then its buckets are computed live or say pending",
            model.name
        ),
        "put the capture triggers on again".to_owned(),
    ])
}

/// Refusals, as errors, and warnings.
async fn checks(connection: &mut PgConnection, model: &Model) -> Result<Vec<String>> {
    let all: Option<String> =
        sqlx::query_scalar("select string_agg(quote_ident(pubname), ', ') from pg_publication where puballtables")
            .fetch_one(&mut *connection)
            .await?;
    if let Some(all) = all {
        return Err(Error::input(
            "publication_for_all_tables",
            format!(
                "Publication {all} is FOR ALL TABLES: it would publish Tidemark's own tables, and subscribers would stop. Make it FOR TABLE … or FOR TABLES IN SCHEMA … first. Nothing was changed."
            ),
        ));
    }
    let mut warnings = Vec::new();
    for source in &model.sources {
        let full = source.table_sql();
        let subscribed: Option<String> = sqlx::query_scalar(
            "select string_agg(r.srsubid::text, ', ') from pg_subscription_rel r where r.srrelid = $1::regclass",
        )
        .bind(&full)
        .fetch_one(&mut *connection)
        .await?;
        if subscribed.is_some() {
            return Err(Error::input(
                "subscribed",
                format!(
                    "{full} is filled by a logical subscription, which fires no statement triggers. Install Tidemark on the publisher instead. Nothing was changed."
                ),
            ));
        }
        let indexed: bool = sqlx::query_scalar(
            "select exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
               where i.indrelid = $1::regclass and i.indisvalid and i.indpred is null and a.attname = $2)",
        )
        .bind(&full)
        .bind(&source.time_column)
        .fetch_one(&mut *connection)
        .await?;
        if !indexed {
            warnings.push(format!("{full} has no index on {}: every tick reads the whole table. Make one: create index concurrently on {full} ({});", source.time_column, quote(&source.time_column)));
        }
        if matches!(source.time, TimeKind::Timestamp { ref zone } | TimeKind::Date { ref zone } if zone != "UTC") {
            warnings.push(format!(
                "{full}.{} is a wall clock in a zone: rows of a repeated hour can't be told apart",
                source.time_column
            ));
        }
    }
    Ok(warnings)
}

/// CREATE TRIGGER and CREATE SCHEMA need rights; ask before anything is made.
async fn may_trigger(connection: &mut PgConnection, declaration: &Declaration) -> Result<()> {
    let (_, model) = resolve(connection, declaration).await?;
    let mut tables: Vec<(String, String)> = triggers(&model)
        .into_iter()
        .map(|trigger| (trigger.schema, trigger.table))
        .collect();
    tables.dedup();
    for (schema, table) in tables {
        let full = format!("{}.{}", quote(&schema), quote(&table));
        // ENABLE ALWAYS takes ownership, or membership in the owning role.
        let may: bool =
            sqlx::query_scalar("select pg_has_role(relowner, 'usage') from pg_class where oid = $1::regclass")
                .bind(&full)
                .fetch_one(&mut *connection)
                .await?;
        if !may {
            return Err(Error::Forbidden {
                message: format!(
                    "This role may not put triggers on {full}: it must own the table, or be a member of the role that does. Let the owner run this, or: grant OWNER to this role. Nothing was changed."
                ),
            });
        }
    }
    let schema: Option<bool> = sqlx::query_scalar(
        "select has_schema_privilege('tidemark', 'create') from pg_namespace where nspname = 'tidemark'",
    )
    .fetch_optional(&mut *connection)
    .await?;
    let database: bool = sqlx::query_scalar("select has_database_privilege(current_database(), 'create')")
        .fetch_one(&mut *connection)
        .await?;
    if !schema.unwrap_or(database) {
        return Err(Error::Forbidden { message: "This role may not create anything in schema tidemark, or the schema itself. Let its owner run this, or ask for: grant create on database … to …. Nothing was changed.".to_owned() });
    }
    Ok(())
}

/// SQL of the triggers, by table: the declared tables, their partitions and their children.
async fn trigger_sql(connection: &mut PgConnection, model: &Model) -> Result<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = Vec::new();
    for trigger in triggers(model) {
        let members: Vec<String> = sqlx::query_scalar(
            "with recursive member as (
               select $1::regclass::oid as relid
               union select h.inhrelid from member m join pg_inherits h on h.inhparent = m.relid
             ) select format('%I.%I', n.nspname, c.relname) from member m join pg_class c on c.oid = m.relid join pg_namespace n on n.oid = c.relnamespace",
        )
        .bind(format!("{}.{}", quote(&trigger.schema), quote(&trigger.table)))
        .fetch_all(&mut *connection)
        .await?;
        for member in members {
            let sql = trigger.create_sql(&member);
            match all.iter_mut().find(|(table, _)| *table == member) {
                Some((_, existing)) => existing.push_str(&sql),
                None => all.push((member, sql)),
            }
        }
    }
    Ok(all)
}

/// Take triggers off tables that the declaration no longer names, or that are partitions no longer, and then the
/// functions that nothing calls any more.
async fn drop_strays(connection: &mut PgConnection, model: &Model) -> Result<()> {
    let wanted = triggers(model);
    let tables: Vec<String> = wanted
        .iter()
        .map(|trigger| format!("{}.{}", quote(&trigger.schema), quote(&trigger.table)))
        .collect();
    let names: Vec<&str> = wanted.iter().map(|trigger| trigger.name.as_str()).collect();
    let strays: Vec<String> = sqlx::query_scalar(
        "with recursive wanted as (
           select name, table_name::regclass::oid as relid from unnest($1::text[], $2::text[]) u (table_name, name)
           union select w.name, h.inhrelid from wanted w join pg_inherits h on h.inhparent = w.relid
         )
         select string_agg(format('drop trigger if exists %I on %s;', t.tgname, t.tgrelid::regclass), ' ')
         from pg_trigger t join pg_proc p on p.oid = t.tgfoid and p.pronamespace = to_regnamespace('tidemark')
         where not t.tgisinternal and t.tgparentid = 0 and starts_with(p.proname, $3)
           and not exists (select from wanted w where w.relid = t.tgrelid and w.name = t.tgname)
         group by t.tgrelid",
    )
    .bind(&tables)
    .bind(&names)
    .bind(format!("{}__capture_", model.name))
    .fetch_all(&mut *connection)
    .await?;
    for sql in strays {
        with_patience(connection, &format!("begin; {sql} commit")).await?;
    }
    let unused: Vec<String> = sqlx::query_scalar(
        "select format('drop function if exists %s', p.oid::regprocedure) from pg_proc p
         where p.pronamespace = to_regnamespace('tidemark') and starts_with(p.proname, $1) and p.proname <> all ($2)
           and not exists (select from pg_trigger t where t.tgfoid = p.oid)",
    )
    .bind(format!("{}__capture_", model.name))
    .bind(
        inputs(model)
            .iter()
            .map(|input| format!("{}__capture_{}", model.name, input.name))
            .collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    for sql in unused {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Step one: the row, the tables, the functions.
async fn make(connection: &mut PgConnection, model: &Model, declaration: &Declaration) -> Result<()> {
    let mut transaction = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('tidemark apply ' || $1, 0))")
        .bind(&model.name)
        .execute(&mut *transaction)
        .await?;
    let taken: Option<String> = sqlx::query_scalar(
        "select string_agg(c.relname, ', ') from pg_class c where c.relnamespace = to_regnamespace('tidemark') and c.relname = any ($1)
           and not exists (select from tidemark.rollup r where r.name = $2)",
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
    let before = installed(&mut transaction, &model.name).await?;
    let rebuild = before
        .as_ref()
        .is_some_and(|found| storage(&found.model) != storage(model));
    if let Some(found) = before.as_ref().filter(|_| rebuild) {
        lock_rollup(&mut transaction, found.id).await?;
        drop_objects(&mut transaction, found.id, &model.name).await?;
        for gone in ["mark", "dirty", "level", "input"] {
            sqlx::query(AssertSqlSafe(format!(
                "delete from tidemark.{gone} where rollup_id = $1"
            )))
            .bind(found.id)
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query("update tidemark.job set state = 'cancelled', finished_at = clock_timestamp() where rollup_id = $1 and state in ('running', 'paused')").bind(found.id).execute(&mut *transaction).await?;
    }
    let id: i32 = sqlx::query_scalar(
        "insert into tidemark.rollup (name, title, declaration, model, sql, base_grain) values ($1, $2, $3, $4, '', $5)
         on conflict on constraint rollup_name_key do update set title = excluded.title, declaration = excluded.declaration, model = excluded.model,
           base_grain = excluded.base_grain, declaration_no = rollup.declaration_no + 1, applied_at = clock_timestamp(),
           active = rollup.active and not $6
         returning id",
    )
    .bind(&model.name)
    .bind(&model.title)
    .bind(&declaration.text)
    .bind(sqlx::types::Json(model))
    .bind(model.base().name())
    .bind(rebuild)
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
            "insert into tidemark.input (rollup_id, ordinal, kind, name, schema_name, table_name, time_column, columns, trigger_prefix)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict on constraint input_pkey do update set schema_name = excluded.schema_name, table_name = excluded.table_name, columns = excluded.columns",
        )
        .bind(id)
        .bind(ordinal as i16)
        .bind(input.kind)
        .bind(input.name)
        .bind(input.schema)
        .bind(input.table)
        .bind(input.time)
        .bind(sqlx::types::Json(input.columns))
        .bind(trigger_prefix(model, input.name))
        .execute(&mut *transaction)
        .await?;
    }
    sqlx::query("update tidemark.rollup set sql = $2 where id = $1")
        .bind(id)
        .bind(describe(model, id))
        .execute(&mut *transaction)
        .await?;
    // Of an older version they may return something else, which CREATE OR REPLACE refuses. Triggers hang on the others.
    let old: Vec<String> = sqlx::query_scalar(
        "select format('drop function %s', p.oid::regprocedure) from pg_proc p
         where p.pronamespace = to_regnamespace('tidemark') and starts_with(p.proname, $1 || '__')
           and not starts_with(p.proname, $1 || '__capture_')",
    )
    .bind(&model.name)
    .fetch_all(&mut *transaction)
    .await?;
    for statement in old {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    for statement in compile(model, id) {
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
    Ok(())
}

struct Input<'a> {
    kind: &'static str,
    name: &'a str,
    schema: &'a str,
    table: &'a str,
    time: Option<&'a str>,
    columns: &'a std::collections::BTreeMap<String, String>,
}

fn inputs(model: &Model) -> Vec<Input<'_>> {
    let sources = model.sources.iter().map(|source| Input {
        kind: "source",
        name: &source.name,
        schema: &source.schema,
        table: &source.table,
        time: Some(&source.time_column),
        columns: &source.used,
    });
    let lookups = model.lookups.iter().map(|lookup| Input {
        kind: "lookup",
        name: &lookup.name,
        schema: &lookup.schema,
        table: &lookup.table,
        time: None,
        columns: &lookup.used,
    });
    sources.chain(lookups).collect()
}

/// Step three: from now on everything that changes is marked; what is there already is to be built.
async fn activate(connection: &mut PgConnection, model: &Model, backfill: bool) -> Result<()> {
    let mut transaction = connection.begin().await?;
    let row = sqlx::query("select id, active from tidemark.rollup where name = $1")
        .bind(&model.name)
        .fetch_one(&mut *transaction)
        .await?;
    let id: i32 = row.get("id");
    lock_rollup(&mut transaction, id).await?;
    let active: bool = sqlx::query_scalar("select active from tidemark.rollup where id = $1")
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
    // Triggers that were put back are found by their fingerprint: the next tick makes everything dirty and trusts them.
    if !active {
        sqlx::query("select tidemark.move_lines($1, clock_timestamp())")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(AssertSqlSafe(format!(
            "update tidemark.health set fingerprint = tidemark.fingerprint($1), fingerprint_seen = tidemark.fingerprint($1), capture_broken_at = null,
               extent = tidemark.{}(), watermark_at = null where rollup_id = $1",
            quote(&format!("{}__extent", model.name))
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

/// Drop what [`compile`] made, by name: everything called ROLLUP__ and the rollup's views.
async fn drop_objects(connection: &mut PgConnection, id: i32, rollup: &str) -> Result<()> {
    let statements: Vec<String> = sqlx::query_scalar(
        "select format('drop view if exists tidemark.%I', v ->> 'name') from tidemark.rollup r, jsonb_array_elements(r.model -> 'relations') v where r.id = $1
         union all
         select format('drop function %s', p.oid::regprocedure) from pg_proc p where p.pronamespace = to_regnamespace('tidemark') and starts_with(p.proname, $2 || '__')
         union all
         select format('drop table tidemark.%I', c.relname) from pg_class c where c.relnamespace = to_regnamespace('tidemark') and c.relkind = 'r' and starts_with(c.relname, $2 || '__')",
    )
    .bind(id)
    .bind(rollup)
    .fetch_all(&mut *connection)
    .await?;
    for statement in statements {
        // Triggers still hang on the capture functions when a rollup is built anew: those are replaced, not dropped.
        if statement.contains("__capture_") {
            let sql =
                format!("do $$ begin {statement}; exception when dependent_objects_still_exist then null; end $$");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
        } else {
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut *connection)
                .await?;
        }
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
