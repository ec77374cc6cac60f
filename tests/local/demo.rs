//! The demo data, in a database of the test's own on the test server (`scripts/test-server.sh`).

use std::{
    str::FromStr,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{
    AssertSqlSafe, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tidemark_local::{
    LocalError,
    demo::{self, LiveTraffic, Size},
};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// An empty database; `drop_it` takes it away again.
struct Database {
    name: String,
    server: PgConnectOptions,
    pool: PgPool,
}

impl Database {
    async fn new() -> Self {
        let url = std::env::var("TIDEMARK_TEST_URL")
            .expect("TIDEMARK_TEST_URL: export it from `scripts/test-server.sh start`");
        let server = PgConnectOptions::from_str(&url).expect("a URL in TIDEMARK_TEST_URL");
        let name = format!(
            "tidemark_demo_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let pool = PgPool::connect_with(server.clone()).await.expect("the test server");
        sqlx::query(AssertSqlSafe(format!("create database {name}")))
            .execute(&pool)
            .await
            .expect("a database");
        pool.close().await;
        let options = server.clone().database(&name);
        let pool = PgPoolOptions::new()
            .max_connections(3)
            .connect_with(options)
            .await
            .expect("the database");
        Self { name, server, pool }
    }

    async fn drop_it(self) {
        self.pool.close().await;
        let pool = PgPool::connect_with(self.server).await.expect("the test server");
        sqlx::query(AssertSqlSafe(format!("drop database {} with (force)", self.name)))
            .execute(&pool)
            .await
            .expect("dropped");
    }

    async fn number(&self, question: &'static str) -> i64 {
        sqlx::query_scalar(question)
            .fetch_one(&self.pool)
            .await
            .expect("a number")
    }
}

/// Two weeks, so that both incidents are in it, at a fiftieth of the real pace.
const SMALL: Size = Size {
    days: 14,
    usage_rows: 60_000.0,
    seed: 7,
};

fn a_thursday() -> DateTime<Utc> {
    "2026-11-19T15:30:00Z".parse().expect("a time")
}

const PLATFORM: &str = "coalesce(nullif(g.platform, ''), a.platform, '')";

#[tokio::test]
async fn the_same_seed_gives_the_same_rows_and_the_rows_are_as_many_as_asked_for() {
    let fingerprint = "select md5(string_agg(u::text, '' order by created_at, id))::text || (select md5(string_agg(
        row(e.created_at, e.status_code, e.error_type, e.account_id)::text, '' order by created_at, id)) from ops_error_logs e)
        from (select id, created_at, account_id, group_id, duration_ms from usage_logs) u";
    let mut prints = Vec::new();
    for _ in 0..2 {
        let database = Database::new().await;
        assert!(demo::create(&database.pool, SMALL, a_thursday()).await.expect("tables"));
        let mut seen = Vec::new();
        let written = demo::fill(&database.pool, a_thursday(), |done, total| seen.push((done, total)))
            .await
            .expect("rows");
        let rows = database.number("select count(*) from usage_logs").await;
        assert_eq!(u64::try_from(rows).ok(), Some(written.usage_rows));
        assert!((57_000..69_000).contains(&rows), "{rows} rows");
        assert!(
            seen.windows(2).all(|pair| pair[0].0 <= pair[1].0) && seen.len() > 14,
            "{seen:?}"
        );
        assert!(seen.last().is_some_and(|(done, total)| done == total));
        prints.push(
            sqlx::query_scalar::<_, String>(fingerprint)
                .fetch_one(&database.pool)
                .await
                .expect("a fingerprint"),
        );
        database.drop_it().await;
    }
    assert_eq!(prints[0], prints[1]);
}

