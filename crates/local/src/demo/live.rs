//! Live traffic: the demo goes on while the app is open.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Plan,
    generate::{Generator, Stretch},
    others,
};
use crate::{LocalError, Result};

/// How often a batch is written.
const EVERY: Duration = Duration::from_secs(2);
/// After a stay away longer than this (a laptop asleep) the traffic starts anew; the next start of the app fills the gap.
const LONGEST_GAP: TimeDelta = TimeDelta::minutes(10);
/// The first batch joins the history only where that has just been filled: another task may be filling a longer gap.
const JOIN: TimeDelta = TimeDelta::seconds(5);
/// Some gateways write a row when the answer has ended, dated when the request began.
const LATE_SHARE: f64 = 0.04;

/// A task that writes new rows at the pace of the history, so that the charts go on where it ends.
#[derive(Debug)]
pub struct LiveTraffic {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl LiveTraffic {
    /// Starts writing. `speed` is a multiple of the history's pace: 1 to go on as before, more for a show.
    ///
    /// While the database is away it waits, and goes on when it is back.
    pub async fn start(pool: PgPool, speed: f64) -> Result<Self> {
        let plan = Plan::read(&pool).await?.ok_or(LocalError::NotDemo {
            table: "usage_logs".into(),
        })?;
        let mut generator = Generator::new(plan.seed ^ Utc::now().timestamp_micros(), plan.rows_per_minute * speed);
        generator.late_share = LATE_SHARE;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(run(pool, generator, stopped));
        Ok(Self { stop, task })
    }

    /// Ends after the batch that is being written.
    pub async fn stop(self) {
        self.stop.send(()).ok();
        if let Err(problem) = self.task.await {
            tracing::warn!(%problem, "the demo's live traffic ended badly");
        }
    }
}

async fn run(pool: PgPool, generator: Generator, mut stopped: oneshot::Receiver<()>) {
    let mut written_to: Option<DateTime<Utc>> = None;
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        // A dropped handle stops the task like a call of `stop`.
        tokio::select! {
            _ = &mut stopped => return,
            _ = clock.tick() => {}
        }
        match batch(&pool, &generator, written_to).await {
            Ok(ends) => {
                written_to = Some(ends);
                if let Err(problem) = others::go_on_all(&pool, ends).await {
                    tracing::debug!(%problem, "no live traffic in the other systems' tables");
                }
            }
            Err(problem) => {
                tracing::debug!(%problem, "no live traffic: the database does not take it");
                written_to = None;
            }
        }
    }
}

/// Writes what happened since the last batch, and says so in the list of slices, in one transaction.
async fn batch(pool: &PgPool, generator: &Generator, written_to: Option<DateTime<Utc>>) -> Result<DateTime<Utc>> {
    let failed = LocalError::database;
    let mut work = pool.begin().await.map_err(failed("a batch of live traffic"))?;
    let (now, newest): (DateTime<Utc>, Option<DateTime<Utc>>) =
        sqlx::query_as("select clock_timestamp(), (select max(ends) from tidemark_demo.slice)")
            .fetch_one(&mut *work)
            .await
            .map_err(failed("a look at the demo"))?;
    let joins = newest.filter(|at| now - *at < JOIN);
    let starts = written_to
        .filter(|at| now - *at < LONGEST_GAP)
        .or(joins)
        .unwrap_or(now)
        .min(now);
    if starts == now {
        work.commit().await.map_err(failed("a batch of live traffic"))?;
        return Ok(now);
    }
    generator.write(&mut work, Stretch { starts, ends: now }).await?;
    // One row grows, so that a day of live traffic is one slice and not forty thousand.
    let grown = sqlx::query("update tidemark_demo.slice set ends = $2 where ends = $1")
        .bind(starts)
        .bind(now)
        .execute(&mut *work)
        .await
        .map_err(failed("a slice of the demo"))?;
    if grown.rows_affected() == 0 {
        sqlx::query("insert into tidemark_demo.slice (starts, ends) values ($1, $2)")
            .bind(starts)
            .bind(now)
            .execute(&mut *work)
            .await
            .map_err(failed("a slice of the demo"))?;
    }
    work.commit().await.map_err(failed("a batch of live traffic"))?;
    Ok(now)
}
