//! Questions to the engine and to the raw rows, for the modules that compare the two.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tidemark_core::api::{
    DimensionFilter, Grain, QueryAnswer, QueryRequest, ReadMode, RollupStatus, State, StatusWord, WeekStart,
};
use tidemark_db::{Declaration, Error};

use crate::harness::{TestDb, at, url_of};

/// All rows of these tests lie in 2026.
pub const FROM: &str = "2026-01-01T00:00:00Z";
pub const TO: &str = "2027-01-01T00:00:00Z";

pub fn ops() -> Declaration {
    Declaration::load("ops_metrics").unwrap()
}

pub fn declaration(text: &str) -> Declaration {
    Declaration {
        origin: "test.toml".to_owned(),
        text: text.to_owned(),
    }
}

/// A question about all measures, merged over all dimensions.
pub fn question(rollup: &str, from: DateTime<Utc>, to: DateTime<Utc>, grain: Grain, tz: Tz) -> QueryRequest {
    QueryRequest {
        rollup: rollup.to_owned(),
        from,
        to,
        grain,
        tz,
        week_start: WeekStart::Monday,
        by: Vec::new(),
        filters: Vec::new(),
        measures: Vec::new(),
        mode: ReadMode::Exact,
    }
}

pub fn only(dimension: &str, values: &[&str]) -> DimensionFilter {
    DimensionFilter {
        dimension: dimension.to_owned(),
        values: values.iter().map(|value| Some((*value).to_owned())).collect(),
    }
}

/// Run on a connection of its own: settings and transactions stay with it.
pub async fn run(actor: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(actor)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
}

impl TestDb {
    pub async fn ask(&self, request: &QueryRequest) -> QueryAnswer {
        self.db.query(request).await.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn drain_of(&self, rollup: &str) {
        let report = self.db.drain(rollup, &mut |_| {}).await.unwrap();
        assert_eq!(report.left, 0, "{report:?}");
    }

    pub async fn status_of(&self, rollup: &str) -> RollupStatus {
        self.db.status(Some(rollup)).await.unwrap().rollups.remove(0)
    }

    pub async fn word(&self) -> StatusWord {
        self.status_of("ops_metrics").await.status
    }

    /// What raw rows say of ops_metrics in 2026, by an independent GROUP BY: successes, errors and the sum of latency by platform.
    pub async fn raw_truth(&self) -> BTreeMap<String, (i64, i64, Option<i64>)> {
        let rows: Vec<(String, i64, i64, Option<i64>)> = sqlx::query_as(AssertSqlSafe(format!(
            "select platform, sum(s)::bigint, sum(e)::bigint, sum(d)::bigint from (
               select coalesce(nullif(g.platform, ''), a.platform, '') as platform, 1 as s, 0 as e, u.duration_ms as d
               from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
               where u.created_at >= '{FROM}' and u.created_at < '{TO}'
               union all
               select coalesce(nullif(e.platform, ''), g.platform, a.platform, ''), 0, 1, null
               from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id
               where e.created_at >= '{FROM}' and e.created_at < '{TO}'
             ) x group by 1"
        )))
        .fetch_all(self.pool())
        .await
        .unwrap();
        rows.into_iter()
            .map(|(platform, s, e, d)| (platform, (s, e, d)))
            .collect()
    }

    /// The same from `query`, at some grain.
    pub async fn told(&self, grain: Grain) -> (QueryAnswer, BTreeMap<String, (i64, i64, Option<i64>)>) {
        let mut request = question("ops_metrics", at(FROM), at(TO), grain, chrono_tz::UTC);
        request.by = vec!["platform".to_owned()];
        let answer = self.ask(&request).await;
        let mut told: BTreeMap<String, (i64, i64, Option<i64>)> = BTreeMap::new();
        for row in &answer.rows {
            let number = |name: &str| row.values[name].as_i64().unwrap();
            let group = told
                .entry(row.values["platform"].as_str().unwrap().to_owned())
                .or_insert((0, 0, None));
            group.0 += number("success_count");
            group.1 += number("error_count");
            // The tests' rows all have a latency, so n is the number of successes.
            if let Some(mean) = row.values["avg_latency_ms"].as_f64() {
                *group.2.get_or_insert(0) += (mean * number("success_count") as f64).round() as i64;
            }
        }
        (answer, told)
    }

    /// The answer equals the raw rows and says so, whatever waits.
    pub async fn exact_now(&self, when: &str) -> QueryAnswer {
        let (answer, told) = self.told(Grain::Total).await;
        assert_eq!(answer.state, State::Exact, "{when}: {answer:?}");
        assert_eq!(told, self.raw_truth().await, "{when}");
        answer
    }

    /// The answer equals the raw rows now, and after a drain from the rollup alone, at every grain, and the audit agrees.
    pub async fn exact_now_and_after_a_drain(&self, when: &str) {
        self.exact_now(when).await;
        self.drain_of("ops_metrics").await;
        let truth = self.raw_truth().await;
        for grain in [Grain::Hour, Grain::Day, Grain::Month, Grain::Total] {
            let (answer, told) = self.told(grain).await;
            assert_eq!(
                (answer.state, answer.live_buckets),
                (State::Exact, 0),
                "{when}, drained, {grain}"
            );
            assert_eq!(told, truth, "{when}, drained, {grain}");
        }
        let audit = self.db.audit("ops_metrics", None, false).await.unwrap();
        assert_eq!(audit.difference_count, 0, "{when}: {audit:?}");
    }

    /// A login role that may do nothing yet; roles belong to the whole server and stay there. Gives its URL.
    pub async fn login(&self, role: &str) -> String {
        self.sql(&format!(
            "do $$ begin perform pg_advisory_xact_lock(7); if to_regrole('{role}') is null then create role {role} login; end if; end $$; grant create on database {} to {role}; revoke create on database {0} from {role}",
            self.name()
        ))
        .await;
        url_of(self.name(), Some(role))
    }

    /// A database with rows in March 2026: 40 successes and 10 errors over two days, on all platforms.
    pub async fn with_rows() -> TestDb {
        let test = TestDb::raw().await;
        test.sql(ROWS).await;
        test.db.apply(&ops(), true).await.unwrap();
        test.drain_of("ops_metrics").await;
        test
    }
}

pub const ROWS: &str = "insert into usage_logs (created_at, account_id, group_id, duration_ms)
    select timestamptz '2026-03-10 00:07+00' + i * interval '67 minutes', 1 + i % 4, nullif(i % 5, 0), 100 * i from generate_series(1, 40) i;
    insert into ops_error_logs (created_at, account_id, platform, status_code)
    select timestamptz '2026-03-10 00:11+00' + i * interval '4 hours', 1 + i % 5, (array['openai', '', null])[1 + i % 3], 500 from generate_series(1, 10) i";

/// The code of an error, as the UI branches on it.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.expect_err("it must be refused").info().code
}

/// A measure of the only row.
pub fn the(answer: &QueryAnswer, measure: &str) -> Value {
    assert_eq!(answer.rows.len(), 1, "{answer:?}");
    answer.rows[0].values[measure].clone()
}

/// Within 1 % of the true value; exactly zero where that is zero.
pub fn within_one_percent(told: f64, truth: f64) -> bool {
    (told - truth).abs() <= 0.010_000_001 * truth.abs()
}
