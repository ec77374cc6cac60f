//! Mergeable moments: mean, standard deviation, slope and r² from counts, means and centred second moments.
//!
//! Merging is that of Chan, Golub, LeVeque: "Updating formulae and a pairwise algorithm for computing sample variances",
//! 1979, in double-double, so that thousands of merges add no error that anybody can see. Definitions and NULLs are those of
//! Postgres's `avg`, `stddev_samp`, `regr_slope`, `regr_intercept` and `regr_r2`.

use crate::dd::Dd;

/// Count, mean and sum of squared distances from the mean (M2) of one set of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    pub n: i64,
    pub mean: Dd,
    pub m2: Dd,
}

impl Moments {
    /// Take what a bucket stores. Floats or [`Dd`]; anything with `n <= 0` is empty.
    pub fn new(n: i64, mean: impl Into<Dd>, m2: impl Into<Dd>) -> Moments {
        if n <= 0 {
            Moments::default()
        } else {
            Moments {
                n,
                mean: mean.into(),
                m2: m2.into(),
            }
        }
    }

    /// Take one number.
    pub fn of(value: f64) -> Moments {
        Moments::new(1, value, 0.0)
    }

    /// Add another set; the result is that of both sets of numbers together.
    pub fn merge(&mut self, other: &Moments) {
        let Some(join) = Join::of(self.n, other.n) else {
            if self.n <= 0 {
                *self = *other;
            }
            return;
        };
        let delta = other.mean - self.mean;
        self.m2 = self.m2 + other.m2 + delta * delta * join.product;
        self.mean = self.mean + delta * join.share;
        self.n = join.n;
    }

    /// Give the mean; `None` without numbers.
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.mean.value())
    }

    /// Give the sum; zero without numbers.
    pub fn sum(&self) -> f64 {
        (self.mean * Dd::from(self.n)).value()
    }

    /// Give the sample standard deviation; `None` for fewer than two numbers. Equal numbers give 0, not `None`.
    pub fn sd_samp(&self) -> Option<f64> {
        (self.n > 1).then(|| not_negative(self.m2 / Dd::from(self.n - 1)).sqrt())
    }
}

/// Count, means and centred second moments of pairs: a time (or another regressor) t and a value v.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CoMoments {
    pub n: i64,
    pub mean_t: Dd,
    pub mean_v: Dd,
    /// Sum of (t − mean_t)².
    pub m2_t: Dd,
    /// Sum of (v − mean_v)².
    pub m2_v: Dd,
    /// Sum of (t − mean_t)(v − mean_v).
    pub c_tv: Dd,
}

impl CoMoments {
    /// Take one pair.
    pub fn of(t: f64, v: f64) -> CoMoments {
        CoMoments {
            n: 1,
            mean_t: t.into(),
            mean_v: v.into(),
            ..CoMoments::default()
        }
    }

    /// Add another set; the result is that of both sets of pairs together.
    pub fn merge(&mut self, other: &CoMoments) {
        let Some(join) = Join::of(self.n, other.n) else {
            if self.n <= 0 {
                *self = *other;
            }
            return;
        };
        let (t, v) = (other.mean_t - self.mean_t, other.mean_v - self.mean_v);
        self.m2_t = self.m2_t + other.m2_t + t * t * join.product;
        self.m2_v = self.m2_v + other.m2_v + v * v * join.product;
        self.c_tv = self.c_tv + other.c_tv + t * v * join.product;
        self.mean_t = self.mean_t + t * join.share;
        self.mean_v = self.mean_v + v * join.share;
        self.n = join.n;
    }

    /// Give the slope of the least-squares line in units of v per unit of t, `regr_slope(v, t)`.
    ///
    /// `None` without pairs or where all t are equal.
    pub fn slope(&self) -> Option<f64> {
        (self.n > 0 && self.m2_t.hi != 0.0).then(|| (self.c_tv / self.m2_t).value())
    }

    /// Give the line's value at t = 0, `regr_intercept(v, t)`; `None` where [`CoMoments::slope`] is.
    pub fn intercept(&self) -> Option<f64> {
        (self.n > 0 && self.m2_t.hi != 0.0).then(|| (self.mean_v - self.mean_t * (self.c_tv / self.m2_t)).value())
    }

    /// Give the share of v's variance that the line explains, 0 to 1, `regr_r2(v, t)`.
    ///
    /// `None` without pairs or where all t are equal; 1 where all v are.
    pub fn r2(&self) -> Option<f64> {
        if self.n <= 0 || self.m2_t.hi == 0.0 {
            return None;
        }
        if self.m2_v.hi == 0.0 {
            return Some(1.0);
        }
        // Ratio by ratio: the product of two second moments may leave the range of a float.
        let r2 = ((self.c_tv / self.m2_t) * (self.c_tv / self.m2_v)).value();
        Some(if r2.is_nan() { r2 } else { r2.clamp(0.0, 1.0) })
    }

    /// Give the moments of t alone.
    pub fn t(&self) -> Moments {
        Moments::new(self.n, self.mean_t, self.m2_t)
    }

    /// Give the moments of v alone.
    pub fn v(&self) -> Moments {
        Moments::new(self.n, self.mean_v, self.m2_v)
    }
}

/// The weights of a merge of a and b numbers.
struct Join {
    n: i64,
    /// b / n
    share: Dd,
    /// a · b / n
    product: Dd,
}

impl Join {
    /// `None` where one side is empty.
    fn of(a: i64, b: i64) -> Option<Join> {
        if a <= 0 || b <= 0 {
            return None;
        }
        let n = a.saturating_add(b);
        let share = Dd::from(b) / Dd::from(n);
        Some(Join {
            n,
            share,
            product: Dd::from(a) * share,
        })
    }
}

fn not_negative(value: Dd) -> Dd {
    if value.hi < 0.0 { Dd::ZERO } else { value }
}

#[cfg(test)]
#[path = "moments_tests.rs"]
mod tests;
