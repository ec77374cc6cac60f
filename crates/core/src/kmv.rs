//! Mergeable distinct counts: the k least hashes ("k minimum values").
//!
//! Bar-Yossef, Jayram, Kumar, Sivakumar, Trevisan: "Counting Distinct Elements in a Data Stream", RANDOM 2002; the estimate
//! (k − 1) / U is that of Beyer and others, "On Synopses for Distinct-Value Estimation", SIGMOD 2007. The database hashes the
//! values (`tidemark.kmv_hash`) and makes the same estimate (`tidemark.kmv_count`).
//!
//! Stored bytes: 64-bit hashes, big-endian, ascending, no two equal.

/// How many hashes are kept. Up to so many values the count is exact; above, its standard error is 1/√(k − 2) = 0.78 %.
pub const K: usize = 16_384;

/// Stored bytes that are no distinct count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored distinct count has {0} bytes or is out of order; recompute this bucket")]
pub struct KmvError(usize);

/// The least hashes of a set of values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kmv {
    /// Ascending, at most [`K`].
    hashes: Vec<u64>,
}

impl Kmv {
    /// Read stored bytes; no bytes are an empty set.
    ///
    /// # Errors
    /// [`KmvError`] if they are not whole entries in ascending order.
    pub fn decode(bytes: &[u8]) -> Result<Kmv, KmvError> {
        let (entries, rest) = bytes.as_chunks::<8>();
        let hashes: Vec<u64> = entries.iter().map(|entry| u64::from_be_bytes(*entry)).collect();
        if !rest.is_empty() || hashes.len() > K || !hashes.is_sorted_by(|a, b| a < b) {
            return Err(KmvError(bytes.len()));
        }
        Ok(Kmv { hashes })
    }

    /// Add another set; the result is that of both sets together.
    pub fn merge(&mut self, other: &Kmv) {
        if other.hashes.is_empty() {
            return;
        }
        let mine = std::mem::take(&mut self.hashes);
        self.hashes.reserve_exact(K.min(mine.len() + other.hashes.len()));
        let (mut a, mut b) = (mine.iter().peekable(), other.hashes.iter().peekable());
        while self.hashes.len() < K {
            let next = match (a.peek(), b.peek()) {
                (Some(x), Some(y)) => **x.min(y),
                (Some(x), None) | (None, Some(x)) => **x,
                (None, None) => break,
            };
            a.next_if(|x| **x == next);
            b.next_if(|x| **x == next);
            self.hashes.push(next);
        }
    }

    /// How many bytes its hashes take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>()
    }

    /// How many different values.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self.hashes.get(K - 1) {
            None => self.hashes.len() as u64,
            Some(last) => {
                let estimate = ((K as u128 - 1) << 64) / (u128::from(*last) + 1);
                u64::try_from(estimate).unwrap_or(u64::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splitmix64: hashes that are as good as random, the same on every run.
    fn hash(value: u64) -> u64 {
        let mut z = value.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(values: impl Iterator<Item = u64>) -> Kmv {
        let mut hashes: Vec<u64> = values.map(hash).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.truncate(K);
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect();
        Kmv::decode(&bytes).unwrap()
    }

    #[test]
    fn any_composition_is_the_whole() {
        for n in [0, 1, 100, 20_000, 60_000] {
            let mut parts = Kmv::default();
            for part in 0..7 {
                parts.merge(&of((0..n).filter(|value| value % 7 == part || value % 3 == 0)));
            }
            assert_eq!(parts, of(0..n));
        }
    }

    #[test]
    fn it_is_exact_below_k_and_within_two_percent_above() {
        for n in [0, 1, 16_383] {
            assert_eq!(of(0..n).count(), n);
        }
        for n in [16_384u64, 50_000, 200_000, 1_000_000] {
            let count = of(0..n).count();
            assert!(count.abs_diff(n) * 50 <= n, "{count} for {n}");
        }
    }

    #[test]
    fn bytes_that_are_no_set_are_refused() {
        assert!(Kmv::decode(&[0; 7]).is_err());
        assert!(Kmv::decode(&[0; 16]).is_err(), "the same hash twice");
        assert_eq!(Kmv::decode(&[]).unwrap().count(), 0);
    }
}
