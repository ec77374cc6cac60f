//! Data sets: the raw tables of ops_metrics, filled, in a database of its own each.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tidemark_core::api::RecomputeRequest;
use tidemark_db::{ConnectOptions, Db, Declaration};

use crate::{Error, Result};

/// The operator's tables, as the engine's tests have them.
const TABLES: &str = include_str!("../../../tests/engine/raw.sql");

/// How rows lie in time and over platforms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// Ten platforms alike, around the clock.
    Busy,
    /// Eight hours on five days a week, nine of ten rows of one platform, few of the others.
    Sparse,
}

/// What a data set holds.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    pub shape: Shape,
    pub rows: u64,
    pub days: u32,
}

/// A database with raw rows in it.
pub struct Set {
    pub db: Db,
    pub url: String,
    pub spec: Spec,
}

pub const ROLLUP: &str = "ops_metrics";

impl Spec {
    pub fn describe(&self) -> String {
        let shape = match self.shape {
            Shape::Busy => "busy",
            Shape::Sparse => "sparse",
        };
        format!("{} raw rows over {} days, {shape}", count(self.rows), self.days)
    }

    fn name(&self) -> String {
        format!(
            "bench_{}_{}_{}",
            self.rows,
            self.days,
            format!("{:?}", self.shape).to_lowercase()
        )
    }

    /// Rows in order of time, one in 125 a failure.
    fn fill(&self) -> String {
        let Spec { rows, days, .. } = self;
        let errors = (rows / 125).max(1);
        let usage = rows - errors;
        let (at, account) = match self.shape {
            Shape::Busy => (
                format!("i * interval '{days} days' / n"),
                "1 + (random() * 40)::integer % 40",
            ),
            Shape::Sparse => (
                // The i-th second of the working time, of which a week has 40 hours.
                format!(
                    "floor(i * {days}.0 / n / 7) * interval '7 days' + floor((i * {days}.0 / n)::numeric % 7 / 1.4) * interval '1 day' + interval '8 hours' + ((i * {days}.0 / n)::numeric % 1.4) / 1.4 * interval '8 hours'"
                ),
                "case when random() < 0.9 then 1 else 2 + (random() * 38)::integer end",
            ),
        };
        let body = |n: u64, table: &str, columns: &str, values: &str| {
            format!(
                "insert into {table} (created_at, account_id, group_id, {columns})
select date_trunc('hour', now()) - interval '{days} days' + at, account, case when random() < 0.3 then 1 + (random() * 3)::integer end, {values}
from (select {at} as at, {account} as account from (select i, {n} as n from generate_series(0, {n} - 1) i) x) y"
            )
        };
        format!(
            "select setseed(0.5);
delete from accounts; delete from groups;
insert into accounts (id, name, platform) select i, 'account ' || i, 'platform-' || lpad((1 + (i - 1) % 10)::text, 2, '0') from generate_series(1, 40) i;
insert into groups (id, name, platform) values (1, 'a', null), (2, 'b', ''), (3, 'c', null), (4, 'd', 'platform-03');
{};
{};",
            body(
                usage,
                "usage_logs",
                "model, duration_ms, input_tokens, output_tokens",
                "'model-' || account % 7, exp(5.7 + 0.8 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::integer, (random() * 4000)::integer, (random() * 1000)::integer"
            ),
            body(
                errors,
                "ops_error_logs",
                "status_code, error_type, error_message",
                "(array[400, 404, 429, 500, 502, 504])[1 + (random() * 5)::integer], case when random() < 0.2 then 'timeout' end, 'upstream said no'"
            ),
        )
    }
}

impl Set {
    /// Make it: tables without indexes, rows, indexes, statistics.
    pub async fn make(server: &str, spec: Spec) -> Result<Set> {
        let name = spec.name();
        let mut admin = PgConnection::connect(server).await?;
        for statement in [
            format!("drop database if exists {name} with (force)"),
            format!("create database {name} template template0"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await?;
        }
        let url = url_of(server, &name)?;
        let mut connection = PgConnection::connect(&url).await?;
        let (tables, indexes): (Vec<&str>, Vec<&str>) = TABLES
            .split_inclusive(";\n")
            .partition(|statement| !statement.trim_start().starts_with("create index"));
        for sql in [
            tables.concat(),
            spec.fill(),
            indexes.concat(),
            "vacuum analyze".to_owned(),
            "checkpoint".to_owned(),
        ] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        }
        Ok(Set {
            db: connect(&url, "bench").await?,
            url,
            spec,
        })
    }

    pub fn pool(&self) -> &PgPool {
        self.db.pool()
    }

    pub async fn sql(&self, sql: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(self.pool())
            .await?;
        Ok(())
    }

    pub async fn one<T>(&self, sql: &str) -> Result<T>
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.pool())
            .await?)
    }

    pub async fn apply(&self) -> Result<()> {
        self.db.apply(&Declaration::load(ROLLUP)?, true).await?;
        Ok(())
    }

    pub async fn drain(&self) -> Result<()> {
        let report = self.db.drain(ROLLUP, &mut |_| {}).await?;
        match report.error {
            Some(error) => Err(Error::Wrong(format!("a drain failed: {error}"))),
            None => Ok(()),
        }
    }

    /// Ask for everything to be computed anew; ticks do it, at that pace.
    pub async fn recompute(&self, pace: i16) -> Result<()> {
        let everything = RecomputeRequest {
            rollup: ROLLUP.to_owned(),
            from: None,
            to: None,
            scope: None,
            reason: None,
            pace,
        };
        self.db.recompute(&everything).await?;
        Ok(())
    }

    /// Build the rollup, and settle: no vacuum of what was just written falls into what is measured next.
    pub async fn build(&self) -> Result<()> {
        self.apply().await?;
        self.drain().await?;
        self.settle().await
    }

    pub async fn settle(&self) -> Result<()> {
        self.sql("vacuum analyze").await?;
        self.sql("checkpoint").await
    }

    pub async fn remove(self, server: &str) -> Result<()> {
        self.pool().close().await;
        let mut admin = PgConnection::connect(server).await?;
        sqlx::raw_sql(AssertSqlSafe(format!(
            "drop database if exists {} with (force)",
            self.spec.name()
        )))
        .execute(&mut admin)
        .await?;
        Ok(())
    }
}

pub async fn connect(url: &str, ticker: &str) -> Result<Db> {
    Ok(Db::connect(&ConnectOptions {
        url: Some(url.to_owned()),
        ticker: ticker.to_owned(),
        ..ConnectOptions::default()
    })
    .await?)
}

/// The server's URL with another database.
fn url_of(server: &str, database: &str) -> Result<String> {
    let (scheme, rest) = server
        .split_once("://")
        .ok_or_else(|| Error::Wrong(format!("{server} is no URL")))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = place.split('/').next().unwrap_or_default();
    Ok(format!("{scheme}://{host}/{database}?{query}"))
}

/// Such as `10 M`.
pub fn count(n: u64) -> String {
    match n {
        1_000_000.. => format!("{} M", n as f64 / 1e6),
        1_000.. => format!("{} k", n as f64 / 1e3),
        _ => n.to_string(),
    }
}
