//! A board saved from the window as a file.

use std::{fs, path::PathBuf};

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

        // One chart alone, as a drawing and as pixels.
        for (what, ending) in [("Chart as SVG", "svg"), ("Chart as PNG", "png")] {
            // It shows under the pointer, or with the focus.
            window
                .script("document.querySelector('section[aria-label=\"Requests\"] header button').focus()")
                .await;
            window.click("Save or copy Requests").await;
            window.click(what).await;
            let picture = window
                .until(what, || async {
                    let saved = fs::read_dir(&window.home).unwrap().map(|entry| entry.unwrap().path());
                    let of_chart = |path: &PathBuf| path.to_string_lossy().ends_with(&format!("-requests.{ending}"));
                    saved
                        .into_iter()
                        .find(of_chart)
                        .and_then(|path| fs::read(path).ok())
                        .filter(|bytes| !bytes.is_empty())
                })
                .await;
            if ending == "png" {
                assert!(picture.starts_with(b"\x89PNG"));
            } else {
                let svg = String::from_utf8(picture).unwrap();
                assert!(
                    svg.contains(">Requests<") && !svg.contains(">Latency<"),
                    "one chart and no other"
                );
            }
        }
    })
    .await;
}
