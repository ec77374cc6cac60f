//! Every control of a board, used once: what it changes in the address, in the numbers and on the screen.

use std::fs;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use serde_json::json;
use tidemark_core::{
    api::{Grain, WeekStart},
    format, times,
};
use tidemark_db::Db;

use crate::{
    fixture::{ROLLUP, built, overview, query, quiet_day},
    harness::TestDb,
    screen::written,
    window::{Start, Window, in_window},
};

const ENTER: &str = "\u{E007}";
const ESCAPE: &str = "\u{E00C}";
const TAB: &str = "\u{E004}";
const DOWN: &str = "\u{E015}";
const END: &str = "\u{E010}";
const CONTROL: &str = "\u{E009}";

type Range = (DateTime<Utc>, DateTime<Utc>);

/// Wait until the address names these ends, however they are written.
async fn at(window: &Window, (from, to): Range) {
    let script = format!(
        "const ends = decodeURIComponent(location.hash).match(/range=([^&]*)/)?.[1].split('..'); return ends?.map(end => Date.parse(end)).join() === '{},{}'",
        from.timestamp_millis(),
        to.timestamp_millis()
    );
    window
        .until_script(&format!("{from} to {to} in the address"), &script)
        .await;
}

/// How many requests a range has, of these platforms, or of all.
async fn requests(db: &Db, range: Range, platforms: &[&str]) -> f64 {
    let rows = query(db, range, Grain::Total, Tz::UTC, &["platform"]).await.rows;
    let of = |values: &tidemark_core::api::Named| {
        platforms.is_empty() || platforms.iter().any(|platform| values["platform"] == *platform)
    };
    let counts = rows.iter().filter(|row| of(&row.values));
    counts.filter_map(|row| row.values["request_count"].as_f64()).sum()
}

async fn shows(window: &Window, count: f64) {
    let count = format::count(count);
    window
        .until(&format!("{count} requests"), || async {
            (window.tiles().await["request_count"] == count).then_some(())
        })
        .await;
}

