//! From a chosen database to a window that shows it: connect, set up, keep fresh, and come back when it goes away.

use std::{sync::Arc, time::Duration};

use tidemark_core::api::ServerInfo;
use tidemark_db::{ConnectOptions, Db, Declaration, Error, ErrorInfo};

use crate::{
    args::Target,
    connection::{ConnectionState, Phase},
    demo,
    desk::Desk,
    remember, ticker, watchdog,
};

/// The rollup that Tidemark sets up by itself.
pub const SHIPPED: &str = "ops_metrics";

/// How often the set-up page looks whether somebody applied a rollup from the command line meanwhile.
const LOOK_FOR_ROLLUPS: Duration = Duration::from_secs(3);

/// One database from opening to closing. Ends by itself only when it can't be opened; else it is aborted.
pub(crate) async fn session(desk: Arc<Desk>, target: Target, yes: bool) {
    let starting = ConnectionState::new(Phase::Starting, target.kind());
    desk.connection.send_replace(starting.clone());
    match open(&desk, &target, yes).await {
        Ok(server) => {
            let ready = ConnectionState::new(Phase::Ready, target.kind()).with_server(Some(server));
            desk.connection.send_replace(ready);
            tokio::join!(
                ticker::run(&desk),
                watchdog::run(&desk, &target),
                watchdog::watch_health(&desk)
            );
        }
        Err(error) => {
            tracing::warn!(code = %error.code, "could not open {target:?}: {}", error.message);
            desk.connection.send_modify(|state| {
                let server = state.server.take();
                *state = ConnectionState::new(Phase::Error, target.kind())
                    .with_server(server)
                    .with_error(error);
            });
        }
    }
}

async fn open(desk: &Arc<Desk>, target: &Target, yes: bool) -> Result<ServerInfo, ErrorInfo> {
    if *target != Target::Demo {
        demo::stop(desk).await;
    }
    let (db, server) = connect(desk, target).await?;
    desk.replace_db(Some(db.clone()));
    match target {
        Target::Demo => demo::fill(desk, &db, &server).await?,
        Target::Url(_) => agree(desk, target, &db, &server, yes).await?,
    }
    remember::last(desk, target);
    // Asked again: the set-up changed what is installed and what this role may do.
    db.server_info().await.map_err(|error| error.info())
}

/// Connect afresh. For the demo this starts the embedded server where it does not run.
pub(crate) async fn connect(desk: &Desk, target: &Target) -> Result<(Db, ServerInfo), ErrorInfo> {
    match target {
        Target::Demo => demo::connect(desk).await,
        Target::Url(url) => connect_url(url).await,
    }
}

pub(crate) async fn connect_url(url: &str) -> Result<(Db, ServerInfo), ErrorInfo> {
    let options = ConnectOptions {
        url: Some(url.to_owned()),
        ticker: "app".into(),
        ..ConnectOptions::default()
    };
    let connected = async {
        let db = Db::connect(&options).await?;
        let server = db.server_info().await?;
        Ok((db, server))
    };
    connected.await.map_err(|error: Error| error.info())
}

/// Wait until Tidemark is set up in the operator's database. Creates nothing there unless the person said `yes`.
async fn agree(desk: &Desk, target: &Target, db: &Db, server: &ServerInfo, yes: bool) -> Result<(), ErrorInfo> {
    if server.installed && has_rollups(db).await? {
        return Ok(());
    }
    if yes {
        return set_up(db).await;
    }
    let waiting = ConnectionState::new(Phase::NeedsSetup, target.kind()).with_server(Some(server.clone()));
    desk.connection.send_replace(waiting);
    loop {
        tokio::select! {
            () = desk.set_up.notified() => return Ok(()),
            () = tokio::time::sleep(LOOK_FOR_ROLLUPS) => {
                let installed = db.server_info().await.is_ok_and(|server| server.installed);
                if installed && has_rollups(db).await.unwrap_or(false) {
                    return Ok(());
                }
            }
        }
    }
}

async fn has_rollups(db: &Db) -> Result<bool, ErrorInfo> {
    let rollups = db.list().await.map_err(|error| error.info())?;
    Ok(!rollups.is_empty())
}

/// Apply the shipped rollup, and the schema with it. Changes nothing where it is applied already.
pub(crate) async fn set_up(db: &Db) -> Result<(), ErrorInfo> {
    let applied = async { db.apply(&Declaration::load(SHIPPED)?, true).await };
    applied.await.map(drop).map_err(|error| error.info())
}
