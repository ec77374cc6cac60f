//! Mergeable percentiles: DDSketch with a relative error of 1 %.
//!
//! Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019.
//! A value v > 0 falls into bin `i = ceil(ln(v) / ln(gamma))`, the interval `(gamma^(i-1), gamma^i]`, and is estimated as
//! `2 * gamma^i / (gamma + 1)`, which is at most 1 % off. The database makes the same bins in SQL.
//!
//! Stored bytes: one big-endian i64 a bin, `(key << 45) | count`, ascending. The key is 0 for zero, `65536 + i` for a
//! positive value and `-(65536 + i)` for a negative one's magnitude, so that keys order as values do.

/// `(1 + 1 %) / (1 − 1 %)`, the ratio between the edges of a bin.
pub const GAMMA: f64 = 1.01 / 0.99;
/// `ln(GAMMA)`, to be written as this literal wherever bins are made, so that all make the same.
pub const LN_GAMMA: f64 = 0.020_000_666_706_669_435;
/// Added to a bin's number so that the keys of all positive values are positive.
pub const KEY_OFFSET: i32 = 65_536;
/// Bits of a stored entry that hold the count; the key is above them.
pub const COUNT_BITS: u32 = 45;

const COUNT_MASK: i64 = (1 << COUNT_BITS) - 1;

/// Stored bytes that are no sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SketchError {
    /// Entries have eight bytes each.
    #[error("a stored sketch has {0} bytes, which is not a multiple of 8; recompute this bucket")]
    Length(usize),
    /// Entries ascend by key.
    #[error("a stored sketch is out of order at entry {0}; recompute this bucket")]
    Order(usize),
}

/// A distribution of numbers: how many fell into each bin. NaN and infinities are counted elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    /// Key and count, ascending by key.
    bins: Vec<(i32, u64)>,
}

impl Sketch {
    /// Read stored bytes; no bytes are an empty sketch.
    ///
    /// # Errors
    /// [`SketchError`] if they are not whole entries in ascending order.
    pub fn decode(bytes: &[u8]) -> Result<Sketch, SketchError> {
        check(bytes)?;
        Ok(Sketch {
            bins: entries(bytes).filter(|(_, count)| *count > 0).collect(),
        })
    }

    /// Write the stored form.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bins.len() * 8);
        for (key, count) in &self.bins {
            let count = i64::try_from(*count).map_or(COUNT_MASK, |count| count.min(COUNT_MASK));
            bytes.extend_from_slice(&((i64::from(*key) << COUNT_BITS) | count).to_be_bytes());
        }
        bytes
    }

    /// Add another sketch; the result is the sketch of both sets of values.
    pub fn merge(&mut self, other: &Sketch) {
        self.add_bins(other.bins.iter().copied());
    }

    /// Add a stored sketch. To add many, use [`Held`].
    ///
    /// # Errors
    /// As [`Sketch::decode`]; this sketch is unchanged then.
    pub fn add_bytes(&mut self, bytes: &[u8]) -> Result<(), SketchError> {
        check(bytes)?;
        self.add_bins(entries(bytes));
        Ok(())
    }

    /// Add one value; NaN and infinities are left out.
    pub fn insert(&mut self, value: f64) {
        if let Some(key) = key_of(value) {
            self.add_bins(std::iter::once((key, 1)));
        }
    }

    /// Count the values.
    pub fn count(&self) -> u64 {
        self.bins.iter().map(|(_, count)| count).sum()
    }

    /// Give keys and counts, ascending by key.
    pub fn bins(&self) -> &[(i32, u64)] {
        &self.bins
    }

    /// Estimate a quantile, `q` from 0 to 1, within 1 % of `percentile_disc(q)`; `None` without values.
    ///
    /// The rank is that of `percentile_disc`: the smallest k with k ≥ q·n, at least 1. `min` and `max` are the exact
    /// ones of the same values; the estimate never leaves them.
    pub fn quantile(&self, q: f64, min: f64, max: f64) -> Option<f64> {
        quantile(self.bins.iter().copied(), self.count(), q, min, max)
    }

    /// Add to one bin.
    fn put(&mut self, key: i32, count: u64) {
        match self.bins.binary_search_by_key(&key, |bin| bin.0) {
            Ok(at) => self.bins[at].1 += count,
            Err(at) => self.bins.insert(at, (key, count)),
        }
    }

    fn add_bins(&mut self, other: impl Iterator<Item = (i32, u64)>) {
        let mine = std::mem::take(&mut self.bins);
        let mut merged = Vec::with_capacity(mine.len() + other.size_hint().0);
        let mut mine = mine.into_iter().peekable();
        for (key, count) in other.filter(|(_, count)| *count > 0) {
            while let Some(bin) = mine.next_if(|bin| bin.0 < key) {
                merged.push(bin);
            }
            let own = mine.next_if(|bin| bin.0 == key).map_or(0, |bin| bin.1);
            merged.push((key, own + count));
        }
        merged.extend(mine);
        self.bins = merged;
    }
}

