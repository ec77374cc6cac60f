//! Hazards of a screen: what looks like an outage, pages for nothing, runs foreign code, or is old and does not say so.

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::{
    fixture::{ROLLUP, built},
    harness::TestDb,
    window::{Start, Window, in_window},
};

const END: &str = "\u{E010}";
const LEFT: &str = "\u{E012}";

/// Colours in the middle of the upper lane's bar under the crosshair, most frequent first, with their share.
const COLOURS: &str = "
    const chart = document.activeElement, box = chart.querySelector('.box'), canvas = chart.querySelector('canvas');
    if (!box) return null;
    const dpr = canvas.width / canvas.clientWidth, place = box.getBoundingClientRect(), from = canvas.getBoundingClientRect();
    const x = Math.round((place.left - from.left + 3) * dpr), width = Math.round((place.width - 6) * dpr);
    const height = Math.round(8 * dpr), y = Math.round((place.top - from.top + place.height * 0.35) * dpr);
    const data = canvas.getContext('2d').getImageData(x, y, width, height).data, seen = new Map();
    for (let i = 0; i < data.length; i += 4) { const key = data.slice(i, i + 4).join(); seen.set(key, (seen.get(key) ?? 0) + 1); }
    return [...seen].sort((a, b) => b[1] - a[1]).map(([key, count]) => count / (data.length / 4));";

async fn focus(window: &Window, chart: &str) {
    let script = format!(
        "const chart = [...document.querySelectorAll('[aria-roledescription=chart]')].find(c => c.getAttribute('aria-label').startsWith({})); chart?.focus(); return !!chart",
        json!(chart)
    );
    window.until_script(chart, &script).await;
}

/// Hazard 22: the last, partial bucket drawn like a full one looks like an outage.
#[tokio::test(flavor = "multi_thread")]
async fn hazard_22_the_bucket_that_is_not_over_is_hatched_and_says_so() {
    let test = TestDb::ops().await;
    // As many in the open bucket as in the one before: height alone would not tell them apart.
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select date_bin('1 hour', now(), '2001-01-01') + make_interval(secs => n % 2 - 1), 1, 5 from generate_series(1, 400) n").await;
    test.drain().await;
    in_window("hazard-22", Start::on(&test.url), |window| async move {
        window
            .board(&format!("#/board/{ROLLUP}?range=24h&grain=hour&compare=none"))
            .await;
        focus(&window, "Requests").await;
        window.press(END).await;
        window
            .until_script(
                "it is called partial",
                "return document.activeElement.querySelector('[aria-live]').textContent.includes('partial')",
            )
            .await;
        let share = |colours: &Value, n: usize| colours.get(n).and_then(Value::as_f64).unwrap_or(0.0);
        let partial = window.until_script("the bar", COLOURS).await;
        assert!(
            share(&partial, 0) < 0.9 && share(&partial, 1) > 0.08,
            "hatched: {partial}"
        );
        window.picture("1-partial").await;
        window.press(LEFT).await;
        let full = window.until_script("the bar before", COLOURS).await;
        assert!(share(&full, 0) > 0.95, "filled: {full}");
    })
    .await;
}

/// Hazard 29: paged for one request. A rate needs a minimum of samples.
#[tokio::test(flavor = "multi_thread")]
async fn hazard_29_one_failed_request_pages_nobody_and_enough_of_them_do() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - n * interval '1 minute', 1, 5 from generate_series(1, 1400) n;
              insert into ops_error_logs (created_at, platform, account_id, status_code) values (date_bin('15 minutes', now(), '2001-01-01') - interval '2 minutes', 'lonely', 1, 500)").await;
    test.drain().await;
    let db = test.db.clone();
    in_window("hazard-29", Start::on(&test.url), |window| async move {
        let board = format!("#/board/{ROLLUP}?range=24h&grain=15m&compare=none");
        window.board(&board).await;
        window.until("the failed request is in the table", || async { window.platforms().await.contains_key("lonely").then_some(()) }).await;
        window.until_script("a verdict over these numbers", "return document.body.innerText.includes('Nothing is wrong')").await;
        window.picture("1-one").await;

        sqlx::raw_sql("insert into ops_error_logs (created_at, platform, account_id, status_code) select date_bin('15 minutes', now(), '2001-01-01') - interval '2 minutes', 'lonely', 1, 500 from generate_series(1, 300)").execute(db.pool()).await.unwrap();
        db.drain(ROLLUP, &mut |_| {}).await.unwrap();
        window.press("r").await;
        window.see("lonely: error rate 100").await;
        window.picture("2-enough").await;
        // The minimum is a setting.
        window.go("#/settings").await;
        window.overwrite("#limit-min_samples", "400").await;
        window.board(&board).await;
        window.see("Nothing is wrong").await;
    })
    .await;
}

/// Hazard 34: a tooltip by innerHTML with a name from the database.
#[tokio::test(flavor = "multi_thread")]
async fn hazard_34_a_platform_named_like_html_is_text_everywhere() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - n * interval '10 minutes', 1, 5 from generate_series(1, 100) n;
              insert into ops_error_logs (created_at, platform, account_id, status_code, error_type) select now() - n * interval '10 minutes', '<img src=x onerror=\"window.hacked=1\">', 1, 500, '<b>bold</b>' from generate_series(0, 100) n").await;
    test.drain().await;
    in_window("hazard-34", Start::on(&test.url), |window| async move {
        window
            .board(&format!("#/board/{ROLLUP}?range=6h&grain=15m&compare=none"))
            .await;
        focus(&window, "Error rate").await;
        window.press(END).await;
        window
            .until_script(
                "the tooltip names it",
                "return document.querySelector('.tip')?.textContent.includes('<img src=x onerror=')",
            )
            .await;
        window.picture("1-tooltip").await;
        window
            .until_script(
                "the table names it",
                "return [...document.querySelectorAll('td')].some(cell => cell.textContent.includes('<img src=x'))",
            )
            .await;
        let script = "return [document.querySelectorAll('img').length, window.hacked ?? null]";
        assert_eq!(window.script(script).await, json!([0, null]));
    })
    .await;
}

/// Hazard 36: the screen keeps showing old data after an error without saying so.
#[tokio::test(flavor = "multi_thread")]
async fn hazard_36_after_an_error_old_numbers_stay_and_say_that_they_are_old() {
    let test = built().await;
    let db = test.db.clone();
    in_window("hazard-36", Start::on(&test.url), |window| async move {
        window.board(&format!("#/board/{ROLLUP}?range=yesterday&grain=hour&compare=none")).await;
        let numbers = window.tiles().await;
        let rename = |from: &str, to: &str| {
            let sql = format!("do $$ begin execute format('alter function %s rename to {to}', (select oid::regprocedure from pg_proc where proname = '{from}')); end $$");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(db.pool())
        };
        rename("read_state", "hidden").await.unwrap();
        window.press("r").await;
        window.see("What you see below is from").await;
        assert_eq!(window.tiles().await, numbers, "they stay");
        let script = "return !document.querySelector('.trust').innerText.includes('Exact')";
        window.until_script("they are not called exact any more", script).await;
        window.picture("1-old").await;
        rename("hidden", "read_state").await.unwrap();
        window.click("Try again").await;
        window.until_script("the warning goes with its reason", "return !document.body.innerText.includes('What you see below is from') && document.querySelector('.trust').innerText.includes('Exact')").await;
    })
    .await;
}
