//! The installed rollups: list, pause, drop. `apply` makes them.

use sqlx::{Connection, PgConnection, Row};
use tidemark_core::api::RollupSummary;
use tidemark_core::model::Model;

use crate::apply::{Stage, drop_objects};
use crate::schema::{Patience, drop_triggers};
use crate::{Db, Error, Result};

impl Db {
    /// In the order in which they were installed.
    pub async fn list(&self) -> Result<Vec<RollupSummary>> {
        self.require_installed().await?;
        let rows = sqlx::query(
            "select name, title, model, applied_at, paused from tidemark.rollup
             where active and stage = 'serving' order by installed_at, name",
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
                    dimension_labels: model
                        .dimensions
                        .iter()
                        .map(|dimension| dimension.label.clone())
                        .collect(),
                    grains: model.levels.iter().map(|level| level.grain).collect(),
                    measures: model.numbers().map(|measure| model.info(measure)).collect(),
                    board: model.board(),
                    applied_at: row.get("applied_at"),
                    paused: row.get("paused"),
                })
            })
            .collect()
    }

    /// Take a rollup's triggers off, then drop its tables, views and functions.
    pub async fn drop_rollup(&self, rollup: &str) -> Result<()> {
        self.rollup_id(rollup).await?;
        let mut connection = self.dedicated().await?;
        for stage in [Stage::Next, Stage::Retired, Stage::Serving] {
            drop_stage(&mut connection, rollup, stage, Patience::Minute).await?;
        }
        connection.close().await.ok();
        Ok(())
    }

    pub async fn set_paused(&self, rollup: &str, paused: bool) -> Result<()> {
        self.rollup_id(rollup).await?;
        sqlx::query("update tidemark.rollup set paused = $2 where name = $1")
            .bind(rollup)
            .bind(paused)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Drop what a changed declaration has taken the place of. Where a raw table is busy, or this role may not, it waits
    /// for somebody else: until then its triggers mark in vain.
    pub(crate) async fn clear_retired(&self, rollup: &str) {
        let cleared = async {
            let mut connection = self.dedicated().await?;
            let dropped = drop_stage(&mut connection, rollup, Stage::Retired, Patience::Once).await;
            connection.close().await.ok();
            dropped
        };
        if let Err(error) = cleared.await {
            tracing::debug!(rollup, %error, "what was replaced can't be dropped yet");
        }
    }

    /// The id of an active rollup; an error with a near name where there is none.
    pub(crate) async fn rollup_id(&self, rollup: &str) -> Result<i32> {
        self.require_installed().await?;
        if let Some(id) = sqlx::query_scalar("select id from tidemark.rollup where name = $1 and stage = 'serving'")
            .bind(rollup)
            .fetch_optional(&self.pool)
            .await?
        {
            return Ok(id);
        }
        let names: Vec<String> =
            sqlx::query_scalar("select name from tidemark.rollup where stage = 'serving' order by name")
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

/// Drop one declaration of a rollup, where there is one: triggers first, table by table, then everything else at once.
pub(crate) async fn drop_stage(
    connection: &mut PgConnection,
    rollup: &str,
    stage: Stage,
    patience: Patience,
) -> Result<()> {
    let Some(row) = sqlx::query("select id, storage from tidemark.rollup where name = $1 and stage = $2")
        .bind(rollup)
        .bind(stage.word())
        .fetch_optional(&mut *connection)
        .await?
    else {
        return Ok(());
    };
    let (id, storage): (i32, String) = (row.get("id"), row.get("storage"));
    drop_triggers(connection, Some(&storage), patience).await?;
    let mut transaction = connection.begin().await?;
    lock_rollup(&mut transaction, id).await?;
    drop_objects(&mut transaction, id, &storage, stage).await?;
    sqlx::query("delete from tidemark.mark where rollup_id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("delete from tidemark.rollup where id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
