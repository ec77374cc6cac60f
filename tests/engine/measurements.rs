//! `measurements` (systems.md, section 4): what must work, each compared with the raw rows by SQL of the test's own.

use chrono::{DateTime, Utc};
use sqlx::Row;
use tidemark_core::api::{Grain, RecomputeRequest, State};

use crate::ask::run;
use crate::harness::{TestDb, at};
use crate::systems::MEASUREMENTS;
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};

/// Three users and three types over 14 months: one around a billion with a spread of a thousandth, one level, one that falls.
const ROWS: &str = "
  select setseed(0.3);
  insert into measurements (user_id, type, value, measured_at)
  select 'u' || 1 + i % 3, type, case type when 'PULSE' then 1e9 + random() * 1e-3 when 'WEIGHT' then 80 - i * 0.003 + random() else 37 end,
    timestamp '2025-12-28 23:50' + i * interval '307 minutes 11.013 seconds'
  from generate_series(1, 2000) i, lateral (select (array['PULSE', 'WEIGHT', 'TEMPERATURE'])[1 + i / 3 % 3] as type) x";

fn all_by(grain: Grain, tz: chrono_tz::Tz) -> Question {
    Question {
        from: at("2025-11-30T18:15:00Z"),
        to: at("2027-12-31T18:15:00Z"),
        grain,
        tz,
        by: BY_ALL,
    }
}

async fn with_rows() -> TestDb {
    let test = TestDb::raw_of(&MEASUREMENTS).await;
    test.sql(ROWS).await;
    test.apply().await;
    test.drain().await;
    test
}

/// What SQL readers see by all four granularities, against the raw rows. Each of the rows and nothing else.
async fn relation_equals_the_raw_rows(test: &TestDb, when: &str) {
    let differences: Vec<String> = sqlx::query_scalar(
        "with fact as (
           select user_id, type, g as granularity, date_trunc(g, measured_at) at time zone 'UTC' as bucket_start, value::text::numeric as v, extract(epoch from measured_at) as x
           from measurements, unnest(array['DAY', 'WEEK', 'MONTH', 'YEAR']) g where deleted_at is null
         ), raw as (
           select user_id, type, granularity, bucket_start, count(*) as n, avg(v)::float8 as mean, min(v)::float8 as least, max(v)::float8 as most, stddev_samp(v)::float8 as sd,
             (86400 * (count(*) * sum(x * v) - sum(x) * sum(v)) / nullif(count(*) * sum(x * x) - sum(x) * sum(x), 0))::float8 as slope
           from fact group by 1, 2, 3, 4
         )
         select concat_ws(' / ', raw::text, r::text) from raw full join tidemark.measurement_rollups r using (user_id, type, granularity, bucket_start)
         where n is distinct from count or least is distinct from min_value or most is distinct from max_value
           or (raw.mean is null) <> (r.mean is null) or abs(raw.mean - r.mean) > 1e-9 * abs(raw.mean)
           or (raw.sd is null) <> (r.sd is null) or abs(raw.sd - r.sd) > 1e-9 * raw.sd
           or (raw.slope is null) <> (r.slope is null) or abs(raw.slope - r.slope) > 1e-9 * abs(raw.slope)
         limit 5",
    )
    .fetch_all(test.pool())
    .await
    .unwrap();
    assert!(differences.is_empty(), "{when}\n{}", differences.join("\n"));
}

/// Right before any tick, and from the rollup alone after a drain.
async fn exact(test: &TestDb, when: &str) {
    for grain in [Grain::Day, Grain::Total] {
        all_by(grain, chrono_tz::Asia::Kathmandu)
            .check(test, &format!("{when}, before a tick"))
            .await;
    }
    test.drain().await;
    for grain in [Grain::Day, Grain::Week, Grain::Month, Grain::Year] {
        let answer = all_by(grain, chrono_tz::UTC)
            .check(test, &format!("{when}, drained"))
            .await;
        assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0), "{when}");
    }
    relation_equals_the_raw_rows(test, when).await;
}

#[tokio::test]
async fn composed_statistics_over_any_buckets_equal_live_sql() {
    let test = with_rows().await;
    for by in [BY_ALL, 1, 2, 0] {
        for tz in [chrono_tz::UTC, chrono_tz::America::St_Johns, chrono_tz::Asia::Kathmandu] {
            for grain in [Grain::Day, Grain::Week, Grain::Month, Grain::Year, Grain::Total] {
                let question = Question {
                    by,
                    ..all_by(grain, tz)
                };
                let answer = question.check(&test, "composed").await;
                assert_eq!(answer.live_buckets, 0);
            }
        }
    }
    relation_equals_the_raw_rows(&test, "at first").await;
    assert_drained_tables_equal_raw_rows(&test, "at first").await;
}

