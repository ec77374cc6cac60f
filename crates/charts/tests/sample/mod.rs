//! A made-up answer with every kind of bucket in it, like the one in the design's pictures.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use tidemark_charts::Label;
use tidemark_core::api::*;
use tidemark_core::board_spec::*;

pub const EVIL: &str = "<img src=x onerror=alert(1)>";

const MEASURES: [(&str, &str, &str, bool); 12] = [
    ("request_count", "", "requests", true),
    ("success_count", "", "success", true),
    ("error_count", "", "errors", true),
    ("outcome_other_count", "", "other", true),
    ("outcome_4xx_count", "", "4xx", true),
    ("outcome_timeout_count", "", "timeout", true),
    ("outcome_5xx_count", "", "5xx", true),
    ("error_rate", "%", "error rate", false),
    ("p50_latency_ms", "ms", "p50", false),
    ("p95_latency_ms", "ms", "p95", false),
    ("p99_latency_ms", "ms", "p99", false),
    ("avg_latency_ms", "ms", "mean", false),
];

/// What an hour of the day and an incident do to a group of a size.
fn row(at: DateTime<Utc>, size: f64, failing: bool, noise: f64) -> Vec<Option<f64>> {
    let hour = f64::from(at.hour()) + f64::from(at.minute()) / 60.0;
    let busy = 0.55 + 0.45 * ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin();
    let requests = (size * busy * (1.0 + 0.02 * noise)).round();
    let rate = if failing {
        0.115 + 0.01 * noise
    } else {
        0.004 + 0.001 * noise
    };
    let errors = (requests * rate).round();
    let slow = if failing { 1.6 } else { 1.0 };
    let (four, timeout, other) = (
        (errors * 0.25).round(),
        (errors * 0.08).round(),
        (errors * 0.03).round(),
    );
    vec![
        Some(requests),
        Some(requests - errors),
        Some(errors),
        Some(other),
        Some(four),
        Some(timeout),
        Some(errors - four - timeout - other),
        (requests > 0.0).then(|| errors / requests * 100.0),
        (requests > 0.0).then_some(310.0 + 10.0 * noise),
        (requests > 0.0).then_some((1080.0 + 40.0 * noise) * slow),
        (requests > 0.0).then_some((1750.0 + 60.0 * noise) * slow),
        (requests > 0.0).then_some(420.0),
    ]
}

fn noise(a: usize, b: usize) -> f64 {
    let x = ((a * 7919 + b * 104_729 + 13) % 1000) as f64 / 500.0 - 1.0;
    x * x * x
}

