//! A board's question: its range, its grain, and the snapshots that answer it.

use std::iter;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tidemark_core::api::{BoardAnswer, BoardRequest, Compare, Grain, ReportAnswer};
use tidemark_core::board_spec::Board;
use tidemark_core::model::Model;
use tidemark_core::times::{parse_range, parse_zone, shift_by_wall_clock};
use tidemark_core::zone::viewer_buckets;

use super::cell::Shape;
use super::groupings::Groupings;
use super::loaded::LoadedBoard;
use super::moment::Moment;
use super::query::{check_dimensions, wanted};
use super::snapshot::{Ask, Snapshot};
use crate::{Db, Error, Result};

/// A board shows about this many buckets where the person leaves the grain to us.
const BUCKETS: u64 = 200;
/// And never more than this.
const MOST_BUCKETS: u64 = 20_000;

impl Db {
    /// Everything a board draws. Ranges start from the server's clock.
    pub async fn board(&self, request: &BoardRequest) -> Result<BoardAnswer> {
        Ok(self.load_board(request).await?.answer())
    }

    /// Everything a report of a board draws, its heatmaps too.
    pub async fn report(&self, request: &BoardRequest, board: &Board) -> Result<ReportAnswer> {
        let requests: Vec<BoardRequest> = iter::once(request.clone()).chain(board.week(request)).collect();
        let mut read = self.load_boards(&requests).await?;
        let week = read.drain(1..).next();
        let board = read.remove(0)?.answer();
        // A board that was saved when the rollup had finer buckets can be drawn without its heatmaps.
        let week = week.filter(|_| board.base_grain <= Grain::Hour).transpose()?;
        Ok(ReportAnswer {
            week: week.map(|week| week.answer()),
            board,
        })
    }

    /// The same, kept in a form that can be cut again for another zone.
    pub async fn load_board(&self, request: &BoardRequest) -> Result<LoadedBoard> {
        let mut read = self.load_boards(std::slice::from_ref(request)).await?;
        read.remove(0)
    }

    /// Several boards, all of them and what they are compared with at one moment. What is wrong with one leaves the others.
    pub async fn load_boards(&self, requests: &[BoardRequest]) -> Result<Vec<Result<LoadedBoard>>> {
        for _ in 0..3 {
            let read = self.try_boards(requests).await?;
            let outdated = |board: &Result<LoadedBoard>| board.as_ref().is_err_and(Error::is_applied_meanwhile);
            if !read.iter().any(outdated) {
                return Ok(read);
            }
            for request in requests {
                self.forget(&request.rollup);
            }
        }
        self.try_boards(requests).await
    }

    async fn try_boards(&self, requests: &[BoardRequest]) -> Result<Vec<Result<LoadedBoard>>> {
        let moment = self.moment().await?;
        let mut read = Vec::with_capacity(requests.len());
        for request in requests {
            read.push(self.try_board(request, &moment).await);
        }
        moment.end().await?;
        Ok(read)
    }

    async fn try_board(&self, request: &BoardRequest, moment: &Moment) -> Result<LoadedBoard> {
        let started = Instant::now();
        let now = moment.now;
        parse_zone(&request.tz).map_err(|error| Error::input("unknown_zone", error.to_string()))?;
        let plan = Groupings::of(request);
        let dimensions: Vec<&String> = plan.dimensions().collect();
        let chosen = self.choose_known(&request.rollup, &[], &dimensions).await?;
        let model = &*chosen.model;
        check_dimensions(model, dimensions.into_iter())?;
        let shape = Shape::of(model, &wanted(model, &[])?);
        let view = Range::of(request, model, now)?;
        let ask = Ask {
            rollup: &request.rollup,
            chosen: &chosen,
            from: view.from,
            to: view.to,
            grain: view.grain,
            tz: view.tz,
            week: request.week_start,
            cuts: plan.cuts.clone(),
            mode: request.mode,
        };
        let snapshot = self.snapshot(&ask, &shape, Some(moment)).await?;
        let earlier = match request.compare {
            Some(kind) => {
                let (from, to) = earlier(kind, view.tz, &snapshot);
                Some(
                    self.snapshot(
                        &Ask {
                            from,
                            to,
                            ..ask.clone()
                        },
                        &shape,
                        Some(moment),
                    )
                    .await?,
                )
            }
            None => None,
        };
        Ok(LoadedBoard {
            request: request.clone(),
            model: chosen.model.clone(),
            now,
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            snapshot,
            earlier,
        })
    }
}

/// A board's range as instants, and how it is cut.
pub(super) struct Range {
    pub tz: Tz,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub grain: Grain,
    /// Grains that this range can be shown in.
    pub grains: Vec<Grain>,
}

impl Range {
    pub fn of(request: &BoardRequest, model: &Model, now: DateTime<Utc>) -> Result<Range> {
        let tz = parse_zone(&request.tz).map_err(|error| Error::input("unknown_zone", error.to_string()))?;
        let (from, to) = parse_range(&request.range, tz, request.week_start, now)
            .map_err(|error| Error::input("bad_range", error.to_string()))?;
        let (grains, automatic) = grains(model, from, to);
        let grain = request.grain.unwrap_or(automatic);
        if grain.utc_count(from, to) > MOST_BUCKETS {
            return Err(Error::input(
                "too_many_buckets",
                format!(
                    "That would be {} buckets; choose a coarser grain or a shorter range.",
                    grain.utc_count(from, to)
                ),
            ));
        }
        // "Last 24 hours" begins with a whole bucket; a range that somebody spelled out is taken at its word.
        let from = match viewer_buckets(from, to, grain, tz, request.week_start).first() {
            Some(first) if !request.range.contains("..") && grain != Grain::Total => first.start,
            _ => from,
        };
        Ok(Range {
            tz,
            from,
            to,
            grain,
            grains,
        })
    }
}

/// Where an instant of a range lies in the range that it is compared with.
pub(super) fn shifted(kind: Compare, tz: Tz, now: &Snapshot, at: DateTime<Utc>) -> DateTime<Utc> {
    match kind {
        Compare::PreviousPeriod => at - (now.to - now.from),
        Compare::Yesterday => shift_by_wall_clock(at, tz, -1),
        Compare::LastWeek => shift_by_wall_clock(at, tz, -7),
    }
}

/// The compared range: up to now and no further, since a day that has just begun is compared with as much of the day before.
pub(super) fn earlier(kind: Compare, tz: Tz, now: &Snapshot) -> (DateTime<Utc>, DateTime<Utc>) {
    let from = shifted(kind, tz, now, now.from);
    let to = shifted(kind, tz, now, now.to.min(now.as_of));
    (from, to.max(from + TimeDelta::minutes(1)))
}

/// The grains a range can be shown in, finest first, and the one to show where the person leaves it to us.
fn grains(model: &Model, from: DateTime<Utc>, to: DateTime<Utc>) -> (Vec<Grain>, Grain) {
    let base = model.base();
    let shown = [
        Grain::Minute,
        Grain::FiveMinutes,
        Grain::QuarterHour,
        Grain::Hour,
        Grain::Day,
        Grain::Week,
        Grain::Month,
    ];
    let possible: Vec<Grain> = shown
        .into_iter()
        .filter(|grain| *grain >= base && grain.utc_count(from, to) <= 3_000)
        .collect();
    let automatic = possible
        .iter()
        .copied()
        .find(|grain| grain.utc_count(from, to) <= BUCKETS)
        .unwrap_or(Grain::Month.max(base));
    (possible, automatic)
}
