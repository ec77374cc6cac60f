//! A rollup that was tampered with is found by the audit and put right by a recompute, all in the window.

use chrono_tz::Tz;
use sqlx::AssertSqlSafe;
use tidemark_core::{api::Grain, format};

use crate::{
    fixture::{ROLLUP, built, overview, query, quiet_day},
    window::{Start, in_window},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_recompute_puts_right_what_an_audit_finds() {
    let test = built().await;
    let db = test.db.clone();
    in_window("recompute", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        // By the hour, as the board asks: a total may be read from the day's row.
        let requests = || async {
            let answer = query(&db, day, Grain::Hour, Tz::UTC, &[]).await;
            answer.rows.iter().filter_map(|row| row.values["request_count"].as_f64()).sum::<f64>()
        };
        let right = requests().await;
        // What no trigger sees: a hand in the rollup's own tables.
        for grain in db.detail(ROLLUP).await.unwrap().grains {
            let sql = format!("update {} set success_count = success_count + 1 where bucket >= $1 and bucket < $2", grain.table);
            sqlx::query(AssertSqlSafe(sql)).bind(day.0).bind(day.1).execute(db.pool()).await.unwrap();
        }
        let wrong = requests().await;
        assert!(wrong > right);
        window.board(&overview(day, "hour")).await;
        window.until("the wrong number", || async { (window.tiles().await["request_count"] == format::count(wrong)).then_some(()) }).await;

        window.click("Rollups").await;
        window.click("Audit").await;
        window.click("Everything not frozen").await;
        window.see("differences").await;
        window.picture("1-audit").await;
        window.press("\u{e00c}").await;

        window.click("Recompute…").await;
        window.see("Why, kept in the history").await;
        window.click("Everything").await;
        let chosen = "return document.querySelector('[role=dialog] [role=radio][aria-checked=true]')?.innerText === 'Everything'";
        window.until_script("the whole range is chosen", chosen).await;
        window.fill("#why", "somebody edited the rollup").await;
        window.click("Pace: No pause between ticks").await;
        window.picture("1b-pace").await;
        window.click("Half of the time").await;
        window.until_script("a preview", "return [...document.querySelectorAll('[role=dialog] button')].some(b => /^Recompute [^0]/.test(b.innerText))").await;
        window.picture("2-preview").await;
        window.click("Recompute").await;
        window.see("done").await;

        window.click("Jobs").await;
        window.see("somebody edited the rollup").await;
        let jobs = db.jobs().await.unwrap();
        assert!(jobs.iter().any(|job| job.pace == 50 && job.reason.as_deref() == Some("somebody edited the rollup")), "{jobs:?}");
        window.picture("3-job").await;

        // What an audit found counts as found until one finds nothing.
        window.go("#/rollups").await;
        window.click("Audit").await;
        window.click("Everything not frozen").await;
        window.see("0 differences in").await;

        window.board(&overview(day, "hour")).await;
        window.until("the right number", || async { (window.tiles().await["request_count"] == format::count(right)).then_some(()) }).await;
        window.picture("4-right").await;
    })
    .await;
}