/// A board over `[from, to)` in buckets of `minutes`, seen at `now`.
/// Six buckets are frozen, five wait, three have no data, one has counts of zero, the last is partial.
pub fn answer(from: &str, minutes: i64, count: usize, now: &str, tz: Tz, names: &[Option<&str>]) -> BoardAnswer {
    let from: DateTime<Utc> = from.parse().unwrap();
    let now: DateTime<Utc> = now.parse().unwrap();
    let step = TimeDelta::minutes(minutes);
    let ms = |at: DateTime<Utc>| at.timestamp_millis() as f64;
    let starts: Vec<DateTime<Utc>> = (0..count).map(|i| from + step * i as i32).collect();
    let buckets: Vec<BoardBucket> = starts
        .iter()
        .enumerate()
        .map(|(i, start)| BoardBucket {
            start_ms: ms(*start),
            end_ms: ms(*start + step),
            start: start.with_timezone(&tz).to_rfc3339(),
            end: (*start + step).with_timezone(&tz).to_rfc3339(),
            state: match i {
                0..6 => State::Frozen,
                40..45 => State::Pending,
                _ => State::Exact,
            },
            partial: *start <= now && now < *start + step,
            odd_hours: None,
        })
        .collect();
    let series = |key: Option<&str>, size: f64, g: usize| {
        let rows: Vec<Vec<Option<f64>>> = starts
            .iter()
            .enumerate()
            .map(|(i, at)| {
                if (20..23).contains(&i) || *at > now {
                    return vec![None; MEASURES.len()];
                }
                let part = if buckets[i].partial { 0.45 } else { 1.0 };
                let size = if i == 24 { 0.0 } else { size };
                row(*at, size * part, key == Some("openai") && i + 9 >= count, noise(i, g))
            })
            .collect();
        BoardSeries {
            key: key.map(str::to_owned),
            columns: (0..MEASURES.len())
                .map(|m| rows.iter().map(|row| row[m]).collect())
                .collect(),
            total: (0..MEASURES.len())
                .map(|m| {
                    let all: Vec<f64> = rows.iter().filter_map(|row| row[m]).collect();
                    let sum: f64 = all.iter().sum();
                    (!all.is_empty()).then(|| if MEASURES[m].3 { sum } else { sum / all.len() as f64 })
                })
                .collect(),
        }
    };
    let groups: Vec<BoardSeries> = names
        .iter()
        .enumerate()
        .map(|(g, name)| series(*name, 9500.0 / (1.0 + g as f64), g))
        .collect();
    let size: f64 = (0..names.len()).map(|g| 9500.0 / (1.0 + g as f64)).sum();
    let to = from + step * count as i32;
    BoardAnswer {
        rollup: "ops_metrics".to_owned(),
        tz: tz.name().to_owned(),
        grain: if minutes == 15 { Grain::QuarterHour } else { Grain::Hour },
        base_grain: Grain::Minute,
        grains: vec![Grain::QuarterHour, Grain::Hour],
        from_ms: ms(from),
        to_ms: ms(to),
        as_of_ms: ms(now),
        state: State::Pending,
        pending_buckets: 75,
        pending_reason: None,
        live_buckets: 1,
        rollup_buckets: 95,
        took_ms: 38.0,
        watermark_ms: Some(ms(now)),
        complete_through_ms: Some(ms(now) - (ms(now) - ms(from)) % (minutes as f64 * 60_000.0)),
        measures: MEASURES
            .iter()
            .map(|(name, unit, label, additive)| MeasureInfo {
                name: (*name).to_owned(),
                unit: (*unit).to_owned(),
                label: (*label).to_owned(),
                additive: *additive,
            })
            .collect(),
        ticks: tidemark_core::axis::time_ticks(from, to, tz, 600.0),
        by: Some("platform".to_owned()),
        groupings: vec![],
        overall: series(None, size, 99),
        groups,
        buckets,
        compare: None,
    }
}

/// The board with the last seven days of its groups, hour by hour.
pub fn report(board: BoardAnswer) -> ReportAnswer {
    let tz: Tz = board.tz.parse().unwrap();
    let now = DateTime::from_timestamp_millis(board.as_of_ms as i64).unwrap();
    let first = now.with_timezone(&tz).date_naive() - Days::new(6);
    let from = first.and_time(NaiveTime::MIN).and_local_timezone(tz).unwrap();
    let hours = (now - from.to_utc()).num_hours() as usize + 1;
    let names: Vec<Option<&str>> = board.groups.iter().map(|group| group.key.as_deref()).collect();
    let week = answer(&from.to_rfc3339(), 60, hours, &now.to_rfc3339(), tz, &names);
    ReportAnswer {
        week: Some(week),
        board,
    }
}

/// The board's answer, and the week's.
pub fn answers(report: &mut ReportAnswer) -> impl Iterator<Item = &mut BoardAnswer> {
    [&mut report.board].into_iter().chain(&mut report.week)
}

pub fn label() -> Label {
    Label {
        connection: "prod-eu".to_owned(),
        demo: true,
        ..Label::default()
    }
}

