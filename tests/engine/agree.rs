//! A rollup against its raw rows, by SQL that a test writes itself.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tidemark_core::api::{Grain, QueryRow, State};

use crate::ask::{FROM, TO, question, within_one_percent};
use crate::harness::{TestDb, at};

/// What raw rows say.
pub struct Raw<'a> {
    pub rollup: &'a str,
    /// FROM clause, and a condition behind `where true` if any.
    pub from: &'a str,
    /// The instant of a row.
    pub instant: &'a str,
    /// Dimensions with their SQL.
    pub by: &'a [(&'a str, &'a str)],
    /// Measures with their SQL.
    pub measures: &'a [(&'a str, &'a str)],
    /// Percentiles: the SQL of the value, and the rank.
    pub quantiles: &'a [(&'a str, &'a str, f64)],
}

impl Raw<'_> {
    /// Every measure at these grains, by each dimension and none, in a zone. `drained`: nothing may be read live.
    pub async fn agrees(&self, test: &TestDb, grains: &[Grain], tz: Tz, drained: bool, context: &str) {
        for grain in grains {
            for by in self.by.iter().map(Some).chain([None]) {
                let context = format!("{grain} in {tz} by {by:?}, drained: {drained}\n{context}");
                self.compare(test, *grain, by, tz, drained, &context).await;
            }
        }
    }

    /// Now, after a drain from the rollup alone, and by the audit.
    pub async fn agrees_now_and_drained(&self, test: &TestDb, grains: &[Grain], context: &str) {
        self.agrees(test, grains, chrono_tz::UTC, false, context).await;
        test.drain_of(self.rollup).await;
        self.agrees(test, grains, chrono_tz::UTC, true, context).await;
        let audit = test.db.audit(self.rollup, None, false).await.unwrap();
        assert_eq!(
            (audit.difference_count, audit.waiting_buckets),
            (0, 0),
            "{context}: {audit:?}"
        );
    }

    async fn compare(
        &self,
        test: &TestDb,
        grain: Grain,
        by: Option<&(&str, &str)>,
        tz: Tz,
        drained: bool,
        context: &str,
    ) {
        let mut request = question(self.rollup, at(FROM), at(TO), grain, tz);
        request.by = by.iter().map(|(name, _)| (*name).to_owned()).collect();
        let answer = test.ask(&request).await;
        assert_eq!(answer.state, State::Exact, "{context}");
        assert!(!drained || answer.live_buckets == 0, "{context}");
        let bucket = match grain {
            Grain::Total => format!("'{FROM}'::timestamptz"),
            Grain::QuarterHour => format!("date_bin('15 minutes', {}, '2001-01-01 00:00+00')", self.instant),
            grain => format!("date_trunc('{grain}', {}, '{tz}')", self.instant),
        };
        let exact = self.measures.iter().map(|(_, sql)| format!("({sql})::float8"));
        let ranks = self
            .quantiles
            .iter()
            .map(|(_, value, q)| format!("(percentile_disc({q}) within group (order by {value}))::float8"));
        let sql = format!(
            "select {bucket}, ({})::text, array[{}]::float8[] from {} and {i} >= '{FROM}' and {i} < '{TO}' group by 1, 2",
            by.map_or("null", |(_, sql)| *sql),
            exact.chain(ranks).collect::<Vec<_>>().join(", "),
            if self.from.contains(" where ") {
                self.from.to_owned()
            } else {
                format!("{} where true", self.from)
            },
            i = self.instant,
        );
        type Row = (DateTime<Utc>, Option<String>, Vec<Option<f64>>);
        let truth: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql.clone()))
            .fetch_all(test.pool())
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
        assert!(!truth.is_empty(), "nothing to compare: {context}");
        assert_eq!(answer.rows.len(), truth.len(), "rows: {context}");
        for (start, group, values) in truth {
            let own = |row: &&QueryRow| {
                let told = by.and_then(|(name, _)| match &row.values[*name] {
                    Value::Null => None,
                    Value::String(text) => Some(text.clone()),
                    other => Some(other.to_string()),
                });
                row.bucket_start == start && told == group
            };
            let row = answer
                .rows
                .iter()
                .find(own)
                .unwrap_or_else(|| panic!("no row for {start} {group:?}: {context}"));
            let names = self.measures.iter().map(|(name, _)| (*name, false));
            let names = names.chain(self.quantiles.iter().map(|(name, ..)| (*name, true)));
            for ((name, rank), truth) in names.zip(values) {
                let told = row
                    .values
                    .get(name)
                    .unwrap_or_else(|| panic!("no measure {name}: {context}"))
                    .as_f64();
                let same = match (told, truth) {
                    (None, None) => true,
                    (Some(told), Some(truth)) if rank => within_one_percent(told, truth),
                    (Some(told), Some(truth)) => (told - truth).abs() <= 1e-9 * truth.abs(),
                    _ => false,
                };
                assert!(same, "{start} {group:?} {name}: {told:?} for {truth:?}: {context}");
            }
        }
    }
}
