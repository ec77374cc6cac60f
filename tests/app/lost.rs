//! The database is killed and comes back; the window says so, and goes on by itself.

use std::{fs, process::Command};

use chrono_tz::Tz;
use tidemark_core::{api::Grain, format};
use tidemark_db::Declaration;
use tidemark_local::{DataDir, EmbeddedServer};

use crate::{
    fixture::{ROLLUP, fill, overview, query, quiet_day},
    harness::connect,
    window::{Start, in_window},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_is_shown_as_lost_and_found_again() {
    // A server of this test's own: it is killed for good.
    let folder = std::env::temp_dir().join(format!("tidemark-killed-{}", std::process::id()));
    let data = DataDir::at(&folder);
    let server = EmbeddedServer::start(&data).await.unwrap();
    let url = server.url().to_owned();
    let db = connect(&url).await;
    fill(&db).await;
    db.apply(&Declaration::load(ROLLUP).unwrap(), true).await.unwrap();
    db.drain(ROLLUP, &mut |_| {}).await.unwrap();

    let place = folder.clone();
    in_window("lost", Start::on(&url), |window| async move {
        let day = quiet_day(Tz::UTC);
        let requests = format::count(query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows[0].values["request_count"].as_f64().unwrap());
        window.board(&overview(day, "hour")).await;
        window.until("the numbers", || async { (window.tiles().await["request_count"] == requests).then_some(()) }).await;

        let pid = fs::read_to_string(place.join("postgres/postmaster.pid")).unwrap();
        let killed = Command::new("kill").arg("-KILL").arg(pid.lines().next().unwrap()).status().unwrap();
        assert!(killed.success());
        window.see("Disconnected since").await;
        window.until_script("the trust line says how old", "return document.querySelector('.trust').innerText.includes('Stale')").await;
        assert_eq!(window.tiles().await["request_count"], requests, "what was on the screen stays there");
        window.picture("1-lost").await;

        drop(server);
        // Backends that have not noticed yet hold the shared memory for a moment.
        let again = window.until("the server is back", || async { EmbeddedServer::start(&DataDir::at(&place)).await.ok() }).await;
        window.until_script("it is connected again", "return !document.body.innerText.includes('Disconnected since') && document.querySelector('.trust').innerText.includes('Exact')").await;
        assert_eq!(window.tiles().await["request_count"], requests);
        window.picture("2-back").await;
        again.stop().await;
    })
    .await;
    fs::remove_dir_all(folder).ok();
}
