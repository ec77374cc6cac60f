//! A board saved from the window as a file.

use std::fs;

use chrono_tz::Tz;
use tidemark_core::{api::Grain, format};

use crate::{
    fixture::{built, overview, query, quiet_day},
    window::{Start, in_window},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_report_saved_from_the_window_holds_the_numbers_on_the_screen() {
    let test = built().await;
    let db = test.db.clone();
    in_window("report", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        let answer = query(&db, day, Grain::Total, Tz::UTC, &[]).await;
        let requests = format::count(answer.rows[0].values["request_count"].as_f64().unwrap());
        window.board(&overview(day, "hour")).await;
        window
            .until("the numbers", || async {
                (window.tiles().await["request_count"] == requests).then_some(())
            })
            .await;

        window.click("Save or copy").await;
        window.click("Report as HTML").await;
        window.see("Saved").await;
        window.picture("saved").await;
        let saved: Vec<_> = fs::read_dir(&window.home)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        let report = saved
            .iter()
            .find(|path| path.extension().is_some_and(|ending| ending == "html"));
        let html = fs::read_to_string(report.unwrap_or_else(|| panic!("no report among {saved:?}"))).unwrap();
        assert!(html.contains(&requests), "the page says {requests}");
    })
    .await;
}
