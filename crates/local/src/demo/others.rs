//! The raw tables of the other systems: their rows are a function of time alone, so that any stretch can be written by
//! itself.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::{fill::unhurried, is_demo};
use crate::{LocalError, Result};

/// One system's raw tables, and how their rows are made.
struct Other {
    /// The table of its facts, which stands for all of them.
    table: &'static str,
    /// Its tables, and the rows of its lookups.
    tables: &'static [&'static str],
    /// Writes the rows of [$1, $2).
    rows: &'static str,
    days: i64,
}

const OTHERS: [Other; 3] = [
    Other {
        table: "task_usage",
        tables: &[include_str!("task_usage.sql"), include_str!("task_usage_seed.sql")],
        rows: include_str!("task_usage_rows.sql"),
        days: 90,
    },
    Other {
        table: "measurements",
        tables: &[include_str!("measurements.sql")],
        rows: include_str!("measurements_rows.sql"),
        days: 730,
    },
    Other {
        table: "deviations",
        tables: &[include_str!("forecast_accuracy.sql")],
        rows: include_str!("forecast_accuracy_rows.sql"),
        days: 400,
    },
];

const WRITTEN: &str = "
create table if not exists tidemark_demo.other (
    name       text        not null constraint other_pkey primary key,
    written_to timestamptz not null
);
comment on table tidemark_demo.other is 'Up to when the raw tables of the other systems have their rows.';
create or replace function tidemark_demo.dice(n bigint, salt integer) returns double precision
language sql immutable parallel safe
return (hashint8extended(n, salt) & 9007199254740991)::double precision / 9007199254740992;
comment on function tidemark_demo.dice(bigint, integer) is 'A number in [0, 1) that looks random and is always the same.';
";

/// Makes what is missing of the other systems' raw tables, and writes their rows up to `now`. A few seconds at the first
/// call. Gives how many rows were written.
pub async fn fill_others(pool: &PgPool, now: DateTime<Utc>) -> Result<u64> {
    if !is_demo(pool).await? {
        return Err(LocalError::NotDemo {
            table: OTHERS[0].table.into(),
        });
    }
    sqlx::raw_sql(WRITTEN)
        .execute(pool)
        .await
        .map_err(LocalError::database("the demo's list of tables"))?;
    let mut rows = 0;
    for other in &OTHERS {
        rows += fill(pool, other, now).await?;
    }
    Ok(rows)
}

/// Writes what happened since the last time, of those systems that have been filled and that nobody else is writing.
pub(super) async fn go_on_all(pool: &PgPool, now: DateTime<Utc>) -> Result<()> {
    let there: bool = sqlx::query_scalar("select to_regclass('tidemark_demo.other') is not null")
        .fetch_one(pool)
        .await
        .map_err(LocalError::database("a look at the demo"))?;
    for other in OTHERS.iter().filter(|_| there) {
        let failed = || LocalError::database(other.table);
        let mut work = pool.begin().await.map_err(failed())?;
        go_on(&mut work, other, now).await?;
        work.commit().await.map_err(failed())?;
    }
    Ok(())
}

async fn fill(pool: &PgPool, other: &Other, now: DateTime<Utc>) -> Result<u64> {
    let failed = || LocalError::database(other.table);
    let mut work = pool.begin().await.map_err(failed())?;
    unhurried(&mut work).await?;
    let made = sqlx::query("insert into tidemark_demo.other values ($1, $2) on conflict do nothing")
        .bind(other.table)
        .bind(now - TimeDelta::days(other.days))
        .execute(&mut *work)
        .await
        .map_err(failed())?;
    let first = made.rows_affected() > 0;
    for sql in other.tables.iter().filter(|_| first) {
        sqlx::raw_sql(*sql).execute(&mut *work).await.map_err(failed())?;
    }
    let rows = go_on(&mut work, other, now).await?;
    work.commit().await.map_err(failed())?;
    if first {
        // Fresh statistics, so that the first plans are good ones.
        sqlx::raw_sql(AssertSqlSafe(format!("analyze {}", other.table)))
            .execute(pool)
            .await
            .map_err(failed())?;
    }
    Ok(rows)
}

async fn go_on(connection: &mut PgConnection, other: &Other, now: DateTime<Utc>) -> Result<u64> {
    let failed = || LocalError::database(other.table);
    let written_to: Option<DateTime<Utc>> =
        sqlx::query_scalar("select written_to from tidemark_demo.other where name = $1 for update skip locked")
            .bind(other.table)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed())?;
    let Some(written_to) = written_to.filter(|at| *at < now) else {
        return Ok(0);
    };
    let rows = sqlx::query(other.rows)
        .bind(written_to)
        .bind(now)
        .execute(&mut *connection)
        .await
        .map_err(failed())?
        .rows_affected();
    sqlx::query("update tidemark_demo.other set written_to = $2 where name = $1")
        .bind(other.table)
        .bind(now)
        .execute(&mut *connection)
        .await
        .map_err(failed())?;
    Ok(rows)
}
