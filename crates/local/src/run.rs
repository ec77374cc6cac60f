//! Everything that `tidemark demo` needs, in one call.

use chrono::Utc;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    DataDir, EmbeddedServer, LocalError, Result,
    demo::{self, LiveTraffic},
};

/// The embedded server with the demo in it, and live traffic.
#[derive(Debug)]
pub struct RunningDemo {
    pub server: EmbeddedServer,
    pub pool: PgPool,
    /// `None` where the server was found running: its app writes the traffic.
    live: Option<LiveTraffic>,
}

/// Starts the server, makes the demo where it is missing, fills it up to now, and starts the live traffic.
///
/// The app does the same in steps, because its window is usable while the rows are written.
pub async fn run_demo(data: &DataDir, progress: impl FnMut(u64, u64)) -> Result<RunningDemo> {
    let server = EmbeddedServer::start(data).await?;
    match fill_and_go_on(&server, progress).await {
        Ok((pool, live)) => Ok(RunningDemo { server, pool, live }),
        Err(problem) => {
            server.stop().await;
            Err(problem)
        }
    }
}

async fn fill_and_go_on(
    server: &EmbeddedServer,
    progress: impl FnMut(u64, u64),
) -> Result<(PgPool, Option<LiveTraffic>)> {
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect(server.url())
        .await
        .map_err(LocalError::database("a connection"))?;
    if server.attached {
        return Ok((pool, None));
    }
    demo::create(&pool, demo::Size::default(), Utc::now()).await?;
    demo::fill(&pool, Utc::now(), progress).await?;
    let live = LiveTraffic::start(pool.clone(), 1.0).await?;
    Ok((pool, Some(live)))
}

impl RunningDemo {
    /// The raw tables of the other systems, where this process is the one that fills the demo.
    pub async fn fill_others(&self) -> Result<()> {
        match self.live {
            Some(_) => demo::fill_others(&self.pool, Utc::now()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Stops the traffic, then the connections, then the server.
    pub async fn stop(self) {
        if let Some(live) = self.live {
            live.stop().await;
        }
        self.pool.close().await;
        self.server.stop().await;
    }
}
