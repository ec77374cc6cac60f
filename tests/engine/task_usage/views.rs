//! What a viewer sees: trends, the heatmap, live rows.

use std::collections::BTreeMap;

use chrono::{Datelike, Timelike};
use sqlx::AssertSqlSafe;
use tidemark_core::api::{Grain, ReadMode, State};

use super::{all_by, with_rows};
use crate::ask::question;
use crate::harness::at;
use crate::systems::TASK_USAGE;
use crate::truth::Question;

/// Zones at :45 and :30, one whose clocks change in the middle of the data, one where the date is another.
const ZONES: [chrono_tz::Tz; 5] = [
    chrono_tz::UTC,
    chrono_tz::Asia::Kathmandu,
    chrono_tz::America::New_York,
    chrono_tz::Australia::Adelaide,
    chrono_tz::Pacific::Kiritimati,
];

#[tokio::test]
async fn trends_by_each_dimension_by_day_week_and_month_in_the_viewers_zone() {
    let test = with_rows().await;
    for tz in ZONES {
        for grain in [Grain::Day, Grain::Week, Grain::Month] {
            for (at, dimension) in TASK_USAGE.dimensions.iter().enumerate() {
                let question = Question {
                    tz,
                    by: 1 << at,
                    ..all_by(grain)
                };
                let answer = question.check(&test, dimension).await;
                assert_eq!(
                    (answer.state, answer.live_buckets),
                    (State::Exact, 0),
                    "from the rollup"
                );
            }
        }
    }
}

/// The origin dated hours of UTC: in Kathmandu 00:15 belonged to the day before.
#[tokio::test]
async fn the_heatmap_is_hour_by_weekday_in_the_viewers_zone() {
    let test = with_rows().await;
    for tz in ZONES {
        let request = question(
            "task_usage",
            at("2026-02-01T00:00:00Z"),
            at("2026-04-01T00:00:00Z"),
            Grain::Hour,
            tz,
        );
        let answer = test.ask(&request).await;
        let mut told: BTreeMap<(i32, i32), i64> = BTreeMap::new();
        for row in &answer.rows {
            let start = row.bucket_start.with_timezone(&tz);
            let cell = (start.weekday().number_from_monday() as i32, start.hour() as i32);
            *told.entry(cell).or_default() += row.values["output_tokens"].as_i64().unwrap();
        }
        let raw: Vec<(i32, i32, i64)> = sqlx::query_as(AssertSqlSafe(format!(
            "select extract(isodow from l)::int, extract(hour from l)::int, sum(output_tokens)::bigint from (select created_at at time zone '{}' as l, output_tokens from task_usage) x group by 1, 2",
            tz.name()
        )))
        .fetch_all(test.pool())
        .await
        .unwrap();
        let raw: BTreeMap<(i32, i32), i64> = raw.into_iter().map(|(day, hour, sum)| ((day, hour), sum)).collect();
        assert_eq!(told, raw, "{tz}");
    }
}

/// Hazard 20: months are calendar months, never 30 days.
#[tokio::test]
async fn a_month_has_the_days_that_it_has() {
    let test = with_rows().await;
    let answer = all_by(Grain::Month).check(&test, "months").await;
    let mut lengths: Vec<i64> = answer
        .rows
        .iter()
        .map(|row| (row.bucket_end - row.bucket_start).num_days())
        .collect();
    lengths.dedup();
    assert_eq!(lengths, [28, 31], "February and March");
    let stored: Vec<String> =
        sqlx::query_scalar("select distinct bucket::text from tidemark.task_usage__month order by 1")
            .fetch_all(test.pool())
            .await
            .unwrap();
    assert_eq!(stored, ["2026-02-01 00:00:00+00", "2026-03-01 00:00:00+00"]);
}

#[tokio::test]
async fn live_rows_can_be_read_instead_of_the_rollup() {
    let test = with_rows().await;
    // Were the rollup read, this would show.
    test.sql("update tidemark.task_usage__day set output_tokens = -1; update tidemark.task_usage__15m set output_tokens = -1")
        .await;
    let question = all_by(Grain::Day);
    let truth = question.truth(&test).await;
    let live = question.ask(&test, ReadMode::Live).await;
    assert_eq!(live.state, State::Exact);
    question.assert_same(&test, &live, &truth, "live");
    let stored = question.ask(&test, ReadMode::Exact).await;
    assert_ne!(question.groups(&test, &stored), truth, "the rollup was tampered with");
    test.sql("select tidemark.tick('task_usage')").await;
    test.db.audit("task_usage", None, true).await.unwrap();
    super::exact(&test, "repaired").await;
}

/// The origin summed the hours' task counts: a task that reports in two hours was two. Here each counts once, over any
/// range and group; to what error it does so where there are very many is the distinct count's own test.
#[tokio::test]
async fn a_task_counts_once_over_any_range_and_group() {
    let test = with_rows().await;
    let hours: i64 = test
        .one("select sum(task_count)::bigint from tidemark.task_usage_hourly")
        .await;
    let tasks: i64 = test.one("select count(distinct task_id) from task_usage").await;
    assert!(
        hours > 2 * tasks,
        "summed over hours it is too many: {hours} for {tasks}"
    );
    for grain in [Grain::Total, Grain::Month, Grain::Week, Grain::Day, Grain::Hour] {
        for by in [0, 1, 16] {
            Question { by, ..all_by(grain) }.check(&test, "each once").await;
        }
    }
    let total = Question {
        by: 0,
        ..all_by(Grain::Total)
    };
    let answer = total.ask(&test, ReadMode::Exact).await;
    assert_eq!(answer.rows[0].values["task_count"], tasks);
}
