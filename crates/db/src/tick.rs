//! Ticks: the function is in the database, this calls it, and records a failure that took the tick's transaction along.

use std::time::Duration;

use sqlx::Row;
use tidemark_core::api::{TickOutcome, TickReport};

use crate::{Db, Error, Progress, Result};

impl Db {
    /// One slice of one rollup.
    pub async fn tick(&self, rollup: &str) -> Result<TickReport> {
        self.tick_slice(rollup, Duration::from_secs(2)).await
    }

    async fn tick_slice(&self, rollup: &str, slice: Duration) -> Result<TickReport> {
        match self.try_tick(rollup, slice).await {
            Ok(report) => {
                if report.retired {
                    self.clear_retired(rollup).await;
                }
                if report.unwatched && self.watch_new_members(rollup).await {
                    // Now it is seen whole, and trusted again.
                    let again = self.try_tick(rollup, slice).await?;
                    return Ok(TickReport {
                        marks: report.marks + again.marks,
                        buckets: report.buckets + again.buckets,
                        raw_rows: report.raw_rows + again.raw_rows,
                        took_ms: report.took_ms + again.took_ms,
                        ..again
                    });
                }
                Ok(report)
            }
            Err(error) if error.sqlstate() == Some("42704") => {
                self.rollup_id(rollup).await?;
                Err(error)
            }
            Err(error) => {
                // The tick's own transaction is gone, and with it what it wrote about itself.
                if !matches!(error, Error::Unreachable { .. }) {
                    let recorded = sqlx::query("select tidemark.record_failure($1, $2)")
                        .bind(rollup)
                        .bind(error.to_string())
                        .execute(&self.pool)
                        .await;
                    if let Err(cause) = recorded {
                        tracing::debug!(%cause, "the failure of a tick could not be recorded");
                    }
                    self.rollup_id(rollup).await?;
                }
                Err(error)
            }
        }
    }

    async fn try_tick(&self, rollup: &str, slice: Duration) -> Result<TickReport> {
        let mut transaction = self
            .pool
            // Not "read write": a connection that may only read would be talked into writing.
            .begin_with("begin isolation level read committed")
            .await?;
        sqlx::query("set local statement_timeout = '5min'")
            .execute(&mut *transaction)
            .await?;
        let report: sqlx::types::Json<TickReport> =
            sqlx::query("select tidemark.tick($1, $2, make_interval(secs => $3))")
                .bind(rollup)
                .bind(&self.ticker)
                .bind(slice.as_secs_f64())
                .fetch_one(&mut *transaction)
                .await?
                .try_get(0)?;
        transaction.commit().await?;
        Ok(report.0)
    }

    /// Tick until no applicable mark remains; waits for other tickers and for buckets that back off.
    ///
    /// Ends early, with [`TickOutcome::Failed`], where nothing but failing buckets is left or capture is broken, and
    /// with [`TickOutcome::Paused`] where the rollup is paused.
    pub async fn drain(&self, rollup: &str, progress: &mut (dyn FnMut(Progress) + Send)) -> Result<TickReport> {
        let mut sum: Option<TickReport> = None;
        let mut idle = 0;
        loop {
            let report = self.tick(rollup).await?;
            let total = sum.get_or_insert_with(|| TickReport {
                marks: 0,
                buckets: 0,
                raw_rows: 0,
                took_ms: 0.0,
                ..report.clone()
            });
            total.marks += report.marks;
            total.buckets += report.buckets;
            total.raw_rows += report.raw_rows;
            total.took_ms += report.took_ms;
            total.left = report.left;
            total.outcome = report.outcome;
            total.rest_ms = report.rest_ms;
            total.error.clone_from(&report.error);
            progress(Progress {
                what: rollup.to_owned(),
                done: total.buckets.unsigned_abs(),
                total: (total.buckets + report.left).unsigned_abs(),
            });
            idle = if report.buckets == 0 { idle + 1 } else { 0 };
            match report.outcome {
                TickOutcome::Drained | TickOutcome::Paused => break,
                TickOutcome::Failed if idle >= 3 => break,
                // What backs off, or does not come to be done, is worth a few tries; then the person should hear of it.
                TickOutcome::More | TickOutcome::BackingOff if idle >= 12 => {
                    total.outcome = TickOutcome::Failed;
                    total.error = self.last_error(rollup).await?;
                    break;
                }
                TickOutcome::More if idle == 0 => {}
                TickOutcome::Resting => tokio::time::sleep(report.rest()).await,
                TickOutcome::More
                | TickOutcome::Busy
                | TickOutcome::Yielded
                | TickOutcome::BackingOff
                | TickOutcome::Failed => tokio::time::sleep(Duration::from_millis(250)).await,
            }
        }
        sum.ok_or_else(|| Error::input("unknown_rollup", format!("There is no rollup {rollup:?} here.")))
    }

    async fn last_error(&self, rollup: &str) -> Result<Option<String>> {
        Ok(
            sqlx::query_scalar("select last_error from tidemark.status where rollup = $1")
                .bind(rollup)
                .fetch_optional(&self.pool)
                .await?
                .flatten(),
        )
    }
}
