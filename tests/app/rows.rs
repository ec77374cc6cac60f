//! From a spike to the raw rows behind it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::AssertSqlSafe;

use crate::{
    fixture::{built, overview, quiet_day},
    harness::url_of,
    window::{Start, Window, in_window},
};

const LISTED: &str = "return [...document.querySelectorAll('[role=dialog] tbody tr')].map(row => [...row.cells].map(cell => cell.textContent.trim()).join('|'))";

/// A click in the middle of the chart called `name`; gives the bucket's start.
async fn click_middle(window: &Window, name: &str) {
    let script = format!(
        "const over = document.querySelector('section[aria-label=\"{name}\"] .u-over'); const box = over.getBoundingClientRect();
         for (const kind of ['mousedown', 'mousemove', 'mouseup', 'click']) over.dispatchEvent(new MouseEvent(kind, {{ bubbles: true, detail: 1, clientX: box.left + box.width * 0.51, clientY: box.top + box.height / 2 }}));"
    );
    window.script(&script).await;
}

/// What the failures of an hour are, newest first, by independent SQL: status, type and account as they are shown.
async fn failures(pool: &sqlx::PgPool, from: DateTime<Utc>) -> Vec<String> {
    let sql = "select concat_ws('|', coalesce(nullif(error_message, ''), '(empty)'), coalesce(status_code::text, '(null)'), coalesce(nullif(error_type, ''), '(empty)'))
               from ops_error_logs where created_at >= $1 and created_at < $1 + interval '1 hour' order by created_at desc";
    sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(from)
        .fetch_all(pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_click_on_a_bucket_lists_its_raw_rows_failures_first() {
    let test = built().await;
    let pool = test.pool().clone();
    in_window("rows", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        // Twelve o'clock, in the middle of the day.
        let hour = day.0 + chrono::Duration::hours(12);
        // The demo's own failures in it, if it has any, come to these two.
        sqlx::query("insert into ops_error_logs (created_at, status_code, error_type, error_message) values ($1 + interval '5 minutes', 503, 'overloaded_error', '')")
            .bind(hour)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query("insert into ops_error_logs (created_at, status_code, error_type, error_message) values ($1 + interval '10 minutes', 599, 'odd', '<img src=x onerror=\"document.title=1\">')")
            .bind(hour)
            .execute(&pool)
            .await
            .unwrap();
        window.board(&overview(day, "hour")).await;
        click_middle(&window, "Requests").await;
        let rows: Vec<String> = serde_json::from_value(window.until_script("rows", LISTED).await).unwrap();
        let expected = failures(&pool, hour).await;
        assert!(expected.len() >= 2, "the hour has failures: {expected:?}");
        let shown: Vec<String> = rows.iter().filter(|row| row.contains("|errors|")).map(|row| row.split('|').skip(2).take(3).collect::<Vec<_>>().join("|")).collect();
        assert_eq!(shown, expected);
        let successes: i64 = sqlx::query_scalar("select count(*) from usage_logs where created_at >= $1 and created_at < $1 + interval '1 hour'").bind(hour).fetch_one(&pool).await.unwrap();
        assert_eq!(rows.len() as i64, (successes + expected.len() as i64).min(200));
        assert!(rows.iter().take(expected.len()).all(|row| row.contains("|errors|")), "failures come first");
        window.picture("1-listed").await;

        // A value further filters, the chip takes it back.
        // By script: WebDriver takes what a cell cuts off for hidden.
        window.script("[...document.querySelectorAll('[role=dialog] td button')].find(value => value.textContent === '599').click()").await;
        let script = format!("const rows = (() => {{ {LISTED} }})(); return rows.length === 1 && rows[0]");
        let one = window.until_script("only that row", &script).await;
        assert!(one.as_str().unwrap().contains("<img src=x"), "{one}");
        window.picture("2-filtered").await;
        window.click("Copy as CSV").await;
        window.click("Remove filter status = 599").await;
        window.until_script("all rows again", &format!("return (() => {{ {LISTED} }})().length > 1")).await;
        window.click("Close").await;

        // By keys alone: to the last bucket, to its rows, and out again.
        window.script("document.querySelector('section[aria-label=\"Latency\"] .chart').focus()").await;
        window.press("\u{e010}\u{e007}").await;
        let rows: Vec<String> = serde_json::from_value(window.until_script("rows", LISTED).await).unwrap();
        assert!(rows.iter().all(|row| !row.contains("errors")), "a percentile counts successes only");
        window.press("\u{e00c}").await;
        window.until_script("closed", "return !document.querySelector('[role=dialog]')").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_raw_rows_the_window_says_what_to_ask_for() {
    let test = built().await;
    test.db.install(true).await.unwrap();
    let role = format!("blind_{}", std::process::id());
    test.sql(&format!("create role {role} login; grant tidemark_viewer to {role}"))
        .await;
    let url = url_of(test.name(), Some(&role));
    let granted = role.clone();
    in_window("rows-forbidden", Start::on(&url), |window| async move {
        window.board(&overview(quiet_day(Tz::UTC), "hour")).await;
        click_middle(&window, "Requests").await;
        window.see("may not read these raw rows").await;
        window.see(&format!("to {granted};")).await;
        window.picture("said").await;
    })
    .await;
    test.sql(&format!("drop owned by {role}; drop role {role}")).await;
}
