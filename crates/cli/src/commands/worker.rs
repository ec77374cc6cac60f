//! `worker`: ticks until stopped.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use tidemark_core::api::{TickOutcome, TickReport};
use tidemark_core::format;
use tidemark_db::{Db, Error};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::context::Context;
use crate::failure::{Failure, Finding, Result};

/// Longest wait before the database is tried again.
const LONGEST: Duration = Duration::from_secs(60);

pub async fn run(context: &Context, interval: Duration) -> Result {
    let mut stop = Stop::listen()?;
    // The first connection is not retried: a wrong URL should be seen at once.
    let db = context.db_as("worker").await?;
    context.out.note(&format!(
        "Ticking every {}. Stop with Ctrl-C or SIGTERM.",
        format::duration(interval.as_secs_f64())
    ));
    let mut worker = Worker {
        context,
        db,
        failing: HashMap::new(),
        ticks: 0,
        buckets: 0,
    };
    let mut wait = Duration::from_secs(1);
    let by = loop {
        let rest = match worker.round(&mut stop).await {
            Ok(Round::Stopped(by)) => break by,
            Ok(Round::Ended(rest)) => {
                if wait > Duration::from_secs(1) {
                    context.out.note("The database is back.");
                }
                wait = Duration::from_secs(1);
                rest.min(interval)
            }
            // A server that starts, stops or has no connection left says so in many ways.
            Err(Error::Unreachable { message } | Error::Server { message, .. }) => {
                context.out.note(&format!(
                    "{message} Trying again in {}.",
                    format::age(wait.as_secs_f64())
                ));
                let now = wait;
                wait = (wait * 2).min(LONGEST);
                now
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(by) = stop.within(rest).await {
            break by;
        }
    };
    context
        .out
        .note(&format!("Stopped by {by}. Nothing is lost: what waits is marked."));
    context.out.answer(
        &json!({ "stopped_by": by, "ticks": worker.ticks, "buckets": worker.buckets }),
        || {
            format!(
                "{} ticks, {} buckets",
                format::grouped(worker.ticks as f64),
                format::grouped(worker.buckets as f64)
            )
        },
    )?;
    Ok(Finding::None)
}

enum Round {
    /// How long until there is more to do, as far as is known.
    Ended(Duration),
    Stopped(&'static str),
}

struct Worker<'a> {
    context: &'a Context,
    db: Db,
    /// What each rollup last failed with, so that it is said once.
    failing: HashMap<String, String>,
    ticks: u64,
    buckets: i64,
}

impl Worker<'_> {
    /// One slice of each rollup, so that a long build of one holds up no other; looks for a signal between slices.
    async fn round(&mut self, stop: &mut Stop) -> Result<Round, Error> {
        let mut rest = Duration::MAX;
        for rollup in self.db.list().await?.into_iter().map(|rollup| rollup.rollup) {
            if let Some(by) = stop.seen() {
                return Ok(Round::Stopped(by));
            }
            match self.db.tick(&rollup).await {
                Ok(report) => {
                    self.said(&report);
                    if let TickOutcome::More | TickOutcome::Resting | TickOutcome::BackingOff = report.outcome {
                        rest = rest.min(report.rest());
                    }
                }
                Err(error @ Error::Unreachable { .. }) => return Err(error),
                // One rollup that can't be ticked must not stop the others.
                Err(error) => self.failed(&rollup, &error.to_string()),
            }
        }
        Ok(Round::Ended(rest))
    }

    fn said(&mut self, report: &TickReport) {
        self.ticks += 1;
        self.buckets += report.buckets;
        match (&report.error, report.outcome) {
            (Some(error), _) => self.failed(&report.rollup, error),
            (None, TickOutcome::Drained | TickOutcome::More | TickOutcome::Resting)
                if self.failing.remove(&report.rollup).is_some() =>
            {
                self.context.out.note(&format!("{}: works again.", report.rollup));
            }
            _ => {}
        }
    }

    fn failed(&mut self, rollup: &str, error: &str) {
        if self.failing.insert(rollup.to_owned(), error.to_owned()).as_deref() != Some(error) {
            self.context.out.note(&format!("{rollup}: {error}"));
        }
    }
}

/// SIGTERM and Ctrl-C. The second one ends the program at once.
struct Stop {
    seen: tokio::sync::watch::Receiver<Option<&'static str>>,
}

impl Stop {
    fn listen() -> Result<Stop> {
        let listen = |kind| signal(kind).map_err(|error| Failure::Usage(format!("signals can't be received: {error}")));
        let (terminate, interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        let (tell, seen) = tokio::sync::watch::channel(None);
        for (name, mut signal) in [("SIGTERM", terminate), ("SIGINT", interrupt)] {
            let tell = tell.clone();
            tokio::spawn(async move {
                while received(&mut signal).await {
                    if tell.borrow().is_some() {
                        std::process::exit(130);
                    }
                    tell.send_replace(Some(name));
                }
            });
        }
        Ok(Stop { seen })
    }

    fn seen(&self) -> Option<&'static str> {
        *self.seen.borrow()
    }

    /// Wait, but not longer than until somebody wants an end.
    async fn within(&mut self, rest: Duration) -> Option<&'static str> {
        let asked = self.seen.wait_for(Option::is_some);
        tokio::time::timeout(rest, asked)
            .await
            .ok()
            .and_then(|seen| seen.ok().and_then(|by| *by))
    }
}

async fn received(signal: &mut Signal) -> bool {
    signal.recv().await.is_some()
}