#[tokio::test]
async fn the_data_have_what_real_logs_have() {
    let database = Database::new().await;
    demo::create(&database.pool, SMALL, a_thursday()).await.expect("tables");
    demo::fill(&database.pool, a_thursday(), |_, _| {}).await.expect("rows");
    let platforms = format!(
        "select array_agg(distinct {PLATFORM})::text from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id"
    );
    let platforms: String = sqlx::query_scalar(AssertSqlSafe(platforms))
        .fetch_one(&database.pool)
        .await
        .expect("platforms");
    assert_eq!(
        platforms,
        "{\"\",\"<img src=x onerror=alert(1)>\",anthropic,azure,bedrock,gemini,openai}"
    );
    for (what, question) in [
        (
            "rows without a group",
            "select count(*) from usage_logs where group_id is null",
        ),
        (
            "groups without a platform",
            "select count(*) from usage_logs u join groups g on g.id = u.group_id where g.platform = ''",
        ),
        (
            "rows without a duration",
            "select count(*) from usage_logs where duration_ms is null",
        ),
        (
            "durations of zero",
            "select count(*) from usage_logs where duration_ms = 0",
        ),
        (
            "a heavy tail",
            "select count(*) from usage_logs where duration_ms > 10000",
        ),
        (
            "errors without a platform",
            "select count(*) from ops_error_logs where platform is null",
        ),
        (
            "errors with an empty platform",
            "select count(*) from ops_error_logs where platform = ''",
        ),
        (
            "errors without an account",
            "select count(*) from ops_error_logs where account_id is null",
        ),
        (
            "errors without a status",
            "select count(*) from ops_error_logs where status_code is null",
        ),
        (
            "deadlines",
            "select count(*) from ops_error_logs where error_message ilike '%deadline exceeded%'",
        ),
        (
            "timeouts in capitals",
            "select count(*) from ops_error_logs where error_message like '%TIMEOUT%'",
        ),
        (
            "timeouts by type",
            "select count(*) from ops_error_logs where error_type in ('timeout', 'timeout_error')",
        ),
        (
            "errors without a message",
            "select count(*) from ops_error_logs where error_message is null",
        ),
    ] {
        assert!(database.number(question).await > 0, "{what}");
    }
    let wild = database
        .number("select count(*) from usage_logs where created_at >= '2026-11-19T15:30:00Z'")
        .await;
    assert_eq!(wild, 0, "nothing lies in the future");
    // A working day is busier than a Sunday, the afternoon busier than the night.
    let day = |date: &str| format!("select count(*) from usage_logs where created_at::date = '{date}'");
    let counted = async |question: String| -> i64 {
        sqlx::query_scalar(AssertSqlSafe(question))
            .fetch_one(&database.pool)
            .await
            .expect("a number")
    };
    assert!(counted(day("2026-11-18")).await * 2 > counted(day("2026-11-15")).await * 3);
    let hour = "select count(*) filter (where extract(hour from created_at at time zone 'UTC') = 15)
                     - 2 * count(*) filter (where extract(hour from created_at at time zone 'UTC') = 3) from usage_logs";
    assert!(database.number(hour).await > 0);
    database.drop_it().await;
}

#[tokio::test]
async fn both_incidents_stand_out() {
    let database = Database::new().await;
    demo::create(&database.pool, SMALL, a_thursday()).await.expect("tables");
    demo::fill(&database.pool, a_thursday(), |_, _| {}).await.expect("rows");
    // openai, from 13:30 to 14:40: far more 5xx than in the same hours of the day before.
    let outage = "select count(*) filter (where created_at >= '2026-11-19T13:30:00Z')
                       - 10 * count(*) filter (where created_at < '2026-11-18T14:40:00Z')
                  from ops_error_logs where status_code >= 500 and account_id in (5, 6, 7)
                  and (created_at >= '2026-11-19T13:30:00Z' or created_at >= '2026-11-18T13:30:00Z' and created_at < '2026-11-18T14:40:00Z')";
    assert!(database.number(outage).await > 0);
    let overload =
        "select count(*) from ops_error_logs where error_type in ('overloaded_error', 'rate_limit_error', 'timeout')
                    and created_at >= '2026-11-07T12:10:00Z' and created_at < '2026-11-07T13:45:00Z'";
    assert!(database.number(overload).await > 20);
    database.drop_it().await;
}

