//! A board that a person builds, saves and shares.

use std::fs;

use chrono_tz::Tz;
use tidemark_core::{api::Grain, board_file::BoardFile, format};

use crate::{
    fixture::{built, overview, query, quiet_day},
    screen::written,
    window::{Start, Window, in_window},
};

/// Rows of the first table: name to its cells.
const ROWS: &str = "
    const table = document.querySelector('table');
    return table && [...table.tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent.trim()));";

async fn rows(window: &Window) -> Vec<Vec<String>> {
    serde_json::from_value(window.script(ROWS).await).unwrap_or_default()
}

/// Tick a measure, or take its tick away.
async fn tick(window: &Window, label: &str) {
    let script = format!(
        "const item = [...document.querySelectorAll('.editor .item')].find(item => item.firstElementChild.nextElementSibling.textContent === '{label}'); item?.querySelector('input').click(); return !!item"
    );
    window.until_script(label, &script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_built_by_hand_shows_what_query_says_and_is_saved_shared_and_deleted() {
    let test = built().await;
    let db = test.db.clone();
    in_window("explore", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        let by = query(&db, day, Grain::Total, Tz::UTC, &["platform"]).await;
        let all = query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows.remove(0).values;
        let of = |platform: &str, measure: &str| {
            let row = by.rows.iter().find(|row| row.values["platform"] == platform).unwrap();
            written(&row.values, measure, format::count)
        };
        let address = overview(day, "hour");
        let range = address.split_once('?').unwrap().1;
        window.go(&format!("#/explore?{range}")).await;
        window.see("Add panel").await;
        window.fill("#board-title", "Night shift").await;
        window.click("Drawn as:").await;
        window.click("Table").await;
        tick(&window, "failed").await;
        let expected = vec![
            "All platforms".to_owned(),
            written(&all, "success_count", format::count),
            written(&all, "error_count", format::count),
        ];
        window
            .until("the table", || async { rows(&window).await.last().is_some_and(|row| *row == expected).then_some(()) })
            .await;
        window.picture("1-table").await;

        // A filter of the panel's own, its values from the data.
        window.click("Only Platform").await;
        let value = "const item = [...document.querySelectorAll('.filter .list .item')].find(item => item.innerText.trim() === 'openai'); item?.click(); return !!item";
        window.until_script("openai among the values", value).await;
        let openai = vec!["openai".to_owned(), of("openai", "success_count"), of("openai", "error_count")];
        window.until("openai alone", || async { (rows(&window).await == [openai.clone()]).then_some(()) }).await;
        window.press("\u{e00c}").await;

        // A second panel, moved above the first and taken away again.
        window.click("Add panel").await;
        window.click("Drawn as:").await;
        window.click("Numbers").await;
        window.click("Move up").await;
        let order = "return [...document.querySelectorAll('ol .name')].map(b => b.textContent)";
        window.until("the new order", || async { (window.script(order).await[0] == "success").then_some(()) }).await;
        window.picture("2-two-panels").await;
        window.click("Full").await;
        window.click("Remove").await;
        window.until("one panel", || async { (window.script(order).await.as_array()?.len() == 1).then_some(()) }).await;

        window.click("Save board").await;
        window.see("Board saved").await;
        let file = window.home.join(".config/tidemark/boards/night-shift.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(BoardFile::parse("x", &text).unwrap().board.panels.len(), 1, "{text}");
        // By its key: the rollup's own board is the first.
        window.script("document.activeElement?.blur()").await;
        window.press("2").await;
        window.until_script("its page", "return location.hash.startsWith('#/saved/night-shift') && document.querySelector('h1').innerText === 'Night shift'").await;
        window.go(&format!("#/saved/night-shift?{range}")).await;
        window.until("the same numbers", || async { (rows(&window).await == [openai.clone()]).then_some(()) }).await;
        window.picture("3-saved").await;

        window.click("Board Night shift").await;
        window.click("Export as file").await;
        window.see("Board exported").await;
        let shared = fs::read_dir(&window.home).unwrap().map(|entry| entry.unwrap().path());
        let shared = shared.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "toml")).unwrap();
        window.click("Board Night shift").await;
        window.click("Rename…").await;
        window.fill("[role='dialog'] input", "Day shift").await;
        window.click("Rename").await;
        window.until_script("its new name", "return location.hash.startsWith('#/saved/day-shift')").await;
        assert!(!file.exists());

        window.click("Board Day shift").await;
        window.click("Change…").await;
        window.see("Change a board").await;
        let bad = window.home.join("bad.toml");
        fs::write(&bad, text.replace("error_count", "eror_count")).unwrap();
        window.attach("input[type='file']", &bad).await;
        let line = text.lines().position(|line| line.contains("error_count")).unwrap() + 1;
        window.see(&format!("bad.toml:{line}: ops_metrics has no measure \"eror_count\"; did you mean \"error_count\"?")).await;
        window.picture("4-bad-file").await;
        window.attach("input[type='file']", &shared).await;
        window.until_script("the imported board", "return location.hash.startsWith('#/saved/night-shift')").await;
        for title in ["Night shift", "Day shift"] {
            window.click(&format!("Board {title}")).await;
            window.click("Delete…").await;
            window.see("is deleted from this machine").await;
            window.click("Delete").await;
            let gone = format!("return ![...document.querySelectorAll('nav a')].some(a => a.title === '{title}')");
            window.until_script("it is gone", &gone).await;
        }
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 0);
    })
    .await;
}
