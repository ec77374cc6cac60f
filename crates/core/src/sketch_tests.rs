use super::*;
use proptest::prelude::*;

/// As Postgres: the value at rank ceil(q·n), at least 1.
fn percentile_disc(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
    sorted[rank - 1]
}

fn range(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), v| {
        (min.min(*v), max.max(*v))
    })
}

fn assert_within_one_percent(values: &[f64]) {
    let (sketch, (min, max)) = (values.iter().copied().collect::<Sketch>(), range(values));
    assert_eq!(sketch.count(), values.len() as u64);
    for q in [0.0, 0.001, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
        let (exact, estimate) = (percentile_disc(values, q), sketch.quantile(q, min, max).unwrap());
        assert!(
            (estimate - exact).abs() <= exact.abs() * 0.010_000_1,
            "q {q}: {estimate} for {exact}"
        );
    }
}

/// A small generator of our own: the same numbers on every run.
fn uniform(count: usize) -> Vec<f64> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    (0..count).map(|_| next()).collect()
}

#[test]
fn the_logarithm_is_that_of_gamma() {
    assert_eq!(LN_GAMMA, GAMMA.ln());
}

#[test]
fn heavy_tails_stay_within_one_percent() {
    let pareto: Vec<f64> = uniform(20_000)
        .into_iter()
        .map(|u| 3.0 / (1.0 - u).powf(1.0 / 1.05))
        .collect();
    assert_within_one_percent(&pareto);
    let lognormal: Vec<f64> = uniform(20_000)
        .chunks(2)
        .map(|u| (5.7 + 1.4 * (-2.0 * (1.0 - u[0]).ln()).sqrt() * (std::f64::consts::TAU * u[1]).cos()).exp())
        .collect();
    assert_within_one_percent(&lognormal);
}

#[test]
fn constants_and_one_value_come_back_exactly() {
    for value in [0.0, 17.3, -4.0, 5e-324, f64::MAX, f64::MIN] {
        let sketch: Sketch = [value; 9].into_iter().collect();
        assert_eq!(sketch.quantile(0.99, value, value), Some(value));
        let one: Sketch = [value].into_iter().collect();
        assert_eq!(one.quantile(0.5, value, value), Some(value));
    }
}

#[test]
fn zeros_and_negatives_have_their_places() {
    let values: Vec<f64> = uniform(5_000)
        .into_iter()
        .map(|u| (u * 200.0 - 100.0).round() / 10.0)
        .collect();
    assert!(values.contains(&0.0));
    assert_within_one_percent(&values);
    let keys: Vec<i32> = [-1e9, -1.0, -1e-9, 0.0, 1e-9, 1.0, 1e9]
        .into_iter()
        .filter_map(key_of)
        .collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
}

#[test]
fn the_rank_is_that_of_percentile_disc() {
    let sketch: Sketch = [1.0, 10.0, 100.0, 1000.0].into_iter().collect();
    for (q, about) in [
        (0.0, 1.0),
        (0.25, 1.0),
        (0.2501, 10.0),
        (0.5, 10.0),
        (0.75, 100.0),
        (0.751, 1000.0),
        (1.0, 1000.0),
    ] {
        let estimate = sketch.quantile(q, 1.0, 1000.0).unwrap();
        assert!((estimate / about - 1.0).abs() <= 0.0101, "q {q}: {estimate}");
    }
    assert_eq!(Sketch::default().quantile(0.5, 0.0, 0.0), None);
}

#[test]
fn stored_bytes_are_big_endian_keys_and_counts() {
    let mut sketch: Sketch = [1.0, 1.0, 0.0, -1.0].into_iter().collect();
    let expected = [(-65_536i64 << 45) | 1, 1, (65_536i64 << 45) | 2];
    assert_eq!(sketch.encode(), expected.map(i64::to_be_bytes).concat());
    assert_eq!(Sketch::decode(&sketch.encode()), Ok(sketch.clone()));
    sketch.insert(f64::NAN);
    sketch.insert(f64::INFINITY);
    assert_eq!(sketch.count(), 4);
    assert_eq!(Sketch::decode(&[]), Ok(Sketch::default()));
}

#[test]
fn bytes_that_are_no_sketch_are_refused_and_change_nothing() {
    let good: Sketch = [1.0, 2.0].into_iter().collect();
    let bytes = good.encode();
    assert_eq!(Sketch::decode(&bytes[..9]), Err(SketchError::Length(9)));
    let swapped = [&bytes[8..], &bytes[..8]].concat();
    assert_eq!(Sketch::decode(&swapped), Err(SketchError::Order(1)));
    let mut sketch = good.clone();
    assert_eq!(sketch.add_bytes(&swapped), Err(SketchError::Order(1)));
    assert_eq!(sketch, good);
}