/// Keys go to the page, not to the control that was used last.
async fn leave(window: &Window) {
    window.script("document.activeElement?.blur()").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_control_of_a_board_does_what_it_says() {
    let test = built().await;
    let db = test.db.clone();
    in_window("controls", Start::on(&test.url), |window| async move {
        let day = quiet_day(Tz::UTC);
        window.board(&overview(day, "hour")).await;
        shows(&window, requests(&db, day, &[]).await).await;
        ranges(&window, &db, day).await;
        window.picture("1-range").await;
        window.go(&overview(day, "hour")).await;
        shows(&window, requests(&db, day, &[]).await).await;
        toolbar(&window, &db, day).await;
        window.picture("2-toolbar").await;
        charts(&window, day).await;
        table(&window, &db, day).await;
        window.picture("3-table").await;
        keys(&window).await;
    })
    .await;
}

async fn ranges(window: &Window, db: &Db, day: Range) {
    // Step by step, and on again.
    let before = (day.0 - Duration::days(1), day.0);
    window.click("Earlier").await;
    at(window, before).await;
    shows(window, requests(db, before, &[]).await).await;
    window.click("Later").await;
    at(window, day).await;
    shows(window, requests(db, day, &[]).await).await;

    // Ends of one's own: from six to eighteen o'clock, typed into the fields.
    leave(window).await;
    window.press("t").await;
    let field = |n: usize| format!("(//*[@data-popover-content]//*[@role='spinbutton'])[{n}]");
    window
        .script(&format!(
            "document.evaluate({}, document).iterateNext().focus()",
            json!(field(6))
        ))
        .await;
    let date = day.0.format("%d%m%Y");
    window.press(&format!("{date}0000")).await;
    window.see("The end must come after the start.").await;
    window
        .script(&format!(
            "document.evaluate({}, document).iterateNext().focus()",
            json!(field(1))
        ))
        .await;
    window.press(&format!("{date}0600")).await;
    window
        .script(&format!(
            "document.evaluate({}, document).iterateNext().focus()",
            json!(field(6))
        ))
        .await;
    window.press(&format!("{date}1800")).await;
    window
        .until_script(
            "no complaint",
            "return !document.querySelector('[data-popover-content] [role=alert]')",
        )
        .await;
    window.click("Show").await;
    let half = (day.0 + Duration::hours(6), day.0 + Duration::hours(18));
    at(window, half).await;
    shows(window, requests(db, half, &[]).await).await;

    // Those that are ready; the first by keys alone.
    leave(window).await;
    window.press("t").await;
    window.press(&format!("{DOWN}{DOWN}{ENTER}")).await;
    window.at("range=24h").await;
    let presets = [
        ("Last hour", "1h"),
        ("Last 6 hours", "6h"),
        ("Last 7 days", "7d"),
        ("Last 30 days", "30d"),
        ("Last 90 days", "90d"),
        ("Today", "today"),
        ("This week", "this-week"),
        ("Yesterday", "yesterday"),
    ];
    for (label, word) in presets {
        window.click("Time range").await;
        window.click_in("Ranges", label).await;
        window.at(&format!("range={word}&")).await;
        window
            .until_script(
                "its name",
                &format!("return !!document.querySelector('[aria-label=\"Time range: {label}\"]')"),
            )
            .await;
    }
    let yesterday = times::parse_range("yesterday", Tz::UTC, WeekStart::Monday, Utc::now()).unwrap();
    shows(window, requests(db, yesterday, &[]).await).await;
}

async fn toolbar(window: &Window, db: &Db, day: Range) {
    window.click("Bucket width:").await;
    window.click("15\u{202f}min").await;
    window.at("grain=15m").await;
    window.until_script("quarter hours", "return document.querySelector('section[aria-label=Requests] header').innerText.includes('per 15\u{202f}min')").await;

    window.click("Filter").await;
    window.click_in("platforms", "openai").await;
    window.at("only==openai").await;
    shows(window, requests(db, day, &["openai"]).await).await;
    window.click_in("platforms", "gemini").await;
    shows(window, requests(db, day, &["openai", "gemini"]).await).await;
    window.see("2 platforms").await;
    window.click("All platforms").await;
    shows(window, requests(db, day, &[]).await).await;
    window.press(ESCAPE).await;

    window.click("Compare with:").await;
    window.click("Yesterday").await;
    window.at("compare=yesterday").await;
    let before = (day.0 - Duration::days(1), day.0);
    let change = format::change(
        Some(requests(db, day, &[]).await),
        Some(requests(db, before, &[]).await),
    );
    let script = format!(
        "const said = document.querySelector('[data-measure=request_count] .d'); return said?.title === 'against yesterday' && said.innerText === {}",
        json!(change)
    );
    window.until_script(&change, &script).await;

    // What no tick has taken in: exact numbers have it, the rollup alone has not.
    db.set_paused(ROLLUP, true).await.unwrap();
    let known = requests(db, day, &[]).await;
    insert(db, day).await;
    window.click("Rollup only").await;
    window.at("mode=rollup-only").await;
    window
        .until_script(
            "it says so",
            "return document.querySelector('.trust').innerText.includes('Rollup only')",
        )
        .await;
    shows(window, known).await;
    window.click("Exact").await;
    window
        .until_script("no mode", "return !location.hash.includes('mode=')")
        .await;
    shows(window, known + 1.0).await;

    // By itself, without a click.
    window.click("Refresh every:").await;
    window.click("Every 5\u{202f}s").await;
    let settings = window.home.join(".config/tidemark/settings.toml");
    window
        .until("a setting", || async {
            fs::read_to_string(&settings)
                .ok()?
                .contains("refresh_seconds = 5\n")
                .then_some(())
        })
        .await;
    insert(db, day).await;
    shows(window, known + 2.0).await;
    window.click("Refresh every:").await;
    window.click("Off").await;

    // The address of this view, copied, and opened again from elsewhere by the palette.
    window.click("Save or copy").await;
    window.click("Copy address of this view").await;
    window.see("Address copied").await;
    let here = window.script("return location.hash").await;
    window.go("#/jobs").await;
    window.see("History").await;
    window.press(&format!("{CONTROL}k")).await;
    window
        .until_script(
            "the palette",
            "return document.activeElement?.getAttribute('aria-label') === 'Command'",
        )
        .await;
    window.press(&format!("{CONTROL}v")).await;
    window.see(&format!("Open {}", here.as_str().unwrap())).await;
    window.press(ENTER).await;
    at(window, day).await;
    window.at("compare=yesterday&tz=UTC").await;
    shows(window, known + 2.0).await;
}

async fn insert(db: &Db, day: Range) {
    sqlx::query("insert into usage_logs (created_at, user_id, api_key_id, account_id, model) select $1, 1, 1, min(id), 'm' from accounts")
        .bind(day.0 + Duration::hours(3))
        .execute(db.pool())
        .await
        .unwrap();
}

/// What the chart says of its last bucket.
const SPOKEN: &str = "document.querySelector('section[aria-label=Requests] [aria-live]').textContent";

async fn charts(window: &Window, day: Range) {
    let says = async |what: &str, script: &str| {
        window
            .script("document.querySelector('section[aria-label=Requests] .chart').focus()")
            .await;
        window.press(END).await;
        window.until_script(what, &script.replace("SPOKEN", SPOKEN)).await;
    };
    says(
        "all series",
        "return SPOKEN.includes('; success ') && SPOKEN.includes('; 4xx ')",
    )
    .await;
    window.click_in("Requests", "4xx").await;
    says(
        "one alone",
        "return !SPOKEN.includes('; success ') && SPOKEN.includes('; 4xx ')",
    )
    .await;
    window.click_in("Requests", "4xx").await;
    says(
        "all again",
        "return SPOKEN.includes('; success ') && SPOKEN.includes('; 4xx ')",
    )
    .await;
    window.control_click_in("Requests", "4xx").await;
    says(
        "all but one",
        "return SPOKEN.includes('; success ') && !SPOKEN.includes('; 4xx ')",
    )
    .await;
    window.control_click_in("Requests", "4xx").await;
    says(
        "all again",
        "return SPOKEN.includes('; success ') && SPOKEN.includes('; 4xx ')",
    )
    .await;

    // A stretch that is drawn is zoomed into, and a double click goes back.
    let whole = window.script("return location.hash").await;
    let over = "section[aria-label=Requests] .u-over";
    window.drag(over, &[(-0.25, 0.25)]).await;
    window
        .until_script("closer", &format!("return location.hash !== {whole}"))
        .await;
    let zoomed = window
        .script("return decodeURIComponent(location.hash).split('range=')[1].split('&')[0]")
        .await;
    let ends: Vec<DateTime<Utc>> = zoomed
        .as_str()
        .unwrap()
        .split("..")
        .map(|end| end.parse().unwrap())
        .collect();
    let span = ends[1] - ends[0];
    assert!(
        ends[0] > day.0 && ends[1] < day.1 && span > Duration::hours(11) && span < Duration::hours(13),
        "half a day: {zoomed}"
    );
    window
        .until_script(
            "it is read",
            "return !document.querySelector('.scroll[aria-busy=true]')",
        )
        .await;
    window.drag(over, &[(0.0, 0.0), (0.0, 0.0)]).await;
    at(window, day).await;
    assert_eq!(
        window.script("return !!document.querySelector('[role=dialog]')").await,
        false,
        "its clicks list no rows"
    );
}

/// A column of the platforms' table, from top to bottom, without the total.
async fn column(window: &Window, heading: &str) -> Vec<String> {
    let script = format!(
        "const table = document.querySelector('section[aria-label=Platforms] table');
         const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.replace(/[ ↓↑]+$/, '').trim() === '{heading}');
         return [...table.tBodies[0].rows].filter(row => !row.classList.contains('total')).map(row => row.cells[at].textContent.trim())"
    );
    serde_json::from_value(window.script(&script).await).unwrap()
}

