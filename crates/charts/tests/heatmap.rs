//! A heatmap in a report: which hour has which colour, and what else an hour can look like.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "sample/cells.rs"]
mod cells;
mod sample;

use cells::cells;
use sample::{answer, answers, berlin, label, overview, report};
use tidemark_charts::{Format, Label, Theme, render, report_html};
use tidemark_core::api::{Grain, Limits, ReportAnswer, State};
use tidemark_core::board_spec::{PanelKind, PanelWidth};

/// The heatmap alone, over the whole width.
fn heatmap(report: &ReportAnswer, label: &Label) -> String {
    let mut board = overview();
    board.tiles.clear();
    board.panels.retain(|panel| panel.kind == PanelKind::Heatmap);
    board.panels[0].width = PanelWidth::Full;
    String::from_utf8(render(report, &board, label, Theme::Light, Format::Svg).unwrap()).unwrap()
}

/// Lines of one colour, of which hatches and outlines are made.
fn lines<'a>(svg: &'a str, stroke: &str) -> Vec<&'a str> {
    let of_it = |line: &&str| line.starts_with("<polyline ") && line.contains(stroke);
    svg.lines().filter(of_it).collect()
}

const LEAST: &str = "#EEF6FA";
const MOST: &str = "#347798";

#[test]
fn a_heatmap_colours_each_hour_by_its_part_of_the_most() {
    let mut report = berlin();
    let week = report.week.as_mut().unwrap();
    // Nothing until three, then one more every three hours: seven from nine in the evening.
    let values = week.buckets.iter_mut().map(|bucket| {
        bucket.state = State::Exact;
        let hour: f64 = bucket.start[11..13].parse().unwrap();
        Some((hour / 3.0).floor())
    });
    week.overall.columns[0] = values.collect();
    // What is not whole yet does not make the others pale.
    *week.overall.columns[0].last_mut().unwrap() = Some(1e9);
    let svg = heatmap(&report, &label());
    for words in [
        "requests per hour, last 7 days",
        ">7<",
        "Tue 20 Oct",
        "Mon 26 Oct",
        "DEMO DATA",
        "as of 26 Oct 2026",
    ] {
        assert!(svg.contains(words), "{words} is missing");
    }
    let most: Vec<_> = (0..6)
        .flat_map(|day| (21..24).map(move |hour| (day, f64::from(hour), 1.0)))
        .collect();
    assert_eq!(cells(&svg, MOST), most);
    let least = cells(&svg, LEAST);
    assert_eq!(least.len(), 7 * 6 + 1, "{least:?}");
    // The night of 25 October has two hours from 2 to 3.
    let twice = [(5, 2.0, 0.5), (5, 2.5, 0.5)];
    assert!(
        twice.iter().all(|half| least.contains(half)) && svg.contains("25\u{202f}h"),
        "{least:?}"
    );
}

#[test]
fn the_hour_that_the_clocks_leave_out_has_no_cell() {
    let names = [Some("openai")];
    let tz = chrono_tz::Europe::Berlin;
    let mut report = report(answer(
        "2026-03-29T13:30:00Z",
        15,
        96,
        "2026-03-30T13:22:06Z",
        tz,
        &names,
    ));
    report.week.as_mut().unwrap().overall.columns[0].fill(Some(0.0));
    let svg = heatmap(&report, &label());
    let night: Vec<f64> = cells(&svg, LEAST)
        .iter()
        .filter(|cell| cell.0 == 5 && cell.1 < 5.0)
        .map(|cell| cell.1)
        .collect();
    assert_eq!(night, [0.0, 1.0, 3.0, 4.0]);
    assert!(svg.contains("23\u{202f}h"));
}

#[test]
fn hours_that_wait_that_are_cut_that_are_missing_and_that_are_zero_look_unlike() {
    let [pending, partial, missing] = ["#6A4FB8", "#5194B6", "#CBD3D8"];
    let mut report = berlin();
    let svg = heatmap(&report, &label());
    assert!(!lines(&svg, pending).is_empty() && !lines(&svg, partial).is_empty());
    assert_eq!(lines(&svg, missing).len(), 3);
    assert!(
        cells(&svg, LEAST).contains(&(1, 0.0, 1.0)),
        "midnight of Wednesday has none"
    );
    let week = report.week.as_mut().unwrap();
    for bucket in &mut week.buckets {
        (bucket.state, bucket.partial) = (State::Exact, false);
    }
    week.overall.columns[0].fill(Some(1.0));
    let svg = heatmap(&report, &label());
    assert!(
        [pending, partial, missing]
            .iter()
            .all(|ink| lines(&svg, ink).is_empty())
    );
    assert_eq!(cells(&svg, MOST).len(), 160);
}

#[test]
fn hours_above_the_viewers_limit_are_outlined() {
    const BAD: &str = "#C0271F";
    let report = berlin();
    let svg = heatmap(&report, &label());
    // From 6 to 15 on Monday, and the key.
    let outlines = lines(&svg, BAD);
    assert_eq!(outlines.len(), 2);
    assert!(outlines[1].contains("4035,2509 8355,2509"), "{}", outlines[1]);
    assert!(svg.contains("error rate over 2\u{202f}%"));
    for limits in [
        Limits {
            error_rate_percent: 50.0,
            ..Limits::default()
        },
        Limits {
            min_samples: 1_000_000,
            ..Limits::default()
        },
    ] {
        let svg = heatmap(&report, &Label { limits, ..label() });
        assert!(lines(&svg, BAD).is_empty() && !svg.contains("error rate over"));
    }
}

#[test]
fn a_report_is_as_exact_as_its_heatmap() {
    let mut report = berlin();
    for answer in answers(&mut report) {
        (answer.state, answer.pending_buckets) = (State::Exact, 0);
    }
    let page = report_html(&report, &overview(), &label()).unwrap();
    assert!(page.contains("<b>Exact</b>") && page.contains("Every number equals the raw rows"));
    let week = report.week.as_mut().unwrap();
    (week.state, week.pending_buckets) = (State::Pending, 9);
    let page = report_html(&report, &overview(), &label()).unwrap();
    assert!(page.contains("<b>Pending</b>") && page.contains("9 buckets of the last 7 days wait for a tick"));
    assert!(page.contains("Dashed or violet: waits for a tick") && !page.contains("Every number equals"));
}

#[test]
fn a_heatmap_of_a_rollup_without_hours_says_so() {
    let mut report = berlin();
    report.week = None;
    report.board.base_grain = Grain::Day;
    assert!(heatmap(&report, &label()).contains("the finest buckets of ops_metrics are of a day"));
}