/// The Overview as `rollups/ops_metrics.toml` declares it.
pub fn overview() -> Board {
    let panel = |title: &str, kind, measures: &[&str]| BoardPanel {
        title: title.to_owned(),
        kind,
        subtitle: None,
        measures: measures.iter().map(|m| (*m).to_owned()).collect(),
        lane: vec![],
        lane_label: None,
        split: false,
        by: None,
        filter: Where::default(),
        palette: Palette::Names,
        counts: None,
        columns: vec![],
        width: PanelWidth::Half,
    };
    let tile = |measure: &str, label: &str| BoardTile {
        measure: measure.to_owned(),
        label: Some(label.to_owned()),
        good: Some(Direction::Down),
    };
    let column = |measure: &str, label: &str, show, leaves| BoardColumn {
        measure: measure.to_owned(),
        label: Some(label.to_owned()),
        show,
        leaves,
    };
    let stack = [
        "success_count",
        "outcome_other_count",
        "outcome_4xx_count",
        "outcome_timeout_count",
        "outcome_5xx_count",
    ];
    Board {
        title: "Overview".to_owned(),
        by: Some("platform".to_owned()),
        by_label: Some("Platform".to_owned()),
        by_plural: Some("Platforms".to_owned()),
        tiles: vec![
            tile("request_count", "Requests"),
            tile("error_rate", "Error rate"),
            tile("p99_latency_ms", "p99"),
            tile("p50_latency_ms", "p50"),
            tile("outcome_timeout_count", "Timeouts"),
        ],
        panels: vec![
            BoardPanel {
                lane: stack[1..].iter().map(|m| (*m).to_owned()).collect(),
                lane_label: Some("failures alone, own scale".to_owned()),
                palette: Palette::Outcomes,
                ..panel("Requests", PanelKind::Stack, &stack)
            },
            BoardPanel {
                split: true,
                ..panel("Error rate by platform", PanelKind::Lines, &["error_rate"])
            },
            BoardPanel {
                subtitle: Some("successes".to_owned()),
                palette: Palette::Ordered,
                ..panel(
                    "Latency",
                    PanelKind::Lines,
                    &["p50_latency_ms", "p95_latency_ms", "p99_latency_ms"],
                )
            },
            panel("Hour × weekday", PanelKind::Heatmap, &["request_count"]),
            BoardPanel {
                width: PanelWidth::Full,
                columns: vec![
                    column("request_count", "Requests", ColumnShow::Total, None),
                    column("request_count", "Share", ColumnShow::Share, Some(1)),
                    column("request_count", "", ColumnShow::Change, None),
                    column("error_count", "Errors", ColumnShow::Total, None),
                    column("outcome_4xx_count", "4xx", ColumnShow::Total, Some(2)),
                    column("outcome_5xx_count", "5xx", ColumnShow::Total, None),
                    column("outcome_timeout_count", "Timeouts", ColumnShow::Total, Some(3)),
                    column("error_rate", "Rate", ColumnShow::Total, None),
                    column("error_rate", "Latest", ColumnShow::Latest, None),
                    column("p50_latency_ms", "p50", ColumnShow::Total, None),
                    column("p95_latency_ms", "p95", ColumnShow::Total, Some(4)),
                    column("p99_latency_ms", "p99", ColumnShow::Total, None),
                    column("request_count", "Requests", ColumnShow::Spark, Some(5)),
                    column("error_rate", "Error rate", ColumnShow::Spark, None),
                ],
                ..panel("Platforms", PanelKind::Table, &[])
            },
        ],
        rules: vec![BoardRule {
            measure: "error_rate".to_owned(),
            watch: Watch::ErrorRate,
            samples: "request_count".to_owned(),
            counts: None,
            parts: vec![],
        }],
    }
}

/// A day in Berlin with an incident at its end, seven minutes into the last quarter hour.
pub fn berlin() -> ReportAnswer {
    let names = [
        Some("anthropic"),
        Some("openai"),
        Some("gemini"),
        Some("bedrock"),
        Some("azure"),
        Some(""),
        Some(EVIL),
    ];
    report(answer(
        "2026-10-25T13:30:00Z",
        15,
        96,
        "2026-10-26T13:22:06Z",
        chrono_tz::Europe::Berlin,
        &names,
    ))
}
