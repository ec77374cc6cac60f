//! A reader's snapshot is older than what a TRUNCATE or a swap of tables leaves: it must start again.

use std::sync::Arc;

use tidemark_core::api::{QueryAnswer, ReadMode, State};

use super::last_month;
use crate::harness::TestDb;
use crate::stop::{run, until};

/// The answer of a reader that began while `change` held its locks, and ended after it committed.
async fn read_across(test: &Arc<TestDb>, prepare: &str, change: &str) -> QueryAnswer {
    // A reader gives up after half a second and says pending. On a slow machine that may be before this test commits.
    for _ in 0..20 {
        test.sql(prepare).await;
        let mut operator = test.actor().await;
        run(&mut operator, &format!("begin; {change}")).await;
        let reader = tokio::spawn({
            let test = test.clone();
            async move { last_month().ask(&test, ReadMode::Exact).await }
        });
        until(test, "exists (select from pg_locks l join pg_stat_activity a using (pid) where a.datname = current_database() and not l.granted)").await;
        run(&mut operator, "commit").await;
        let answer = reader.await.unwrap();
        if answer.state == State::Exact {
            return answer;
        }
    }
    panic!("never answered exactly");
}

/// A lookup's mark is expanded by the reader itself. Where the raw table was emptied under its snapshot it would find no
/// row of that key, and serve old groups as exact.
#[tokio::test]
async fn a_lookup_mark_expanded_after_a_truncate_does_not_hide_the_change() {
    let test = Arc::new(TestDb::ops().await);
    let prepare = "insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '5 hours', 1, i from generate_series(1, 60) i;
        select tidemark.tick('ops_metrics'); update accounts set platform = 'new' || random() where id = 1";
    let answer = read_across(&test, prepare, "truncate usage_logs").await;
    let truth = last_month().truth(&test).await;
    last_month().assert_same(&test, &answer, &truth, "after the truncate");
}

/// Tables are found by name. One that is swapped in is read with a snapshot in which its rows don't exist yet.
#[tokio::test]
async fn a_table_swapped_in_under_a_readers_snapshot_is_read_again() {
    let test = Arc::new(TestDb::ops().await);
    let prepare = "drop table if exists usage_before;
        insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '5 hours', 1, i from generate_series(1, 60) i";
    let swap = "alter table usage_logs rename to usage_before; create table usage_logs (like usage_before including all); insert into usage_logs select * from usage_before";
    let answer = read_across(&test, prepare, swap).await;
    assert!(!answer.rows.is_empty());
    let truth = last_month().truth(&test).await;
    last_month().assert_same(&test, &answer, &truth, "after the swap");
}
