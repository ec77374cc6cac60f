//! Double-double arithmetic: about 32 digits, made of two floats.
//!
//! Error-free sums and products after Knuth and Dekker, as in Hida, Li, Bailey: "Library for Double-Double and Quad-Double
//! Arithmetic", 2007.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// An unevaluated sum of two floats, the second less than half a unit in the last place of the first.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
pub struct Dd {
    pub hi: f64,
    pub lo: f64,
}

impl Dd {
    pub const ZERO: Dd = Dd { hi: 0.0, lo: 0.0 };

    /// Add two floats without an error.
    pub fn sum(a: f64, b: f64) -> Dd {
        let hi = a + b;
        let part = hi - a;
        Dd {
            hi,
            lo: (a - (hi - part)) + (b - part),
        }
        .settled()
    }

    /// Multiply two floats without an error.
    pub fn product(a: f64, b: f64) -> Dd {
        let hi = a * b;
        Dd {
            hi,
            lo: a.mul_add(b, -hi),
        }
        .settled()
    }

    /// Round to a float.
    pub fn value(self) -> f64 {
        self.hi + self.lo
    }

    /// Take the square root, as a float.
    pub fn sqrt(self) -> f64 {
        let root = self.hi.sqrt();
        if root == 0.0 || !root.is_finite() {
            return root;
        }
        // One step of Newton's method picks up what the first float left.
        root + (self - Dd::product(root, root)).value() / (2.0 * root)
    }

    /// Keep infinities and NaN as one float: their second part would be NaN.
    fn settled(self) -> Dd {
        if self.hi.is_finite() {
            self
        } else {
            Dd { hi: self.hi, lo: 0.0 }
        }
    }
}

impl From<f64> for Dd {
    fn from(hi: f64) -> Dd {
        Dd { hi, lo: 0.0 }
    }
}

impl From<i64> for Dd {
    fn from(whole: i64) -> Dd {
        // Two halves of 32 bits are floats exactly.
        Dd::sum((whole >> 32) as f64 * 4_294_967_296.0, (whole & 0xffff_ffff) as f64)
    }
}

impl Neg for Dd {
    type Output = Dd;
    fn neg(self) -> Dd {
        Dd {
            hi: -self.hi,
            lo: -self.lo,
        }
    }
}

impl Add for Dd {
    type Output = Dd;
    fn add(self, other: Dd) -> Dd {
        let (high, low) = (Dd::sum(self.hi, other.hi), Dd::sum(self.lo, other.lo));
        let first = Dd::sum(high.hi, high.lo + low.hi);
        Dd::sum(first.hi, first.lo + low.lo)
    }
}

impl Sub for Dd {
    type Output = Dd;
    fn sub(self, other: Dd) -> Dd {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Dd;
    fn mul(self, other: Dd) -> Dd {
        let high = Dd::product(self.hi, other.hi);
        Dd::sum(high.hi, high.lo + (self.hi * other.lo + self.lo * other.hi)).settled()
    }
}

impl Div for Dd {
    type Output = Dd;
    fn div(self, other: Dd) -> Dd {
        let first = self.hi / other.hi;
        if !first.is_finite() {
            return Dd::from(first);
        }
        let rest = self - other * Dd::from(first);
        let second = rest.hi / other.hi;
        let rest = rest - other * Dd::from(second);
        Dd::sum(first, second) + Dd::from(rest.hi / other.hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_times_three_is_one_to_thirty_digits() {
        let third = Dd::from(1.0) / Dd::from(3.0);
        let off = third * Dd::from(3.0) - Dd::from(1.0);
        assert!(off.value().abs() < 1e-30, "{off:?}");
    }

    #[test]
    fn a_small_part_survives_a_large_one() {
        let sum = (Dd::from(1e16) + Dd::from(1.25)) - Dd::from(1e16);
        assert_eq!(sum.value(), 1.25);
        assert_eq!((Dd::from(i64::MAX) - Dd::from(i64::MAX - 3)).value(), 3.0);
        assert_eq!((Dd::from(-7i64)).value(), -7.0);
    }

    #[test]
    fn infinities_stay_infinities() {
        assert_eq!((Dd::from(f64::INFINITY) + Dd::from(1.0)).value(), f64::INFINITY);
        assert_eq!((Dd::from(f64::MAX) * Dd::from(10.0)).value(), f64::INFINITY);
        assert!((Dd::from(f64::INFINITY) - Dd::from(f64::INFINITY)).value().is_nan());
    }
}
