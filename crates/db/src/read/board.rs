//! A board's answer: every panel from one snapshot, as columns.

use std::time::Instant;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::api::{
    BoardAnswer, BoardBucket, BoardCompare, BoardGrouping, BoardRequest, BoardSeries, Compare, Grain, State,
};
use tidemark_core::axis::time_ticks;
use tidemark_core::model::{MeasureModel, Model};
use tidemark_core::times::{parse_range, parse_zone, shift_by_wall_clock};
use tidemark_core::zone::{ViewerBucket, to_local, viewer_buckets};

use super::cell::Shape;
use super::choose::Chosen;
use super::groupings::Groupings;
use super::query::{check_dimensions, wanted};
use super::snapshot::{Ask, Snapshot};
use crate::{Db, Error, Result};

/// A board shows about this many buckets where the person leaves the grain to us.
const BUCKETS: u64 = 200;
/// And never more than this.
const MOST_BUCKETS: u64 = 20_000;
/// Width that axis ticks are made for, in pixels.
const AXIS_WIDTH: f64 = 560.0;

impl Db {
    /// Everything a board draws. Ranges start from the server's clock.
    pub async fn board(&self, request: &BoardRequest) -> Result<BoardAnswer> {
        for _ in 0..3 {
            match self.try_board(request).await {
                Err(error) if error.is_applied_meanwhile() => {}
                answer => return answer,
            }
        }
        self.try_board(request).await
    }

