//! What works behind the window, without one.

use std::{fs, future::pending, path::PathBuf, sync::Arc, time::Duration};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidemark_app::{
    Target,
    connection::{ConnectionState, Phase},
    desk::Desk,
};
use tidemark_core::api::{BoardRequest, Grain, ReadMode, WeekStart};
use tidemark_db::{Db, Declaration};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    fixture::{ROLLUP, built, logs},
    harness::server_url,
};

const PATIENCE: Duration = Duration::from_secs(40);

/// A desk whose settings lie in a file of their own.
pub fn desk(name: &str, settings: &str) -> (Arc<Desk>, PathBuf) {
    let folder = std::env::temp_dir().join(format!("tidemark-desk-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("settings.toml");
    fs::write(&file, settings).unwrap();
    (Desk::new(file.clone(), Handle::current()), file)
}

pub async fn reach(desk: &Desk, phase: Phase) -> ConnectionState {
    let mut states = desk.states();
    let reached = timeout(PATIENCE, states.wait_for(|state| state.phase == phase)).await;
    reached
        .unwrap_or_else(|_| panic!("never {phase:?}, but {:?}", desk.states().borrow()))
        .unwrap()
        .clone()
}

async fn pending_buckets(db: &Db) -> i64 {
    db.status(Some(ROLLUP)).await.unwrap().rollups[0].pending_buckets
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_from_the_command_line_meanwhile_opens_the_board() {
    let test = logs().await;
    let (desk, settings) = desk("meanwhile", "");
    desk.open(Target::Url(test.url.clone()), false);
    let asks = reach(&desk, Phase::NeedsSetup).await;
    assert!(asks.server.is_some_and(|server| !server.installed));
    test.db.apply(&Declaration::load(ROLLUP).unwrap(), true).await.unwrap();
    reach(&desk, Phase::Ready).await;
    assert!(fs::read_to_string(settings).unwrap().contains("last_connection"));
    desk.close().await;
    assert_eq!(desk.phase(), Phase::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_taken_in_while_the_app_is_open() {
    let test = built().await;
    let (desk, _) = desk("ticks", "tick_seconds = 1\n");
    desk.open(Target::Url(test.url.clone()), false);
    reach(&desk, Phase::Ready).await;
    test.sql("delete from usage_logs where id = (select min(id) from usage_logs)")
        .await;
    let drained = timeout(PATIENCE, async {
        while pending_buckets(&test.db).await > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    drained.await.expect("the mark was worked off");
    let tickers = test.db.status(Some(ROLLUP)).await.unwrap().rollups.remove(0).tickers;
    assert!(tickers.iter().any(|ticker| ticker.name == "app"), "{tickers:?}");
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_dead_connection_is_told_and_the_next_question_is_answered() {
    let test = built().await;
    let database: String = test.one("select current_database()::text").await;
    let (desk, _) = desk("dead", "");
    desk.open(Target::Url(test.url.clone()), false);
    reach(&desk, Phase::Ready).await;
    // A question whose answer never comes, as over a connection that died in a sleeping laptop.
    let asker = Arc::clone(&desk);
    let waiting = tokio::spawn(async move { asker.ask(|_db| pending::<tidemark_db::Result<()>>()).await });

    let mut admin = PgConnection::connect(&server_url()).await.unwrap();
    // Two statements: in one, the cut ones could come back before the first commits.
    let shut = format!("alter database {database} allow_connections false");
    sqlx::raw_sql(AssertSqlSafe(shut)).execute(&mut admin).await.unwrap();
    let cut = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1 and application_name = 'tidemark'";
    sqlx::query(cut).bind(&database).execute(&mut admin).await.unwrap();
    let lost = reach(&desk, Phase::Lost).await;
    assert!(lost.since_ms.is_some() && lost.message.is_some());
    let told = timeout(PATIENCE, waiting).await.expect("told at once").unwrap();
    assert_eq!(told.unwrap_err().code, "unreachable");
    let refused = desk.ask(|db| async move { db.list().await }).await;
    assert_eq!(
        refused.unwrap_err().code,
        "unreachable",
        "nobody waits for a time-out while it is lost"
    );

    let back = format!("alter database {database} allow_connections true");
    sqlx::raw_sql(AssertSqlSafe(back)).execute(&mut admin).await.unwrap();
    reach(&desk, Phase::Ready).await;
    let rollups = desk.ask(|db| async move { db.list().await }).await.unwrap();
    assert_eq!(rollups.len(), 1);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_the_url_is_neither_shown_nor_kept() {
    let (desk, settings) = desk("secret", "");
    desk.open(Target::Url("postgres://ann:secret@127.0.0.1:1/none".into()), false);
    let failed = reach(&desk, Phase::Error).await;
    assert_eq!(failed.code.as_deref(), Some("unreachable"));
    assert!(!format!("{failed:?}").contains("secret"), "{failed:?}");
    assert!(!fs::read_to_string(settings).unwrap().contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_stopped_ends_on_the_server_and_the_next_one_does_not() {
    let test = built().await;
    let (desk, _) = desk("stopped", "tick_while_open = false\n");
    desk.open(Target::Url(test.url.clone()), false);
    reach(&desk, Phase::Ready).await;
    let mut board = BoardRequest {
        rollup: ROLLUP.to_owned(),
        range: "24h".to_owned(),
        grain: Some(Grain::Hour),
        tz: "UTC".to_owned(),
        week_start: WeekStart::Monday,
        by: None,
        filters: vec![],
        groupings: vec![],
        mode: ReadMode::Live,
        compare: None,
    };
    // Whatever reads raw rows waits for a minute.
    let slow = format!(
        "do $do$ begin execute (select regexp_replace(pg_get_functiondef(oid), E'\\nbegin\\n', E'\\nbegin\\n  perform pg_sleep(60);\\n') from pg_proc where proname = '{ROLLUP}__raw'); end $do$"
    );
    test.sql(&slow).await;
    let sleeps =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";
    let sleeping = async |wanted: bool| {
        let reached = timeout(PATIENCE, async {
            while test.one::<bool>(sleeps).await != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        reached.await.unwrap_or_else(|_| panic!("never: sleeping is {wanted}"));
    };
    let (asker, asked) = (Arc::clone(&desk), board.clone());
    let reading = tokio::spawn(async move { asker.boards(&[asked], Some(7)).await });
    sleeping(true).await;
    desk.stop_reading(6);
    assert!(test.one::<bool>(sleeps).await, "the one before was stopped");
    desk.stop_reading(7);
    let stopped = timeout(PATIENCE, reading).await.expect("told at once").unwrap();
    assert_eq!(stopped.unwrap_err().code, "cancelled");
    sleeping(false).await;

    board.mode = ReadMode::RollupOnly;
    for next in [Some(8), None] {
        assert!(desk.boards(std::slice::from_ref(&board), next).await.unwrap()[0].is_ok());
    }
    desk.close().await;
}
