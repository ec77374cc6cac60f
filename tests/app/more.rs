//! What there is more of: the toolbar of a narrow window in one menu, and jobs older than those that are listed.

use std::fs;

use chrono_tz::Tz;
use serde_json::json;

use crate::{
    fixture::{ROLLUP, built, overview, quiet_day},
    harness::TestDb,
    window::{Start, Window, in_window},
};

/// One item of the menu.
async fn more(window: &Window, item: &str) {
    window.click("More").await;
    window.click(item).await;
}

/// A file of this kind, whole, where reports are saved.
async fn saved(window: &Window, ending: &str) {
    window
        .until(&format!("a file that ends in {ending}"), || async {
            let files = fs::read_dir(&window.home).unwrap().map(|entry| entry.unwrap().path());
            let mut of_it = files.filter(|path| path.extension().is_some_and(|own| own == ending));
            of_it
                .any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0))
                .then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_narrow_window_has_the_rest_of_its_toolbar_in_one_menu() {
    let test = built().await;
    in_window("narrow", Start::on(&test.url), |window| async move {
        window.resize(1000, 800).await;
        window.board(&overview(quiet_day(Tz::UTC), "hour")).await;
        window.click("More").await;
        let items = "return [...document.querySelectorAll('[role=menu] [role^=menuitem]')].map(item => item.innerText.split('\\n')[0])";
        let items = window.until_script("its items", items).await;
        let (compare, reports) = (
            [("vs previous", "previous-period"), ("vs yesterday", "yesterday"), ("vs last week", "last-week"), ("no comparison", "none")],
            [("Report as HTML", "html"), ("Board as PNG", "png"), ("Board as SVG", "svg")],
        );
        let (compares, files) = (compare.map(|(item, _)| item), reports.map(|(item, _)| item));
        let all = [&["Show the rollup only"], &compares[..], &files[..], &["Copy address of this view", "Commands…"]].concat();
        assert_eq!(items, json!(all));
        window.picture("1-open").await;
        window.click(all[0]).await;
        window.at("mode=rollup-only").await;
        window.see("as you asked").await;
        more(&window, "Show exact numbers").await;
        window.until_script("no mode", "return !location.hash.includes('mode=')").await;
        for (item, word) in compare {
            more(&window, item).await;
            window.at(&format!("compare={word}")).await;
        }
        for (item, ending) in reports {
            more(&window, item).await;
            saved(&window, ending).await;
        }
        more(&window, "Copy address of this view").await;
        window.see("Address copied").await;
        more(&window, "Commands…").await;
        let palette = "return document.activeElement?.getAttribute('aria-label') === 'Command'";
        window.until_script("the palette", palette).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_jobs_are_listed_fifty_more_at_a_time() {
    let test = TestDb::ops().await;
    let jobs = format!(
        "insert into tidemark.job (rollup_id, kind, state, span, buckets_total, finished_at)
         select id, 'request', 'done', tstzrange(now() - interval '1 hour', now()), 4, clock_timestamp() from tidemark.rollup, generate_series(1, 120) where name = '{ROLLUP}'"
    );
    test.sql(&jobs).await;
    let all: i64 = test.one("select count(*) from tidemark.job").await;
    in_window("jobs", Start::on(&test.url), |window| async move {
        window.go("#/jobs").await;
        let listed = async |count: i64| {
            let script = format!("return document.querySelectorAll('table.hist tbody tr').length === {count}");
            window.until_script(&format!("{count} jobs"), &script).await;
        };
        listed(50).await;
        window.click(&format!("{} more", all - 50)).await;
        listed(100).await;
        window.click(&format!("{} more", all - 100)).await;
        listed(all).await;
        let none = "return ![...document.querySelectorAll('button')].some(button => / more$/.test(button.innerText))";
        window.until_script("no more", none).await;
    })
    .await;
}
