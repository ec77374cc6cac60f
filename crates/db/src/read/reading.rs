//! A transaction that reads for somebody who may stop waiting.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Row};

use crate::{Db, Result};

/// Is ended by [`Reading::end`]. Where it is dropped before, the server ends the statement under way, too.
pub(crate) struct Reading {
    connection: PoolConnection<Postgres>,
    pool: PgPool,
    /// `None` while it begins.
    backend: Option<i32>,
    ended: bool,
}

impl Db {
    /// Begin a read-only transaction with these statements.
    pub(crate) async fn reading(&self, begin: &str) -> Result<Reading> {
        let mut reading = Reading {
            connection: self.pool.acquire().await?,
            pool: self.pool.clone(),
            backend: None,
            ended: false,
        };
        let row = sqlx::raw_sql(AssertSqlSafe(format!("{begin}; select pg_backend_pid()")))
            .fetch_one(reading.connection())
            .await?;
        reading.backend = Some(row.try_get(0)?);
        Ok(reading)
    }
}

impl Reading {
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Give the connection back; what was read stays read where that fails.
    pub async fn end(mut self) {
        self.ended = sqlx::raw_sql("rollback").execute(self.connection()).await.is_ok();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // Closed, not given back: what is cancelled can be no later statement of somebody else.
        self.connection.close_on_drop();
        let Some(backend) = self.backend else { return };
        let pool = self.pool.clone();
        tokio::spawn(async move {
            let cancel = sqlx::query("select pg_cancel_backend($1)").bind(backend);
            if let Err(error) = cancel.execute(&pool).await {
                tracing::warn!("a statement that nobody waits for runs on to its time-out: {error}");
            }
        });
    }
}
