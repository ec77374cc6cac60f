//! Moving 90 days of quarter hours × 10 series sideways: where one arrives, and how long a frame takes.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use tidemark_db::Declaration;

use crate::{
    fixture::ROLLUP,
    harness::TestDb,
    window::{Start, in_window},
};

/// Ten platforms, each with successes and failures in every quarter hour of 90 days.
const ROWS: &str = "
    insert into accounts (id, name, platform) select i, 'a' || i, 'platform ' || i from generate_series(11, 20) i;
    insert into usage_logs (created_at, account_id, duration_ms)
    select date_bin('15 minutes', now(), '2001-01-01') - q * interval '15 minutes' + interval '1 minute', a, 100 + (q * 31 + a * 17) % 900
    from generate_series(1, 90 * 96) q, generate_series(11, 20) a, generate_series(1, 2);
    insert into ops_error_logs (created_at, account_id, status_code)
    select date_bin('15 minutes', now(), '2001-01-01') - q * interval '15 minutes' + interval '2 minutes', a, 500
    from generate_series(1, 90 * 96) q, generate_series(11, 20) a where (q * 7 + a * 13) % 5 = 0;
    analyze";

/// Hold shift, press in the first chart, and move it by some pixels in each of some frames; gives the milliseconds between
/// frames, and those in which the page itself was at work.
const DRAG: &str = r#"
    const done = arguments[0];
    const over = document.querySelector('section[aria-label="Requests"] .u-over');
    const box = over.getBoundingClientRect();
    const at = x => ({ bubbles: true, shiftKey: true, button: 0, clientX: box.left + x, clientY: box.top + 40 });
    over.dispatchEvent(new MouseEvent('mousedown', at(100)));
    const frames = [], work = [];
    let last = null, n = 0;
    const turn = async now => {
        if (last !== null) frames.push(now - last);
        last = now;
        if (n++ === 150) { dispatchEvent(new MouseEvent('mouseup', at(100 + 300))); return done({ frames, work }); }
        const begun = performance.now();
        dispatchEvent(new MouseEvent('mousemove', at(100 + n * 2)));
        // The page draws in microtasks.
        for (let i = 0; i < 50; i++) await null;
        work.push(performance.now() - begun);
        requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);"#;

fn percentile(values: &Value, part: f64) -> f64 {
    let mut values: Vec<f64> = values
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_f64)
        .skip(10)
        .collect();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part) as usize]
}

#[tokio::test(flavor = "multi_thread")]
async fn ninety_days_of_quarter_hours_follow_the_pointer_and_are_read_where_they_stop() {
    let test = TestDb::raw().await;
    test.sql(ROWS).await;
    test.db.apply(&Declaration::load(ROLLUP).unwrap(), true).await.unwrap();
    test.drain().await;
    in_window("panning", Start::on(&test.url), |window| async move {
        window.board(&format!("#/board/{ROLLUP}?range=90d&grain=15m&compare=none")).await;
        window.until_script("90 days", "return document.querySelector('.trust')?.innerText.includes('Exact') && location.hash.includes('15m')").await;
        let from = |address: &str| -> DateTime<Utc> { address.split("range=").nth(1).unwrap().split("..").next().unwrap().replace("%3A", ":").parse().unwrap() };
        // What the last answer says is on the screen two frames later; the first drag also warms up.
        window.picture("1-ninety-days").await;
        window.script_async(DRAG).await;
        let first = window.until_script("a range of its own", "return location.hash.includes('..') && !document.querySelector('.scroll[aria-busy=true]') && location.hash").await;
        let measured = window.script_async(DRAG).await;
        let second = window.until_script("further back", &format!("return location.hash !== {first} && !document.querySelector('.scroll[aria-busy=true]') && location.hash")).await;
        let (first, second) = (from(first.as_str().unwrap()), from(second.as_str().unwrap()));
        let moved = first - second;
        assert!(moved > Duration::days(30) && moved < Duration::days(80), "300 pixels are about half of the chart: {moved}");
        assert_eq!(second.timestamp() % 900, 0, "whole buckets");
        window.picture("2-moved").await;
        let said = format!(
            "| frames | {:.1} | {:.1} |\n| the page's own work | {:.1} | {:.1} |",
            percentile(&measured["frames"], 0.5),
            percentile(&measured["frames"], 0.95),
            percentile(&measured["work"], 0.5),
            percentile(&measured["work"], 0.95)
        );
        println!("| panning 90 days × 15 min × 10 series, ms | median | 95th percentile |\n|---|---|---|\n{said}");
        // Back with Escape, and by keys.
        window.script("document.querySelector('section[aria-label=\"Latency\"] .chart').focus()").await;
        window.press("\u{e00c}").await;
        let script = format!("return location.hash.includes('{}')", first.format("%Y-%m-%dT%H"));
        window.until_script("back", &script).await;
    })
    .await;
}
