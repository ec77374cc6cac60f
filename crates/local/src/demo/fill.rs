//! Fills the demo up to now.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

use super::{
    Plan, Written,
    generate::{Generator, Incident, Stretch},
    traffic,
};
use crate::{LocalError, Result};

/// Writes the rows that are missing in the demo's days up to `now`, newest first, a day to a transaction.
///
/// `progress` gets the rows done and the rows expected, after every slice. The first call takes half a minute; the next
/// ones fill the gap since the app was last open. To be called by one at a time.
pub async fn fill(pool: &PgPool, now: DateTime<Utc>, mut progress: impl FnMut(u64, u64)) -> Result<Written> {
    let Some(plan) = Plan::read(pool).await? else {
        return Err(LocalError::NotDemo {
            table: "usage_logs".into(),
        });
    };
    let mut generator = Generator::new(plan.seed, plan.rows_per_minute);
    generator.incidents = vec![Incident::recent(plan.anchor), Incident::old(plan.anchor)];
    if now - plan.anchor > TimeDelta::hours(3) {
        generator.incidents.insert(0, Incident::recent(now));
    }
    let missing = missing(pool, &plan, now).await?;
    let minutes: TimeDelta = missing.iter().map(|stretch| stretch.ends - stretch.starts).sum();
    let expected = expected_rows(&plan, minutes);
    let mut written = Written::default();
    progress(0, expected);
    for stretch in missing {
        let slice = write_slice(pool, &generator, stretch).await?;
        written.usage_rows += slice.usage_rows;
        written.error_rows += slice.error_rows;
        let done = written.usage_rows + written.error_rows;
        progress(done, expected.max(done));
    }
    let done = written.usage_rows + written.error_rows;
    if done > 1000 {
        // Fresh statistics, so that the first plans are good ones.
        sqlx::query("analyze usage_logs, ops_error_logs, groups, accounts")
            .execute(pool)
            .await
            .map_err(LocalError::database("statistics of the demo"))?;
    }
    progress(done, done);
    Ok(written)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a row count, never negative, far below 2^53"
)]
fn expected_rows(plan: &Plan, time: TimeDelta) -> u64 {
    (plan.rows_per_minute * traffic::mean_pace() * time.as_seconds_f64() / 60.0 * 1.009) as u64
}

/// The stretches without rows, newest first, none longer than a UTC day.
async fn missing(pool: &PgPool, plan: &Plan, now: DateTime<Utc>) -> Result<Vec<Stretch>> {
    let from = midnight(now) - Days::new(u64::try_from(plan.days).unwrap_or(1));
    let holes: Vec<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "select lower(hole), upper(hole)
         from (select tstzmultirange(tstzrange($1, $2))
                    - coalesce(range_agg(tstzrange(starts, ends)), tstzmultirange()) as holes
               from tidemark_demo.slice) as s
         cross join lateral unnest(s.holes) as hole
         order by 1 desc",
    )
    .bind(from)
    .bind(now)
    .fetch_all(pool)
    .await
    .map_err(LocalError::database("a look at the demo"))?;
    let mut stretches = Vec::new();
    for (starts, mut ends) in holes {
        while starts < ends {
            let day = midnight(ends - TimeDelta::microseconds(1)).max(starts);
            stretches.push(Stretch { starts: day, ends });
            ends = day;
        }
    }
    Ok(stretches)
}

fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.date_naive().and_time(NaiveTime::MIN).and_utc()
}

/// A slice that a power cut takes back is written again, so nobody has to wait for the disk. A superuser may skip the
/// foreign keys, which hold by construction; Tidemark's own triggers fire all the same.
pub(super) async fn unhurried(transaction: &mut PgConnection) -> Result<()> {
    sqlx::query(
        "select set_config('synchronous_commit', 'off', true),
                case when current_setting('is_superuser')::boolean
                    then set_config('session_replication_role', 'replica', true) end",
    )
    .execute(transaction)
    .await
    .map_err(LocalError::database("a slice of the demo"))
    .map(drop)
}

async fn write_slice(pool: &PgPool, generator: &Generator, stretch: Stretch) -> Result<Written> {
    let failed = LocalError::database;
    let mut work = pool.begin().await.map_err(failed("a slice of the demo"))?;
    unhurried(&mut work).await?;
    let written = generator.write(&mut work, stretch).await?;
    sqlx::query("insert into tidemark_demo.slice (starts, ends) values ($1, $2)")
        .bind(stretch.starts)
        .bind(stretch.ends)
        .execute(&mut *work)
        .await
        .map_err(failed("a slice of the demo"))?;
    work.commit().await.map_err(failed("a slice of the demo"))?;
    Ok(written)
}
