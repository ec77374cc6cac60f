//! Mean, standard deviation, slope and r² from exact sums.
//!
//! The database stores n, Σv, Σv² (and Σt, Σt², Σtv) as decimals, which merge by addition without rounding. So nothing is lost
//! to cancellation, and only the last division or root is rounded. The database computes the same in SQL for its views
//! (`tidemark.sd` and its like).

use std::num::NonZeroU64;

use bigdecimal::{BigDecimal, Context, ToPrimitive, Zero};

/// Microseconds of a day: t is in microseconds, slopes are per day.
const DAY: u64 = 86_400_000_000;

/// n and Σv.
#[must_use]
pub fn mean(n: &BigDecimal, v: &BigDecimal) -> Option<f64> {
    divide(v, n)
}

/// The sample standard deviation as `stddev_samp` gives it: 0 of equal values, none of one.
#[must_use]
pub fn sd(n: &BigDecimal, v: &BigDecimal, v2: &BigDecimal) -> Option<f64> {
    let pairs = n * (n - BigDecimal::from(1));
    if pairs <= BigDecimal::zero() {
        return None;
    }
    let variance = digits(&(n * v2 - v * v)) / pairs;
    variance.sqrt_with_context(&context()).as_ref().map(double)
}

/// Sums of pairs (t, v), t in microseconds.
#[derive(Debug, Clone)]
pub struct Pairs {
    pub n: BigDecimal,
    pub v: BigDecimal,
    pub v2: BigDecimal,
    pub t: BigDecimal,
    pub t2: BigDecimal,
    pub tv: BigDecimal,
}

impl Pairs {
    /// Per day, as `regr_slope(v, t)` gives it: none where all t are equal.
    #[must_use]
    pub fn slope(&self) -> Option<f64> {
        divide(&(self.tv() * BigDecimal::from(DAY)), &self.tt())
    }

    /// As `regr_r2(v, t)` gives it: none where all t are equal, 1 where all v are.
    #[must_use]
    pub fn r2(&self) -> Option<f64> {
        let (tt, vv, tv) = (self.tt(), self.vv(), self.tv());
        match (tt.is_zero(), vv.is_zero()) {
            (true, _) => None,
            (_, true) => Some(1.0),
            _ => divide(&(&tv * &tv), &(tt * vv)),
        }
    }

    /// n times the sum of squares around the mean, and its like.
    fn tt(&self) -> BigDecimal {
        &self.n * &self.t2 - &self.t * &self.t
    }

    fn vv(&self) -> BigDecimal {
        &self.n * &self.v2 - &self.v * &self.v
    }

    fn tv(&self) -> BigDecimal {
        &self.n * &self.tv - &self.t * &self.v
    }
}

/// None where the divisor is 0.
fn divide(a: &BigDecimal, b: &BigDecimal) -> Option<f64> {
    (!b.is_zero()).then(|| double(&(digits(a) / digits(b))))
}

/// As many digits as a double can make use of, and some to spare: long decimals divide slowly.
fn digits(x: &BigDecimal) -> BigDecimal {
    x.with_prec(40)
}

fn context() -> Context {
    Context::default().with_precision(NonZeroU64::new(40).unwrap_or(NonZeroU64::MIN))
}

/// The nearest double.
#[must_use]
pub fn double(x: &BigDecimal) -> f64 {
    x.to_f64().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    fn sums(pairs: &[(i64, f64)]) -> [BigDecimal; 6] {
        let mut sums: [BigDecimal; 6] = std::array::from_fn(|_| BigDecimal::zero());
        for (t, v) in pairs {
            let (t, v) = (BigDecimal::from(*t), BigDecimal::from_str(&v.to_string()).unwrap());
            for (sum, term) in
                sums.iter_mut()
                    .zip([BigDecimal::from(1), v.clone(), &v * &v, t.clone(), &t * &t, &t * &v])
            {
                *sum += term;
            }
        }
        sums
    }

    fn of(pairs: &[(i64, f64)]) -> (Option<f64>, Option<f64>, Option<f64>, Option<f64>) {
        let [n, v, v2, t, t2, tv] = sums(pairs);
        let (mean, sd) = (mean(&n, &v), sd(&n, &v, &v2));
        let line = Pairs { n, v, v2, t, t2, tv };
        (mean, sd, line.slope(), line.r2())
    }

    #[test]
    fn none_one_and_two_rows_give_what_postgres_gives() {
        let day = DAY as i64;
        assert_eq!(of(&[]), (None, None, None, None));
        assert_eq!(of(&[(7, 5.0)]), (Some(5.0), None, None, None));
        assert_eq!(
            of(&[(0, 1.0), (day, 4.0)]),
            (Some(2.5), Some(4.5f64.sqrt()), Some(3.0), Some(1.0))
        );
    }

    #[test]
    fn equal_values_have_a_deviation_of_zero_and_a_level_line_fits_them() {
        assert_eq!(
            of(&[(0, 0.1), (1, 0.1), (2, 0.1)]),
            (Some(0.1), Some(0.0), Some(0.0), Some(1.0))
        );
    }

    #[test]
    fn equal_times_have_no_slope() {
        let (.., slope, r2) = of(&[(5, 0.1), (5, 0.2)]);
        assert_eq!((slope, r2), (None, None));
    }

    #[test]
    fn the_ends_of_the_floats_neither_fail_nor_vanish() {
        let (mean, sd, ..) = of(&[(0, f64::MAX), (1, f64::MIN)]);
        assert_eq!((mean, sd), (Some(0.0), Some(f64::INFINITY)));
        let (_, sd, ..) = of(&[(0, 1e-300), (1, 3e-300)]);
        assert!((sd.unwrap() / (2f64.sqrt() * 1e-300) - 1.0).abs() < 1e-15, "{sd:?}");
    }

    proptest! {
        #[test]
        fn a_spread_of_a_thousandth_around_a_billion_keeps_fifteen_digits(steps in proptest::collection::vec(0i64..1000, 2..60)) {
            // Whole micro-units around the mean: integer arithmetic is the reference.
            let pairs: Vec<(i64, f64)> = steps.iter().enumerate().map(|(at, step)| (at as i64, 1e9 + *step as f64 * 1e-6)).collect();
            let n = steps.len() as i128;
            let (s, s2) = steps.iter().fold((0i128, 0i128), |(s, s2), step| (s + i128::from(*step), s2 + i128::from(step * step)));
            let wanted = ((n * s2 - s * s) as f64 / (n * (n - 1)) as f64).sqrt() * 1e-6;
            // A double near 1e9 is a multiple of 1.2e-7, so the values themselves are not quite those steps.
            let shortest: Vec<(i64, f64)> = pairs.iter().map(|(t, v)| (*t, format!("{v:.6}").parse().unwrap())).collect();
            prop_assert_eq!(&pairs, &shortest);
            let found = of(&pairs).1.unwrap();
            prop_assert!((found - wanted).abs() <= wanted * 1e-15, "{found} {wanted}");
        }
    }
}
