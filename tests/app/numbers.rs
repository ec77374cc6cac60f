//! The numbers on the screen are those of `query`.

use chrono_tz::Tz;
use tidemark_core::{api::Grain, format};

use crate::{
    fixture::{built, overview, query, quiet_day},
    screen::{COLUMNS, written},
    window::{Start, in_window},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_on_the_screen_equal_those_of_query() {
    let test = built().await;
    let db = test.db.clone();
    in_window("numbers", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        window.board(&overview(day, "hour")).await;
        let all = query(&db, day, Grain::Total, Tz::UTC, &[]).await;
        let total = &all.rows[0].values;
        // The board may still show the answer to its first question, which was about the last 24 hours.
        let requests = written(total, "request_count", format::count);
        window
            .until("the chosen day", || async {
                (window.tiles().await["request_count"] == requests).then_some(())
            })
            .await;
        window.picture("overview").await;

        let tiles = window.tiles().await;
        assert_eq!(tiles["error_rate"], written(total, "error_rate", format::percent));
        assert_eq!(
            tiles["p99_latency_ms"],
            written(total, "p99_latency_ms", format::latency)
        );
        assert_eq!(
            tiles["p50_latency_ms"],
            written(total, "p50_latency_ms", format::latency)
        );
        assert_eq!(
            tiles["outcome_timeout_count"],
            written(total, "outcome_timeout_count", format::count)
        );

        let by_platform = query(&db, day, Grain::Total, Tz::UTC, &["platform"]).await;
        let shown = window.platforms().await;
        assert_eq!(
            shown.len(),
            by_platform.rows.len() + 1,
            "one row a platform, and one for all: {shown:?}"
        );
        assert!(by_platform.rows.len() >= 4, "the logs have several platforms");
        for row in &by_platform.rows {
            let platform = row.values["platform"]
                .as_str()
                .filter(|name| !name.is_empty())
                .unwrap_or("(empty)");
            for (heading, measure, write) in COLUMNS {
                assert_eq!(
                    shown[platform][heading],
                    written(&row.values, measure, write),
                    "{platform}, {measure}"
                );
            }
        }
        for (heading, measure, write) in COLUMNS {
            assert_eq!(
                shown["All platforms"][heading],
                written(total, measure, write),
                "all, {measure}"
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_has_just_been_written_is_on_the_screen_at_the_next_refresh() {
    let test = built().await;
    let db = test.db.clone();
    in_window("fresh", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        window.board(&overview(day, "hour")).await;
        let before = query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows[0].values["request_count"].as_f64().unwrap();
        window.until("the chosen day", || async { (window.tiles().await["request_count"] == format::count(before)).then_some(()) }).await;
        sqlx::query("insert into usage_logs (created_at, user_id, api_key_id, account_id, model) select $1, 1, 1, min(id), 'm' from accounts")
            .bind(day.0 + chrono::Duration::hours(3))
            .execute(db.pool())
            .await
            .unwrap();
        // No tick is waited for: what is dirty is read from raw rows.
        window.click("Refresh now").await;
        window.until("one more request", || async { (window.tiles().await["request_count"] == format::count(before + 1.0)).then_some(()) }).await;
    })
    .await;
}
