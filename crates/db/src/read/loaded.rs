//! A board as it was read: drawn once, and cut again for other zones without a question to the database.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tidemark_core::api::{
    BoardAnswer, BoardBucket, BoardCompare, BoardGrouping, BoardRequest, BoardSeries, Grain, State, WeekStart,
};
use tidemark_core::axis::time_ticks;
use tidemark_core::model::{MeasureModel, Model};
use tidemark_core::zone::{ViewerBucket, to_local, viewer_buckets};

use super::board::{Range, earlier, shifted};
use super::cell::Shape;
use super::cells::Cells;
use super::groupings::Groupings;
use super::snapshot::{Snapshot, ceil};

/// Width that axis ticks are made for, in pixels.
const AXIS_WIDTH: f64 = 560.0;

/// One answer's cells, with all that it takes to draw them.
pub struct LoadedBoard {
    pub(super) request: BoardRequest,
    pub(super) model: Arc<Model>,
    /// The server's clock when it was asked.
    pub(super) now: DateTime<Utc>,
    pub(super) took_ms: f64,
    pub(super) snapshot: Snapshot,
    pub(super) earlier: Option<Snapshot>,
}

impl LoadedBoard {
    /// The question that this answers.
    #[must_use]
    pub fn request(&self) -> &BoardRequest {
        &self.request
    }

    /// What was read, as it was asked for.
    #[must_use]
    pub fn answer(&self) -> BoardAnswer {
        let range = Range::of(&self.request, &self.model, self.now)
            .unwrap_or_else(|_| unreachable!("worked out before the board was read"));
        self.draw(&self.request, range, &self.snapshot, self.earlier.as_ref())
    }

    /// The same question in another zone, from what was read. `None` where the buckets of that zone are not made of those
    /// that were read, or lie outside: hours of Berlin make no hours of Kolkata, quarter hours do.
    #[must_use]
    pub fn recut(&self, request: &BoardRequest) -> Option<BoardAnswer> {
        if !self.answers(request) {
            return None;
        }
        let range = Range::of(request, &self.model, self.now).ok()?;
        let week = request.week_start;
        let base = self.model.base();
        let (from, to) = (base.utc_floor(range.from), ceil(base, range.to));
        let snapshot = recut(&self.snapshot, (from, to), range.grain, range.tz, week)?;
        let earlier = match (request.compare, &self.earlier) {
            (Some(kind), Some(read)) => {
                let (from, to) = earlier(kind, range.tz, &snapshot);
                let span = (base.utc_floor(from), ceil(base, to));
                Some(recut(read, span, range.grain, range.tz, week)?)
            }
            _ => None,
        };
        Some(self.draw(request, range, &snapshot, earlier.as_ref()))
    }

    /// Whether this is the answer to a question, in whatever zone.
    #[must_use]
    pub fn answers(&self, request: &BoardRequest) -> bool {
        let own = BoardRequest {
            tz: request.tz.clone(),
            week_start: request.week_start,
            ..self.request.clone()
        };
        own == *request
    }

