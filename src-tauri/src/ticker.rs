//! Keeps rollups fresh while the app is open.

use std::time::Duration;

use tidemark_core::api::{TickOutcome, TickReport};
use tidemark_db::{Db, Error};

use crate::desk::Desk;

/// Shortest and longest pause between two slices of a longer drain.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(500));

/// Tick every rollup that is not paused, over and over, as the settings say. Never ends.
pub(crate) async fn run(desk: &Desk) {
    loop {
        let settings = desk.settings();
        let mut rest = Duration::from_secs(settings.tick_seconds.max(1).into());
        let may = desk
            .connection
            .borrow()
            .server
            .as_ref()
            .is_some_and(|server| server.can_operate);
        if may && settings.tick_while_open {
            match desk.ask(lap).await {
                Ok(soonest) => rest = soonest.map_or(rest, |soonest| rest.min(soonest)),
                // What failed inside a tick is in the rollup's status; this is the connection.
                Err(error) => tracing::debug!("ticking: {}", error.message),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = desk.tick_now.notified() => {}
        }
    }
}

/// One slice of each rollup, so that a long build of one holds up no other. How soon there is more to do; `None` when
/// nothing is left.
async fn lap(db: Db) -> Result<Option<Duration>, Error> {
    let mut soonest: Option<Duration> = None;
    for rollup in db.list().await?.into_iter().filter(|rollup| !rollup.paused) {
        match db.tick(&rollup.rollup).await {
            Ok(report) => {
                let mut next = None;
                if let Some(pause) = pause_after(&report) {
                    tokio::time::sleep(pause).await;
                    next = Some(PAUSE.0);
                } else if let TickOutcome::Resting | TickOutcome::BackingOff = report.outcome {
                    next = Some(report.rest().max(PAUSE.0));
                }
                soonest = soonest.into_iter().chain(next).min();
            }
            Err(error @ Error::Unreachable { .. }) => return Err(error),
            Err(error) => tracing::warn!(rollup = %rollup.rollup, "tick: {error}"),
        }
    }
    Ok(soonest)
}

/// How long reads get the server for themselves after a slice that left work; `None` when nothing is left to do.
fn pause_after(report: &TickReport) -> Option<Duration> {
    let took = Duration::from_secs_f64((report.took_ms / 1000.0).clamp(0.0, 60.0));
    (report.outcome == TickOutcome::More).then(|| (took / 4).clamp(PAUSE.0, PAUSE.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcome: TickOutcome, took_ms: f64) -> TickReport {
        TickReport {
            rollup: "r".into(),
            outcome,
            marks: 0,
            buckets: 0,
            raw_rows: 0,
            left: 0,
            took_ms,
            rest_ms: None,
            error: None,
            retired: false,
            unwatched: false,
        }
    }

    #[test]
    fn a_slice_that_left_work_is_followed_by_a_pause_within_bounds() {
        assert_eq!(
            pause_after(&report(TickOutcome::More, 1000.0)),
            Some(Duration::from_millis(250))
        );
        assert_eq!(pause_after(&report(TickOutcome::More, 0.0)), Some(PAUSE.0));
        assert_eq!(pause_after(&report(TickOutcome::More, 1e9)), Some(PAUSE.1));
        assert_eq!(pause_after(&report(TickOutcome::More, -1.0)), Some(PAUSE.0));
    }

    #[test]
    fn nothing_left_a_failure_or_another_ticker_end_the_drain() {
        for outcome in [
            TickOutcome::Drained,
            TickOutcome::Failed,
            TickOutcome::Busy,
            TickOutcome::Yielded,
            TickOutcome::Resting,
            TickOutcome::BackingOff,
        ] {
            assert_eq!(pause_after(&report(outcome, 1000.0)), None);
        }
    }
}
