//! The embedded server with demo data: everything that is only so for the demo.

use chrono::Utc;
use tidemark_core::api::ServerInfo;
use tidemark_db::{Db, ErrorInfo};
use tidemark_local::{
    DataDir, EmbeddedServer, LocalError,
    demo::{self, LiveTraffic, Size},
};

use crate::{
    args::Target,
    connection::{ConnectionState, Phase, Progress},
    desk::Desk,
    session::{self, Session},
};

/// What runs while the demo is open.
pub(crate) struct Demo {
    server: EmbeddedServer,
    /// `None` before it begins, and where the server is another process's: that one writes the traffic.
    live: Option<LiveTraffic>,
}

/// Connect to the embedded server, starting it where it does not run.
pub(crate) async fn connect(desk: &Desk) -> Result<(Db, ServerInfo), ErrorInfo> {
    let url = desk.demo.lock().await.as_ref().map(|demo| demo.server.url().to_owned());
    if let Some(url) = url {
        match session::connect_url(&url).await {
            Ok(connected) => return Ok(connected),
            // Its process ended; or it belongs to another app, which was closed.
            Err(error) => tracing::info!("starting the embedded server again: {}", error.message),
        }
        stop(desk).await;
    }
    let data = DataDir::locate().map_err(failed)?;
    let server = EmbeddedServer::start(&data).await.map_err(failed)?;
    let url = server.url().to_owned();
    *desk.demo.lock().await = Some(Demo { server, live: None });
    session::connect_url(&url).await
}

/// Bring the demo's data up to now, apply the shipped rollup, and begin live traffic.
pub(crate) async fn fill(session: &Session, db: &Db, server: &ServerInfo) -> Result<(), ErrorInfo> {
    let desk = &session.desk;
    if !attached(desk).await {
        demo::create(db.pool(), Size::default(), Utc::now())
            .await
            .map_err(failed)?;
        let loading = session.state(Phase::LoadingDemo).with_server(Some(server.clone()));
        demo::fill(db.pool(), Utc::now(), |done, total| {
            let progress = Progress {
                what: "Writing five weeks of demo data".into(),
                done,
                total,
            };
            session.show(ConnectionState {
                progress: Some(progress),
                ..loading.clone()
            });
        })
        .await
        .map_err(failed)?;
    }
    session::set_up(db).await.map_err(|error| error.info())?;
    begin_traffic(desk, db).await
}

/// Then, with the window in use already, the raw tables of the other systems and the rollups over them.
pub(crate) async fn fill_others(session: &Session) {
    if session.target != Target::Demo || attached(&session.desk).await {
        return;
    }
    let filled = session.desk.ask(|db| async move {
        if let Err(problem) = demo::fill_others(db.pool(), Utc::now()).await {
            tracing::warn!(%problem, "the demo has no rows for some rollups");
        }
        for declaration in db.fitting().await? {
            db.apply(&declaration, true).await?;
        }
        Ok(())
    });
    if let Err(error) = filled.await {
        tracing::warn!("the demo's other rollups: {}", error.message);
    }
    session.desk.tick_now.notify_one();
}

async fn attached(desk: &Desk) -> bool {
    desk.demo.lock().await.as_ref().is_some_and(|demo| demo.server.attached)
}

/// Begin live traffic where none runs and none is another process's business.
pub(crate) async fn begin_traffic(desk: &Desk, db: &Db) -> Result<(), ErrorInfo> {
    let mut running = desk.demo.lock().await;
    if let Some(demo) = running
        .as_mut()
        .filter(|demo| demo.live.is_none() && !demo.server.attached)
    {
        demo.live = Some(LiveTraffic::start(db.pool().clone(), 1.0).await.map_err(failed)?);
    }
    Ok(())
}

/// End live traffic, then the server.
pub(crate) async fn stop(desk: &Desk) {
    if let Some(demo) = desk.demo.lock().await.take() {
        if let Some(live) = demo.live {
            live.stop().await;
        }
        demo.server.stop().await;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as map_err(failed)")]
pub(crate) fn failed(error: LocalError) -> ErrorInfo {
    ErrorInfo {
        code: "local".into(),
        message: error.to_string(),
        details: None,
    }
}