#[tokio::test]
async fn a_write_is_in_the_next_read_and_week_month_and_year_follow() {
    let test = with_rows().await;
    test.sql("insert into measurements (user_id, type, value, measured_at) values ('u1', 'WEIGHT', 500.125, '2026-02-10 08:00'), ('new', 'WEIGHT', 1, '2026-02-10 08:00')")
        .await;
    exact(&test, "after a write").await;
    let granularities: Vec<String> =
        sqlx::query_scalar("select granularity from tidemark.measurement_rollups where user_id = 'new' order by 1")
            .fetch_all(test.pool())
            .await
            .unwrap();
    assert_eq!(granularities, ["DAY", "MONTH", "WEEK", "YEAR"]);
}

#[tokio::test]
async fn burst_writes_coalesce_into_one_recompute_of_the_bucket() {
    let test = with_rows().await;
    let tick: DateTime<Utc> = test.one("select clock_timestamp()").await;
    let mut actor = test.actor().await;
    for i in 0..300 {
        run(
            &mut actor,
            &format!("insert into measurements (user_id, type, value, measured_at) values ('u2', 'PULSE', {i}, '2026-03-03 10:0{}')", i % 10),
        )
        .await;
    }
    test.drain().await;
    let (marks, buckets): (i64, i64) =
        sqlx::query_as("select sum(marks)::bigint, sum(buckets)::bigint from tidemark.run where started_at > $1")
            .bind(tick)
            .fetch_one(test.pool())
            .await
            .unwrap();
    assert_eq!((marks, buckets), (300, 1));
    exact(&test, "after a burst").await;
}

#[tokio::test]
async fn an_import_of_100000_samples_by_copy_leaves_one_mark_a_bucket_and_costs_one_drain() {
    let test = with_rows().await;
    let start: DateTime<Utc> = test.one("select clock_timestamp()").await;
    let mut lines = String::new();
    for i in 0..100_000 {
        let (day, minute) = (1 + i / 5_000, i % 1440);
        lines.push_str(&format!(
            "u1\tSTEPS\t{}.{:03}\t2026-05-{day:02} {:02}:{:02}:{:02}\n",
            i % 97,
            i % 1000,
            minute / 60,
            minute % 60,
            i % 60
        ));
    }
    let mut actor = test.actor().await;
    let mut copy = actor
        .copy_in_raw("copy measurements (user_id, type, value, measured_at) from stdin")
        .await
        .unwrap();
    copy.send(lines.as_bytes()).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), 100_000);
    let buckets: i64 = test
        .one("select count(distinct date_bin('15 min', measured_at, '2001-01-01')) from measurements where type = 'STEPS'")
        .await;
    let marks: i64 = test.one("select count(*) from tidemark.mark").await;
    assert!((1..=buckets).contains(&marks), "{marks} marks for {buckets} buckets");
    let others: i64 = test
        .one("select count(*) from tidemark.mark where scope is distinct from 'u1'")
        .await;
    assert_eq!(others, 0, "nobody else's groups are touched");
    test.drain().await;
    let (worked, rows): (i64, i64) =
        sqlx::query_as("select sum(buckets)::bigint, sum(raw_rows)::bigint from tidemark.run where started_at > $1")
            .bind(start)
            .fetch_one(test.pool())
            .await
            .unwrap();
    let raw: i64 = test
        .one("select count(*) from measurements where user_id = 'u1' and measured_at >= '2026-05-01' and measured_at < '2026-05-21'")
        .await;
    assert!(worked <= buckets, "{worked} recomputed of {buckets}");
    assert!(
        (100_000..=raw).contains(&rows),
        "each row is read once: {rows} for {raw}"
    );
    exact(&test, "after an import").await;
}

#[tokio::test]
async fn an_edit_of_a_value_with_the_same_count_is_seen() {
    let test = with_rows().await;
    test.sql("update measurements set value = value + 0.0001 where id % 7 = 0")
        .await;
    exact(&test, "after edits").await;
}