impl FromIterator<f64> for Sketch {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut keys: Vec<i32> = values.into_iter().filter_map(key_of).collect();
        keys.sort_unstable();
        let bins = keys
            .chunk_by(|a, b| a == b)
            .map(|run| (run[0], run.len() as u64))
            .collect();
        Sketch { bins }
    }
}

/// A sketch as a reader holds it: the stored bytes while there are no others, then the sum.
#[derive(Debug, Clone)]
pub enum Held {
    /// Bytes that were checked, and the count of their values.
    Stored(Box<[u8]>, u64),
    /// Up to [`FEW`] bins, and the count of their values.
    Few(Sketch, u64),
    Many(Box<Windows>),
}

/// Up to here bins are put in their place one by one: the window of many would be larger than they are.
const FEW: usize = 48;

impl Held {
    /// Hold a stored sketch.
    ///
    /// # Errors
    /// As [`Sketch::decode`].
    pub fn of(bytes: &[u8]) -> Result<Held, SketchError> {
        Ok(Held::Stored(bytes.into(), check(bytes)?))
    }

    /// Add a stored sketch.
    ///
    /// # Errors
    /// As [`Sketch::decode`]; nothing is added then.
    pub fn add_bytes(&mut self, bytes: &[u8]) -> Result<(), SketchError> {
        check(bytes)?;
        self.add_bins(bytes.len() / 8, entries(bytes));
        Ok(())
    }

    /// Add what another holds.
    pub fn add(&mut self, other: &Held) {
        match other {
            Held::Stored(bytes, _) => self.add_bins(bytes.len() / 8, entries(bytes)),
            Held::Few(sketch, _) => self.add_bins(sketch.bins.len(), sketch.bins.iter().copied()),
            Held::Many(windows) => self.add_bins(usize::MAX, windows.bins()),
        }
    }

    /// How many bytes its bins take.
    pub fn bytes(&self) -> usize {
        match self {
            Held::Stored(bytes, _) => bytes.len(),
            Held::Few(sketch, _) => sketch.bins.capacity() * size_of::<(i32, u64)>(),
            Held::Many(windows) => {
                (windows.negative.counts.capacity() + windows.positive.counts.capacity()) * size_of::<u64>()
            }
        }
    }

    /// As [`Sketch::quantile`].
    pub fn quantile(&self, q: f64, min: f64, max: f64) -> Option<f64> {
        match self {
            Held::Stored(bytes, count) => quantile(entries(bytes), *count, q, min, max),
            Held::Few(sketch, count) => quantile(sketch.bins.iter().copied(), *count, q, min, max),
            Held::Many(windows) => quantile(windows.bins(), windows.count, q, min, max),
        }
    }

    /// Add bins, of which there are `more` at the most.
    fn add_bins(&mut self, more: usize, bins: impl Iterator<Item = (i32, u64)>) {
        let held = match self {
            Held::Stored(bytes, _) => bytes.len() / 8,
            Held::Few(sketch, _) => sketch.bins.len(),
            Held::Many(_) => usize::MAX,
        };
        if held.saturating_add(more) > FEW {
            return self.windows().add_bins(bins);
        }
        let (few, count) = self.few();
        for (key, n) in bins {
            *count += n;
            few.put(key, n);
        }
    }

    fn few(&mut self) -> (&mut Sketch, &mut u64) {
        if let Held::Stored(bytes, count) = self {
            let mut bins = Vec::with_capacity(FEW);
            bins.extend(entries(bytes));
            *self = Held::Few(Sketch { bins }, *count);
        }
        match self {
            Held::Few(sketch, count) => (sketch, count),
            Held::Stored(..) | Held::Many(_) => unreachable!("few bins are stored, or a few"),
        }
    }

