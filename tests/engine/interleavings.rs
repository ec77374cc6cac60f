//! Interleavings that lose a change, or keep a wrong one, under a plausible simpler design. Each says what that design
//! is; where it fits in a few lines it stands beside the test as SQL of its own, and the test shows it losing the
//! change first.

mod health;
mod lookups;
mod losing;
mod queue;
mod snapshots;

use chrono::{DurationRound, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use tidemark_core::api::Grain;

use crate::harness::TestDb;
use crate::truth::{BY_ALL, Question};

const TICK: &str = "select tidemark.tick('ops_metrics', 'test', interval '2 seconds') ->> 'outcome'";

/// Two connections, each in or out of a transaction.
async fn two(test: &TestDb) -> (PgConnection, PgConnection) {
    (test.actor().await, test.actor().await)
}

/// The first column of the only row.
async fn value<T>(connection: &mut PgConnection, sql: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{sql}"))
}

/// The last month by day, in a zone that UTC days don't fit.
fn last_month() -> Question {
    let now = Utc::now().duration_trunc(TimeDelta::minutes(15)).unwrap();
    Question {
        from: now - TimeDelta::days(31),
        to: now + TimeDelta::days(1),
        grain: Grain::Day,
        tz: chrono_tz::Asia::Kolkata,
        by: BY_ALL,
    }
}