async fn table(window: &Window, db: &Db, day: Range) {
    let mut rows = query(db, day, Grain::Total, Tz::UTC, &["platform"]).await.rows;
    let errors = |row: &tidemark_core::api::QueryRow| row.values["error_count"].as_f64().unwrap();
    rows.sort_by(|a, b| errors(b).total_cmp(&errors(a)));
    let mut expected: Vec<String> = rows
        .iter()
        .map(|row| written(&row.values, "error_count", format::count))
        .collect();
    window.click_in("Platforms", "Errors").await;
    window
        .until("most errors first", || async {
            (column(window, "Errors").await == expected).then_some(())
        })
        .await;
    window.click_in("Platforms", "Errors").await;
    expected.reverse();
    window
        .until("fewest errors first", || async {
            (column(window, "Errors").await == expected).then_some(())
        })
        .await;
    window.click_in("Platforms", "Platform").await;
    let mut names = column(window, "Platform").await;
    names.sort();
    window
        .until("by name", || async {
            (column(window, "Platform").await == names).then_some(())
        })
        .await;

    window.click_in("Platforms", "openai").await;
    window.at("only==openai").await;
    shows(window, requests(db, day, &["openai"]).await).await;
    assert_eq!(column(window, "Platform").await, ["openai"]);
    window.click_in("Platforms", "Show all platforms").await;
    shows(window, requests(db, day, &[]).await).await;
}

