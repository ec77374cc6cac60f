//! Hazard 32: a connection that is cut, or that says nothing any more after a sleep, and a program that waits for ever.

use std::{process::Command, sync::Arc, time::Duration};

use chrono_tz::Tz;
use tidemark_app::{Target, connection::Phase, desk::Desk};
use tidemark_core::{api::Grain, format};
use tokio::time::timeout;

use crate::{
    desk::{desk, reach},
    fixture::{ROLLUP, built, overview, query, quiet_day},
    harness::{TestDb, server_url},
    proxy::{Behind, Proxy},
    window::{Start, in_window},
};

/// Longer than the watchdog takes from a silent connection to a new one: two looks, a try, and the pause between.
const SOON: Duration = Duration::from_secs(40);

/// A network between the app and the test server, which listens on a socket only.
pub async fn network(test: &TestDb) -> (Proxy, String) {
    let url = server_url();
    let folder = url
        .split("host=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .replace("%2F", "/");
    let proxy = Proxy::before(Behind::Socket(format!("{folder}/.s.PGSQL.5432").into())).await;
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/{}?sslmode=disable",
        proxy.port,
        test.name()
    );
    (proxy, url)
}

async fn answered(desk: &Arc<Desk>) {
    let asking = async {
        while desk.ask(|db| async move { db.list().await }).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, asking).await.expect("a question is answered again");
}

#[tokio::test(flavor = "multi_thread")]
async fn hazard_32_after_a_cut_the_next_questions_are_answered() {
    let test = built().await;
    let (proxy, url) = network(&test).await;
    let (desk, _) = desk("cut", "");
    desk.open(Target::Url(url), false);
    reach(&desk, Phase::Ready).await;
    for _ in 0..3 {
        proxy.cut();
        answered(&desk).await;
    }
    assert_eq!(desk.phase(), Phase::Ready, "it was back before anybody had to know");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hazard_32_a_network_that_says_nothing_is_noticed_and_come_back_from() {
    let test = built().await;
    let (proxy, url) = network(&test).await;
    let (desk, _) = desk("silent", "");
    desk.open(Target::Url(url), false);
    reach(&desk, Phase::Ready).await;
    proxy.swallow(true);
    let asker = Arc::clone(&desk);
    let waiting = tokio::spawn(async move { asker.ask(|db| async move { db.status(Some(ROLLUP)).await }).await });
    let lost = reach(&desk, Phase::Lost).await;
    assert!(lost.since_ms.is_some(), "since when the numbers are old");
    assert!(lost.message.unwrap().contains("not answered"));
    let told = timeout(Duration::from_secs(1), waiting)
        .await
        .expect("told at once")
        .unwrap();
    assert_eq!(told.unwrap_err().code, "unreachable");
    // The connections from before stay dead; only new ones get through.
    proxy.swallow(false);
    reach(&desk, Phase::Ready).await;
    answered(&desk).await;
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hazard_32_a_program_that_was_stopped_goes_on_with_new_numbers() {
    let test = built().await;
    let (proxy, url) = network(&test).await;
    let db = test.db.clone();
    in_window("asleep", Start::on(&url), |window| async move {
        let day = quiet_day(Tz::UTC);
        let total = || async { format::count(query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows[0].values["request_count"].as_f64().unwrap()) };
        let before = total().await;
        window.board(&overview(day, "hour")).await;
        window.until("the numbers", || async { (window.tiles().await["request_count"] == before).then_some(()) }).await;

        // The lid closes: the program stands still, and somewhere on the way its connections are forgotten.
        let app = window.app().to_string();
        let send = |signal: &str| assert!(Command::new("kill").args([signal, &app]).status().unwrap().success());
        send("-STOP");
        proxy.swallow(true);
        sqlx::query("delete from usage_logs where created_at >= $1 and created_at < $1 + interval '3 hours'").bind(day.0).execute(db.pool()).await.unwrap();
        proxy.swallow(false);
        send("-CONT");

        let after = total().await;
        assert_ne!(before, after);
        let patience = Duration::from_secs(90);
        window.within(patience, "what changed meanwhile", || async { (window.tiles().await["request_count"] == after).then_some(()) }).await;
        window.until_script("nothing says that it is old", "return document.querySelector('.trust').innerText.includes('Exact') && !document.body.innerText.includes('Disconnected since')").await;
    })
    .await;
}
