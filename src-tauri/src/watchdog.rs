//! Notices that the database went away (a cut, a restart, a laptop that slept) and gets it back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidemark_core::api::{ServerInfo, StatusReport};
use tidemark_db::{Db, Error, ErrorInfo};
use tokio::time::{sleep, timeout};

use crate::{
    args::Target,
    connection::{ConnectionState, Phase},
    demo,
    desk::Desk,
    open,
};

const LOOK_EVERY: Duration = Duration::from_secs(5);
const HEALTH_EVERY: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The embedded server may have to recover first.
const CONNECT_WITHIN: Duration = Duration::from_secs(120);
/// Pauses between two tries to reconnect grow from the first to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Look at the connection every few seconds, and when somebody noticed a failure. Never ends.
pub(crate) async fn run(desk: &Desk, target: &Target) {
    let mut good = now_ms();
    loop {
        tokio::select! {
            () = sleep(LOOK_EVERY) => {}
            () = desk.look_now.notified() => {}
        }
        let Ok(db) = desk.db() else { continue };
        let asked = now_ms();
        match look_twice(&db).await {
            Ok(server) => {
                good = asked;
                if let Some(server) = server {
                    desk.connection.send_modify(|state| state.server = Some(server));
                }
            }
            Err(error) => {
                recover(desk, target, good, error).await;
                good = now_ms();
            }
        }
    }
}

/// What the server says about itself, or nothing where it answered with an error only. One that is busy may be late once;
/// one that refuses is gone at once.
async fn look_twice(db: &Db) -> Result<Option<ServerInfo>, ErrorInfo> {
    for _ in 0..2 {
        match timeout(ANSWER_WITHIN, db.server_info()).await {
            Ok(Ok(server)) => return Ok(Some(server)),
            Ok(Err(error @ Error::Unreachable { .. })) => return Err(error.info()),
            Ok(Err(error)) => {
                tracing::warn!("looking at the server: {error}");
                return Ok(None);
            }
            Err(_late) => {}
        }
    }
    let seconds = 2 * ANSWER_WITHIN.as_secs();
    Err(unreachable(format!(
        "The database has not answered for {seconds} seconds. Tidemark goes on trying."
    )))
}

fn unreachable(message: String) -> ErrorInfo {
    ErrorInfo {
        code: "unreachable".into(),
        message,
        details: None,
    }
}

/// Show since when the numbers are old, and try until the database is back, with a new pool each time: after a sleep
/// every connection of the old one may hang.
async fn recover(desk: &Desk, target: &Target, since_ms: i64, error: ErrorInfo) {
    let server = desk.connection.borrow().server.clone();
    let mut lost = ConnectionState::new(Phase::Lost, target.kind())
        .with_server(server)
        .with_error(error);
    lost.since_ms = Some(since_ms);
    tracing::warn!("lost the database: {}", lost.message.as_deref().unwrap_or_default());
    desk.connection.send_replace(lost.clone());
    desk.replace_db(None);
    let mut pause = BACKOFF.0;
    loop {
        match timeout(CONNECT_WITHIN, open::connect(desk, target)).await {
            Ok(Ok((db, server))) => {
                if *target == Target::Demo
                    && let Err(error) = demo::begin_traffic(desk, &db).await
                {
                    tracing::warn!("live traffic: {}", error.message);
                }
                desk.replace_db(Some(db));
                let ready = ConnectionState::new(Phase::Ready, target.kind()).with_server(Some(server));
                desk.connection.send_replace(ready);
                desk.tick_now.notify_one();
                tracing::info!("the database is back");
                return;
            }
            Ok(Err(error)) => lost = lost.with_error(error),
            Err(_late) => {}
        }
        desk.connection.send_replace(lost.clone());
        tokio::select! {
            () = sleep(pause) => {}
            () = desk.look_now.notified() => {}
        }
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Keep the worst status word for the tray. Never ends.
pub(crate) async fn watch_health(desk: &Desk) {
    loop {
        if let Ok(db) = desk.db() {
            match timeout(HEALTH_EVERY, db.status(None)).await {
                Ok(Ok(report)) => show_worst(desk, &report),
                Ok(Err(error)) => tracing::debug!("status: {error}"),
                Err(_late) => {}
            }
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