    /// About how many bytes its cells take: what it costs to keep.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let read = [Some(&self.snapshot), self.earlier.as_ref()].into_iter().flatten();
        read.flat_map(|read| &read.cells).map(Cells::bytes).sum()
    }

    fn draw(
        &self,
        request: &BoardRequest,
        range: Range,
        snapshot: &Snapshot,
        earlier: Option<&Snapshot>,
    ) -> BoardAnswer {
        let Range { tz, grain, .. } = range;
        let measures: Vec<&MeasureModel> = self.model.numbers().collect();
        let shape = Shape::of(&self.model, &measures);
        let plan = Groupings::of(request);
        let mut answers = plan.series(&shape, snapshot).into_iter();
        let mut compares: Vec<Option<BoardCompare>> = match earlier {
            Some(earlier) => {
                let series = plan.series(&shape, earlier);
                compared(request, tz, snapshot, earlier, series)
                    .into_iter()
                    .map(Some)
                    .collect()
            }
            None => plan.wanted.iter().map(|_| None).collect(),
        };
        let (overall, groups) = answers
            .next()
            .unwrap_or_else(|| unreachable!("the board's own cut comes first"));
        let compare = compares.remove(0);
        let complete = snapshot
            .buckets
            .iter()
            .zip(&snapshot.states)
            .filter(|(bucket, state)| bucket.end <= snapshot.as_of && **state != State::Pending)
            .map(|(bucket, _)| ms(bucket.end.min(snapshot.to)))
            .next_back();
        BoardAnswer {
            rollup: request.rollup.clone(),
            tz: tz.name().to_owned(),
            grain,
            base_grain: self.model.base(),
            grains: range.grains,
            from_ms: ms(snapshot.from),
            to_ms: ms(snapshot.to),
            as_of_ms: ms(snapshot.as_of),
            state: state(snapshot),
            pending_buckets: snapshot.pending_buckets,
            pending_reason: snapshot.pending_reason.clone(),
            live_buckets: snapshot.live_buckets,
            rollup_buckets: snapshot.rollup_buckets,
            took_ms: self.took_ms,
            watermark_ms: snapshot.watermark.map(ms),
            complete_through_ms: complete,
            measures: measures.iter().map(|measure| self.model.info(measure)).collect(),
            buckets: snapshot
                .buckets
                .iter()
                .zip(&snapshot.states)
                .map(|(bucket, state)| bucket_of(*bucket, *state, grain, tz, snapshot))
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
        }
    }
}

/// Put what was read into other buckets; `None` where one of it would have to be divided, or some of it was not read.
fn recut(
    read: &Snapshot,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    grain: Grain,
    tz: Tz,
    week: WeekStart,
) -> Option<Snapshot> {
    let whole = (from, to) == (read.from, read.to);
    // What waits is counted over all that was read.
    if from < read.from || to > read.to || (!whole && read.pending_buckets > 0) {
        return None;
    }
    let buckets = viewer_buckets(from, to, grain, tz, week);
    let mut states = vec![State::Exact; buckets.len()];
    let mut places = Vec::with_capacity(read.buckets.len());
    for (bucket, state) in read.buckets.iter().zip(&read.states) {
        let (lo, hi) = (bucket.start.max(read.from), bucket.end.min(read.to));
        if hi <= from || lo >= to {
            places.push(None);
            continue;
        }
        let place = buckets.partition_point(|bucket| bucket.end <= lo);
        let target = buckets.get(place)?;
        if lo < target.start.max(from) || hi > target.end.min(to) {
            return None;
        }
        if *state == State::Pending || states[place] == State::Exact {
            states[place] = *state;
        }
        places.push(Some(place));
    }
    let cells = read.cells.iter().map(|cells| cells.moved(&places)).collect();
    Some(Snapshot {
        from,
        to,
        as_of: read.as_of,
        watermark: read.watermark,
        buckets,
        states,
        cells,
        pending_reason: read.pending_reason.clone(),
        pending_buckets: read.pending_buckets,
        live_buckets: read.live_buckets,
        rollup_buckets: read.rollup_buckets,
    })
}

/// Bucket by bucket by wall clock: the earlier bucket that starts where this one would have.
fn compared(
    request: &BoardRequest,
    tz: Tz,
    now: &Snapshot,
    earlier: &Snapshot,
    series: Vec<(BoardSeries, Vec<BoardSeries>)>,
) -> Vec<BoardCompare> {
    let Some(kind) = request.compare else { return Vec::new() };
    let places: Vec<Option<usize>> = now
        .buckets
        .iter()
        .map(|bucket| {
            let start = shifted(kind, tz, now, bucket.start);
            let at = earlier.buckets.partition_point(|earlier| earlier.end <= start);
            (earlier.buckets.get(at)?.start <= start).then_some(at)
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
    series
        .into_iter()
        .map(|(overall, groups)| BoardCompare {
            kind,
            from_ms: ms(earlier.from),
            to_ms: ms(earlier.to),
            state: state(earlier),
            overall: align(overall),
            groups: groups.into_iter().map(align).collect(),
        })
        .collect()
}

fn state(snapshot: &Snapshot) -> State {
    if snapshot.pending_buckets > 0 {
        State::Pending
    } else {
        State::Exact
    }
}

fn ms(at: DateTime<Utc>) -> f64 {
    at.timestamp_millis() as f64
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
