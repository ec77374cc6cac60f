//! What the raw rows say, by SQL that shares nothing with the engine: the other side of every comparison.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, Row};
use tidemark_core::api::{Grain, QueryAnswer, QueryRequest, ReadMode, State, WeekStart};

use crate::harness::TestDb;

/// All facts of ops_metrics: one row per success or failure.
const FACTS: &str = "
  select u.created_at as t, coalesce(nullif(g.platform, ''), a.platform, '') as p, u.duration_ms as d, true as ok, null::int as s, false as late
  from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
  union all
  select e.created_at, coalesce(nullif(e.platform, ''), g.platform, a.platform, ''), null, false, e.status_code,
    coalesce(e.error_type in ('timeout', 'timeout_error'), false) or coalesce(e.error_message ~* '(timeout|deadline exceeded)', false)
  from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id";

const COUNTS: [(&str, &str); 8] = [
    ("request_count", "count(*)"),
    ("success_count", "count(*) filter (where ok)"),
    ("error_count", "count(*) filter (where not ok)"),
    ("error_4xx_count", "count(*) filter (where s between 400 and 499)"),
    ("error_5xx_count", "count(*) filter (where s >= 500)"),
    ("timeout_count", "count(*) filter (where late)"),
    (
        "outcome_4xx_count",
        "count(*) filter (where not late and s between 400 and 499)",
    ),
    (
        "outcome_other_count",
        "count(*) filter (where not ok and not late and (s < 400 or s is null))",
    ),
];

const QUANTILES: [(&str, &str); 5] = [
    ("p50_latency_ms", "0.5"),
    ("p90_latency_ms", "0.9"),
    ("p95_latency_ms", "0.95"),
    ("p99_latency_ms", "0.99"),
    ("p999_latency_ms", "0.999"),
];

/// Counts in the order of [`COUNTS`]; mean, then quantiles in the order of [`QUANTILES`].
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    counts: Vec<i64>,
    latency: Vec<Option<f64>>,
}

/// By start of bucket and platform.
pub type Groups = BTreeMap<(DateTime<Utc>, String), Numbers>;

/// A question that both sides are asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub grain: Grain,
    pub tz: Tz,
}

impl Question {
    /// The engine's answer.
    pub async fn ask(&self, test: &TestDb, mode: ReadMode) -> QueryAnswer {
        let request = QueryRequest {
            rollup: "ops_metrics".to_owned(),
            from: self.from,
            to: self.to,
            grain: self.grain,
            tz: self.tz,
            week_start: WeekStart::Monday,
            by: vec!["platform".to_owned()],
            filters: Vec::new(),
            measures: Vec::new(),
            mode,
        };
        test.db
            .query(&request)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{self:?} {mode:?}"))
    }

    /// What the raw rows say. The range must lie on minutes.
    pub async fn truth(&self, test: &TestDb) -> Groups {
        let bucket = match self.grain {
            Grain::Minute => "date_bin('1 minute', t, '2001-01-01 00:00+00')".to_owned(),
            Grain::QuarterHour => "date_bin('15 minutes', t, '2001-01-01 00:00+00')".to_owned(),
            Grain::Total => "$1".to_owned(),
            grain => format!("date_trunc('{grain}', t, '{}')", self.tz.name()),
        };
        let counts: String = COUNTS.iter().map(|(_, sql)| format!(", {sql}")).collect();
        let quantiles: String = QUANTILES
            .iter()
            .map(|(_, q)| format!(", percentile_disc({q}) within group (order by d)::float8"))
            .collect();
        let sql = format!(
            "select {bucket}, p{counts}, avg(d)::float8{quantiles} from ({FACTS}) f where t >= $1 and t < $2 group by 1, 2"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(self.from)
            .bind(self.to)
            .fetch_all(test.pool())
            .await
            .unwrap();
        rows.iter()
            .map(|row| {
                let first = 2 + COUNTS.len();
                let numbers = Numbers {
                    counts: (2..first).map(|at| row.get(at)).collect(),
                    latency: (first..=first + QUANTILES.len()).map(|at| row.get(at)).collect(),
                };
                ((row.get(0), row.get(1)), numbers)
            })
            .collect()
    }

    /// Ask the engine and compare. Panics where the answer is called exact and is not.
    pub async fn check(&self, test: &TestDb, context: &str) -> QueryAnswer {
        let truth = self.truth(test).await;
        let exact = self.ask(test, ReadMode::Exact).await;
        assert_eq!(
            exact.state,
            State::Exact,
            "{context}: {self:?}: everything here is small enough to be answered exactly"
        );
        assert_same(&groups(&exact), &truth, &format!("{context}: {self:?}"));
        let stored = self.ask(test, ReadMode::RollupOnly).await;
        if stored.state == State::Exact {
            assert_same(&groups(&stored), &truth, &format!("{context}: rollup only: {self:?}"));
        }
        exact
    }
}

/// An answer by bucket and platform.
pub fn groups(answer: &QueryAnswer) -> Groups {
    let number = |row: &tidemark_core::api::QueryRow, name: &str| row.values[name].as_f64();
    answer
        .rows
        .iter()
        .map(|row| {
            let numbers = Numbers {
                counts: COUNTS
                    .iter()
                    .map(|(name, _)| row.values[*name].as_i64().unwrap_or_else(|| panic!("{name}: {row:?}")))
                    .collect(),
                latency: std::iter::once("avg_latency_ms")
                    .chain(QUANTILES.map(|(name, _)| name))
                    .map(|name| number(row, name))
                    .collect(),
            };
            (
                (
                    row.bucket_start.with_timezone(&Utc),
                    row.values["platform"].as_str().unwrap_or("NULL").to_owned(),
                ),
                numbers,
            )
        })
        .collect()
}

/// The counts alone: percentiles never agree to the last digit.
pub fn counts(groups: &Groups) -> BTreeMap<(DateTime<Utc>, String), Vec<i64>> {
    groups
        .iter()
        .map(|(key, numbers)| (key.clone(), numbers.counts.clone()))
        .collect()
}

/// Counts exactly, means to the last digits, percentiles within 1 %.
pub fn assert_same(answer: &Groups, truth: &Groups, context: &str) {
    for (key, expected) in truth {
        let Some(found) = answer.get(key) else {
            panic!("{context}\n{key:?} is missing, raw rows say {expected:?}")
        };
        assert_eq!(
            found.counts, expected.counts,
            "{context}\n{key:?}: counts, in the order of truth::COUNTS"
        );
        for (at, (found, expected)) in found.latency.iter().zip(&expected.latency).enumerate() {
            let tolerance = if at == 0 { 1e-9 } else { 0.01 + 1e-9 };
            let same = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() <= tolerance * expected.abs(),
                (None, None) => true,
                _ => false,
            };
            assert!(
                same,
                "{context}\n{key:?}: latency figure {at} is {found:?}, raw rows say {expected:?}"
            );
        }
    }
    let extra: Vec<_> = answer.keys().filter(|key| !truth.contains_key(*key)).collect();
    assert!(
        extra.is_empty(),
        "{context}\nthe answer has groups that no raw row is in: {extra:?}"
    );
}

