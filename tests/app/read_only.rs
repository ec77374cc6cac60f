//! A role that may only read sees every number, and is told why it can't do more.

use chrono_tz::Tz;
use sqlx::AssertSqlSafe;
use tidemark_core::{api::Grain, format};

use crate::{
    fixture::{built, overview, query, quiet_day},
    harness::{connect, url_of},
    window::{Start, in_window},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_read_sees_the_numbers_and_cannot_operate() {
    let test = built().await;
    test.db.install(true).await.unwrap();
    let role = format!("reader_{}", std::process::id());
    test.sql(&format!("create role {role} login; grant tidemark_viewer to {role}; revoke all on usage_logs, ops_error_logs from public")).await;
    let database: String = test.one("select current_database()::text").await;
    let url = url_of(&database, Some(&role));
    let raw = sqlx::query("select 1 from usage_logs")
        .execute(connect(&url).await.pool())
        .await;
    assert!(raw.is_err(), "the role may not read raw rows, or this shows nothing");

    let db = test.db.clone();
    in_window("read-only", Start::on(&url), |window| async move {
        let day = quiet_day(Tz::UTC);
        // A change that no tick has taken in: the live part must work without a right to raw rows.
        db.set_paused("ops_metrics", true).await.unwrap();
        sqlx::query("delete from usage_logs where created_at >= $1 and created_at < $1 + interval '2 hours'").bind(day.0).execute(db.pool()).await.unwrap();
        let requests = query(&db, day, Grain::Total, Tz::UTC, &[]).await.rows[0].values["request_count"].as_f64().unwrap();
        window.board(&overview(day, "hour")).await;
        window.until("the numbers", || async { (window.tiles().await["request_count"] == format::count(requests)).then_some(()) }).await;
        window.picture("1-overview").await;

        window.click("Rollups").await;
        window.see("needs tidemark_operator").await;
        let script = "return [...document.querySelectorAll('.acts button')].filter(b => b.disabled).map(b => b.innerText.trim())";
        let disabled = window.until_script("what it may not do is off", script).await;
        for action in ["Tick now", "Recompute…", "Resume"] {
            assert!(disabled.as_array().unwrap().iter().any(|name| name == action), "{action} is not off: {disabled}");
        }
        window.picture("2-rollups").await;
    })
    .await;
    test.sql(&format!("drop owned by {role}")).await;
    drop(connect(&url_of("postgres", None)).await);
    sqlx::raw_sql(AssertSqlSafe(format!("drop role {role}")))
        .execute(test.pool())
        .await
        .unwrap();
}
