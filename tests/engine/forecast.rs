//! `forecast_accuracy` (systems.md, section 5) on plain PostgreSQL, compared with the raw rows by SQL of the test's own.

use chrono::{DateTime, Utc};
use tidemark_core::api::{Grain, State};

use crate::harness::{TestDb, at};
use crate::systems::FORECAST_ACCURACY;
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};

const ROWS: &str = r#"
  select setseed(0.4);
  insert into deviations ("timestamp", site_id, model_id, parameter_id, horizon, forecast_value, observed_value, deviation)
  select timestamptz '2026-01-29 00:00+00' + i * interval '73 minutes', 1 + i % 2, 1 + i % 3, 1, (array[6, 24])[1 + i % 2], f, 10, f - 10
  from generate_series(1, 1500) i, lateral (select 10 + (random() - 0.4) * (1 + i % 3) as f) x"#;

/// A relation, and the width of its buckets.
const RELATIONS: [(&str, &str); 3] = [
    ("daily_accuracy_metrics", "day"),
    ("weekly_accuracy_metrics", "week"),
    ("monthly_accuracy_metrics", "month"),
];

async fn with_rows() -> TestDb {
    let test = TestDb::raw_of(&FORECAST_ACCURACY).await;
    test.sql(ROWS).await;
    test.apply().await;
    test.drain().await;
    test
}

fn all_by(grain: Grain, tz: chrono_tz::Tz, by: u32) -> Question {
    Question {
        from: at("2025-12-31T18:15:00Z"),
        to: at("2026-12-31T18:15:00Z"),
        grain,
        tz,
        by,
    }
}

async fn relations_equal_the_raw_rows(test: &TestDb, when: &str) {
    for (relation, unit) in RELATIONS {
        let differences: i64 = test
            .one(&format!(
                r#"with raw as (
                     select date_trunc('{unit}', "timestamp", 'UTC') as bucket, site_id, model_id, parameter_id, horizon, count(*) as n, avg(abs(v))::float8 as a, avg(v)::float8 as b,
                       stddev_samp(v)::float8 as s, min(deviation) as lo, max(deviation) as hi
                     from (select *, deviation::text::numeric as v from deviations) d group by 1, 2, 3, 4, 5
                   )
                   select count(*) from raw full join tidemark.{relation} r using (bucket, site_id, model_id, parameter_id, horizon)
                   where sample_size is distinct from n or min_deviation is distinct from lo or max_deviation is distinct from hi or (std_dev is null) <> (s is null)
                     or mae is null or abs(mae - a) > 1e-9 * a or bias is null or abs(bias - b) > 1e-9 * abs(b) or abs(std_dev - s) > 1e-9 * s"#
            ))
            .await;
        assert_eq!(differences, 0, "{when}: {relation}");
    }
}

#[tokio::test]
async fn mae_bias_and_deviation_over_any_buckets_equal_the_raw_rows() {
    let test = with_rows().await;
    for by in [BY_ALL, 1, 2, 8, 0] {
        for tz in [chrono_tz::UTC, chrono_tz::Asia::Kathmandu] {
            for grain in [Grain::Day, Grain::Week, Grain::Month, Grain::Total] {
                let answer = all_by(grain, tz, by).check(&test, "composed").await;
                assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0));
            }
        }
    }
    relations_equal_the_raw_rows(&test, "at first").await;
    assert_drained_tables_equal_raw_rows(&test, "at first").await;
}

