//! What the raw rows say, by SQL that shares nothing with the engine: the other side of every comparison.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use tidemark_core::api::{Grain, QueryAnswer, QueryRequest, ReadMode, State, WeekStart};

use crate::harness::TestDb;
use crate::systems::System;

/// In the order of [`System::measures`].
pub type Numbers = Vec<Option<f64>>;

/// By start of bucket and group.
pub type Groups = BTreeMap<(DateTime<Utc>, Vec<Option<String>>), Numbers>;

/// Ask by every dimension.
pub const BY_ALL: u32 = u32::MAX;

/// A question that both sides are asked, about the system of the test's database.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub grain: Grain,
    pub tz: Tz,
    /// One bit per dimension: the others are merged over.
    pub by: u32,
}

impl Question {
    fn dimensions(&self, system: &System) -> Vec<&'static str> {
        let asked = |at: &usize| self.by >> at & 1 == 1;
        (0..system.dimensions.len())
            .filter(asked)
            .map(|at| system.dimensions[at])
            .collect()
    }

    /// The engine's answer.
    pub async fn ask(&self, test: &TestDb, mode: ReadMode) -> QueryAnswer {
        let request = QueryRequest {
            rollup: test.system().name.to_owned(),
            from: self.from,
            to: self.to,
            grain: self.grain,
            tz: self.tz,
            week_start: WeekStart::Monday,
            by: self.dimensions(test.system()).into_iter().map(str::to_owned).collect(),
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
        let system = test.system();
        let bucket = match self.grain {
            Grain::Total => "$1".to_owned(),
            Grain::Minute | Grain::QuarterHour => bucket_of(self.grain),
            grain => format!("date_trunc('{grain}', t, '{}')", self.tz.name()),
        };
        let by: Vec<String> = self
            .dimensions(system)
            .iter()
            .map(|name| format!("{name}::text"))
            .collect();
        let measures: Vec<String> = system
            .measures
            .iter()
            .map(|measure| format!("({})::float8", measure.sql))
            .collect();
        let sql = format!(
            "select {bucket}, array[{}]::text[], array[{}]::float8[] from ({}) f where t >= $1 and t < $2 group by {}",
            by.join(", "),
            measures.join(", "),
            system.facts,
            // A total over nothing is no row.
            if by.is_empty() { "1 having count(*) > 0" } else { "1, 2" },
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(self.from)
            .bind(self.to)
            .fetch_all(test.pool())
            .await
            .unwrap();
        rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect()
    }

    /// The engine's answer by bucket and group.
    pub fn groups(&self, test: &TestDb, answer: &QueryAnswer) -> Groups {
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let dimensions = self.dimensions(test.system());
        answer
            .rows
            .iter()
            .map(|row| {
                let group = dimensions.iter().map(|name| text(&row.values[*name])).collect();
                let numbers = test
                    .system()
                    .measures
                    .iter()
                    .map(|measure| row.values[measure.name].as_f64())
                    .collect();
                ((row.bucket_start.with_timezone(&Utc), group), numbers)
            })
            .collect()
    }

    /// Compare an answer with what the raw rows said.
    pub fn assert_same(&self, test: &TestDb, answer: &QueryAnswer, truth: &Groups, context: &str) {
        let told = self.groups(test, answer);
        let context = format!("{context}: {} {self:?}", test.system().name);
        for (key, expected) in truth {
            let Some(found) = told.get(key) else {
                panic!("{context}\n{key:?} is missing, raw rows say {expected:?}")
            };
            for (measure, (found, expected)) in test.system().measures.iter().zip(found.iter().zip(expected)) {
                let same = match (found, expected) {
                    (Some(found), Some(expected)) => {
                        (found - expected).abs() <= measure.tolerance * (1.0 + 1e-7) * expected.abs()
                    }
                    (None, None) => true,
                    _ => false,
                };
                assert!(
                    same,
                    "{context}\n{key:?}: {} is {found:?}, raw rows say {expected:?}",
                    measure.name
                );
            }
        }
        let extra: Vec<_> = told.keys().filter(|key| !truth.contains_key(*key)).collect();
        assert!(
            extra.is_empty(),
            "{context}\nthe answer has groups that no raw row is in: {extra:?}"
        );
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
        self.assert_same(test, &exact, &truth, context);
        let stored = self.ask(test, ReadMode::RollupOnly).await;
        if stored.state == State::Exact {
            self.assert_same(test, &stored, &truth, &format!("{context}: rollup only"));
        }
        exact
    }

    /// The measures that are exact, of an answer or of the truth: percentiles never agree to the last digit.
    pub fn exactly(&self, test: &TestDb, groups: &Groups) -> Groups {
        let exact: Vec<usize> = (0..test.system().measures.len())
            .filter(|at| test.system().measures[*at].tolerance == 0.0)
            .collect();
        groups
            .iter()
            .map(|(key, numbers)| (key.clone(), exact.iter().map(|at| numbers[*at]).collect()))
            .collect()
    }
}

/// The start of the bucket of `t`, in UTC.
fn bucket_of(grain: Grain) -> String {
    match grain {
        Grain::Minute => "date_bin('1 minute', t, '2001-01-01 00:00+00')".to_owned(),
        Grain::QuarterHour => "date_bin('15 minutes', t, '2001-01-01 00:00+00')".to_owned(),
        grain => format!("date_trunc('{grain}', t, 'UTC')"),
    }
}

/// After a drain: nothing waits, every grain's table equals a fresh GROUP BY, sketches byte for byte, and the audit agrees.
pub async fn assert_drained_tables_equal_raw_rows(test: &TestDb, context: &str) {
    let system = test.system();
    let context = format!("{context}: {}", system.name);
    let waiting: i64 = test
        .one(&format!(
            "select (select count(*) from tidemark.mark m where m.rollup_id = r.id) + (select count(*) from tidemark.applicable(r.id))
               + (select count(*) from tidemark.dirty d where d.rollup_id = r.id and d.kind = 'r') from tidemark.rollup r where name = '{}'",
            system.name
        ))
        .await;
    assert_eq!(waiting, 0, "{context}: a drain leaves nothing");
    let levels: Vec<(String, String)> = sqlx::query_as(
        "select grain, format('tidemark.%I', table_name) from tidemark.level l join tidemark.rollup r on r.id = l.rollup_id where name = $1 order by level",
    )
    .bind(system.name)
    .fetch_all(test.pool())
    .await
    .unwrap();
    for (grain, table) in levels {
        // Counts against SQL of our own, then every column, sketch bytes included, against the rows' own statistics.
        let built = |start: &str| {
            format!(
                "{start} >= (select complete_from from line) and not exists (select from tidemark.dirty d, line where d.rollup_id = line.rollup_id and d.kind in ('b', 'u') and d.span && tstzrange({start}, tidemark.bucket_next('{grain}', {start})))"
            )
        };
        let line = format!(
            "line as (select l.* from tidemark.level l join tidemark.rollup r on r.id = l.rollup_id where r.name = '{}' and grain = '{grain}')",
            system.name
        );
        let by = system.dimensions.join(", ");
        let (columns, aggregates): (Vec<&str>, Vec<&str>) = system.stored.iter().copied().unzip();
        let differences: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "with {line}, stored as (
               select bucket, {by}, raw_rows, {} from {table} where {}
             ), fresh as (
               select b, {by}, count(*), {}
               from (select f.*, {} as b from ({}) f where t >= '1900-01-01 00:00+00' and t < '2300-01-01 00:00+00') f
               where {}
               group by b, {by}
             )
             select 'raw rows: ' || x::text from (select * from fresh except select * from stored) x
             union all select 'stored:   ' || x::text from (select * from stored except select * from fresh) x
             limit 10",
            columns.join(", "),
            built("bucket"),
            aggregates.join(", "),
            bucket_of(Grain::parse(&grain).unwrap()),
            system.facts,
            built("b"),
        )))
        .fetch_all(test.pool())
        .await
        .unwrap();
        assert!(differences.is_empty(), "{context}: {grain}\n{}", differences.join("\n"));
        let raw = format!("{}__raw", system.name);
        let columns: String = test
            .one(&format!(
                "select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
                 where attrelid = '{table}'::regclass and attnum > 0 and attname = any (select unnest(proargnames) from pg_proc where proname = '{raw}')"
            ))
            .await;
        let differences: i64 = test
            .one(&format!(
                "with {line}, built as materialized (select {columns} from {table} where {}),
                 start as (select coalesce(array_agg(distinct bucket order by bucket), '{{}}') as lo from built),
                 raw as materialized (
                   select {columns} from start, tidemark.{raw}(lo, (select coalesce(array_agg(tidemark.bucket_next('{grain}', b) order by b), '{{}}') from unnest(lo) b))
                 )
                 select count(*) from ((select * from built except all select * from raw) union all (select * from raw except all select * from built)) x",
                built("bucket")
            ))
            .await;
        assert_eq!(
            differences, 0,
            "{context}: {grain}: stored columns differ from the raw rows' own, sketches byte for byte"
        );
    }
    let report = test.db.audit(system.name, None, false).await.unwrap();
    assert_eq!(report.difference_count, 0, "{context}: {report:?}");
}
