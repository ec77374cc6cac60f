//! A change of the viewer's zone moves every day and hour at once, and is remembered.

use std::fs;

use chrono::Utc;
use chrono_tz::Tz;
use tidemark_core::{
    api::{Grain, WeekStart},
    format, times,
};

use crate::{
    fixture::{ROLLUP, built, overview, query, quiet_day},
    screen::written,
    window::{Start, in_window},
};

/// Whether the last bucket of the first chart is said with this offset, by the crosshair's keys.
fn said_at_the_end(offset: &str) -> String {
    format!(
        "const chart = document.querySelector('section[aria-label=\"Requests\"] .chart'); if (!chart) return false;
         chart.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'End', bubbles: true }}));
         return chart.querySelector('[aria-live]').textContent.includes('{offset}')"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn another_zone_means_another_day_everywhere_at_once() {
    let test = built().await;
    let db = test.db.clone();
    in_window("zone", Start::on(&test.url), |window| async move {
        let requests = async |tz: Tz| {
            let yesterday = times::parse_range("yesterday", tz, WeekStart::Monday, Utc::now()).unwrap();
            let answer = query(&db, yesterday, Grain::Total, tz, &[]).await;
            written(&answer.rows[0].values, "request_count", format::count)
        };
        assert_ne!(
            requests(Tz::UTC).await,
            requests(Tz::Asia__Kolkata).await,
            "the two days differ, or this shows nothing"
        );

        window
            .board(&format!("#/board/{ROLLUP}?range=yesterday&compare=none"))
            .await;
        window
            .until("yesterday in UTC", || async {
                (window.tiles().await["request_count"] == requests(Tz::UTC).await).then_some(())
            })
            .await;
        window.picture("1-utc").await;

        window.click("Time zone").await;
        window.fill("[role=combobox]", "kolkata").await;
        window
            .until_script(
                "the zone is found",
                "return document.querySelector('[role=option]')?.innerText.includes('Asia/Kolkata')",
            )
            .await;
        window.picture("2-search").await;
        window.press("\u{e007}").await;
        window
            .until("yesterday in Kolkata", || async {
                (window.tiles().await["request_count"] == requests(Tz::Asia__Kolkata).await).then_some(())
            })
            .await;
        window.see("Asia/Kolkata (UTC+5:30)").await;
        window.picture("3-kolkata").await;

        // Quarter hours that were read are cut again without a query: nobody can read anything now.
        let day = quiet_day(Tz::UTC);
        window.board(&overview(day, "15m")).await;
        // The day of UTC, which ends at another time here than the yesterday that was shown before.
        window
            .until_script("quarter hours", &said_at_the_end("05:30 +05:30"))
            .await;
        let mut lock = db.pool().begin().await.unwrap();
        sqlx::raw_sql(
            "lock table tidemark.rollup, tidemark.ops_metrics__15m, tidemark.ops_metrics__1m in access exclusive mode",
        )
        .execute(&mut *lock)
        .await
        .unwrap();
        window.click("Time zone").await;
        window.fill("[role=combobox]", "kathmandu").await;
        window
            .until_script(
                "the zone is found",
                "return document.querySelector('[role=option]')?.innerText.includes('Asia/Kathmandu')",
            )
            .await;
        window.press("\u{e007}").await;
        window
            .until_script(
                "the same quarter hours in another zone",
                &said_at_the_end("05:45 +05:45"),
            )
            .await;
        window.picture("4-kathmandu").await;
        lock.rollback().await.unwrap();
        window.click("Time zone").await;
        window.fill("[role=combobox]", "kolkata").await;
        window
            .until_script(
                "the zone is found",
                "return document.querySelector('[role=option]')?.innerText.includes('Asia/Kolkata')",
            )
            .await;
        window.press("\u{e007}").await;
        window.see("Asia/Kolkata (UTC+5:30)").await;

        let kept = fs::read_to_string(window.home.join(".config/tidemark/settings.toml")).unwrap();
        assert!(kept.contains("time_zone = \"Asia/Kolkata\""), "{kept}");
        assert!(!kept.contains("password"), "{kept}");
    })
    .await;
}