#[tokio::test]
async fn a_load_that_was_cut_off_goes_on_and_a_later_start_fills_only_the_gap() {
    let database = Database::new().await;
    demo::create(&database.pool, SMALL, a_thursday()).await.expect("tables");
    // The app is killed in the middle: the task ends at a point where it waits for the server.
    let mut slices = 0;
    {
        let fill = demo::fill(&database.pool, a_thursday(), |_, _| slices += 1);
        tokio::time::timeout(Duration::from_millis(120), fill).await.ok();
    }
    demo::fill(&database.pool, a_thursday(), |_, _| {})
        .await
        .expect("the rest");
    let twice = "select count(*) from tidemark_demo.slice a join tidemark_demo.slice b
                 on (a.ctid <> b.ctid and tstzrange(a.starts, a.ends) && tstzrange(b.starts, b.ends))";
    assert_eq!(database.number(twice).await, 0, "no stretch has its rows twice");
    let before = database.number("select count(*) from usage_logs").await;
    assert!((57_000..69_000).contains(&before), "{before} rows");

    let again = demo::fill(&database.pool, a_thursday(), |_, _| {})
        .await
        .expect("nothing to do");
    assert_eq!(again.usage_rows + again.error_rows, 0);
    let later = a_thursday() + TimeDelta::hours(30);
    let gap = demo::fill(&database.pool, later, |_, _| {}).await.expect("the gap");
    assert!((2_500..12_000).contains(&gap.usage_rows), "{gap:?}");
    let inside = database
        .number("select count(*) from usage_logs where created_at >= '2026-11-19T15:30:00Z'")
        .await;
    assert_eq!(
        u64::try_from(inside).ok(),
        Some(gap.usage_rows),
        "only the gap was filled"
    );
    database.drop_it().await;
}

#[tokio::test]
async fn an_operators_own_table_is_never_touched() {
    let database = Database::new().await;
    sqlx::raw_sql("create table groups (id int); insert into groups values (1)")
        .execute(&database.pool)
        .await
        .expect("a table");
    let refused = demo::create(&database.pool, SMALL, a_thursday())
        .await
        .expect_err("somebody's table");
    assert!(
        matches!(refused, LocalError::NotDemo { ref table } if table == "groups"),
        "{refused}"
    );
    assert_eq!(database.number("select count(*) from groups").await, 1);
    assert!(!demo::is_demo(&database.pool).await.expect("a look"));
    database.drop_it().await;
}

#[tokio::test]
async fn live_traffic_goes_on_where_the_history_ends_and_stops_when_asked() {
    let database = Database::new().await;
    let size = Size {
        days: 1,
        usage_rows: 20_000.0,
        seed: 3,
    };
    demo::create(&database.pool, size, Utc::now()).await.expect("tables");
    demo::fill(&database.pool, Utc::now(), |_, _| {}).await.expect("rows");
    let before = database.number("select count(*) from usage_logs").await;
    let slices = database.number("select count(*) from tidemark_demo.slice").await;
    let live = LiveTraffic::start(database.pool.clone(), 200.0).await.expect("traffic");
    let late = "select count(*) from (select created_at, max(created_at) over (order by id) as newest from usage_logs
                order by id desc limit 2000) t where newest - created_at > interval '1 minute'";
    let begun = std::time::Instant::now();
    while database.number("select count(*) from usage_logs").await - before <= 20 || database.number(late).await == 0 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "rows come, some of them late"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    live.stop().await;
    let after = database.number("select count(*) from usage_logs").await;
    assert_eq!(
        database.number("select count(*) from tidemark_demo.slice").await,
        slices,
        "the newest slice grew"
    );
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(
        database.number("select count(*) from usage_logs").await,
        after,
        "it has stopped"
    );
    database.drop_it().await;
}

