//! A database per test, made from a template and dropped afterwards.

use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tidemark_core::api::{Grain, QueryAnswer, QueryRequest, ReadMode, WeekStart};
use tidemark_db::{ConnectOptions, Db, Declaration};

/// The operator's tables of the ops_metrics system, without rows.
pub const RAW: &str = include_str!("raw.sql");

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database of its own for one test, with the raw tables in it.
pub struct TestDb {
    pub db: Db,
    pub url: String,
    /// The rollup whose raw tables are in it.
    pub rollup: &'static str,
    name: String,
}

/// The test server. Missing is an error, never a skip.
pub fn server_url() -> String {
    std::env::var("TIDEMARK_TEST_URL").expect("TIDEMARK_TEST_URL is not set: run scripts/test.sh, or export TIDEMARK_TEST_URL=$(scripts/test-server.sh start)")
}

/// The test server's URL with another database, and optionally another role.
pub fn url_of(database: &str, role: Option<&str>) -> String {
    let url = server_url().replacen("///postgres?", &format!("///{database}?"), 1);
    match role {
        Some(role) => url.replacen("user=postgres", &format!("user={role}"), 1),
        None => url,
    }
}

pub async fn connect(url: &str) -> Db {
    Db::connect(&ConnectOptions {
        url: Some(url.to_owned()),
        ticker: "test".to_owned(),
        ..ConnectOptions::default()
    })
    .await
    .unwrap()
}

impl TestDb {
    /// An empty database.
    pub async fn empty() -> TestDb {
        let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect(&server_url()).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name} template template0")))
            .execute(&mut admin)
            .await
            .unwrap();
        let url = url_of(&name, None);
        TestDb {
            db: connect(&url).await,
            url,
            rollup: "ops_metrics",
            name,
        }
    }

    /// A database with the raw tables of ops_metrics, empty.
    pub async fn raw() -> TestDb {
        let test = TestDb::empty().await;
        test.sql(RAW).await;
        test
    }

    /// Raw tables, `ops_metrics` applied and drained.
    pub async fn ops() -> TestDb {
        let test = TestDb::raw().await;
        test.apply().await;
        test.drain().await;
        test
    }

    /// Apply the declaration that ships for these raw tables.
    pub async fn apply(&self) {
        let declaration = Declaration::load(self.rollup).unwrap();
        self.db.apply(&declaration, true).await.unwrap();
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn pool(&self) -> &PgPool {
        self.db.pool()
    }

    /// A connection of its own: one more actor.
    pub async fn actor(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    pub async fn sql(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(self.pool())
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    pub async fn one<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.pool())
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    pub async fn drain(&self) {
        self.db.drain(self.rollup, &mut |_| {}).await.unwrap();
    }

    /// `query` of ops_metrics over a range, by platform.
    pub async fn query(&self, from: DateTime<Utc>, to: DateTime<Utc>, grain: Grain, mode: ReadMode) -> QueryAnswer {
        let request = QueryRequest {
            rollup: "ops_metrics".to_owned(),
            from,
            to,
            grain,
            tz: chrono_tz::UTC,
            week_start: WeekStart::Monday,
            by: vec!["platform".to_owned()],
            filters: Vec::new(),
            measures: Vec::new(),
            mode,
        };
        self.db.query(&request).await.unwrap()
    }
}

/// Rows of an answer as text, without their state: two answers are the same where these are.
pub fn numbers(answer: &QueryAnswer) -> Vec<String> {
    answer
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {}",
                row.bucket_start.with_timezone(&Utc).to_rfc3339(),
                serde_json::to_value(&row.values).unwrap()
            )
        })
        .collect()
}

/// `2026-11-20T12:00:00Z`.
pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let name = self.name.clone();
        // In a thread of its own: a runtime can't be entered from within another.
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(async {
                    let mut admin = PgConnection::connect(&server_url()).await.unwrap();
                    sqlx::raw_sql(AssertSqlSafe(format!("drop database if exists {name} with (force)")))
                        .execute(&mut admin)
                        .await
                        .unwrap();
                });
        });
        dropped.join().ok();
    }
}
