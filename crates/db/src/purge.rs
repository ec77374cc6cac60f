//! Purge: the frozen line moves first, raw rows are deleted after.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection, Row};
use tidemark_core::model::{Model, SourceModel, TimeKind};
use tidemark_core::spec::on::quote;

use crate::rollups::lock_rollup;
use crate::{Db, Error, Progress, Result};

/// Raw rows deleted in one transaction.
const BATCH: i64 = 20_000;

impl Db {
    /// Freeze all buckets before `before` (rounded down to a bucket): they are never recomputed again. With `raw`, then
    /// delete the raw rows before it, in batches. Returns how many were deleted.
    pub async fn purge(
        &self,
        rollup: &str,
        before: DateTime<Utc>,
        raw: bool,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<u64> {
        let id = self.rollup_id(rollup).await?;
        let model = self.model(rollup).await?;
        // A bucket is recomputed as the first level that is kept for ever: the line lies on its grid.
        let unit = model
            .levels
            .iter()
            .find(|level| level.keep.is_none())
            .map_or(model.base(), |level| level.grain);
        let line = unit.utc_floor(before);
        if self
            .status(Some(rollup))
            .await?
            .rollups
            .iter()
            .any(|status| status.rebuilding.is_some())
        {
            return Err(Error::input(
                "being_rebuilt",
                format!(
                    "A changed declaration of {rollup} is being built from raw rows. Wait for it (tidemark jobs), or cancel its job. Nothing was changed."
                ),
            ));
        }
        let mut connection = self.dedicated().await?;
        let mut transaction = connection.begin().await?;
        lock_rollup(&mut transaction, id).await?;
        let row = sqlx::query(
            "select clock_timestamp() as now, greatest(frozen_before, $2) = frozen_before and frozen_before <> $2 as already,
               exists (select from tidemark.dirty d where d.rollup_id = $1 and d.kind in ('b', 'u') and d.span && tstzrange(null, $2))
                 or exists (select from tidemark.mark m where m.rollup_id = $1 and (m.kind <> 'c' or m.lo < $2))
                 or exists (select from tidemark.dirty d where d.rollup_id = $1 and d.kind = 'c' and d.span && tstzrange(r.frozen_before, $2))
                 or tidemark.unpolled($1, r.storage) && tstzrange(r.frozen_before, $2) as waiting
             from tidemark.rollup r where id = $1",
        )
        .bind(id)
        .bind(line)
        .fetch_one(&mut *transaction)
        .await?;
        if line >= row.get::<DateTime<Utc>, _>("now") {
            return Err(Error::input(
                "bad_range",
                "--before lies in the future: that would freeze the current bucket. Nothing was changed.",
            ));
        }
        if row.get("waiting") {
            return Err(Error::input(
                "not_built",
                format!(
                    "Some buckets before {} wait to be computed; freezing them now would keep wrong numbers for ever. Run: tidemark tick {rollup} --drain. Nothing was changed.",
                    line.to_rfc3339()
                ),
            ));
        }
        sqlx::query("update tidemark.rollup set frozen_before = greatest(frozen_before, $2) where id = $1")
            .bind(id)
            .bind(line)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let mut deleted = 0;
        if raw {
            for source in &model.sources {
                self.no_other_needs(rollup, source, line).await?;
            }
            for source in &model.sources {
                deleted += delete_before(&mut connection, &model, source, line, deleted, progress).await?;
            }
        }
        connection.close().await.ok();
        Ok(deleted)
    }

    /// Another rollup over the same table would lose its history.
    async fn no_other_needs(&self, rollup: &str, source: &SourceModel, line: DateTime<Utc>) -> Result<()> {
        let others: Option<String> = sqlx::query_scalar(
            "select string_agg(r.name, ', ') from tidemark.input i join tidemark.rollup r on r.id = i.rollup_id
             where i.schema_name = $1 and i.table_name = $2 and r.name <> $3 and r.frozen_before < $4",
        )
        .bind(&source.schema)
        .bind(&source.table)
        .bind(rollup)
        .bind(line)
        .fetch_one(&self.pool)
        .await?;
        match others {
            None => Ok(()),
            Some(others) => Err(Error::input(
                "needed_elsewhere",
                format!(
                    "Rollup {others} needs the raw rows of {} too. Freeze it first: tidemark purge {others} --before {}. No row was deleted; {rollup} is frozen.",
                    source.table_sql(),
                    line.to_rfc3339()
                ),
            )),
        }
    }
}

async fn delete_before(
    connection: &mut sqlx::PgConnection,
    model: &Model,
    source: &SourceModel,
    line: DateTime<Utc>,
    before: u64,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64> {
    let column = quote(&source.time_column);
    let condition = match &source.time {
        TimeKind::Timestamptz => format!("{column} < $1"),
        TimeKind::Timestamp { zone } => format!(
            "{column} < ($1 at time zone {})",
            tidemark_core::spec::on::literal(zone)
        ),
        TimeKind::Date { zone } => format!(
            "{column} < ($1 at time zone {})::date",
            tidemark_core::spec::on::literal(zone)
        ),
        TimeKind::Epoch { per_second } => format!("{column} < ceil(extract(epoch from $1) * {per_second})::bigint"),
    };
    // The condition twice: a ctid names a row in every partition, and only the old ones may go.
    let sql = format!(
        "delete from {table} where {condition} and ctid = any (array(select ctid from {table} where {condition} limit {BATCH}))",
        table = source.table_sql()
    );
    let mut deleted = 0;
    loop {
        let mut transaction = connection.begin().await?;
        let gone = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(line)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        // Its own deletions are no changes that a person should look at.
        sqlx::query("select tidemark.forget_frozen()")
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        deleted += gone;
        progress(Progress {
            what: format!("{}: raw rows deleted from {}", model.name, source.table_sql()),
            done: before + deleted,
            total: 0,
        });
        if gone == 0 {
            return Ok(deleted);
        }
    }
}
