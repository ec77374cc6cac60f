use super::*;
use bigdecimal::{BigDecimal, FromPrimitive, ToPrimitive, Zero};
use proptest::prelude::*;

fn exact(value: f64) -> BigDecimal {
    BigDecimal::from_f64(value).unwrap()
}

/// n·Σ(x−x̄)(y−ȳ), which is a whole computation without a division.
fn spread(pairs: &[(f64, f64)]) -> BigDecimal {
    let (mut x, mut y, mut xy) = (BigDecimal::zero(), BigDecimal::zero(), BigDecimal::zero());
    for (a, b) in pairs {
        let (a, b) = (exact(*a), exact(*b));
        xy += &a * &b;
        x += a;
        y += b;
    }
    BigDecimal::from(pairs.len() as u64) * xy - x * y
}

fn ratio(a: &BigDecimal, b: &BigDecimal) -> f64 {
    (a.with_prec(60) / b.with_prec(60)).with_prec(30).to_f64().unwrap()
}

fn reference_sd(values: &[f64]) -> f64 {
    let pairs: Vec<(f64, f64)> = values.iter().map(|v| (*v, *v)).collect();
    let n = values.len() as u64;
    (spread(&pairs).with_prec(60) / BigDecimal::from(n * (n - 1)))
        .sqrt()
        .unwrap()
        .to_f64()
        .unwrap()
}

/// Merge bucket by bucket, each bucket from its own single values.
fn by_bucket(values: &[f64], size: usize) -> Moments {
    let mut all = Moments::default();
    for bucket in values.chunks(size) {
        let mut own = Moments::default();
        bucket.iter().for_each(|value| own.merge(&Moments::of(*value)));
        all.merge(&own);
    }
    all
}

fn pairs_by_bucket(pairs: &[(f64, f64)], size: usize) -> CoMoments {
    let mut all = CoMoments::default();
    for bucket in pairs.chunks(size) {
        let mut own = CoMoments::default();
        bucket.iter().for_each(|(t, v)| own.merge(&CoMoments::of(*t, *v)));
        all.merge(&own);
    }
    all
}

fn close(found: f64, wanted: f64, relative: f64) -> bool {
    (found - wanted).abs() <= wanted.abs() * relative
}

#[test]
fn a_spread_of_a_thousandth_around_a_billion_is_right_to_twelve_digits() {
    // Postgres's own float8 stddev is off by 1e-5 here.
    let values: Vec<f64> = (0..5_000).map(|i| 1e9 + f64::from(i % 7) * 1e-3 - 3e-3).collect();
    let (found, wanted) = (by_bucket(&values, 60).sd_samp().unwrap(), reference_sd(&values));
    assert!(close(found, wanted, 1e-12), "{found} {wanted}");
}

#[test]
fn a_slope_over_epoch_seconds_keeps_its_digits() {
    let pairs: Vec<(f64, f64)> = (0..2_000)
        .map(|i| {
            (
                1.79e9 + f64::from(i) * 60.0,
                80.0 + f64::from(i) * 1e-4 + f64::from(i % 11) * 0.3,
            )
        })
        .collect();
    let found = pairs_by_bucket(&pairs, 15);
    let tt: Vec<_> = pairs.iter().map(|p| (p.0, p.0)).collect();
    let vv: Vec<_> = pairs.iter().map(|p| (p.1, p.1)).collect();
    let (c, t, v) = (spread(&pairs), spread(&tt), spread(&vv));
    assert!(close(found.slope().unwrap(), ratio(&c, &t), 1e-13));
    assert!(close(found.r2().unwrap(), ratio(&(&c * &c), &(&t * &v)), 1e-13));
    let at_first = found.intercept().unwrap() + found.slope().unwrap() * pairs[0].0;
    assert!((at_first - 81.4).abs() < 1.0, "{at_first}");
}

#[test]
fn few_numbers_give_null_and_equal_numbers_give_zero() {
    assert_eq!(Moments::default().mean(), None);
    assert_eq!(Moments::default().sd_samp(), None);
    assert_eq!(Moments::of(5.0).sd_samp(), None);
    assert_eq!(Moments::of(5.0).mean(), Some(5.0));
    assert_eq!(by_bucket(&[0.1; 9], 2).sd_samp(), Some(0.0));
    assert_eq!(by_bucket(&[0.1; 9], 2).mean(), Some(0.1));
}

#[test]
fn lines_are_null_and_one_where_postgres_says_so() {
    assert_eq!((CoMoments::default().slope(), CoMoments::default().r2()), (None, None));
    let one = CoMoments::of(1.0, 2.0);
    assert_eq!((one.slope(), one.intercept(), one.r2()), (None, None, None));
    let upright = pairs_by_bucket(&[(1.0, 2.0), (1.0, 3.0)], 1);
    assert_eq!((upright.slope(), upright.r2()), (None, None));
    let level = pairs_by_bucket(&[(1.0, 2.0), (2.0, 2.0), (4.0, 2.0)], 1);
    assert_eq!(
        (level.slope(), level.intercept(), level.r2()),
        (Some(0.0), Some(2.0), Some(1.0))
    );
    let exact = pairs_by_bucket(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)], 2);
    assert_eq!(
        (exact.slope(), exact.intercept(), exact.r2()),
        (Some(2.0), Some(1.0), Some(1.0))
    );
}

#[test]
fn merging_with_an_empty_set_changes_nothing() {
    let set = by_bucket(&[1.0, 2.0, 4.0], 3);
    let (mut left, mut right) = (set, Moments::new(0, f64::NAN, f64::NAN));
    left.merge(&Moments::default());
    right.merge(&set);
    assert_eq!((left, right), (set, set));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_gives_the_moments_of_the_whole(
        values in proptest::collection::vec(-1e6f64..1e6, 2..80), size in 1usize..20, offset in -1e9f64..1e9
    ) {
        let values: Vec<f64> = values.iter().map(|v| v + offset).collect();
        let (found, wanted) = (by_bucket(&values, size), reference_sd(&values));
        prop_assert!(close(found.sd_samp().unwrap(), wanted, 1e-13));
        let sum: BigDecimal = values.iter().map(|v| exact(*v)).sum();
        prop_assert!(close(found.mean().unwrap(), ratio(&sum, &BigDecimal::from(values.len() as u64)), 1e-14));
    }

    #[test]
    fn any_split_gives_the_line_of_the_whole(
        pairs in proptest::collection::vec((0f64..1e5, -1e3f64..1e3), 2..60), size in 1usize..20
    ) {
        let tt: Vec<_> = pairs.iter().map(|p| (p.0, p.0)).collect();
        let (c, t) = (spread(&pairs), spread(&tt));
        prop_assume!(!t.is_zero());
        let found = pairs_by_bucket(&pairs, size).slope().unwrap();
        prop_assert!((found - ratio(&c, &t)).abs() <= 1e-12 * ratio(&c, &t).abs().max(1e-12));
    }
}
