//! Reading 90 days: beside live SQL, and beside copying the same rollup rows out.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tidemark_core::api::{Grain, QueryAnswer, QueryRequest, ReadMode, WeekStart};
use tidemark_core::cover::{Level, cover};
use tidemark_core::zone::viewer_buckets;

use super::Bench;
use crate::data::{ROLLUP, Set, Shape, Spec};
use crate::report::{Goal, Line, Section};
use crate::sample::{interleaved, timed};
use crate::{Error, Result};

struct Question {
    name: &'static str,
    what: &'static str,
    grain: Grain,
    tz: Tz,
    percentile: bool,
}

const QUESTIONS: [Question; 5] = [
    Question {
        name: "counts_day",
        what: "90 days by day (Berlin), counts and error rate",
        grain: Grain::Day,
        tz: Tz::Europe__Berlin,
        percentile: false,
    },
    Question {
        name: "counts_hour",
        what: "90 days by hour (Berlin), counts and error rate",
        grain: Grain::Hour,
        tz: Tz::Europe__Berlin,
        percentile: false,
    },
    Question {
        name: "p99_day_berlin",
        what: "the same with p99, days in Europe/Berlin",
        grain: Grain::Day,
        tz: Tz::Europe__Berlin,
        percentile: true,
    },
    Question {
        name: "p99_day_kolkata",
        what: "the same with p99, days in Asia/Kolkata",
        grain: Grain::Day,
        tz: Tz::Asia__Kolkata,
        percentile: true,
    },
    Question {
        name: "p99_hour_berlin",
        what: "the same with p99, hours in Europe/Berlin",
        grain: Grain::Hour,
        tz: Tz::Europe__Berlin,
        percentile: true,
    },
];

fn suffix(spec: &Spec) -> String {
    let shape = match spec.shape {
        Shape::Busy => "busy",
        Shape::Sparse => "sparse",
    };
    format!(
        "{}_{shape}",
        crate::data::count(spec.rows).replace(' ', "").to_lowercase()
    )
}

/// What is measured on a set.
pub fn names(spec: &Spec) -> Vec<String> {
    let names = QUESTIONS
        .iter()
        .map(|question| format!("read_{}_{}", question.name, suffix(spec)));
    names.flat_map(|name| [format!("{name}_copy"), name]).collect()
}

pub async fn measure(bench: &Bench, set: &Set) -> Result<Section> {
    let to: DateTime<Utc> = set.one("select max(created_at) from usage_logs").await?;
    let to = Grain::Hour.utc_floor(to);
    let from = to - TimeDelta::days(i64::from(set.spec.days));
    let mut plain = PgConnection::connect(&set.url).await?;
    let mut section = Section::new(
        match (set.spec.shape, set.spec.rows == bench.rows) {
            (Shape::Busy, true) => "Reading, busy, all rows",
            (Shape::Sparse, true) => "Reading, sparse, all rows",
            (Shape::Busy, false) => "Reading, busy, a tenth of the rows",
            (Shape::Sparse, false) => "Reading, sparse, a tenth of the rows",
        },
        format!(
            "{}, all by platform. Ours is `Db::query`, the function behind `tidemark query`, from the call to the rows of the answer, on a pool that is connected. Live SQL is what a dashboard would ask, with PostgreSQL's parallel plans allowed, drained by the client. The copy is `COPY (the rollup rows that the answer is made of) TO '/dev/null' (format binary)`, which never leaves the server. Counts of the answer and of live SQL were compared and are equal.",
            set.spec.describe()
        ),
    );
    for question in &QUESTIONS {
        let live_name = format!("read_{}_{}", question.name, suffix(&set.spec));
        let copy_name = format!("{live_name}_copy");
        if !bench.wants(&[&live_name, &copy_name]) {
            continue;
        }
        let request = request(question, from, to);
        let live = live_sql(question, from, to);
        let copy = copy_sql(question, from, to);
        let answer = set.db.query(&request).await?;
        same_counts(&mut plain, &answer, &live).await?;

        let least = if question.percentile { 30.0 } else { 100.0 };
        let plain = std::sync::Arc::new(tokio::sync::Mutex::new(PgConnection::connect(&set.url).await?));
        let run = |sql: &str| {
            let (plain, sql) = (plain.clone(), sql.to_owned());
            async move {
                let mut connection = plain.lock().await;
                timed(async {
                    sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
                    Ok(())
                })
                .await
            }
        };
        let ours = || timed(async { Ok(set.db.query(&request).await?) });
        // Only one of them has its goal at ten million rows; at fewer, and in other shapes, the ratio is stated.
        let pairs = interleaved(bench.repeats, ours, || run(&live)).await?;
        let mut line = Line::new(&live_name, question.what, "live SQL", Goal::Faster(least), &pairs);
        if (set.spec.shape, set.spec.rows) != (Shape::Busy, 10_000_000) {
            (line.goal, line.met) = (None, None);
        }
        section.lines.push(line);
        let pairs = interleaved(bench.repeats.max(15), ours, || run(&copy)).await?;
        section.lines.push(Line::new(
            &copy_name,
            &format!("{} rows of the answer", answer.rows.len()),
            "COPY BINARY of the same rollup rows",
            Goal::AtMostOr(1.5, 3.0),
            &pairs,
        ));
        if set.spec.shape == Shape::Busy && set.spec.rows == bench.rows {
            section.statement(&format!("{live_name}, live SQL"), &live);
            section.statement(&format!("{copy_name}, the copy"), &shortened(&copy));
        }
    }
    Ok(section)
}

