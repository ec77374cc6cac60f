//! The controls of rollups and jobs: what they change in the database.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::AssertSqlSafe;
use tidemark_core::api::{Job, JobState, RollupStatus};
use tidemark_db::{Db, Declaration};

use crate::{
    fixture::{ROLLUP, built, quiet_day},
    window::{Start, Window, in_window},
};

/// A second rollup over the same rows, so that there is something to choose from.
const SECOND: &str = r#"
name = "by_model"
grains = ["hour", "day"]
[[source]]
name = "call"
table = "usage_logs u"
time = "u.created_at"
dimensions = { model = "u.model" }
[dimensions.model]
type = "text"
[measures]
calls = { count = "call" }
[board]
title = "Models"
by = "model"
tiles = [{ measure = "calls" }]
panels = [{ title = "Calls", kind = "bars", split = true, measures = ["calls"] }]
"#;

/// Jobs of the history, from top to bottom: number, result, rollup.
const HISTORY: &str = "return [...document.querySelectorAll('table tbody tr')].map(row => [...row.cells].slice(0, 3).map(cell => cell.textContent.trim()).join(' '))";

async fn status(db: &Db) -> RollupStatus {
    db.status(Some(ROLLUP)).await.unwrap().rollups.remove(0)
}

async fn newest(db: &Db) -> Job {
    db.jobs().await.unwrap().into_iter().max_by_key(|job| job.id).unwrap()
}

async fn history(window: &Window, expected: &[String]) {
    window
        .until(&format!("{expected:?}"), || async {
            let shown: Vec<String> = serde_json::from_value(window.script(HISTORY).await).unwrap();
            (shown == expected).then_some(())
        })
        .await;
}

