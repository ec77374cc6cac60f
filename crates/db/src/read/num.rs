//! Numbers as they are merged: whole and decimal ones stay exact until they are divided.

use bigdecimal::{BigDecimal, ToPrimitive};
use tidemark_core::exact;

/// A number, small: boards hold hundreds of thousands of them.
#[derive(Debug, Clone)]
pub(crate) enum Num {
    Int(i64),
    /// Decimals, and whole numbers beyond an i64.
    Exact(Box<BigDecimal>),
    Float(f64),
}

/// Whole numbers below it are doubles without an error.
const WHOLE: u64 = 1 << 53;

impl Num {
    pub fn to_f64(&self) -> f64 {
        match self {
            Num::Int(number) => *number as f64,
            Num::Exact(number) => exact::double(number),
            Num::Float(number) => *number,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        let whole = match self {
            Num::Int(number) => Some(*number),
            Num::Exact(number) if number.is_integer() => number.to_i64(),
            _ => None,
        };
        match whole {
            Some(whole) => whole.into(),
            None => serde_json::Number::from_f64(self.to_f64()).map_or(serde_json::Value::Null, Into::into),
        }
    }

    /// As a decimal, unless it is a double.
    pub fn decimal(&self) -> Option<BigDecimal> {
        match self {
            Num::Int(number) => Some(BigDecimal::from(*number)),
            Num::Exact(number) => Some((**number).clone()),
            Num::Float(_) => None,
        }
    }

    pub fn plus(&self, other: &Num) -> Num {
        if let (Num::Int(a), Num::Int(b)) = (self, other)
            && let Some(sum) = a.checked_add(*b)
        {
            return Num::Int(sum);
        }
        Num::exactly(self, other, |a, b| a + b, |a, b| a + b)
    }

    /// Exact where both are, else in doubles.
    pub fn exactly(
        a: &Num,
        b: &Num,
        decimals: impl Fn(BigDecimal, BigDecimal) -> BigDecimal,
        doubles: impl Fn(f64, f64) -> f64,
    ) -> Num {
        match (a.decimal(), b.decimal()) {
            (Some(a), Some(b)) => Num::Exact(Box::new(decimals(a, b))),
            _ => Num::Float(doubles(a.to_f64(), b.to_f64())),
        }
    }

    pub fn keep_least(&mut self, other: &Num) {
        if self.exceeds(other) {
            *self = other.clone();
        }
    }

    pub fn keep_greatest(&mut self, other: &Num) {
        if other.exceeds(self) {
            *self = other.clone();
        }
    }

    /// As PostgreSQL orders them: NaN is greater than everything.
    fn exceeds(&self, other: &Num) -> bool {
        match (self, other) {
            (Num::Int(a), Num::Int(b)) => a > b,
            _ => match (self.decimal(), other.decimal()) {
                (Some(a), Some(b)) => a > b,
                _ => {
                    let (a, b) = (self.to_f64(), other.to_f64());
                    a > b || (a.is_nan() && !b.is_nan())
                }
            },
        }
    }

    /// A mean from count and sum, rounded once.
    pub fn mean(n: &Num, sum: &Num) -> Option<f64> {
        match (n, sum) {
            (Num::Int(n), Num::Int(sum)) if *n > 0 && n.unsigned_abs() < WHOLE && sum.unsigned_abs() < WHOLE => {
                Some(*sum as f64 / *n as f64)
            }
            _ => match (n.decimal(), sum.decimal()) {
                (Some(n), Some(sum)) => exact::mean(&n, &sum),
                _ => (n.to_f64() > 0.0).then(|| sum.to_f64() / n.to_f64()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn sums_stay_exact_beyond_what_a_double_holds() {
        let sum = Num::Int(1 << 60).plus(&Num::Int(1));
        assert_eq!(sum.to_json(), serde_json::json!((1_i64 << 60) + 1));
        let half = Num::Exact(Box::new(BigDecimal::from_str("0.5").unwrap()));
        assert_eq!(
            sum.plus(&half).decimal(),
            BigDecimal::from_str("1152921504606846977.5").ok()
        );
        assert_eq!(
            Num::Int(i64::MAX).plus(&Num::Int(i64::MAX)).decimal(),
            BigDecimal::from_str("18446744073709551614").ok()
        );
        assert_eq!(
            Num::mean(&Num::Int(3), &Num::Int((1 << 60) + 1)),
            Some(((1_i64 << 60) as f64) / 3.0)
        );
        assert_eq!(Num::mean(&Num::Int(0), &Num::Int(0)), None);
    }

    #[test]
    fn nan_is_the_greatest_number() {
        let least = |a: f64, b: f64| {
            let mut least = Num::Float(a);
            least.keep_least(&Num::Float(b));
            least.to_f64()
        };
        let greatest = |a: f64, b: f64| {
            let mut greatest = Num::Float(a);
            greatest.keep_greatest(&Num::Float(b));
            greatest.to_f64()
        };
        assert_eq!((least(f64::NAN, 1.0), least(1.0, f64::NAN)), (1.0, 1.0));
        assert!(greatest(f64::NAN, 1.0).is_nan() && greatest(1.0, f64::NAN).is_nan());
    }
}
