use super::*;

/// Tables below write plain blanks and hyphens for the narrow space and the minus.
fn plain_text(text: &str) -> String {
    text.replace(NARROW_SPACE, " ").replace(MINUS, "-")
}

fn check(function: impl Fn(f64) -> String, table: &[(f64, &str)]) {
    for (number, wanted) in table {
        assert_eq!(plain_text(&function(*number)), *wanted, "{number}");
    }
}

#[test]
fn counts_are_in_full_below_ten_thousand_and_then_have_three_figures() {
    check(
        count,
        &[
            (0.0, "0"),
            (-0.0, "0"),
            (7.0, "7"),
            (9_950.0, "9 950"),
            (-9_950.0, "-9 950"),
            (10_000.0, "10.0 k"),
            (50_900.0, "50.9 k"),
            (344_123.0, "344 k"),
            (999_949.0, "1.00 M"),
            (1_240_000.0, "1.24 M"),
            (3.2e12, "3.20 T"),
            (1.5, "1.50"),
            (123.4, "123"),
            (-0.001, "0.00"),
            (f64::NAN, "–"),
        ],
    );
    check(
        grouped,
        &[
            (51_346.0, "51 346"),
            (1_234_567.0, "1 234 567"),
            (-100.0, "-100"),
            (999.0, "999"),
        ],
    );
}

#[test]
fn rates_have_two_decimals_below_ten_and_one_above() {
    check(
        percent,
        &[
            (0.83, "0.83 %"),
            (3.7, "3.70 %"),
            (11.83, "11.8 %"),
            (9.996, "10.0 %"),
            (99.96, "100 %"),
            (100.0, "100 %"),
            (0.0, "0 %"),
            (f64::INFINITY, "–"),
        ],
    );
}

#[test]
fn latencies_change_unit_at_a_second() {
    check(
        latency,
        &[
            (0.0, "0 ms"),
            (0.42, "0.42 ms"),
            (3.16, "3.2 ms"),
            (310.4, "310 ms"),
            (999.4, "999 ms"),
            (999.6, "1.0 s"),
            (1_900.0, "1.9 s"),
            (9_949.0, "9.9 s"),
            (12_300.0, "12 s"),
            (125_000.0, "2 min 5 s"),
        ],
    );
}

#[test]
fn sizes_are_decimal() {
    check(
        size,
        &[
            (850.0, "850 B"),
            (4_700_000.0, "4.7 MB"),
            (171_000_000.0, "171 MB"),
            (999_999.0, "1.0 MB"),
            (2.5e12, "2.5 TB"),
        ],
    );
}

#[test]
fn durations_have_their_two_largest_units() {
    check(
        duration,
        &[
            (0.04, "40 ms"),
            (1.24, "1.2 s"),
            (5.0, "5 s"),
            (49.0, "49 s"),
            (59.6, "1 min"),
            (71.0, "1 min 11 s"),
            (7_620.0, "2 h 07 min"),
            (3_599.7, "1 h 00 min"),
            (86_399.0, "1 d 00 h"),
            (100_000.0, "1 d 04 h"),
            (-71.0, "-1 min 11 s"),
        ],
    );
    check(age, &[(0.2, "0 s"), (2.4, "2 s"), (-3.0, "0 s"), (71.2, "1 min 11 s")]);
}

#[test]
fn changes_are_percent_and_from_half_as_much_again_a_factor() {
    for (now, then, wanted) in [
        (Some(104.0), Some(100.0), "+4 %"),
        (Some(99.0), Some(100.0), "-1 %"),
        (Some(149.0), Some(100.0), "+49 %"),
        (Some(190.0), Some(100.0), "×1.9"),
        (Some(1_200.0), Some(100.0), "×12"),
        (Some(100.2), Some(100.0), "±0 %"),
        (Some(0.0), Some(0.0), "±0 %"),
        (Some(3.0), Some(0.0), "new"),
        (Some(0.0), Some(8.0), "-100 %"),
        (None, Some(1.0), "–"),
        (Some(1.0), None, "–"),
    ] {
        assert_eq!(plain_text(&change(now, then)), wanted, "{now:?} {then:?}");
    }
}

#[test]
fn a_value_is_written_in_its_measures_unit() {
    for (number, unit, wanted) in [
        (Some(1_240_000.0), "", "1.24 M"),
        (Some(0.83), "%", "0.83 %"),
        (Some(1_900.0), "ms", "1.9 s"),
        (Some(0.31), "s", "310 ms"),
        (Some(171e6), "B", "171 MB"),
        (Some(21.0), "°C", "21 °C"),
        (None, "ms", "–"),
        (Some(f64::NAN), "", "–"),
    ] {
        assert_eq!(plain_text(&value(number, unit)), wanted);
    }
    assert_eq!(plain_text(&estimate("12 s")), "≈ 12 s");
}

#[test]
fn the_labels_of_an_axis_share_one_unit() {
    for (ticks, unit, wanted) in [
        (vec![0.0, 10_000.0, 20_000.0], "", "0|10 k|20 k"),
        (vec![0.0, 2_000.0, 4_000.0], "", "0|2 000|4 000"),
        (vec![0.0, 500_000.0, 1_000_000.0], "", "0|0.5 M|1 M"),
        (vec![0.0, 5.0, 10.0, 15.0], "%", "0|5 %|10 %|15 %"),
        (vec![0.0, 0.1, 0.2, 0.30000000000000004], "%", "0|0.1 %|0.2 %|0.3 %"),
        (vec![0.0, 1_000.0, 2_000.0], "ms", "0|1 s|2 s"),
        (vec![0.0, 200.0, 400.0], "ms", "0|200 ms|400 ms"),
        (vec![0.0, 2e6], "B", "0|2 MB"),
        (vec![0.0, 0.002, 0.004], "", "0|0.002|0.004"),
    ] {
        assert_eq!(plain_text(&axis_labels(&ticks, unit).join("|")), wanted);
    }
}
