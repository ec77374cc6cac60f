//! Notices that the database went away (a cut, a restart, a laptop that slept) and gets it back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidemark_core::api::{ServerInfo, StatusReport};
use tidemark_db::{Db, Error, ErrorInfo};
use tokio::time::{sleep, timeout};

use crate::{args::Target, connection::Phase, demo, desk::Desk, session::Session};

const LOOK_EVERY: Duration = Duration::from_secs(5);
const HEALTH_EVERY: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The embedded server may have to recover first.
const CONNECT_WITHIN: Duration = Duration::from_secs(120);
/// Pauses between two tries to reconnect grow from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// What a look at the server found.
enum Look {
    Fine(ServerInfo),
    /// No answer in time: it is busy, or every connection of the pool hangs. Or an error that need not be the end.
    Unclear,
    Gone(ErrorInfo),
}

/// Look at the connection every few seconds, and when somebody noticed a failure. Never ends.
pub(crate) async fn run(session: &Session) {
    let desk = &session.desk;
    let mut good = now_ms();
    loop {
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = desk.look_now.notified() => {}
        }
        let Ok(db) = desk.db() else { continue };
        let asked = now_ms();
        let mut found = look(&db).await;
        if matches!(found, Look::Unclear) {
            found = look(&db).await;
        }
        match found {
            Look::Fine(server) => {
                good = asked;
                session.show(session.state(Phase::Ready).with_server(Some(server)));
            }
            Look::Unclear => {
                // A new connection tells which: after a sleep it is there at once, and nobody needs to know.
                match timeout(ANSWER_WITHIN, session.connect()).await {
                    Ok(Ok(connected)) => take(session, connected).await,
                    Ok(Err(error)) => recover(session, good, error).await,
                    Err(_late) => recover(session, good, no_answer()).await,
                }
                good = now_ms();
            }
            Look::Gone(error) => {
                recover(session, good, error).await;
                good = now_ms();
            }
        }
    }
}

async fn look(db: &Db) -> Look {
    match timeout(ANSWER_WITHIN, db.server_info()).await {
        Ok(Ok(server)) => Look::Fine(server),
        Ok(Err(error @ (Error::Unreachable { .. } | Error::LogIn { .. }))) => Look::Gone(error.info()),
        Ok(Err(error)) => {
            tracing::warn!("looking at the server: {error}");
            Look::Unclear
        }
        Err(_late) => Look::Unclear,
    }
}

fn no_answer() -> ErrorInfo {
    let seconds = 3 * ANSWER_WITHIN.as_secs();
    ErrorInfo {
        code: "unreachable".into(),
        message: format!("The database has not answered for {seconds} seconds. Tidemark goes on trying."),
        details: None,
    }
}

/// Show since when the numbers are old, and try until the database is back.
async fn recover(session: &Session, since_ms: i64, error: ErrorInfo) {
    let server = session.desk.connection.borrow().server.clone();
    let mut lost = session.state(Phase::Lost).with_server(server).with_error(error);
    lost.since_ms = Some(since_ms);
    tracing::warn!("lost the database: {}", lost.message.as_deref().unwrap_or_default());
    session.show(lost.clone());
    session.use_db(None);
    let mut pause = BACKOFF.0;
    loop {
        match timeout(CONNECT_WITHIN, session.connect()).await {
            Ok(Ok(connected)) => return take(session, connected).await,
            Ok(Err(error)) => lost = lost.with_error(error),
            Err(_late) => lost = lost.with_error(no_answer()),
        }
        session.show(lost.clone());
        tokio::select! {
            () = sleep(pause) => {}
            () = session.desk.look_now.notified() => {}
        }
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Go on with a new pool.
async fn take(session: &Session, (db, server): (Db, ServerInfo)) {
    if session.target == Target::Demo
        && let Err(error) = demo::begin_traffic(&session.desk, &db).await
    {
        tracing::warn!("live traffic: {}", error.message);
    }
    session.use_db(Some(db));
    session.show(session.state(Phase::Ready).with_server(Some(server)));
    session.desk.tick_now.notify_one();
    tracing::info!("the database is back");
}

/// Keep the worst status word for the tray. Never ends.
pub(crate) async fn watch_health(desk: &Desk) {
    loop {
        match desk.ask(|db| async move { db.status(None).await }).await {
            Ok(report) => show_worst(desk, &report),
            Err(error) => tracing::debug!("status: {}", error.message),
        }
        sleep(HEALTH_EVERY).await;
    }
}

/// The worst of all rollups, for the tray.
pub(crate) fn show_worst(desk: &Desk, report: &StatusReport) {
    let word = report.rollups.iter().map(|rollup| rollup.status).min();
    desk.worst
        .send_if_modified(|worst| std::mem::replace(worst, word) != word);
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