async fn keys(window: &Window) {
    leave(window).await;
    window.press("z").await;
    window.in_zone_search().await;
    window.press(ESCAPE).await;
    window
        .until_script("closed", "return !document.querySelector('[data-popover-content]')")
        .await;
    leave(window).await;
    window.press("?").await;
    window.see("Commands: every action, rollup, zone and range").await;
    window.press(ESCAPE).await;
    window
        .until_script("closed", "return !document.querySelector('[role=dialog]')")
        .await;

    // On a page that has a search it is that, elsewhere the palette.
    leave(window).await;
    window.press("/").await;
    window
        .until_script(
            "the palette",
            "return document.activeElement?.getAttribute('aria-label') === 'Command'",
        )
        .await;
    window.press("rollups").await;
    window
        .until_script(
            "found",
            "return document.querySelector('[role=option][aria-selected=true]')?.innerText.startsWith('Rollups')",
        )
        .await;
    window.press(ENTER).await;
    window.at("#/rollups").await;
    leave(window).await;
    window.press("/").await;
    window
        .until_script(
            "the search",
            "return document.activeElement?.placeholder === 'Filter rollups'",
        )
        .await;
    window.press("none such").await;
    window.see("No rollup is called").await;
    // What one types is no command.
    window.press("1").await;
    window.see("none such1").await;
    window.press(TAB).await;
    leave(window).await;
    window.press("1").await;
    window.at(&format!("#/board/{ROLLUP}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_leads_to_what_it_is_about_and_its_limits_are_settings() {
    let test = TestDb::ops().await;
    // In the last quarter hour that is over: of two platforms everything fails, and enough others take five milliseconds.
    test.sql("insert into ops_error_logs (created_at, platform, account_id, status_code) select date_bin('15 minutes', now(), '2001-01-01') - interval '2 minutes', name, 1, 500 from generate_series(1, 300) n, unnest(array['first', 'second']) name;
              insert into usage_logs (created_at, account_id, duration_ms) select date_bin('15 minutes', now(), '2001-01-01') - interval '2 minutes', 1, 5 from generate_series(1, 300)").await;
    test.drain().await;
    in_window("verdict", Start::on(&test.url), |window| async move {
        let board = format!("#/board/{ROLLUP}?range=24h&grain=15m&compare=none");
        window.board(&board).await;
        window.see("error rate 100").await;
        let said = "return document.querySelector('.verdict [class*=what]')?.innerText";
        let first = window.script(said).await.as_str().unwrap().to_owned();
        let other = if first.starts_with("first") { "second" } else { "first" };
        window.click("Other findings:").await;
        window.click(&format!("{other}:")).await;
        window
            .until_script(
                "the other one",
                &format!("{said}?.startsWith('{other}: error rate 100')"),
            )
            .await;
        window.picture("1-other").await;
        window.click(&format!("Only {other}")).await;
        window.at(&format!("only=={other}")).await;
        shows(&window, 300.0).await;

        let now = Utc::now();
        window.click("Zoom").await;
        window
            .until_script("a range of its own", "return location.hash.includes('..')")
            .await;
        let range = window
            .script("return decodeURIComponent(location.hash).split('range=')[1].split('&')[0]")
            .await;
        let ends: Vec<DateTime<Utc>> = range
            .as_str()
            .unwrap()
            .split("..")
            .map(|end| end.parse().unwrap())
            .collect();
        assert!(
            ends[0] < now - Duration::minutes(15) && ends[0] > now - Duration::hours(3) && ends[1] > now,
            "around what is wrong: {range}"
        );
        shows(&window, 300.0).await;
        leave(&window).await;
        window.press(ESCAPE).await;
        window.at("range=24h").await;

        window.go("#/settings").await;
        window.overwrite("#limit-error_rate_percent", "100").await;
        window.board(&board).await;
        window.see("Nothing is wrong").await;
        window.click("Limits").await;
        window.see("Limits of the verdict bar").await;
        window.overwrite("#limit-p99_ms", "4").await;
        window.board(&board).await;
        window
            .until_script("latency", &format!("{said}?.startsWith('p99')"))
            .await;
        window.picture("2-latency").await;
    })
    .await;
}