/// After a drain: nothing waits, every grain's table equals a fresh GROUP BY, sketches byte for byte, and the audit agrees.
pub async fn assert_drained_tables_equal_raw_rows(test: &TestDb, context: &str) {
    let waiting: i64 = test.one("select (select count(*) from tidemark.mark) + (select count(*) from tidemark.applicable(1)) + (select count(*) from tidemark.dirty where kind = 'r')").await;
    assert_eq!(waiting, 0, "{context}: a drain leaves nothing");
    for grain in [Grain::Minute, Grain::QuarterHour, Grain::Hour, Grain::Day, Grain::Month] {
        let step = match grain {
            Grain::Minute => "date_bin('1 minute', t, '2001-01-01 00:00+00')".to_owned(),
            Grain::QuarterHour => "date_bin('15 minutes', t, '2001-01-01 00:00+00')".to_owned(),
            grain => format!("date_trunc('{grain}', t, 'UTC')"),
        };
        let table = format!("tidemark.\"ops_metrics__{grain}\"");
        // Counts against SQL of our own, then every column, sketch bytes included, against the rows' own statistics.
        let differences: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "with line as (select complete_from from tidemark.level where grain = '{grain}'),
             built as (select t.* from {table} t, line where bucket >= complete_from
               and not exists (select from tidemark.dirty d where d.kind in ('b', 'u') and d.span && tstzrange(bucket, tidemark.bucket_next('{grain}', bucket)))),
             fresh as (
               select b, p, count(*), count(*) filter (where ok), count(*) filter (where late), count(d), sum(d), min(d)::float8, max(d)::float8
               from (select f.*, {step} as b from ({FACTS}) f where t >= '1900-01-01 00:00+00' and t < '2300-01-01 00:00+00') f, line
               where b >= complete_from
                 and not exists (select from tidemark.dirty d where d.kind in ('b', 'u') and d.span && tstzrange(b, tidemark.bucket_next('{grain}', b)))
               group by 1, 2
             ), stored as (
               select bucket, platform, raw_rows, success_count, timeout_count, latency__n, latency__sum, latency__min, latency__max from built
             )
             select 'raw rows: ' || x::text from (select * from fresh except select * from stored) x
             union all select 'stored:   ' || x::text from (select * from stored except select * from fresh) x
             limit 10"
        )))
        .fetch_all(test.pool())
        .await
        .unwrap();
        assert!(differences.is_empty(), "{context}: {grain}\n{}", differences.join("\n"));
        let columns: String = test
            .one(&format!(
                "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = '{table}'::regclass and attnum > 0
                   and attname <> 'computed_at' and attname !~ '^p[0-9]+_latency'"
            ))
            .await;
        let differences: i64 = test
            .one(&format!(
                "with line as (select complete_from from tidemark.level where grain = '{grain}'),
                 built as materialized (select {columns} from {table} t, line where bucket >= complete_from
                   and not exists (select from tidemark.dirty d where d.kind in ('b', 'u') and d.span && tstzrange(bucket, tidemark.bucket_next('{grain}', bucket)))),
                 start as (select coalesce(array_agg(distinct bucket order by bucket), '{{}}') as lo from built),
                 raw as materialized (
                   select {columns} from start, tidemark.ops_metrics__raw(lo, (select coalesce(array_agg(tidemark.bucket_next('{grain}', b) order by b), '{{}}') from unnest(lo) b))
                 )
                 select count(*) from ((select * from built except all select * from raw) union all (select * from raw except all select * from built)) x"
            ))
            .await;
        assert_eq!(
            differences, 0,
            "{context}: {grain}: stored columns differ from the raw rows' own, sketches byte for byte"
        );
    }
    let report = test.db.audit("ops_metrics", None, false).await.unwrap();
    assert_eq!(report.difference_count, 0, "{context}: {report:?}");
}