#[test]
fn infinite_extremes_leave_no_nan() {
    let sketch: Sketch = [f64::MAX].into_iter().collect();
    let estimate = sketch.quantile(0.5, f64::NEG_INFINITY, f64::INFINITY).unwrap();
    assert!(!estimate.is_nan());
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -1e6f64..1e6,
        2 => Just(0.0),
        4 => (-300i32..300, -1.0f64..1.0).prop_map(|(power, digits)| digits * 10f64.powi(power)),
    ]
}

proptest! {
    #[test]
    fn any_values_stay_within_one_percent(values in proptest::collection::vec(any_value(), 1..300)) {
        assert_within_one_percent(&values);
    }

    #[test]
    fn merging_parts_gives_the_whole(parts in proptest::collection::vec(proptest::collection::vec(any_value(), 0..60), 0..12)) {
        let whole: Sketch = parts.iter().flatten().copied().collect();
        let (mut merged, mut bytes, mut single) = (Sketch::default(), Sketch::default(), Sketch::default());
        let (mut held, mut held_together) = (Held::of(&[]).unwrap(), Held::of(&[]).unwrap());
        for part in &parts {
            let sketch: Sketch = part.iter().copied().collect();
            merged.merge(&sketch);
            bytes.add_bytes(&sketch.encode()).unwrap();
            held.add_bytes(&sketch.encode()).unwrap();
            held_together.add(&held);
            part.iter().for_each(|value| single.insert(*value));
        }
        prop_assert_eq!(&merged, &whole);
        prop_assert_eq!(&bytes, &whole);
        // As often as there were parts when it came and after.
        let often: Sketch = (0..parts.len()).flat_map(|at| parts[..=at].iter().flatten().copied()).collect();
        for q in [0.0, 0.001, 0.3, 0.5, 0.9, 0.999, 1.0] {
            let quantile = |held: &Held| held.quantile(q, f64::NEG_INFINITY, f64::INFINITY);
            prop_assert_eq!(quantile(&held), whole.quantile(q, f64::NEG_INFINITY, f64::INFINITY));
            prop_assert_eq!(quantile(&held_together), often.quantile(q, f64::NEG_INFINITY, f64::INFINITY));
        }
        prop_assert_eq!(&single, &whole);
    }
}

#[test]
fn what_a_reader_holds_is_the_sketch_of_all_values_from_either_end() {
    let parts: Vec<Vec<f64>> = vec![
        vec![-3.0, 0.0, 0.5, 2.0, 2.0, 900.0],
        vec![],
        vec![-40.0, 1.0, 7.0, 12_345.0],
        vec![0.0, 0.0, 3.0],
    ];
    let mut held = Held::of(&Sketch::from_iter(parts[0].iter().copied()).encode()).unwrap();
    let mut together: Vec<f64> = parts[0].clone();
    for part in &parts {
        let whole = Sketch::from_iter(together.iter().copied());
        let (min, max) = (
            together.iter().copied().fold(f64::MAX, f64::min),
            together.iter().copied().fold(f64::MIN, f64::max),
        );
        for q in [0.0, 0.01, 0.25, 0.5, 0.51, 0.75, 0.99, 1.0] {
            // By the definition: the bin of the value at that rank.
            let mut sorted = together.clone();
            sorted.sort_by(f64::total_cmp);
            let rank = ((q * sorted.len() as f64).ceil() as usize).max(1);
            let expected = value_of(key_of(sorted[rank - 1]).unwrap()).max(min).min(max);
            assert_eq!(held.quantile(q, min, max), Some(expected), "{q} of {together:?}");
            assert_eq!(whole.quantile(q, min, max), Some(expected));
        }
        held.add_bytes(&Sketch::from_iter(part.iter().copied()).encode())
            .unwrap();
        together.extend(part);
    }
    let before = held.quantile(0.5, -100.0, 20_000.0);
    assert_eq!(held.add_bytes(&[1, 2, 3]), Err(SketchError::Length(3)));
    assert_eq!(held.quantile(0.5, -100.0, 20_000.0), before);
    assert_eq!(Held::of(&[]).unwrap().quantile(0.5, 0.0, 1.0), None);
}
