//! Every setting, changed once: what the file holds then, and what it changes on the screen; connections, and a server that is lost.

use std::{fs, path::Path, time::Duration};

use chrono::{Datelike, Utc};
use sqlx::PgPool;

use crate::{
    fixture::{ROLLUP, built, overview, quiet_day},
    network::network,
    window::{Start, Window, in_window},
};

const TAB: &str = "\u{E004}";
const END: &str = "\u{E010}";

/// The app waits half a second after its first try, and twice as long after each other one: once it has waited four, it waits eight.
const LONG: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_secs(5);

fn file(home: &Path) -> String {
    fs::read_to_string(home.join(".config/tidemark/settings.toml")).unwrap_or_default()
}

async fn kept(window: &Window, line: &str) {
    window
        .until(line, || async {
            file(&window.home).lines().any(|kept| kept == line).then_some(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_setting_is_kept_and_does_what_it_says() {
    let test = built().await;
    let (proxy, url) = network(&test).await;
    let (pool, name) = (test.pool().clone(), test.name().to_owned());
    let ours = backends(&pool, &[]).await;
    in_window("settings", Start::on(&url), |window| async move {
        viewer(&window).await;
        window.picture("1-viewer").await;
        connections(&window, (&pool, &ours), &url, &name).await;

        window.board(&overview(quiet_day(chrono_tz::Tz::UTC), "hour")).await;
        proxy.refuse(true);
        proxy.cut();
        window.see("Disconnected since").await;
        window.see("reconnects by itself").await;
        window.click("Details").await;
        window.until_script("why", "const bar = [...document.querySelectorAll('[role=alert]')].find(bar => bar.innerText.includes('Disconnected')); return /be reached|connect|closed/.test(bar.innerText) && !bar.innerText.includes('reconnects by itself')").await;
        window.picture("3-lost").await;
        window.until("long pauses", || async { (proxy.longest_pause() >= LONG).then_some(()) }).await;
        proxy.refuse(false);
        window.click("Try now").await;
        window.within(SOON, "it is connected at once", || async {
            let script = "return !document.body.innerText.includes('Disconnected since') && document.querySelector('.trust').innerText.includes('Exact')";
            window.script(script).await.as_bool()?.then_some(())
        })
        .await;

        // What is open is closed with it.
        window.go("#/settings").await;
        window.click("More of night").await;
        window.click("Delete…").await;
        window.see("It is open now, and will be closed.").await;
        window.click("Delete").await;
        window.see("Your own database").await;
        assert!(!file(&window.home).contains("night"), "{}", file(&window.home));
    })
    .await;
}

async fn viewer(window: &Window) {
    window.go("#/settings").await;
    window.click("Sunday").await;
    kept(window, "week_start = \"sunday\"").await;
    window
        .board(&format!("#/board/{ROLLUP}?range=30d&grain=week&compare=none"))
        .await;
    window
        .until_script(
            "weeks",
            "return document.querySelector('section[aria-label=Requests] header').innerText.includes('per week')",
        )
        .await;
    let today = Utc::now().date_naive();
    let sunday = today - chrono::Duration::days(today.weekday().num_days_from_sunday().into());
    window
        .script("document.querySelector('section[aria-label=Requests] .chart').focus()")
        .await;
    window.press(END).await;
    let said = format!(
        "return document.querySelector('section[aria-label=Requests] [aria-live]').textContent.startsWith('week of {}')",
        sunday.format("%a %-d %b")
    );
    window.until_script("a week that starts on Sunday", &said).await;

    window.go("#/settings").await;
    window.click("12\u{202f}h").await;
    kept(window, "clock_24h = false").await;
    window
        .until_script(
            "a time of it",
            "return /UTC, \\d+:\\d\\d\u{202f}[ap]m/.test(document.body.innerText)",
        )
        .await;

    let brightness = "const [r, g, b] = getComputedStyle(document.querySelector('main')).backgroundColor.match(/\\d+/g); return (Number(r) + Number(g) + Number(b)) / 3";
    for (theme, word, dark) in [("Dark", "dark", true), ("Light", "light", false)] {
        window.click(theme).await;
        kept(window, &format!("theme = \"{word}\"")).await;
        window
            .until(theme, || async {
                ((window.script(brightness).await.as_f64()? < 100.0) == dark).then_some(())
            })
            .await;
    }

    window.click("Refresh boards:").await;
    window.click("every 1\u{202f}min").await;
    kept(window, "refresh_seconds = 60").await;
    window.click("Tray icon").await;
    kept(window, "tray_icon = false").await;
    window.board(&format!("#/board/{ROLLUP}?range=24h&compare=none")).await;
    window.see("1\u{202f}min").await;

    // The key for zones means the page's own search here.
    window.go("#/settings").await;
    window.see("Limits of the verdict bar").await;
    window.script("document.activeElement?.blur()").await;
    window.press("z").await;
    window.in_zone_search().await;
}

/// The connections to this database apart from these.
async fn backends(pool: &PgPool, apart_from: &[i32]) -> Vec<i32> {
    let sql = "select pid from pg_stat_activity where datname = current_database() and application_name = 'tidemark' and pid <> all ($1)";
    sqlx::query_scalar(sql).bind(apart_from).fetch_all(pool).await.unwrap()
}

async fn connections(window: &Window, (pool, ours): (&PgPool, &[i32]), url: &str, database: &str) {
    window.click("New connection").await;
    window.fill("[role=dialog] input", url).await;
    window.press(TAB).await;
    window
        .until_script(
            "the form is filled",
            &format!(
                "return [...document.querySelectorAll('[role=dialog] input')].some(i => i.value === '{database}')"
            ),
        )
        .await;
    window.click("Save").await;
    kept(window, &format!("[connections.{database}]")).await;

    window.click(&format!("More of {database}")).await;
    window.click("Edit…").await;
    window.fill("[role=dialog] input[id$='-name']", "night").await;
    window.click(".pgpass, PGPASSWORD, none").await;
    window.click("Read-only").await;
    window.click("Save").await;
    kept(window, "[connections.night]").await;
    kept(window, "read_only = true").await;
    assert!(
        !file(&window.home).contains(&format!("[connections.{database}]")),
        "{}",
        file(&window.home)
    );

    window.click("More of night").await;
    window.click("Open by default").await;
    kept(window, "default_connection = \"night\"").await;
    window.see("default").await;
    window.click("Test").await;
    window.see("median of 5").await;
    window.click("More of night").await;
    window.click("Open").await;
    window.until_script("it is open, and only reads", "return document.querySelector('tr.open')?.innerText.includes('night') && document.querySelector('nav').innerText.includes('read-only')").await;

    window.picture("2-connection").await;
    let before = backends(pool, ours).await;
    assert!(!before.is_empty());
    window.click("Reconnect").await;
    window
        .until("new connections", || async {
            let now = backends(pool, ours).await;
            (!now.is_empty() && now.iter().all(|pid| !before.contains(pid))).then_some(())
        })
        .await;
}
