//! `demo`: an embedded server with demo data.

use std::time::Duration;

use serde_json::json;
use tidemark_core::api::TickOutcome;
use tidemark_db::{ConnectOptions, Db, Error};
use tidemark_local::{DataDir, RunningDemo, run_demo};
use tokio::signal::unix::{SignalKind, signal};

use crate::context::Context;
use crate::failure::{self, Failure, Finding};
use crate::progress::Bar;

pub async fn run(context: &Context) -> failure::Result {
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
        "Demo data, made up, rolled up and kept fresh. Stop with Ctrl-C. In another terminal:\n  export DATABASE_URL='{url}'\n  tidemark rollup list\n  tidemark query ops_metrics --from -24h --grain total --by platform"
    ));
    tokio::select! {
        () = keep(context, &demo, url) => {}
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    demo.stop().await;
    Ok(Finding::None)
}

/// What the app does while it is open: the other systems' rows, all rollups applied, and a tick every five seconds.
async fn keep(context: &Context, demo: &RunningDemo, url: String) {
    // The server is another process's, and so is all this.
    if !demo.server.attached {
        let kept = async {
            let options = ConnectOptions {
                url: Some(url),
                ticker: "demo".to_owned(),
                ..ConnectOptions::default()
            };
            let db = Db::connect(&options).await?;
            apply(&db).await?;
            if let Err(problem) = demo.fill_others().await {
                context.out.note(&problem.to_string());
            }
            apply(&db).await?;
            loop {
                for rollup in db.list().await? {
                    while db.tick(&rollup.rollup).await?.outcome == TickOutcome::More {}
                }
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        let failed: Result<(), Error> = kept.await;
        if let Err(error) = failed {
            context.out.note(&format!("The rollups are not kept fresh: {error}"));
        }
    }
    std::future::pending().await
}

/// Every shipped rollup whose tables are here.
async fn apply(db: &Db) -> Result<(), Error> {
    for declaration in db.fitting().await? {
        db.apply(&declaration, true).await?;
    }
    Ok(())
}