    fn windows(&mut self) -> &mut Windows {
        let mut windows = Windows::default();
        match self {
            Held::Stored(bytes, _) => windows.add_bins(entries(bytes)),
            Held::Few(sketch, _) => windows.add_bins(sketch.bins.iter().copied()),
            Held::Many(_) => {}
        }
        if !matches!(self, Held::Many(_)) {
            *self = Held::Many(Box::new(windows));
        }
        match self {
            Held::Many(windows) => windows,
            Held::Stored(..) | Held::Few(..) => unreachable!("they were put into windows above"),
        }
    }
}

/// Adds up thousands of sketches in time linear in their bins.
#[derive(Debug, Clone, Default)]
pub struct Windows {
    negative: Window,
    zero: u64,
    positive: Window,
    count: u64,
}

impl Windows {
    fn bins(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        let zero = (self.zero > 0).then_some((0, self.zero));
        self.negative.bins().chain(zero).chain(self.positive.bins())
    }

    fn add_bins(&mut self, bins: impl Iterator<Item = (i32, u64)>) {
        for (key, count) in bins {
            self.count += count;
            match key {
                0 => self.zero += count,
                1.. => self.positive.add(key, count),
                _ => self.negative.add(key, count),
            }
        }
    }
}

/// Counts of neighbouring keys, which grows towards both sides.
#[derive(Debug, Clone, Default)]
struct Window {
    first: i32,
    counts: Vec<u64>,
}

impl Window {
    fn add(&mut self, key: i32, count: u64) {
        /// Room on each side, so that a window settles after a few sketches.
        const SLACK: i32 = 64;
        if self.counts.is_empty() {
            self.first = key - SLACK;
        }
        if key < self.first {
            let more = (self.first - key + SLACK) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, more));
            self.first = key - SLACK;
        }
        let index = (key - self.first) as usize;
        if index >= self.counts.len() {
            self.counts.resize(index + SLACK as usize, 0);
        }
        self.counts[index] += count;
    }

    fn bins(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        self.counts
            .iter()
            .enumerate()
            .filter(|bin| *bin.1 > 0)
            .map(|(index, count)| (self.first + index as i32, *count))
    }
}

/// The value at a rank among bins in order, sought from the nearer end. The same float arithmetic as in Postgres:
/// ceil(q * n).
fn quantile(bins: impl DoubleEndedIterator<Item = (i32, u64)>, count: u64, q: f64, min: f64, max: f64) -> Option<f64> {
    let rank = ((q * count as f64).ceil().max(1.0) as u64).min(count);
    let mut left = rank;
    let key = if rank <= count / 2 {
        bins.into_iter().find(|(_, n)| {
            left = left.saturating_sub(*n);
            left == 0
        })
    } else {
        // So many values lie above it.
        left = count - rank;
        bins.rev().find(|(_, n)| {
            let found = left < *n;
            left = left.saturating_sub(*n);
            found
        })
    };
    key.map(|(key, _)| value_of(key).max(min).min(max))
}

/// Give a value's key; `None` for NaN and infinities.
pub fn key_of(value: f64) -> Option<i32> {
    if !value.is_finite() {
        return None;
    }
    let bin = |magnitude: f64| KEY_OFFSET + (magnitude.ln() / LN_GAMMA).ceil() as i32;
    Some(match value {
        v if v > 0.0 => bin(v),
        v if v < 0.0 => -bin(-v),
        _ => 0,
    })
}

/// Estimate the values of a key.
pub fn value_of(key: i32) -> f64 {
    // The factor joins the exponent so that the top bin doesn't overflow on its way.
    let value = |bin: i32| (f64::from(bin) * LN_GAMMA + (2.0 / (GAMMA + 1.0)).ln()).exp();
    match key {
        0 => 0.0,
        1.. => value(key - KEY_OFFSET),
        _ => -value(-key - KEY_OFFSET),
    }
}

/// Counts the values by the way.
fn check(bytes: &[u8]) -> Result<u64, SketchError> {
    if !bytes.len().is_multiple_of(8) {
        return Err(SketchError::Length(bytes.len()));
    }
    let mut before = i32::MIN;
    let mut values = 0;
    for (index, (key, count)) in entries(bytes).enumerate() {
        if before >= key {
            return Err(SketchError::Order(index));
        }
        before = key;
        values += count;
    }
    Ok(values)
}

fn entries(bytes: &[u8]) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
    bytes.as_chunks::<8>().0.iter().map(|chunk| {
        let entry = i64::from_be_bytes(*chunk);
        // 19 bits of key and 45 of count: both casts are exact.
        ((entry >> COUNT_BITS) as i32, (entry & COUNT_MASK) as u64)
    })
}

#[cfg(test)]
#[path = "sketch_tests.rs"]
mod tests;
