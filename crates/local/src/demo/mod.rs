//! Demo data: five weeks of an API gateway's logs, with rhythm, heavy tails, two incidents and what real logs have of
//! gaps: rows without a group, without a platform, without a duration. Beside them the raw tables of the other systems.
//!
//! [`create`] makes the tables (a moment), [`fill`] writes the rows that are missing up to now, newest first (half a
//! minute at the first start, a moment at the next), [`fill_others`] does both for the other systems, and [`LiveTraffic`] goes on from there. Whatever is interrupted
//! goes on at the next call: a slice of rows commits with a line that says so.

mod fill;
mod generate;
mod live;
mod others;
mod traffic;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

pub use fill::fill;
pub use generate::Written;
pub use live::LiveTraffic;
pub use others::fill_others;

use crate::{LocalError, Result};

/// How much demo data there shall be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Size {
    /// Whole days before today.
    pub days: i32,
    /// Rows in `usage_logs` over these days, about.
    pub usage_rows: f64,
    /// The same seed and the same moment give the same rows.
    pub seed: i64,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            days: 36,
            usage_rows: 2_000_000.0,
            seed: 1,
        }
    }
}

/// What `tidemark_demo.plan` says.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct Plan {
    seed: i64,
    anchor: DateTime<Utc>,
    days: i32,
    rows_per_minute: f64,
}

impl Plan {
    async fn read(pool: &PgPool) -> Result<Option<Self>> {
        if !is_demo(pool).await? {
            return Ok(None);
        }
        sqlx::query_as("select seed, anchor, days, rows_per_minute from tidemark_demo.plan")
            .fetch_optional(pool)
            .await
            .map_err(LocalError::database("the demo's plan"))
    }
}

/// Whether this database holds the demo, so that the app can say so.
pub async fn is_demo(pool: &PgPool) -> Result<bool> {
    sqlx::query_scalar("select to_regclass('tidemark_demo.plan') is not null")
        .fetch_one(pool)
        .await
        .map_err(LocalError::database("a look for demo data"))
}

/// Makes the demo's tables, accounts and groups, where they are missing. `now` is where the incidents hang.
///
/// Gives `true` when it made them. A table of the same name that is not the demo's is an error, and nothing changes.
pub async fn create(pool: &PgPool, size: Size, now: DateTime<Utc>) -> Result<bool> {
    let failed = LocalError::database;
    if is_demo(pool).await? {
        return Ok(false);
    }
    let taken: Option<String> = sqlx::query_scalar(
        "select name from unnest(array['accounts', 'groups', 'usage_logs', 'ops_error_logs']) as name
         where to_regclass(quote_ident(name)) is not null limit 1",
    )
    .fetch_optional(pool)
    .await
    .map_err(failed("a look for demo data"))?;
    if let Some(table) = taken {
        return Err(LocalError::NotDemo { table });
    }
    let mut work = pool.begin().await.map_err(failed("the demo tables"))?;
    sqlx::raw_sql(include_str!("schema.sql"))
        .execute(&mut *work)
        .await
        .map_err(failed("the demo tables"))?;
    for (table, rows) in [("accounts", &traffic::ACCOUNTS[..]), ("groups", &traffic::GROUPS[..])] {
        let (names, platforms): (Vec<&str>, Vec<&str>) = rows.iter().copied().unzip();
        let insert = match table {
            "accounts" => {
                "insert into accounts (name, platform, created_at) select n, p, $3 from unnest($1::text[], $2::text[]) as t (n, p)"
            }
            _ => {
                "insert into groups (name, platform, created_at) select n, p, $3 from unnest($1::text[], $2::text[]) as t (n, p)"
            }
        };
        sqlx::query(insert)
            .bind(names)
            .bind(platforms)
            .bind(now - chrono::TimeDelta::days(400))
            .execute(&mut *work)
            .await
            .map_err(failed("the demo's accounts and groups"))?;
    }
    let minutes = f64::from(size.days.max(1)) * 1440.0;
    sqlx::query("insert into tidemark_demo.plan (seed, anchor, days, rows_per_minute) values ($1, $2, $3, $4)")
        .bind(size.seed)
        .bind(now)
        .bind(size.days.max(1))
        .bind(size.usage_rows / minutes / traffic::mean_pace())
        .execute(&mut *work)
        .await
        .map_err(failed("the demo's plan"))?;
    work.commit().await.map_err(failed("the demo tables"))?;
    Ok(true)
}
