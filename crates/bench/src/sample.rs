//! Two sides measured in turn, and what their times say.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::Result;

/// Times of both sides, in milliseconds, pair by pair.
#[derive(Debug, Clone, Default)]
pub struct Pairs {
    pub ours: Vec<f64>,
    pub theirs: Vec<f64>,
}

/// A median and the least and greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Of one measurement.
    pub fn of(value: f64) -> Spread {
        Spread {
            median: value,
            low: value,
            high: value,
        }
    }
}

/// Measure both sides, in turn, after one of each that warms them up and does not count.
pub async fn interleaved<O, T>(
    repeats: usize,
    mut ours: impl FnMut() -> O,
    mut theirs: impl FnMut() -> T,
) -> Result<Pairs>
where
    O: Future<Output = Result<Duration>>,
    T: Future<Output = Result<Duration>>,
{
    ours().await?;
    theirs().await?;
    let mut pairs = Pairs::default();
    for _ in 0..repeats {
        pairs.theirs.push(ms(theirs().await?));
        pairs.ours.push(ms(ours().await?));
    }
    Ok(pairs)
}

/// How long something takes.
pub async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<Duration> {
    let started = Instant::now();
    // To let go of what came is not part of it.
    let _made = work.await?;
    Ok(started.elapsed())
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Pairs {
    /// The ratio of each pair: what was measured one after the other is divided by one another.
    pub fn ratio(&self, of: impl Fn(f64, f64) -> f64) -> Spread {
        let ratios = self.ours.iter().zip(&self.theirs).map(|(a, b)| of(*a, *b)).collect();
        spread(ratios)
    }
}

/// Of no values: all zero.
pub fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or_default();
    let middle = values.len() / 2;
    let median = match values.len() % 2 {
        0 if middle > 0 => f64::midpoint(at(middle - 1), at(middle)),
        _ => at(middle),
    };
    Spread {
        median,
        low: at(0),
        high: at(values.len().saturating_sub(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_the_median_of_the_pairs_ratios() {
        let pairs = Pairs {
            ours: vec![1.0, 2.0, 4.0],
            theirs: vec![10.0, 10.0, 10.0],
        };
        let faster = pairs.ratio(|ours, theirs| theirs / ours);
        assert_eq!((faster.low, faster.median, faster.high), (2.5, 5.0, 10.0));
        assert_eq!(spread(vec![3.0, 1.0]).median, 2.0);
    }
}