/// Add to what the rollup says of a day, behind every trigger's back.
async fn tamper(db: &Db, (from, to): (DateTime<Utc>, DateTime<Utc>)) {
    for grain in db.detail(ROLLUP).await.unwrap().grains {
        let sql = format!(
            "update {} set success_count = success_count + 1 where bucket >= $1 and bucket < $2",
            grain.table
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(from)
            .bind(to)
            .execute(db.pool())
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rollups_and_jobs_are_operated_from_the_window() {
    let test = built().await;
    let second = Declaration {
        origin: "by_model.toml".to_owned(),
        text: SECOND.to_owned(),
    };
    test.db.apply(&second, true).await.unwrap();
    test.db.drain("by_model", &mut |_| {}).await.unwrap();
    let db = test.db.clone();
    in_window("operating", Start::on(&test.url), |window| async move {
        let builds: Vec<String> = db.jobs().await.unwrap().iter().map(|job| format!("{} Done {}", job.id, job.rollup)).collect();
        assert_eq!(builds.len(), 2, "each rollup was built by a job");
        // Nothing ticks but what is told to.
        window.go("#/settings").await;
        window.click("Keep rollups fresh while this app is open").await;
        window.see("Something else must tick").await;

        window.go("#/rollups").await;
        window.fill(".search input", "ops").await;
        window.until_script("one row", "return document.querySelectorAll('.rt [aria-expanded]').length === 1").await;
        window.click_at("//*[@aria-expanded='false'][ancestor::tbody]").await;
        window.at(&format!("#/rollups/{ROLLUP}")).await;
        window.see("Sources and triggers").await;
        ticks(&window, &db).await;
        window.picture("1-rollup").await;
        let repair = repair(&window, &db).await;
        let cancelled = changes(&window, &db).await;
        window.picture("2-cancelled").await;

        // What waits is worked off by this app, where it may.
        window.go("#/settings").await;
        window.click("Keep rollups fresh while this app is open").await;
        window.click("Tick every:").await;
        window.click("every 1\u{202f}s").await;
        let toast = format!("//*[@role='status'][contains(., 'Job {} done')]//button[.='Open']", repair);
        window.click_at(&toast).await;
        window.at(&format!("#/jobs/{}", repair)).await;
        let row = format!("const row = document.querySelector('tr[aria-current=true]'); return row?.innerText.startsWith('{}') && row.innerText.includes('Done')", repair);
        window.until_script("its row", &row).await;
        let state = db.jobs().await.unwrap().into_iter().find(|job| job.id == repair).map(|job| job.state);
        assert_eq!(state, Some(JobState::Done));
        window.picture("3-done").await;
        let ended = [vec![format!("{cancelled} Cancelled by_model"), format!("{repair} Done {ROLLUP}")], builds].concat();
        filters(&window, &ended).await;

        window.go(&format!("#/rollups/{ROLLUP}")).await;
        window.click("Audit").await;
        window.click("Everything not frozen").await;
        window.see("0 differences in").await;
    })
    .await;
}

async fn ticks(window: &Window, db: &Db) {
    sqlx::query("delete from usage_logs where id = (select min(id) from usage_logs)")
        .execute(db.pool())
        .await
        .unwrap();
    assert!(status(db).await.pending_buckets > 0);
    window.click("Tick now").await;
    window.see(&format!("Ticked {ROLLUP}")).await;
    assert_eq!(status(db).await.pending_buckets, 0);

    window.click("Pause").await;
    window.see(&format!("{ROLLUP} is paused")).await;
    assert!(status(db).await.paused);
    window.click("Resume").await;
    window.see(&format!("{ROLLUP} ticks again")).await;
    assert!(!status(db).await.paused);
}

/// Audit, and have recomputed what differs; gives the job, paused once and resumed.
async fn repair(window: &Window, db: &Db) -> i64 {
    let day = quiet_day(Tz::UTC);
    tamper(db, day).await;
    window.click("Audit").await;
    window.click("Everything not frozen").await;
    window.click("Mark and recompute these").await;
    window
        .click_at("//*[@role='status'][contains(., 'Marked')]//button[.='Open']")
        .await;
    let job = newest(db).await;
    window.at(&format!("#/jobs/{}", job.id)).await;
    assert!(
        job.state == JobState::Running && job.from >= day.0 && job.to <= day.1,
        "the day that differs: {job:?}"
    );
    let name = format!("Job {}", job.id);
    window.click_in(&name, "Pause").await;
    reach(window, db, "a paused job", |job| job.state == JobState::Paused).await;
    window.see("1 paused").await;
    window.click_in(&name, "Resume").await;
    reach(window, db, "a running job", |job| job.state == JobState::Running).await;
    job.id
}

async fn reach(window: &Window, db: &Db, what: &str, is: fn(&Job) -> bool) {
    window
        .until(what, || async { is(&newest(db).await).then_some(()) })
        .await;
}

/// Ask for a job on the page of jobs, change its pace, and cancel it; gives it.
async fn changes(window: &Window, db: &Db) -> i64 {
    window.click("Recompute…").await;
    window.click("by_model").await;
    window.see("Recompute by_model").await;
    window.click("Everything").await;
    window.until_script("a preview", "return [...document.querySelectorAll('[role=dialog] button')].some(b => /^Recompute [^0]/.test(b.innerText))").await;
    window.click("Recompute").await;
    reach(window, db, "a job of it", |job| {
        job.rollup == "by_model" && job.state == JobState::Running
    })
    .await;
    let id = newest(db).await.id;
    let name = format!("Job {id}");
    window.click_in(&name, &format!("Pace of job {id}:")).await;
    window.click("A fifth of the time").await;
    reach(window, db, "its pace", |job| job.pace == 20).await;
    window
        .until_script(
            "said",
            &format!(
                "return document.querySelector('[aria-label=\"{name}\"]').innerText.includes('A fifth of the time')"
            ),
        )
        .await;
    window.click_in(&name, "Cancel…").await;
    window.click("Keep it").await;
    window
        .until_script("no dialog", "return !document.querySelector('[role=dialog]')")
        .await;
    assert_eq!(newest(db).await.state, JobState::Running);
    window.click_in(&name, "Cancel…").await;
    window.click(&format!("Cancel job {id}")).await;
    reach(window, db, "a cancelled job", |job| job.state == JobState::Cancelled).await;
    id
}

/// Search and filters of the history, which holds these jobs.
async fn filters(window: &Window, all: &[String]) {
    let with = |word: &str| all.iter().filter(|job| job.contains(word)).cloned().collect::<Vec<_>>();
    history(window, all).await;
    window.click("Rollup:").await;
    window.click("by_model").await;
    history(window, &with("by_model")).await;
    window.click("Rollup:").await;
    window.click("All rollups").await;
    history(window, all).await;
    window.click("Result:").await;
    window.click("Cancelled").await;
    history(window, &with("Cancelled")).await;
    window.script("document.activeElement?.blur()").await;
    window.press("/").await;
    window.press("ops").await;
    window.see("No job fits.").await;
    window.click("Show all").await;
    history(window, all).await;
    window.fill(".search input", "model").await;
    history(window, &with("by_model")).await;
}
