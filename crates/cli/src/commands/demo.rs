//! `demo`: an embedded server with demo data.

use serde_json::json;
use tidemark_local::{DataDir, run_demo};
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::failure::{Failure, Finding, Result};
use crate::progress::Bar;

pub async fn run(context: &Context) -> Result {
    let mut terminated = signal(SignalKind::terminate())
        .map_err(|error| Failure::Usage(format!("signals can't be received: {error}")))?;
    let bar = Bar::new("starting");
    let data = DataDir::locate()?;
    let start = run_demo(&data, |done, total| bar.set("writing demo rows", done, total));
    let demo = tokio::select! {
        demo = bar.watch(start) => demo?,
        // What was written stays, and the next start goes on from there.
        _ = tokio::signal::ctrl_c() => return Err(Failure::Usage("Stopped while starting; the next start goes on.".to_owned())),
        _ = terminated.recv() => return Err(Failure::Usage("Stopped while starting; the next start goes on.".to_owned())),
    };
    let url = demo.server.url().to_owned();
    context.out.answer(&json!({ "url": url }), || url.clone())?;
    context.out.note(&format!(
        "Demo data, made up. Stop with Ctrl-C. In another terminal:\n  export DATABASE_URL='{url}'\n  tidemark rollup apply ops_metrics && tidemark tick --drain\n  tidemark query ops_metrics --from -24h --grain total --by platform"
    ));
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    demo.stop().await;
    Ok(Finding::None)
}
