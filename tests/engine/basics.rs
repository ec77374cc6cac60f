//! The main job, end to end.

use chrono::Utc;
use tidemark_core::api::{Grain, ReadMode, State};

use crate::harness::{TestDb, minutes, numbers};

#[tokio::test]
async fn a_drained_rollup_answers_what_the_raw_rows_say() {
    let test = TestDb::raw().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, group_id, duration_ms)
         select now() - i * interval '37 minutes', 1 + i % 4, nullif(i % 5, 0), (i * 7919) % 20011 from generate_series(1, 3000) i;
         insert into ops_error_logs (created_at, account_id, platform, status_code, error_type, error_message)
         select now() - i * interval '411 minutes', 1 + i % 5, (array['openai', '', null])[1 + i % 3], (array[400, 429, 500, 504, null])[1 + i % 5],
           (array['timeout', 'x', null])[1 + i % 3], (array['context Deadline Exceeded', 'ok', null, 'no'])[1 + i % 4] from generate_series(1, 300) i",
    )
    .await;
    test.db
        .apply(&tidemark_db::Declaration::load("ops_metrics").unwrap(), true)
        .await
        .unwrap();
    test.drain().await;
    // Whole days at the far end: quarter hours are the finest that is kept there.
    let (from, to) = (
        Grain::Day.utc_floor(Utc::now() - minutes(80 * 24 * 60)),
        Utc::now() + minutes(1),
    );
    for grain in [Grain::Hour, Grain::Day, Grain::Month, Grain::Total] {
        let exact = test.query(from, to, grain, ReadMode::Exact).await;
        let live = test.query(from, to, grain, ReadMode::Live).await;
        assert_eq!(exact.state, State::Exact);
        assert_eq!(exact.live_buckets, 0, "{grain}: everything comes from the rollup");
        assert!(!exact.rows.is_empty());
        assert_eq!(numbers(&exact), numbers(&live), "{grain}");
    }
    let report = test.db.audit("ops_metrics", None, false).await.unwrap();
    assert_eq!(report.difference_count, 0, "{report:?}");
}

#[tokio::test]
async fn a_change_is_in_the_next_answer_before_any_tick() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (account_id, duration_ms) values (1, 100)")
        .await;
    let answer = test
        .query(
            Utc::now() - minutes(60),
            Utc::now() + minutes(1),
            Grain::Total,
            ReadMode::Exact,
        )
        .await;
    assert_eq!(answer.state, State::Exact);
    assert_eq!(answer.rows[0].values["request_count"], 1);
    assert!(answer.live_buckets > 0);
    let rollup_only = test
        .query(
            Utc::now() - minutes(60),
            Utc::now() + minutes(1),
            Grain::Total,
            ReadMode::RollupOnly,
        )
        .await;
    assert_eq!(rollup_only.state, State::Pending);
    assert!(rollup_only.rows.is_empty());
}

#[tokio::test]
async fn a_mistake_in_a_measures_where_is_told_at_plan_with_its_line() {
    let test = TestDb::raw().await;
    let good = tidemark_db::Declaration::load("ops_metrics").unwrap();
    for (from, to, wanted) in [
        (
            "where = \"status_code >= 500\"",
            "where = \"status_code >>>= 500\"",
            "error_5xx_count",
        ),
        (
            "where = \"status_code >= 500\"",
            "where = \"statuscode >= 500\"",
            "statuscode",
        ),
    ] {
        assert!(good.text.contains(from));
        let bad = tidemark_db::Declaration {
            origin: "bad.toml".to_owned(),
            text: good.text.replacen(from, to, 1),
        };
        let error = test.db.plan(&bad).await.unwrap_err().to_string();
        assert!(error.starts_with("bad.toml:") && error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn the_last_24_hours_on_a_board_begin_with_a_whole_bucket() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (account_id, created_at, duration_ms) values (1, now() - interval '24 hours 3 minutes', 1), (1, now(), 2)")
        .await;
    let request = tidemark_core::api::BoardRequest {
        rollup: "ops_metrics".to_owned(),
        range: "24h".to_owned(),
        grain: Some(Grain::Hour),
        tz: "Asia/Kolkata".to_owned(),
        week_start: tidemark_core::api::WeekStart::Monday,
        by: None,
        filters: Vec::new(),
        groupings: Vec::new(),
        mode: ReadMode::Exact,
        compare: None,
    };
    let board = test.db.board(&request).await.unwrap();
    assert!(!board.buckets[0].partial, "{:?}", board.buckets[0]);
    assert_eq!(board.from_ms, board.buckets[0].start_ms);
    assert!(board.buckets.iter().rev().take(1).all(|bucket| bucket.partial));
    let spelled = tidemark_core::api::BoardRequest {
        range: "-24h..now".to_owned(),
        ..request
    };
    let spelled = test.db.board(&spelled).await.unwrap();
    assert!(spelled.as_of_ms - spelled.from_ms <= 24.0 * 3_600_000.0 + 60_000.0);
}

#[tokio::test]
async fn an_upgrade_replaces_functions_even_where_they_returned_something_else() {
    let test = TestDb::ops().await;
    test.sql(
        "drop function tidemark.ops_metrics__extent;
         create function tidemark.ops_metrics__extent() returns integer language sql return 1;
         update tidemark.rollup set sql = 'of an older version'",
    )
    .await;
    let declaration = tidemark_db::Declaration::load("ops_metrics").unwrap();
    let plan = test.db.apply(&declaration, true).await.unwrap();
    assert!(
        plan.steps.iter().any(|step| step.contains("functions")),
        "{:?}",
        plan.steps
    );
    test.sql("insert into usage_logs (account_id, duration_ms) values (1, 100)")
        .await;
    test.drain().await;
    let answer = test
        .query(
            Utc::now() - minutes(60),
            Utc::now() + minutes(1),
            Grain::Total,
            ReadMode::Exact,
        )
        .await;
    assert_eq!((answer.live_buckets, answer.rows.len()), (0, 1));
    assert!(test.db.apply(&declaration, true).await.unwrap().steps.is_empty());
}
