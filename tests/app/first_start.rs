//! The first start: nothing is open, and nothing is made before a person said so.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::{api::Grain, format};

use crate::{
    fixture::{logs, overview, query, quiet_day},
    window::{Start, in_window},
};

const TIDEMARK_IS_THERE: &str = "select to_regnamespace('tidemark') is not null";

/// A display of 4200 × 3000.
struct Large {
    server: Child,
    name: String,
}

impl Large {
    fn start() -> Large {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "4200x3000x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("Xvfb, from the package xvfb");
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        Large {
            server,
            name: format!(":{}", number.trim()),
        }
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// WebKit 2.50 crashed here, on a display of this size only, where the way it paints was changed once the window was open.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_resized_while_it_loads_keeps_its_page() {
    let large = Large::start();
    let start = Start {
        environment: vec![("DISPLAY", large.name.clone())],
        ..Start::default()
    };
    in_window("resized", start, |window| async move {
        for (width, height) in [(1000, 700), (1440, 900), (1920, 1080), (1000, 700)] {
            window.resize(width, height).await;
        }
        window.see("Your own database").await;
        window.picture("1-start").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_own_database_is_asked_about_before_anything_is_made_in_it() {
    let test = logs().await;
    let (db, url) = (test.db.clone(), test.url.clone());
    in_window("first-start", Start::default(), |window| async move {
        let there = || async {
            sqlx::query_scalar::<_, bool>(TIDEMARK_IS_THERE)
                .fetch_one(db.pool())
                .await
                .unwrap()
        };
        window.see("Your own database").await;
        window.picture("1-nothing-open").await;

        window
            .fill("form input", "postgres://nobody:secret@127.0.0.1:1/none")
            .await;
        window.click("Connect").await;
        window.see("can't be reached").await;
        assert!(
            !window
                .script("return document.body.innerText")
                .await
                .as_str()
                .unwrap()
                .contains("secret")
        );
        window.picture("2-refused").await;
        window.click("Choose another database").await;

        window.fill("form input", &url).await;
        window.click("Connect").await;
        window.see("Before anything is created").await;
        window.see("put capture triggers").await;
        window.picture("3-asks").await;
        window.click("Show SQL").await;
        window.see("create table").await;
        assert!(!there().await, "nothing is made before the person agrees");

        let before: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(db.pool())
            .await
            .unwrap();
        window.click("Create this").await;
        let day = quiet_day(Tz::UTC);
        window
            .until_script("the board", "return !!document.querySelector('.tile [data-measure]')")
            .await;
        assert!(there().await);
        assert!(
            db.list().await.unwrap()[0].applied_at > before,
            "it was made after the click, not before"
        );
        window.board(&overview(day, "hour")).await;
        let requests = query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows[0].values["request_count"]
            .as_f64()
            .unwrap();
        window
            .until("the numbers", || async {
                (window.tiles().await["request_count"] == format::count(requests)).then_some(())
            })
            .await;
        window.picture("4-numbers").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_one_click_and_says_that_it_is_one() {
    let data = std::env::temp_dir().join(format!("tidemark-demo-{}", std::process::id()));
    let environment = vec![("TIDEMARK_DATA_DIR", data.display().to_string())];
    in_window(
        "demo",
        Start {
            environment,
            ..Start::default()
        },
        |window| async move {
            window.click("Open the demo").await;
            window.see("Preparing the demo database").await;
            window
                .until_script(
                    "progress in rows",
                    "return / [1-9].* of .*/.test(document.body.innerText)",
                )
                .await;
            window.picture("1-loading").await;
            let patience = Duration::from_secs(300);
            window
                .within(patience, "the board", || async {
                    window
                        .script("return !!document.querySelector('.tile [data-measure]')")
                        .await
                        .as_bool()?
                        .then_some(())
                })
                .await;
            window.see("DEMO DATA").await;
            window
                .until_script(
                    "exact numbers",
                    "return document.querySelector('.trust')?.innerText.includes('Exact')",
                )
                .await;
            window.picture("2-overview").await;
        },
    )
    .await;
    // The window is gone, killed by the driver; its server ends by itself.
    let server = data.join("postgres/postmaster.pid");
    let begun = std::time::Instant::now();
    while server.exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the embedded server outlived the app"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    std::fs::remove_dir_all(data).ok();
}
