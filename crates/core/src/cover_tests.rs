use super::*;
use crate::api::WeekStart;
use crate::zone::viewer_buckets;
use chrono::TimeDelta;
use chrono_tz::Europe;
use proptest::prelude::*;
use std::collections::HashMap;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn always(grains: &[Grain]) -> Vec<Level> {
    grains
        .iter()
        .map(|grain| Level {
            grain: *grain,
            from: None,
        })
        .collect()
}

fn one(from: DateTime<Utc>, to: DateTime<Utc>, levels: &[Level]) -> Vec<Piece> {
    cover(&[ViewerBucket { start: from, end: to }], (from, to), levels)
}

fn shape(pieces: &[Piece], levels: &[Level]) -> Vec<(&'static str, String, String)> {
    let time = |at: DateTime<Utc>| at.format("%m-%d %H:%M").to_string();
    pieces
        .iter()
        .map(|piece| {
            (
                piece.level.map_or("raw", |level| levels[level].grain.name()),
                time(piece.start),
                time(piece.end),
            )
        })
        .collect()
}

fn told(name: &'static str, from: &str, to: &str) -> (&'static str, String, String) {
    (name, from.into(), to.into())
}

#[test]
fn a_range_is_days_inside_and_quarters_at_the_edges() {
    let levels = always(&[Grain::QuarterHour, Grain::Hour, Grain::Day]);
    let pieces = one(at("2026-03-01T22:45:00Z"), at("2026-03-04T01:15:00Z"), &levels);
    assert_eq!(
        shape(&pieces, &levels),
        [
            told("15m", "03-01 22:45", "03-01 23:00"),
            told("hour", "03-01 23:00", "03-02 00:00"),
            told("day", "03-02 00:00", "03-04 00:00"),
            told("hour", "03-04 00:00", "03-04 01:00"),
            told("15m", "03-04 01:00", "03-04 01:15"),
        ]
    );
}