fn request(question: &Question, from: DateTime<Utc>, to: DateTime<Utc>) -> QueryRequest {
    let mut measures = vec!["request_count", "success_count", "error_count", "error_rate"];
    if question.percentile {
        measures.push("p99_latency_ms");
    }
    QueryRequest {
        rollup: ROLLUP.to_owned(),
        from,
        to,
        grain: question.grain,
        tz: question.tz,
        week_start: WeekStart::Monday,
        by: vec!["platform".to_owned()],
        filters: Vec::new(),
        measures: measures.into_iter().map(str::to_owned).collect(),
        mode: ReadMode::Exact,
    }
}

/// What a dashboard without rollups asks.
fn live_sql(question: &Question, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let (grain, tz) = (question.grain, question.tz);
    let (p99, no_p99) = if question.percentile {
        (
            ", percentile_cont(0.99) within group (order by u.duration_ms) as p99",
            ", null::double precision",
        )
    } else {
        ("", "")
    };
    let p99_sum = if question.percentile { ", max(p99) as p99" } else { "" };
    let range = |alias: &str| format!("{alias}.created_at >= '{from}' and {alias}.created_at < '{to}'");
    format!(
        "select bucket, platform, sum(successes)::bigint as successes, sum(errors)::bigint as errors,
  100.0 * sum(errors)::double precision / sum(successes + errors)::double precision as error_rate{p99_sum}
from (
  select date_trunc('{grain}', u.created_at, '{tz}') as bucket, coalesce(nullif(g.platform, ''), a.platform, '') as platform,
    count(*) as successes, 0::bigint as errors{p99}
  from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
  where {} group by 1, 2
  union all
  select date_trunc('{grain}', e.created_at, '{tz}'), coalesce(nullif(e.platform, ''), g.platform, a.platform, ''), 0, count(*){no_p99}
  from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id
  where {} group by 1, 2
) as part group by 1, 2",
        range("u"),
        range("e")
    )
}

/// The rollup rows that the answer is made of, copied out by the server.
fn copy_sql(question: &Question, from: DateTime<Utc>, to: DateTime<Utc>) -> String {
    let grains = [Grain::QuarterHour, Grain::Hour, Grain::Day, Grain::Month];
    let levels = grains.map(|grain| Level { grain, from: None });
    let buckets = viewer_buckets(from, to, question.grain, question.tz, WeekStart::Monday);
    let pieces = cover(&buckets, (from, to), &levels);
    let columns = if question.percentile {
        "t.bucket, t.platform, t.success_count, t.error_count, t.latency__min, t.latency__max, t.latency__sketch"
    } else {
        "t.bucket, t.platform, t.success_count, t.error_count"
    };
    let parts: Vec<String> = grains
        .iter()
        .enumerate()
        .filter_map(|(at, grain)| {
            // Neighbours are one range of the table.
            let mut spans: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
            for piece in pieces.iter().filter(|piece| piece.level == Some(at)) {
                match spans.last_mut() {
                    Some(last) if last.1 == piece.start => last.1 = piece.end,
                    _ => spans.push((piece.start, piece.end)),
                }
            }
            let values: Vec<String> = spans
                .iter()
                .map(|(lo, hi)| format!("(timestamptz '{}', timestamptz '{}')", lo.to_rfc3339(), hi.to_rfc3339()))
                .collect();
            (!spans.is_empty()).then(|| {
                format!(
                    "select {columns}\n  from (values {}) as s (lo, hi) join tidemark.{ROLLUP}__{grain} as t on t.bucket >= s.lo and t.bucket < s.hi",
                    values.join(", ")
                )
            })
        })
        .collect();
    format!(
        "copy (\n  {}\n) to '/dev/null' (format binary)",
        parts.join("\n  union all\n  ")
    )
}

/// For print: long lists of spans cut short.
fn shortened(sql: &str) -> String {
    sql.lines()
        .map(|line| {
            let spans: Vec<&str> = line.split("), (").collect();
            match spans.as_slice() {
                [first, second, .., last] if spans.len() > 4 => {
                    format!("{first}), ({second}), … {} spans …, ({last}", spans.len())
                }
                _ => line.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A fast answer that is wrong is worth nothing.
async fn same_counts(connection: &mut PgConnection, answer: &QueryAnswer, live: &str) -> Result<()> {
    let rows = sqlx::query(AssertSqlSafe(live.to_owned()))
        .fetch_all(connection)
        .await?;
    let sum = |column: &str| rows.iter().map(|row| row.get::<i64, _>(column)).sum::<i64>();
    let ours = |measure: &str| {
        answer
            .rows
            .iter()
            .filter_map(|row| row.values[measure].as_i64())
            .sum::<i64>()
    };
    let (theirs, told) = (
        (rows.len(), sum("successes"), sum("errors")),
        (answer.rows.len(), ours("success_count"), ours("error_count")),
    );
    if theirs == told {
        Ok(())
    } else {
        Err(Error::Wrong(format!(
            "rows, successes, failures: live SQL says {theirs:?}, the answer says {told:?}"
        )))
    }
}
