//! Moving 90 days of quarter hours × 10 series sideways, and zooming in: where one arrives, and how long a frame takes.

use chrono::{DateTime, Duration, Utc};
use serde_json::Value;
use tidemark_db::Declaration;

use crate::{
    harness::TestDb,
    window::{Start, in_window},
};

/// The same rows and board as the benchmark's.
const ROWS: &str = include_str!("../../scripts/bench/hits.sql");
const DECLARATION: &str = include_str!("../../scripts/bench/hits.toml");

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
        if (n++ === 60) { dispatchEvent(new MouseEvent('mouseup', at(100 + 300))); return done({ frames, work }); }
        const begun = performance.now();
        dispatchEvent(new MouseEvent('mousemove', at(100 + n * 5)));
        // The page draws in microtasks.
        for (let i = 0; i < 50; i++) await null;
        work.push(performance.now() - begun);
        requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);"#;

/// Press in the first chart and draw a range to zoom into, some pixels in each of some frames, with crosshair and tooltip; gives the
/// same as `DRAG`.
const SELECT: &str = r#"
    const done = arguments[0];
    const over = document.querySelector('section[aria-label="Requests"] .u-over');
    const box = over.getBoundingClientRect();
    // A mouse that did not move is ignored while a button is down.
    const at = x => ({ bubbles: true, button: 0, buttons: 1, movementX: 5, clientX: box.left + x, clientY: box.top + 40 });
    for (const kind of ['mouseenter', 'mousemove', 'mousedown']) over.dispatchEvent(new MouseEvent(kind, at(100)));
    const frames = [], work = [];
    let last = null, n = 0;
    const turn = async now => {
        if (last !== null) frames.push(now - last);
        last = now;
        if (n++ === 60) { over.dispatchEvent(new MouseEvent('mouseup', at(100 + 300))); over.dispatchEvent(new MouseEvent('mouseleave', at(100))); return done({ frames, work }); }
        const begun = performance.now();
        over.dispatchEvent(new MouseEvent('mousemove', at(100 + n * 5)));
        for (let i = 0; i < 50; i++) await null;
        work.push(performance.now() - begun);
        requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);"#;

/// A line of the table: milliseconds between frames and those of the page's own work in them.
fn line(what: &str, measured: &Value) -> String {
    let of = |key: &str, part| percentile(&measured[key], part);
    format!(
        "| {what} | {:.1} | {:.1} | {:.1} | {:.1} |",
        of("frames", 0.5),
        of("frames", 0.95),
        of("work", 0.5),
        of("work", 0.95)
    )
}

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
    let test = TestDb::empty().await;
    test.sql(ROWS).await;
    let declaration = Declaration {
        origin: "hits.toml".to_owned(),
        text: DECLARATION.to_owned(),
    };
    test.db.apply(&declaration, true).await.unwrap();
    test.db.drain("hits", &mut |_| {}).await.unwrap();
    in_window("panning", Start::on(&test.url), |window| async move {
        window.board("#/board/hits?range=90d&grain=15m&compare=none").await;
        window.until_script("90 days", "return document.querySelector('.trust')?.innerText.includes('Exact') && location.hash.includes('15m')").await;
        let from = |address: &str| -> DateTime<Utc> { address.split("range=").nth(1).unwrap().split("..").next().unwrap().replace("%3A", ":").parse().unwrap() };
        // What the last answer says is on the screen two frames later; the first drag also warms up.
        window.picture("1-ninety-days").await;
        window.script_async(DRAG).await;
        let first = window.until_script("a range of its own", "return location.hash.includes('..') && !document.querySelector('.scroll[aria-busy=true]') && location.hash").await;
        let measured = window.script_async(DRAG).await;
        let second = window.until_script("further back", &format!("return location.hash !== {first} && !document.querySelector('.scroll[aria-busy=true]') && location.hash")).await;
        let second_address = second.to_string();
        let (first, second) = (from(first.as_str().unwrap()), from(second.as_str().unwrap()));
        let moved = first - second;
        assert!(moved > Duration::days(30) && moved < Duration::days(80), "300 pixels are about half of the chart: {moved}");
        assert_eq!(second.timestamp() % 900, 0, "whole buckets");
        window.picture("2-moved").await;
        let zoomed = window.script_async(SELECT).await;
        let third = window.until_script("closer", &format!("return location.hash !== {second_address} && !document.querySelector('.scroll[aria-busy=true]') && location.hash")).await;
        assert!(from(third.as_str().unwrap()) > second, "what was drawn begins later");
        println!(
            "| 90 days × 15 min × 10 series, ms | frame, median | 95th percentile | page's own work, median | 95th percentile |\n|---|---|---|---|---|\n{}\n{}",
            line("panning", &measured),
            line("drawing a range to zoom into", &zoomed)
        );
        // Back with Escape, step by step.
        window.script("document.querySelector('section[aria-label=\"Rate by kind\"] .chart').focus()").await;
        window.press("\u{e00c}").await;
        window.until_script("back where it was drawn", &format!("return location.hash === {second_address}")).await;
        window.press("\u{e00c}").await;
        let script = format!("return location.hash.includes('{}')", first.format("%Y-%m-%dT%H"));
        window.until_script("back", &script).await;
    })
    .await;
}