#[test]
fn a_berlin_day_is_one_run_of_hours() {
    let levels = always(&[Grain::QuarterHour, Grain::Hour, Grain::Day]);
    let (from, to) = (at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z"));
    let cuts = viewer_buckets(from, to, Grain::Day, Europe::Berlin, WeekStart::Monday);
    let pieces = cover(&cuts, (from, to), &levels);
    assert_eq!(shape(&pieces, &levels), [told("hour", "10-24 22:00", "10-25 23:00")]);
}

#[test]
fn eight_weeks_are_weeks_though_a_month_would_fit_inside() {
    let levels = always(&[Grain::Day, Grain::Week, Grain::Month]);
    let from = at("2026-03-23T00:00:00Z");
    let pieces = one(from, from + TimeDelta::days(56), &levels);
    assert_eq!(shape(&pieces, &levels), [told("week", "03-23 00:00", "05-18 00:00")]);
    let months = one(at("2026-03-01T00:00:00Z"), at("2026-05-01T00:00:00Z"), &levels);
    assert_eq!(shape(&months, &levels), [told("month", "03-01 00:00", "05-01 00:00")]);
}

#[test]
fn a_month_is_taken_though_a_week_begins_before_it() {
    // Weeks first would be four weeks and three days.
    let levels = always(&[Grain::Day, Grain::Week, Grain::Month]);
    let pieces = one(at("2024-01-29T00:00:00Z"), at("2024-03-01T00:00:00Z"), &levels);
    assert_eq!(
        shape(&pieces, &levels),
        [
            told("day", "01-29 00:00", "02-01 00:00"),
            told("month", "02-01 00:00", "03-01 00:00")
        ]
    );
}

#[test]
fn only_raw_rows_answer_where_the_fine_level_is_no_longer_kept() {
    let mut levels = always(&[Grain::Minute, Grain::QuarterHour]);
    levels[0].from = Some(at("2026-03-02T00:00:00Z"));
    let old = one(at("2026-03-01T00:05:00Z"), at("2026-03-01T00:50:00Z"), &levels);
    assert_eq!(
        shape(&old, &levels),
        [
            told("raw", "03-01 00:05", "03-01 00:15"),
            told("15m", "03-01 00:15", "03-01 00:45"),
            told("raw", "03-01 00:45", "03-01 00:50"),
        ]
    );
    let new = one(at("2026-03-02T00:05:00Z"), at("2026-03-02T00:30:00Z"), &levels);
    assert_eq!(
        shape(&new, &levels),
        [
            told("1m", "03-02 00:05", "03-02 00:15"),
            told("15m", "03-02 00:15", "03-02 00:30")
        ]
    );
}

#[test]
fn an_edge_finer_than_every_level_is_raw_and_no_level_at_all_too() {
    let levels = always(&[Grain::Hour]);
    let pieces = one(at("2026-03-01T00:30:00Z"), at("2026-03-01T02:10:30Z"), &levels);
    assert_eq!(
        shape(&pieces, &levels),
        [
            told("raw", "03-01 00:30", "03-01 01:00"),
            told("hour", "03-01 01:00", "03-01 02:00"),
            told("raw", "03-01 02:00", "03-01 02:10"),
        ]
    );
    assert_eq!(
        one(at("2026-03-01T00:30:00Z"), at("2026-03-03T00:00:00Z"), &[]).len(),
        1
    );
}

/// The least raw seconds, and then buckets, by trying everything.
fn brute(at: DateTime<Utc>, end: DateTime<Utc>, levels: &[Level], known: &mut HashMap<i64, (i64, u64)>) -> (i64, u64) {
    if at >= end {
        return (0, 0);
    }
    if let Some(found) = known.get(&at.timestamp()) {
        return *found;
    }
    // Raw rows up to the next place where a bucket of any level could start: weeks and months don't share theirs.
    let stop = levels
        .iter()
        .map(|level| level.grain.utc_next(at))
        .min()
        .unwrap_or(end)
        .min(end);
    let rest = brute(stop, end, levels, known);
    let mut best = (rest.0 + (stop - at).num_seconds(), rest.1);
    for level in levels {
        if let Some(next) = fits(level, at, end) {
            let rest = brute(next, end, levels, known);
            best = best.min((rest.0, rest.1 + 1));
        }
    }
    known.insert(at.timestamp(), best);
    best
}

fn cost(pieces: &[Piece], levels: &[Level]) -> (i64, u64) {
    pieces.iter().fold((0, 0), |(raw, buckets), piece| match piece.level {
        None => (raw + (piece.end - piece.start).num_seconds(), buckets),
        Some(level) => (raw, buckets + levels[level].grain.utc_count(piece.start, piece.end)),
    })
}

fn some_levels() -> impl Strategy<Value = Vec<Level>> {
    let grains = [Grain::Hour, Grain::Day, Grain::Week, Grain::Month, Grain::Year];
    proptest::collection::vec(
        (
            proptest::bool::weighted(0.75),
            proptest::option::weighted(0.25, 0i64..120),
        ),
        grains.len(),
    )
    .prop_map(move |picks| {
        let base = at("2026-01-01T00:00:00Z");
        let mut levels: Vec<Level> = grains
            .iter()
            .zip(picks)
            .filter(|(_, (keep, _))| *keep)
            .map(|(grain, (_, days))| Level {
                grain: *grain,
                from: days.map(|days| base + TimeDelta::days(days)),
            })
            .collect();
        if levels.is_empty() {
            levels = always(&[Grain::Hour, Grain::Week, Grain::Month]);
        }
        levels
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn covers_tile_are_aligned_and_are_the_fewest(
        start in 0i64..3_000, length in 1i64..2_500, levels in some_levels(), by in 4usize..9
    ) {
        let from = at("2026-01-01T00:00:00Z") + TimeDelta::hours(start);
        let to = from + TimeDelta::hours(length);
        let cuts = viewer_buckets(from, to, Grain::ALL[by], Europe::Berlin, WeekStart::Monday);
        let pieces = cover(&cuts, (from, to), &levels);
        // Tiles the range, inside the buckets.
        let mut reached = from;
        for piece in &pieces {
            prop_assert_eq!(piece.start, reached);
            prop_assert!(piece.start < piece.end);
            let cut = cuts[piece.bucket];
            prop_assert!(cut.start <= piece.start && piece.end <= cut.end);
            if let Some(level) = piece.level {
                prop_assert!(levels[level].grain.starts_at(piece.start) && levels[level].grain.starts_at(piece.end));
                prop_assert!(levels[level].from.is_none_or(|complete| complete <= piece.start));
            }
            reached = piece.end;
        }
        prop_assert_eq!(reached, to);
        // The fewest in each bucket, and runs are joined.
        for (index, cut) in cuts.iter().enumerate() {
            let own: Vec<Piece> = pieces.iter().copied().filter(|piece| piece.bucket == index).collect();
            prop_assert!(own.windows(2).all(|pair| pair[0].level != pair[1].level));
            let least = brute(cut.start.max(from), cut.end.min(to), &levels, &mut HashMap::new());
            prop_assert_eq!(cost(&own, &levels), least);
        }
    }

    #[test]
    fn nested_levels_down_to_the_minute_are_covered_with_the_fewest(start in 0i64..50_000, length in 1i64..4_000, kept in 0i64..50_000) {
        let base = at("2026-01-30T00:00:00Z");
        let from = base + TimeDelta::minutes(start);
        let mut levels = always(&[Grain::Minute, Grain::FiveMinutes, Grain::QuarterHour, Grain::Hour, Grain::Day]);
        levels[0].from = Some(base + TimeDelta::minutes(kept));
        let pieces = one(from, from + TimeDelta::minutes(length), &levels);
        let least = brute(from, from + TimeDelta::minutes(length), &levels, &mut HashMap::new());
        prop_assert_eq!(cost(&pieces, &levels), least);
    }
}
