//! The embedded server with demo data: everything that is only so for the demo.

use tidemark_db::{Db, ErrorInfo};
use tidemark_local::{DataDir, EmbeddedServer, LocalError};

use crate::desk::Desk;

/// What runs while the demo is open.
pub(crate) struct Demo {
    server: EmbeddedServer,
}

impl Demo {
    async fn stop(self) {
        self.server.stop().await;
    }
}

/// Start the embedded server, or find it running, and give its URL.
pub(crate) async fn start(desk: &Desk) -> Result<String, ErrorInfo> {
    let server = EmbeddedServer::start(&DataDir::locate().map_err(failed)?).await.map_err(failed)?;
    let url = server.url().to_owned();
    let mut running = desk.demo.lock().await;
    // Found running while this process holds one: it is that one, and dropping its handle would stop it.
    if !(server.attached && running.is_some()) {
        *running = Some(Demo { server });
    }
    Ok(url)
}

/// Fill the database with demo data where it is empty, apply the shipped rollup, and begin live traffic.
pub(crate) async fn fill(_desk: &Desk, db: &Db) -> Result<(), ErrorInfo> {
    crate::open::set_up(db).await
}

/// End live traffic and the server.
pub(crate) async fn stop(desk: &Desk) {
    if let Some(demo) = desk.demo.lock().await.take() {
        demo.stop().await;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "used as map_err(failed)")]
fn failed(error: LocalError) -> ErrorInfo {
    ErrorInfo {
        code: "local".into(),
        message: error.to_string(),
        details: None,
    }
}
