//! One moment of the database that several transactions read at.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};

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
    /// The server's clock when it began, before the snapshot: whatever was committed by then is in it.
    pub(super) now: DateTime<Utc>,
}

impl Db {
    pub(super) async fn moment(&self) -> Result<Moment> {
        let mut held = self.pool.begin_with(READING).await?;
        // It is idle for as long as others read at it, which may be several statements of a minute each.
        sqlx::raw_sql("set local idle_in_transaction_session_timeout = '10min'")
            .execute(&mut *held)
            .await?;
        let (name, now) = sqlx::query_as("select pg_export_snapshot(), now()")
            .fetch_one(&mut *held)
            .await?;
        Ok(Moment { held, name, now })
    }
}

impl Moment {
    /// How a transaction begins that reads at this moment, too.
    pub(super) fn joining(&self) -> String {
        // A literal is all that the statement takes; the server made the name, of digits, letters and dashes.
        format!("{READING}; set transaction snapshot '{}'", self.name)
    }

    pub(super) async fn end(self) -> Result<()> {
        Ok(self.held.rollback().await?)
    }
}
