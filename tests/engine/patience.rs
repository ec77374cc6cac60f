//! Readings that take long: those that nobody waits for any more, and those that somebody waits for.

use tidemark_core::api::{BoardRequest, Grain, PendingKind, QueryRequest, ReadMode, State};

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

#[tokio::test]
async fn what_is_too_much_to_read_live_is_read_for_whoever_waits_for_it() {
    let test = calls().await;
    test.sql("update calls set cost = 0 where id between 1000 and 1100")
        .await;
    let ask = async |mode| {
        let request = BoardRequest {
            mode,
            ..question("calls", RANGE, vec![])
        };
        test.db.board(&request).await.unwrap()
    };
    let truth = ask(ReadMode::Exact).await;
    assert_eq!((truth.state, truth.rollup_buckets > 0), (State::Exact, true));
    let slow = "if current_setting($a$statement_timeout$a$) = $a$10s$a$ then raise query_canceled; end if";
    begin_with(&test, "calls__raw", slow).await;
    for (estimate, kind) in [(2_000_000.0, PendingKind::TooSlow), (4_000_000.0, PendingKind::TooMany)] {
        begin_with(&test, "calls__estimate", &format!("return {estimate}")).await;
        let hurried = ask(ReadMode::Exact).await;
        let why = hurried.pending_reason.unwrap();
        assert_eq!(
            (hurried.state, why.kind, why.rows),
            (State::Pending, kind, Some(estimate))
        );
        let waited = ask(ReadMode::Patient).await;
        assert_eq!((waited.state, waited.pending_reason), (State::Exact, None));
        // No more is read live than has to be.
        assert_eq!(waited.live_buckets, truth.live_buckets);
        assert_eq!(waited.overall.total, truth.overall.total);
        assert_ne!(hurried.overall.total, truth.overall.total);
    }
}
