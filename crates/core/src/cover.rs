//! The cover of a range: the fewest aligned buckets that fill it, coarse inside and fine at the edges.

use chrono::{DateTime, Utc};

use crate::api::Grain;
use crate::zone::ViewerBucket;

/// A grain that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub grain: Grain,
    /// Rows of this level are complete only for buckets that start here or later; `None`: always.
    pub from: Option<DateTime<Utc>>,
}

/// A run of neighbouring buckets of one level inside one viewer bucket: `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Index into the levels; `None`: no stored level fills this, only raw rows can answer.
    pub level: Option<usize>,
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    /// Index into the viewer's buckets.
    pub bucket: usize,
}

/// Fill each viewer bucket, clipped to the range, with the fewest stored buckets.
///
/// `levels` are ordered finest first. Pieces come in order and tile each clipped bucket exactly; neighbours in one
/// viewer bucket differ in level. What no level fills is as short as possible.
pub fn cover(cuts: &[ViewerBucket], clip: (DateTime<Utc>, DateTime<Utc>), levels: &[Level]) -> Vec<Piece> {
    let mut pieces = Pieces {
        list: Vec::new(),
        bucket: 0,
    };
    for (bucket, cut) in cuts.iter().enumerate() {
        pieces.bucket = bucket;
        let (start, end) = (cut.start.max(clip.0), cut.end.min(clip.1));
        if start < end {
            fill(start, end, levels, &mut pieces);
        }
    }
    pieces.list
}

struct Pieces {
    list: Vec<Piece>,
    bucket: usize,
}

impl Pieces {
    fn push(&mut self, level: Option<usize>, start: DateTime<Utc>, end: DateTime<Utc>) {
        match self.list.last_mut() {
            Some(last) if last.level == level && last.bucket == self.bucket && last.end == start => last.end = end,
            _ => self.list.push(Piece {
                level,
                start,
                end,
                bucket: self.bucket,
            }),
        }
    }
}

fn fill(start: DateTime<Utc>, end: DateTime<Utc>, levels: &[Level], pieces: &mut Pieces) {
    let nested = levels
        .iter()
        .zip(levels.iter().skip(1))
        .all(|(fine, coarse)| fine.grain.divides(coarse.grain));
    // The days inside; weeks and months only begin and end with one.
    let first = if Grain::Day.starts_at(start) {
        start
    } else {
        Grain::Day.utc_next(start)
    };
    let last = Grain::Day.utc_floor(end);
    if nested || first >= last {
        greedy(start, end, levels, &mut |level, start, end| {
            pieces.push(level, start, end)
        });
        return;
    }
    greedy(start, first, levels, &mut |level, start, end| {
        pieces.push(level, start, end)
    });
    fewest_by_day(first, last, levels, pieces);
    greedy(last, end, levels, &mut |level, start, end| {
        pieces.push(level, start, end)
    });
}

/// Take the coarsest bucket that fits at each place: the fewest where each level divides the next.
fn greedy(
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    levels: &[Level],
    push: &mut impl FnMut(Option<usize>, DateTime<Utc>, DateTime<Utc>),
) {
    let mut at = start;
    while at < end {
        let fitting = (0..levels.len())
            .rev()
            .find_map(|index| Some((index, fits(&levels[index], at, end)?)));
        let (level, next) = match (fitting, levels.first()) {
            (Some((index, next)), _) => (Some(index), next),
            // Raw rows up to the next place where a bucket could start.
            (None, Some(finest)) => (None, finest.grain.utc_next(at).min(end)),
            (None, None) => (None, end),
        };
        push(level, at, next);
        at = next;
    }
}

/// Give the end of the level's bucket that starts at `at`, if one does, it is complete, and it ends by `end`.
fn fits(level: &Level, at: DateTime<Utc>, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let complete = level.from.is_none_or(|from| from <= at);
    let next = level.grain.utc_next(at);
    (complete && next <= end && level.grain.starts_at(at)).then_some(next)
}

/// The cost of the way from a day to the end: raw rows weigh most, then the number of buckets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    raw_seconds: i64,
    buckets: u64,
}

/// Fill whole days where weeks stand beside months: the shortest path from day to day, found from the end.
///
/// Taking the coarsest that fits isn't enough there: eight weeks are eight buckets, though a month would fit inside.
fn fewest_by_day(first: DateTime<Utc>, last: DateTime<Utc>, levels: &[Level], pieces: &mut Pieces) {
    let days: Vec<DateTime<Utc>> = std::iter::successors(Some(first), |day| Some(Grain::Day.utc_next(*day)))
        .take_while(|day| *day < last)
        .collect();
    let below: Vec<Level> = levels
        .iter()
        .copied()
        .take_while(|level| level.grain < Grain::Day)
        .collect();
    // For each day: the cost from there to the end, and the level and number of days of the first step.
    let mut best = vec![
        (
            Cost {
                raw_seconds: 0,
                buckets: 0
            },
            None,
            1usize
        );
        days.len() + 1
    ];
    for (index, day) in days.iter().enumerate().rev() {
        let mut own = Cost {
            raw_seconds: 0,
            buckets: 0,
        };
        greedy(
            *day,
            Grain::Day.utc_next(*day),
            &below,
            &mut |level, start, end| match level {
                Some(_) => own.buckets += 1,
                None => own.raw_seconds += (end - start).num_seconds(),
            },
        );
        let rest = best[index + 1].0;
        let mut least = (
            Cost {
                raw_seconds: own.raw_seconds + rest.raw_seconds,
                buckets: own.buckets + rest.buckets,
            },
            None,
            1,
        );
        for (number, level) in levels.iter().enumerate().skip(below.len()) {
            let Some(next) = fits(level, *day, last) else { continue };
            let step = usize::try_from((next - *day).num_days()).unwrap_or(1);
            let rest = best[index + step].0;
            let cost = Cost {
                buckets: rest.buckets + 1,
                ..rest
            };
            if cost < least.0 {
                least = (cost, Some(number), step);
            }
        }
        best[index] = least;
    }
    let mut index = 0;
    while index < days.len() {
        let (_, level, step) = best[index];
        let next = days.get(index + step).copied().unwrap_or(last);
        match level {
            Some(_) => pieces.push(level, days[index], next),
            None => greedy(days[index], next, &below, &mut |level, start, end| {
                pieces.push(level, start, end)
            }),
        }
        index += step;
    }
}

#[cfg(test)]
#[path = "cover_tests.rs"]
mod tests;
