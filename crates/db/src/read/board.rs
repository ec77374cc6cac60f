//! A board's answer: every panel from one snapshot, as columns.

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::api::{BoardAnswer, BoardBucket, BoardCompare, BoardRequest, BoardSeries, Compare, Grain, State};
use tidemark_core::axis::time_ticks;
use tidemark_core::model::{MeasureModel, Model};
use tidemark_core::times::{parse_range, parse_zone, shift_by_wall_clock};
use tidemark_core::zone::{ViewerBucket, to_local, viewer_buckets};

use super::cell::{Cell, Shape};
use super::choose::Chosen;
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
        let dimensions: Vec<&String> = request
            .by
            .iter()
            .chain(request.filters.iter().map(|filter| &filter.dimension))
            .collect();
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
            by: request.by.iter().cloned().collect(),
            filters: &request.filters,
            mode: request.mode,
        };
        let snapshot = self.snapshot(&ask, &shape).await?;
        let (overall, groups) = series(&model, &shape, &measures, &snapshot);
        let compare = match request.compare {
            Some(kind) => Some(
                self.compare(kind, &ask, tz, &model, &shape, &measures, &snapshot)
                    .await?,
            ),
            None => None,
        };
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
            overall,
            groups,
            compare,
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
    ) -> Result<BoardCompare> {
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
        let (overall, groups) = series(model, shape, measures, &snapshot);
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
        Ok(BoardCompare {
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

/// All groups together, and each; over time and as a total. Percentiles are merged, never averaged.
fn series(
    model: &Model,
    shape: &Shape,
    measures: &[&MeasureModel],
    snapshot: &Snapshot,
) -> (BoardSeries, Vec<BoardSeries>) {
    let mut all = Accumulated::default();
    let mut groups: BTreeMap<Option<String>, Accumulated> = BTreeMap::new();
    for (bucket, group, cell) in &snapshot.cells {
        all.add(shape, *bucket, cell);
        if let Some(key) = group.first() {
            groups.entry(key.clone()).or_default().add(shape, *bucket, cell);
        }
    }
    let finish = |key: Option<String>, accumulated: &Accumulated| {
        accumulated.finish(key, model, shape, measures, snapshot.buckets.len())
    };
    let mut list: Vec<BoardSeries> = groups
        .iter()
        .map(|(key, accumulated)| finish(key.clone(), accumulated))
        .collect();
    let size = |series: &BoardSeries| series.total.first().copied().flatten().unwrap_or(0.0);
    list.sort_by(|a, b| size(b).total_cmp(&size(a)));
    (finish(None, &all), list)
}

#[derive(Default)]
struct Accumulated {
    buckets: BTreeMap<usize, Cell>,
    total: Option<Cell>,
}

impl Accumulated {
    fn add(&mut self, shape: &Shape, bucket: usize, cell: &Cell) {
        self.buckets
            .entry(bucket)
            .and_modify(|known| known.merge(shape, cell))
            .or_insert_with(|| cell.clone());
        match &mut self.total {
            Some(total) => total.merge(shape, cell),
            None => self.total = Some(cell.clone()),
        }
    }

    fn finish(
        &self,
        key: Option<String>,
        model: &Model,
        shape: &Shape,
        measures: &[&MeasureModel],
        buckets: usize,
    ) -> BoardSeries {
        let mut columns = vec![vec![None; buckets]; measures.len()];
        for (bucket, cell) in &self.buckets {
            for (measure, value) in cell.measures(model, shape, measures).into_iter().enumerate() {
                columns[measure][*bucket] = value.map(|number| number.to_f64());
            }
        }
        let total = match &self.total {
            Some(cell) => cell
                .measures(model, shape, measures)
                .into_iter()
                .map(|value| value.map(|number| number.to_f64()))
                .collect(),
            None => vec![None; measures.len()],
        };
        BoardSeries { key, columns, total }
    }
}