#[tokio::test]
async fn the_other_systems_tables_are_filled_and_any_two_stretches_fit_together() {
    let (once, twice) = (Database::new().await, Database::new().await);
    let size = Size {
        days: 1,
        usage_rows: 1_000.0,
        seed: 3,
    };
    let now = a_thursday();
    let all = "select (select count(*) from task_usage) + (select count(*) from measurements) + (select count(*) from deviations)";
    for (database, stops) in [
        (&once, vec![]),
        (
            &twice,
            vec![TimeDelta::hours(53), TimeDelta::minutes(61), TimeDelta::seconds(1)],
        ),
    ] {
        demo::create(&database.pool, size, now).await.expect("tables");
        let mut rows = 0;
        for before in stops.into_iter().chain([TimeDelta::zero()]) {
            rows += demo::fill_others(&database.pool, now - before).await.expect("rows");
        }
        assert!(
            (450_000..800_000).contains(&database.number(all).await),
            "a modest number of rows"
        );
        assert_eq!(u64::try_from(database.number(all).await).ok(), Some(rows));
        assert_eq!(demo::fill_others(&database.pool, now).await.expect("nothing to do"), 0);
        for (what, question) in [
            (
                "reports without a project",
                "select count(*) from task_usage u join agent_task_queue q on q.id = task_id left join issue i on i.id = issue_id where project_id is null",
            ),
            (
                "tasks of another workspace than their issue",
                "select count(*) from agent_task_queue q join agent a on a.id = agent_id join issue i on i.id = issue_id where i.workspace_id <> a.workspace_id",
            ),
            (
                "tasks that report in two hours",
                "select count(*) from (select from task_usage group by task_id having count(distinct date_trunc('hour', created_at)) > 1) x",
            ),
            (
                "samples that were deleted",
                "select count(*) from measurements where deleted_at is not null",
            ),
            (
                "forty people who measure four things",
                "select count(*) - 150 from (select distinct user_id, type from measurements) x",
            ),
            (
                "a bias that depends on the model",
                "select (avg(deviation) filter (where model_id = 3) > 0.3 + avg(deviation) filter (where model_id = 2))::int::bigint from deviations",
            ),
            (
                "horizons that matter",
                "select (stddev(deviation) filter (where horizon = 72) > 1.5 * stddev(deviation) filter (where horizon = 24))::int::bigint from deviations",
            ),
            (
                "agents",
                "select count(*) - 8 from (select distinct agent_id from agent_task_queue) x",
            ),
        ] {
            assert!(database.number(question).await > 0, "{what}");
        }
        let ahead = database
            .number(
                "select (select count(*) from task_usage where created_at >= '2026-11-19T15:30:00Z')
                      + (select count(*) from measurements where measured_at >= '2026-11-19 15:30' or value < 0)
                      + (select count(*) from deviations where \"timestamp\" >= '2026-11-19T15:30:00Z')",
            )
            .await;
        assert_eq!(ahead, 0, "nothing lies in the future");
        let dangling = "select (select count(*) from task_usage where task_id not in (select id from agent_task_queue))
            + (select count(*) from agent_task_queue where issue_id not in (select id from issue) or agent_id not in (select id from agent) or runtime_id not in (select id from agent_runtime))";
        assert_eq!(database.number(dangling).await, 0, "foreign keys hold");
    }
    // The second began two days earlier: compare what both have.
    let print = "select md5(string_agg(u::text, '' order by u::text)) from (
        select task_id::text as a, provider as b, model as c, output_tokens as d, created_at as e from task_usage where created_at >= '2026-09-01'
        union all select user_id, type, '', value, measured_at at time zone 'UTC' from measurements where measured_at >= '2025-01-01'
        union all select site_id::text, model_id::text, horizon::text, deviation, \"timestamp\" from deviations where \"timestamp\" >= '2025-11-01') u";
    let mut prints = Vec::new();
    for database in [once, twice] {
        prints.push(
            sqlx::query_scalar::<_, String>(print)
                .fetch_one(&database.pool)
                .await
                .expect("a fingerprint"),
        );
        database.drop_it().await;
    }
    assert_eq!(prints[0], prints[1]);
}