#[tokio::test]
async fn deleting_the_only_row_of_a_bucket_takes_the_bucket_away() {
    let test = with_rows().await;
    test.sql("insert into measurements (user_id, type, value, measured_at) values ('alone', 'PULSE', 60, '2026-06-01 12:00')")
        .await;
    exact(&test, "one row").await;
    let sd: Option<f64> = test
        .one("select sum(sd) from tidemark.measurement_rollups where user_id = 'alone'")
        .await;
    assert_eq!(sd, None, "one row has no deviation");
    test.sql("delete from measurements where user_id = 'alone'").await;
    exact(&test, "no row").await;
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.measurement_rollups where user_id = 'alone'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_soft_deleted_row_does_not_count_until_it_is_undeleted() {
    let test = with_rows().await;
    test.sql("update measurements set deleted_at = now() where id % 3 = 0")
        .await;
    exact(&test, "after soft deletes").await;
    test.sql("update measurements set deleted_at = null where id % 6 = 0; update measurements set deleted_at = now() where user_id = 'u3'").await;
    exact(&test, "after undeletes").await;
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.measurement_rollups where user_id = 'u3'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_session_in_any_time_zone_writes_and_reads_the_same_buckets() {
    let test = with_rows().await;
    for zone in ["Pacific/Kiritimati", "America/St_Johns", "Asia/Kolkata"] {
        let mut actor = test.actor().await;
        run(&mut actor, &format!("set timezone = '{zone}'")).await;
        run(&mut actor, "insert into measurements (user_id, type, value, measured_at) values ('u1', 'PULSE', 7, '2026-03-31 23:59:59.999'), ('u1', 'PULSE', 8, '2026-04-01 00:00')").await;
        // A tick of that session, too.
        run(&mut actor, "select tidemark.tick('measurements')").await;
        let starts: Vec<DateTime<Utc>> = sqlx::query_scalar(
            "select bucket_start from tidemark.measurement_rollups where granularity = 'MONTH' and user_id = 'u1' and type = 'PULSE' and bucket_start >= '2026-03-01 00:00+00' and bucket_start < '2026-05-01 00:00+00' order by 1",
        )
        .fetch_all(&mut actor)
        .await
        .unwrap();
        assert_eq!(
            starts,
            [at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z")],
            "{zone}"
        );
        exact(&test, zone).await;
    }
}

#[tokio::test]
async fn a_backfill_of_one_user_or_of_all_is_idempotent_and_repairs_what_it_covers() {
    let test = with_rows().await;
    let contents = "select md5(string_agg(t::text, '' order by t::text)) from (select * from tidemark.measurements__15m union all select * from tidemark.measurements__month) t";
    let before: String = test.one(contents).await;
    let job = |user: Option<&str>| RecomputeRequest {
        rollup: "measurements".to_owned(),
        from: None,
        to: None,
        scope: user.map(|user| ("user_id".to_owned(), user.to_owned())),
        reason: None,
        pace: 100,
    };
    for user in [Some("u1"), None, Some("u1")] {
        test.db.recompute(&job(user)).await.unwrap();
        test.drain().await;
        assert_eq!(
            test.one::<String>(contents).await,
            before,
            "{user:?}: not even computed_at changes"
        );
    }
    test.sql("update tidemark.measurements__15m set min_value = -1 where user_id in ('u1', 'u2')")
        .await;
    test.db.recompute(&job(Some("u1"))).await.unwrap();
    test.drain().await;
    let wrong = "select string_agg(distinct user_id, ',') from tidemark.measurements__15m where min_value = -1";
    assert_eq!(
        test.one::<String>(wrong).await,
        "u2",
        "one user's backfill is that user's alone"
    );
    test.db.recompute(&job(None)).await.unwrap();
    test.drain().await;
    assert_eq!(test.one::<Option<String>>(wrong).await, None);
    exact(&test, "after backfills").await;
}

#[tokio::test]
async fn measurement_rollups_has_the_columns_and_the_key_of_its_origin() {
    let test = with_rows().await;
    let columns = sqlx::query("select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'tidemark.measurement_rollups'::regclass and attnum > 0 order by attnum")
        .fetch_all(test.pool())
        .await
        .unwrap();
    let columns: Vec<String> = columns
        .iter()
        .map(|row| format!("{} {}", row.get::<String, _>(0), row.get::<String, _>(1)))
        .collect();
    let double = |name: &str| format!("{name} double precision");
    assert_eq!(
        columns,
        [
            "user_id text".to_owned(),
            "type text".to_owned(),
            "granularity text".to_owned(),
            "bucket_start timestamp with time zone".to_owned(),
            "count bigint".to_owned(),
            double("mean"),
            double("min_value"),
            double("max_value"),
            double("sd"),
            double("slope"),
            double("r2"),
            "computed_at timestamp with time zone".to_owned(),
        ]
    );
    let twice: i64 = test
        .one("select count(*) from (select from tidemark.measurement_rollups group by user_id, type, granularity, bucket_start having count(*) > 1) x")
        .await;
    assert_eq!(twice, 0);
}
