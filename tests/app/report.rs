//! A board saved from the window as a file.

use std::{fs, path::PathBuf};

use chrono_tz::Tz;
use tidemark_core::{api::Grain, format};

use crate::{
    fixture::{built, overview, query, quiet_day},
    window::{Start, Window, in_window},
};

const HEATMAP: &str = "Hour × weekday";

/// Save something of a panel by its menu, and read the file.
async fn saved(window: &Window, panel: &str, what: &str, ending: &str) -> Vec<u8> {
    // The menu shows under the pointer, or with the focus.
    let focus = format!("document.querySelector('section[aria-label=\"{panel}\"] header button').focus()");
    window.script(&focus).await;
    window.click(&format!("Save or copy {panel}")).await;
    window.click(what).await;
    window
        .until(what, || async {
            let files = fs::read_dir(&window.home).unwrap().map(|entry| entry.unwrap().path());
            let of_it = |path: &PathBuf| path.to_string_lossy().ends_with(ending);
            let bytes = files.into_iter().find(of_it).and_then(|path| fs::read(path).ok());
            bytes.filter(|bytes| !bytes.is_empty())
        })
        .await
}

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
        let files: Vec<_> = fs::read_dir(&window.home)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        let report = files
            .iter()
            .find(|path| path.extension().is_some_and(|ending| ending == "html"));
        let html = fs::read_to_string(report.unwrap_or_else(|| panic!("no report among {files:?}"))).unwrap();
        assert!(html.contains(&requests), "the page says {requests}");
        assert!(
            html.contains("per hour, last 7 days") && html.contains("var(--seq-6)"),
            "the page has the heatmap"
        );

        // One chart alone, as a drawing and as pixels.
        let svg = saved(&window, "Requests", "Chart as SVG", "-requests.svg").await;
        let svg = String::from_utf8(svg).unwrap();
        assert!(
            svg.contains(">Requests<") && !svg.contains(">Latency<"),
            "one chart and no other"
        );
        let png = saved(&window, "Requests", "Chart as PNG", "-requests.png").await;
        assert!(png.starts_with(b"\x89PNG"));

        // Numbers, and the heatmap, which the window draws itself.
        let csv = saved(&window, "Requests", "Data as CSV", "requests.csv").await;
        assert!(
            csv.starts_with(b"bucket_start,bucket_end,state"),
            "{}",
            String::from_utf8_lossy(&csv)
        );
        let svg = String::from_utf8(saved(&window, HEATMAP, "Chart as SVG", "weekday.svg").await).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains(HEATMAP), "{svg}");
        assert!(!svg.contains("var(--"), "it needs nothing of the page");
        let png = saved(&window, HEATMAP, "Chart as PNG", "weekday.png").await;
        assert!(png.starts_with(b"\x89PNG") && png.len() > 5_000, "{} bytes", png.len());
    })
    .await;
}
