//! Triggers on the operator's tables, their partitions and their children.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;
use tidemark_core::sql::triggers;

use super::make::inputs;
use crate::schema::{Patience, with_patience};
use crate::{Db, Result};

/// SQL of the triggers, by table: the declared tables, their partitions and their children.
pub(super) async fn trigger_sql(connection: &mut PgConnection, model: &Model) -> Result<Vec<(String, String)>> {
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

/// Triggers that one table lacks.
pub(super) struct Missing {
    pub sql: String,
    /// It has none of them: it is new, and nobody took one off.
    all: bool,
}

/// The part of [`trigger_sql`] that is still to be done. What is as it should be is left alone: a trigger that is made
/// anew is a gap, which makes everything dirty that the table could hold.
pub(super) async fn missing_triggers(connection: &mut PgConnection, model: &Model) -> Result<Vec<Missing>> {
    let mut missing = Vec::new();
    for (table, sql) in trigger_sql(connection, model).await? {
        let names: Vec<String> = triggers(model)
            .into_iter()
            .filter(|trigger| sql.contains(&trigger.create_sql(&table)))
            .map(|trigger| trigger.name)
            .collect();
        let (there, whole): (i64, bool) = sqlx::query_as(
            "select count(*), count(*) filter (where tgenabled = 'A') = cardinality($2) from pg_trigger where tgrelid = $1::regclass and tgname = any ($2)",
        )
        .bind(&table)
        .bind(&names)
        .fetch_one(&mut *connection)
        .await?;
        if !whole {
            missing.push(Missing { sql, all: there == 0 });
        }
    }
    Ok(missing)
}

impl Db {
    /// Put triggers on partitions and children that have come since. Where one is busy, or this role may not, it waits
    /// for somebody else, and capture stays broken: `status` and `doctor` say what is missing. Gives whether all are.
    pub(crate) async fn watch_new_members(&self, rollup: &str) -> bool {
        let watched = async {
            let mut connection = self.dedicated().await?;
            let models: Vec<sqlx::types::Json<Model>> = sqlx::query_scalar(
                "select model from tidemark.rollup where name = $1 and stage <> 'retired' and active",
            )
            .bind(rollup)
            .fetch_all(&mut connection)
            .await?;
            for model in models {
                // What somebody has disabled or taken off is theirs to put back.
                for new in missing_triggers(&mut connection, &model.0)
                    .await?
                    .into_iter()
                    .filter(|missing| missing.all)
                {
                    with_patience(&mut connection, &format!("begin; {} commit", new.sql), Patience::Once).await?;
                }
            }
            connection.close().await.ok();
            Ok::<(), crate::Error>(())
        };
        watched
            .await
            .inspect_err(|error| tracing::debug!(rollup, %error, "a new partition can't be watched yet"))
            .is_ok()
    }
}

/// Take triggers off tables that the declaration no longer names, or that are partitions no longer, and then the
/// functions that nothing calls any more.
pub(super) async fn drop_strays(connection: &mut PgConnection, model: &Model) -> Result<()> {
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
    .bind(format!("{}__capture_", model.storage))
    .fetch_all(&mut *connection)
    .await?;
    for sql in strays {
        with_patience(connection, &format!("begin; {sql} commit"), Patience::Minute).await?;
    }
    let unused: Vec<String> = sqlx::query_scalar(
        "select format('drop function if exists %s', p.oid::regprocedure) from pg_proc p
         where p.pronamespace = to_regnamespace('tidemark') and starts_with(p.proname, $1) and p.proname <> all ($2)
           and not exists (select from pg_trigger t where t.tgfoid = p.oid)",
    )
    .bind(format!("{}__capture_", model.storage))
    .bind(
        inputs(model)
            .iter()
            .filter(|_| model.poll.is_none())
            .map(|input| format!("{}__capture_{}", model.storage, input.name))
            .collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?;
    for sql in unused {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    Ok(())
}
