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
        let requests = || async { query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows[0].values["request_count"].as_f64().unwrap() };
        let right = requests().await;
        // What no trigger sees: a hand in the rollup's own tables.
        for grain in db.detail(ROLLUP).await.unwrap().grains {
            let sql = format!("update {} set success_count = success_count + 1 where bucket_start >= $1 and bucket_start < $2", grain.table);
            sqlx::query(AssertSqlSafe(sql)).bind(day.0).bind(day.1).execute(db.pool()).await.unwrap();
        }
        let wrong = requests().await;
        assert!(wrong > right);
        window.board(&overview(day, "hour")).await;
        window.until("the wrong number", || async { (window.tiles().await["request_count"] == format::count(wrong)).then_some(()) }).await;

        window.click("Rollups").await;
        window.click("Audit").await;
        window.click("Everything not frozen").await;
        window.see("differ").await;
        window.picture("1-audit").await;
        window.press("\u{e00c}").await;

        window.click("Recompute…").await;
        window.click("Everything").await;
        window.fill("#why", "somebody edited the rollup").await;
        window.until_script("a preview", "return [...document.querySelectorAll('[role=dialog] button')].some(b => /^Recompute [^0]/.test(b.innerText))").await;
        window.picture("2-preview").await;
        window.click("Recompute").await;
        window.see("done").await;

        window.click("Jobs").await;
        window.see("somebody edited the rollup").await;
        window.picture("3-job").await;

        window.board(&overview(day, "hour")).await;
        window.until("the right number", || async { (window.tiles().await["request_count"] == format::count(right)).then_some(()) }).await;
        assert_eq!(db.audit(ROLLUP, None, false).await.unwrap().difference_count, 0);
        window.picture("4-right").await;
    })
    .await;
}