#[tokio::test]
async fn a_deviation_of_equal_errors_is_zero_and_of_one_row_is_null() {
    let test = TestDb::raw_of(&FORECAST_ACCURACY).await;
    test.apply().await;
    test.sql(
        r#"insert into deviations ("timestamp", site_id, model_id, parameter_id, horizon, forecast_value, observed_value, deviation)
           values ('2026-03-02 00:00+00', 1, 1, 1, 6, 1, 1, 0), ('2026-03-02 01:00+00', 1, 1, 1, 6, 1, 1, 0),
                  ('2026-03-02 00:00+00', 1, 2, 1, 6, 1.1, 1, 0.1), ('2026-03-03 00:00+00', 1, 2, 1, 6, 1.1, 1, 0.1), ('2026-03-04 00:00+00', 1, 2, 1, 6, 1.1, 1, 0.1),
                  ('2026-03-02 00:00+00', 1, 3, 1, 6, 3, 1, 2)"#,
    )
    .await;
    for drained in [false, true] {
        let answer = all_by(Grain::Week, chrono_tz::UTC, 2)
            .check(&test, "equal errors")
            .await;
        let told: Vec<Option<f64>> = answer.rows.iter().map(|row| row.values["std_dev"].as_f64()).collect();
        assert_eq!(told, [Some(0.0), Some(0.0), None], "drained: {drained}");
        test.drain().await;
    }
    let rows: Vec<(i32, Option<f64>, f64, f64, i64)> = sqlx::query_as(
        "select model_id, std_dev, mae, bias, sample_size from tidemark.weekly_accuracy_metrics order by 1",
    )
    .fetch_all(test.pool())
    .await
    .unwrap();
    assert_eq!(
        rows,
        [
            (1, Some(0.0), 0.0, 0.0, 2),
            (2, Some(0.0), 0.1, 0.1, 3),
            (3, None, 2.0, 2.0, 1)
        ]
    );
}

#[tokio::test]
async fn weeks_begin_on_monday_and_months_are_calendar_months() {
    let test = with_rows().await;
    let starts = |relation: &str| format!("select array_agg(distinct bucket order by bucket) from tidemark.{relation}");
    let months: Vec<DateTime<Utc>> = test.one(&starts("monthly_accuracy_metrics")).await;
    assert_eq!(
        months,
        [
            "2026-01-01T00:00:00Z",
            "2026-02-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-04-01T00:00:00Z"
        ]
        .map(at)
    );
    let weeks: Vec<DateTime<Utc>> = test.one(&starts("weekly_accuracy_metrics")).await;
    assert_eq!(weeks[0], at("2026-01-26T00:00:00Z"));
    assert!(
        weeks
            .windows(2)
            .all(|pair| pair[1] - pair[0] == chrono::TimeDelta::days(7))
    );
}

#[tokio::test]
async fn the_three_relations_have_the_columns_of_their_origin() {
    let test = with_rows().await;
    for (relation, _) in RELATIONS {
        let columns: String = test
            .one(&format!(
                "select string_agg(attname, ' ' order by attnum) from pg_attribute where attrelid = 'tidemark.{relation}'::regclass"
            ))
            .await;
        assert_eq!(
            columns.split_once("bucket").unwrap().1,
            " site_id model_id parameter_id horizon mae bias std_dev sample_size min_deviation max_deviation computed_at"
        );
    }
}

#[tokio::test]
async fn a_late_row_a_correction_and_a_deletion_are_in_the_next_answer_however_old() {
    let test = with_rows().await;
    for (when, sql) in [
        (
            "a late row",
            r#"insert into deviations ("timestamp", site_id, model_id, parameter_id, horizon, forecast_value, observed_value, deviation) values ('2025-02-03 04:05+00', 1, 1, 1, 6, 1, 2, -1), ('2026-01-30 00:00+00', 1, 1, 1, 6, 1, 2, -1)"#,
        ),
        (
            "a correction",
            "update deviations set observed_value = observed_value + 1, deviation = deviation - 1 where id % 50 = 0",
        ),
        ("a deletion", "delete from deviations where id % 9 = 0"),
    ] {
        test.sql(sql).await;
        let all = Question {
            from: at("2025-01-01T00:00:00Z"),
            ..all_by(Grain::Month, chrono_tz::UTC, BY_ALL)
        };
        all.check(&test, &format!("{when}, before a tick")).await;
        test.drain().await;
        let answer = all.check(&test, &format!("{when}, drained")).await;
        assert_eq!(answer.live_buckets, 0);
        relations_equal_the_raw_rows(&test, when).await;
    }
}
