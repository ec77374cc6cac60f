//! Readings that take long: those that nobody waits for any more, and those that somebody waits for.

use tidemark_core::api::{BoardRequest, Grain, QueryRequest, ReadMode};

use crate::ask::{self, FROM, TO};
use crate::boards::{RANGE, begin_with, calls, question};
use crate::harness::{TestDb, at};
use crate::stop::until;

/// Sleeps for a minute while it reads raw rows, as long as a statement may take.
async fn slow() -> TestDb {
    let test = calls().await;
    begin_with(&test, "calls__raw", "perform pg_sleep(60)").await;
    test
}

/// A statement of this database that sleeps.
const SLEEPS: &str =
    "exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";

#[tokio::test]
async fn a_reading_that_nobody_waits_for_ends_on_the_server() {
    let test = slow().await;
    let board = BoardRequest {
        mode: ReadMode::Live,
        ..question("calls", RANGE, vec![])
    };
    let numbers = QueryRequest {
        mode: ReadMode::Live,
        ..ask::question("calls", at(FROM), at(TO), Grain::Total, chrono_tz::UTC)
    };
    for what in ["boards", "query"] {
        let (db, board, numbers) = (test.db.clone(), board.clone(), numbers.clone());
        let reading = tokio::spawn(async move {
            match what {
                "boards" => db.load_boards(&[board.clone(), board]).await.map(drop),
                _ => db.query(&numbers).await.map(drop),
            }
        });
        until(&test, SLEEPS).await;
        reading.abort();
        until(&test, &format!("not {SLEEPS}")).await;
    }
    // What is asked next is none of that.
    let stored = BoardRequest {
        mode: ReadMode::RollupOnly,
        ..board
    };
    for _ in 0..8 {
        test.db.board(&stored).await.unwrap();
    }
}