    async fn try_board(&self, request: &BoardRequest) -> Result<BoardAnswer> {
        let started = Instant::now();
        let tz = parse_zone(&request.tz).map_err(|error| Error::input("unknown_zone", error.to_string()))?;
        let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
            .fetch_one(&self.pool)
            .await?;
        let (from, to) = parse_range(&request.range, tz, request.week_start, now)
            .map_err(|error| Error::input("bad_range", error.to_string()))?;
        let plan = Groupings::of(request);
        let dimensions: Vec<&String> = plan.dimensions().collect();
        let Chosen { id, model } = self.choose(&request.rollup, &[], &dimensions).await?;
        let measures = wanted(&model, &[])?;
        check_dimensions(&model, dimensions.into_iter())?;
        let shape = Shape::of(&model, &measures);
        let (grains, automatic) = grains(&model, from, to);
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
        let ask = Ask {
            rollup: &request.rollup,
            id,
            from,
            to,
            grain,
            tz,
            week: request.week_start,
            cuts: plan.cuts.clone(),
            mode: request.mode,
        };
        let snapshot = self.snapshot(&ask, &shape).await?;
        let mut answers = plan.series(&model, &shape, &measures, &snapshot).into_iter();
        let mut compares: Vec<Option<BoardCompare>> = match request.compare {
            Some(kind) => {
                let earlier = self
                    .compare(kind, &ask, tz, &model, &shape, &measures, &snapshot, &plan)
                    .await?;
                earlier.into_iter().map(Some).collect()
            }
            None => plan.wanted.iter().map(|_| None).collect(),
        };
        let (overall, groups) = answers
            .next()
            .unwrap_or_else(|| unreachable!("the board's own cut comes first"));
        let compare = compares.remove(0);
        let ms = |at: DateTime<Utc>| at.timestamp_millis() as f64;
        let complete = snapshot
            .buckets
            .iter()
            .zip(&snapshot.states)
            .filter(|(bucket, state)| bucket.end <= snapshot.as_of && **state != State::Pending)
            .map(|(bucket, _)| ms(bucket.end.min(snapshot.to)))
            .next_back();
        Ok(BoardAnswer {
            rollup: request.rollup.clone(),
            tz: tz.name().to_owned(),
            grain,
            base_grain: model.base(),
            grains,
            from_ms: ms(snapshot.from),
            to_ms: ms(snapshot.to),
            as_of_ms: ms(snapshot.as_of),
            state: if snapshot.pending_buckets > 0 {
                State::Pending
            } else {
                State::Exact
            },
            pending_buckets: snapshot.pending_buckets,
            live_buckets: snapshot.live_buckets,
            rollup_buckets: snapshot.rollup_buckets,
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            watermark_ms: snapshot.watermark.map(ms),
            complete_through_ms: complete,
            measures: measures.iter().map(|measure| model.info(measure)).collect(),
            buckets: snapshot
                .buckets
                .iter()
                .zip(&snapshot.states)
                .map(|(bucket, state)| bucket_of(*bucket, *state, grain, tz, &snapshot))
                .collect(),
            ticks: time_ticks(snapshot.from, snapshot.to, tz, AXIS_WIDTH),
            by: request.by.clone(),
            overall,
            groups,
            compare,
            groupings: request
                .groupings
                .iter()
                .zip(answers.zip(compares))
                .map(|(grouping, ((overall, groups), compare))| BoardGrouping {
                    grouping: grouping.clone(),
                    overall,
                    groups,
                    compare,
                })
                .collect(),
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the second reading of one question, with everything the first worked out"
    )]
    async fn compare(
        &self,
        kind: Compare,
        ask: &Ask<'_>,
        tz: Tz,
        model: &Model,
        shape: &Shape,
        measures: &[&MeasureModel],
        now: &Snapshot,
        plan: &Groupings,
    ) -> Result<Vec<BoardCompare>> {
        let shift = |at: DateTime<Utc>| match kind {
            Compare::PreviousPeriod => at - (now.to - now.from),
            Compare::Yesterday => shift_by_wall_clock(at, tz, -1),
            Compare::LastWeek => shift_by_wall_clock(at, tz, -7),
        };
        // Up to now and no further: a day that has just begun is compared with as much of the day before.
        let to = now.to.min(now.as_of);
        let earlier = Ask {
            from: shift(now.from),
            to: shift(to).max(shift(now.from) + chrono::TimeDelta::minutes(1)),
            ..ask.clone()
        };
        let snapshot = self.snapshot(&earlier, shape).await?;
        // Bucket by bucket by wall clock: the earlier bucket that starts where this one would have.
        let places: Vec<Option<usize>> = now
            .buckets
            .iter()
            .map(|bucket| {
                let start = shift(bucket.start);
                snapshot
                    .buckets
                    .iter()
                    .position(|earlier| earlier.start <= start && start < earlier.end)
            })
            .collect();
        let align = |mut series: BoardSeries| {
            for column in &mut series.columns {
                *column = places
                    .iter()
                    .map(|place| place.and_then(|at| column.get(at).copied().flatten()))
                    .collect();
            }
            series
        };
        let compares = plan.series(model, shape, measures, &snapshot).into_iter();
        Ok(compares
            .map(|(overall, groups)| BoardCompare {
                kind,
                from_ms: snapshot.from.timestamp_millis() as f64,
                to_ms: snapshot.to.timestamp_millis() as f64,
                state: if snapshot.pending_buckets > 0 {
                    State::Pending
                } else {
                    State::Exact
                },
                overall: align(overall),
                groups: groups.into_iter().map(align).collect(),
            })
            .collect())
    }
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

fn bucket_of(bucket: ViewerBucket, state: State, grain: Grain, tz: Tz, snapshot: &Snapshot) -> BoardBucket {
    let hours = (bucket.end - bucket.start).as_seconds_f64() / 3600.0;
    BoardBucket {
        start_ms: bucket.start.timestamp_millis() as f64,
        end_ms: bucket.end.timestamp_millis() as f64,
        start: to_local(bucket.start, tz).to_rfc3339(),
        end: to_local(bucket.end, tz).to_rfc3339(),
        state,
        partial: bucket.start < snapshot.from
            || bucket.end > snapshot.to
            || (bucket.start <= snapshot.as_of && snapshot.as_of < bucket.end),
        odd_hours: (grain == Grain::Day && (hours - 24.0).abs() > 0.01).then_some(hours),
    }
}
