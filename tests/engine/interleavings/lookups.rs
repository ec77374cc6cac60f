//! Hazards 43 and 44: lookups whose change moves history, and those whose change doesn't.

use super::{TICK, last_month, two};
use crate::harness::TestDb;
use crate::stop::{Stops, Victim, run};
use crate::truth::assert_drained_tables_equal_raw_rows;
use tidemark_core::api::{ReadMode, State};

async fn with_rows() -> TestDb {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, account_id, group_id, duration_ms) select now() - i * interval '5 hours', 1 + i % 4, 1 + i % 9, i from generate_series(1, 90) i").await;
    test.drain().await;
    test
}

/// Hazard 43. A gateway that touches a lookup row on each request would make each tick expand that account's history.
#[tokio::test]
async fn a_lookup_column_that_is_not_used_leaves_no_mark() {
    let test = with_rows().await;
    test.sql("update accounts set last_used_at = now(), name = name || 'x'; update groups set name = 'y'; update accounts set platform = platform, id = id").await;
    assert_eq!(test.one::<i64>("select count(*) from tidemark.mark").await, 0);
    test.sql("update accounts set platform = 'new' where id = 1").await;
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.mark").await,
        1,
        "the used column does"
    );
}

/// Hazard 44. Keys in marks are those before and after: rows of either move.
#[tokio::test]
async fn a_changed_lookup_key_moves_the_rows_of_the_old_key_and_of_the_new() {
    let test = with_rows().await;
    for sql in [
        "update groups set id = 8 where id = 1",
        "update groups set id = case id when 8 then 4 else 8 end where id in (4, 8)",
        "update groups set id = id + 100",
    ] {
        // Two rows can't swap a key that is checked row by row.
        if sql.contains("case") {
            test.sql("alter table groups drop constraint groups_pkey").await;
        }
        test.sql(sql).await;
        last_month().check(&test, &format!("{sql}, not yet expanded")).await;
        test.drain().await;
        last_month().check(&test, sql).await;
        assert_drained_tables_equal_raw_rows(&test, sql).await;
    }
    // The engine broken on purpose: without the old key the answer is wrong, and called exact.
    test.sql("update groups set id = 2, platform = 'back' where id = 102")
        .await;
    test.drain().await;
    test.sql("update groups set id = 1 where id = 2; update tidemark.mark set keys = '[[1]]'")
        .await;
    let answer = last_month().ask(&test, ReadMode::Exact).await;
    assert_eq!(answer.state, State::Exact);
    let truth = last_month().truth(&test).await;
    assert_ne!(
        last_month().exactly(&test, &last_month().groups(&test, &answer)),
        last_month().exactly(&test, &truth),
        "else this test would not notice a missing key"
    );
}

/// Hazard 44. No foreign key holds group_id, so rows may be there before their group.
#[tokio::test]
async fn a_lookup_row_that_comes_after_its_rows_moves_them() {
    let test = with_rows().await;
    let before = last_month().check(&test, "before").await;
    test.sql("insert into groups (id, platform) values (7, 'late'), (9, '')")
        .await;
    let after = last_month().check(&test, "not yet expanded").await;
    let month = last_month();
    assert_ne!(month.groups(&test, &before), month.groups(&test, &after));
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after the insert").await;
    test.sql("delete from groups where id in (7, 2)").await;
    last_month().check(&test, "after the delete").await;
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after the delete").await;
}

/// Hazard 44. Marks of lookups are deleted and expanded in one statement: at no instant is the change in neither place,
/// for a reader or for the watermark.
#[tokio::test]
async fn a_lookup_change_is_marked_or_dirty_at_every_instant() {
    let test = with_rows().await;
    let mut stops = Stops::install(&test).await;
    for stop in [
        "mark delete",
        "dirty insert",
        "dirty delete",
        "ops_metrics__15m insert",
        "job update",
    ] {
        test.sql(&format!("update accounts set platform = '{stop}' where id = 2"))
            .await;
        let written: chrono::DateTime<chrono::Utc> = test.one("select clock_timestamp()").await;
        let tick = Victim::start(&test, &format!("stop.before = '{stop}'"), TICK).await;
        assert!(tick.stopped(&test).await, "{stop}");
        last_month().check(&test, stop).await;
        assert!(
            test.one::<chrono::DateTime<chrono::Utc>>("select watermark_at from tidemark.health")
                .await
                < written,
            "{stop}"
        );
        stops.open().await;
        tick.end().await.unwrap();
        last_month().check(&test, stop).await;
        stops.close().await;
        test.drain().await;
    }
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

/// A row re-pointed and its lookup changed, each by a transaction that can't see the other's change, ticked in between.
#[tokio::test]
async fn a_row_and_its_lookup_changed_by_two_transactions_that_overlap() {
    let test = with_rows().await;
    let (mut rows, mut lookup) = two(&test).await;
    run(
        &mut rows,
        "begin; update usage_logs set group_id = 3 where group_id = 1",
    )
    .await;
    run(
        &mut lookup,
        "begin; update groups set platform = 'second' where id = 3; update groups set platform = 'first' where id = 1",
    )
    .await;
    for first in [true, false] {
        test.sql(TICK).await;
        last_month().check(&test, "both open, or one").await;
        run(if first { &mut lookup } else { &mut rows }, "commit").await;
        last_month().check(&test, "one committed").await;
    }
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after both").await;
}
