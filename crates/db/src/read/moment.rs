//! One moment of the database that several transactions read at.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};

use crate::{Db, Result};

/// How a transaction begins that reads at one moment. A statement over arrays of spans that was planned for any spans, as it
/// would be from the sixth time on, takes ten times as long.
pub(crate) const READING: &str =
    "begin isolation level repeatable read read only; set local plan_cache_mode = force_custom_plan";

/// An exported snapshot. Reads that join it are transactions of their own, so one that fails leaves the others alone.
pub(crate) struct Moment {
    /// Others can join for as long as this is open.
    held: Transaction<'static, Postgres>,
    name: String,
    /// The server's clock.
    pub(super) now: DateTime<Utc>,
}

impl Db {
    pub(super) async fn moment(&self) -> Result<Moment> {
        let mut held = self.pool.begin_with(READING).await?;
        let (name, now) = sqlx::query_as("select pg_export_snapshot(), clock_timestamp()")
            .fetch_one(&mut *held)
            .await?;
        Ok(Moment { held, name, now })
    }
}

impl Moment {
    /// Let a transaction that has not read yet read at this moment.
    pub(super) async fn join(&self, transaction: &mut PgConnection) -> Result<()> {
        // A literal is all that the statement takes; the server made the name, of digits, letters and dashes.
        let join = format!("set transaction snapshot '{}'", self.name);
        sqlx::raw_sql(AssertSqlSafe(join)).execute(transaction).await?;
        Ok(())
    }

    pub(super) async fn end(self) -> Result<()> {
        Ok(self.held.rollback().await?)
    }
}
