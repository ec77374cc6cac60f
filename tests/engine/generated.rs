//! The property test over generated declarations: random grains, dimensions, measures, sources, lookups and filters;
//! random changes of rows and lookups between ticks, jobs and audits. Every exact answer equals the raw rows, by SQL that
//! the generator writes beside the declaration, without the product's compiler.
//!
//! `TIDEMARK_SEED=n` runs that seed only; `TIDEMARK_SEEDS=n` and `TIDEMARK_STEPS=n` run longer.

mod shape;

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tidemark_core::api::{DimensionFilter, Grain, QueryRequest, ReadMode, RecomputeRequest, State};

use crate::ask::{declaration, question, within_one_percent};
use crate::harness::TestDb;
use crate::property::random::Random;
use crate::property::setting;
use shape::{How, Shape, TABLES};

/// Seeds that found something once.
const ONCE_FAILED: [u64; 0] = [];

#[tokio::test]
async fn a_generated_declaration_equals_the_raw_rows_whatever_was_written() {
    let steps = setting("TIDEMARK_STEPS", 14);
    let seeds: Vec<u64> = match std::env::var("TIDEMARK_SEED") {
        Ok(_) => vec![setting("TIDEMARK_SEED", 0)],
        Err(_) => ONCE_FAILED
            .into_iter()
            .chain(1..=setting("TIDEMARK_SEEDS", 6))
            .collect(),
    };
    for pair in seeds.chunks(2) {
        let first = run(pair[0], steps);
        match pair.get(1) {
            Some(second) => drop(tokio::join!(first, run(*second, steps))),
            None => first.await,
        }
    }
}

struct World {
    test: TestDb,
    random: Random,
    shape: Shape,
    log: Vec<String>,
}

async fn run(seed: u64, steps: u64) {
    let started = std::time::Instant::now();
    // Another stream than the other property test's.
    let mut random = Random::new(seed.wrapping_add(0x5EED));
    let shape = Shape::random(&mut random);
    let test = TestDb::empty().await;
    test.sql(TABLES).await;
    for source in &shape.sources {
        test.sql(&source.create()).await;
    }
    let mut world = World {
        test,
        random,
        shape,
        log: Vec::new(),
    };
    for _ in 0..12 {
        let sql = world.insert();
        world.test.sql(&sql).await;
    }
    let backfill = world.random.chance(80);
    let applied = world.test.db.apply(&declaration(&world.shape.toml), backfill).await;
    applied.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", world.shape.toml));
    let mut comparisons = 0;
    for step in 0..steps {
        world.step().await;
        for _ in 0..world.random.below(3) {
            world.check(ReadMode::Exact, &format!("seed {seed}, step {step}")).await;
            comparisons += 1;
        }
    }
    world.test.drain_of("generated").await;
    // Without a backfill, history stays unbuilt, and only raw rows know it.
    let mode = if backfill {
        ReadMode::RollupOnly
    } else {
        ReadMode::Exact
    };
    for _ in 0..4 {
        world.check(mode, &format!("seed {seed}, drained")).await;
    }
    let audit = world.test.db.audit("generated", None, false).await.unwrap();
    assert_eq!(
        audit.difference_count, 0,
        "seed {seed}: {audit:?}\n{}",
        world.shape.toml
    );
    println!(
        "seed {seed}: {} sources, {} dimensions, {} measures, base {}; {steps} steps, {comparisons} comparisons, {:.1} s",
        world.shape.sources.len(),
        world.shape.dimensions.len(),
        world.shape.measures.len(),
        world.shape.base,
        started.elapsed().as_secs_f64()
    );
}

impl World {
    fn insert(&mut self) -> String {
        let at = self.random.below(self.shape.sources.len() as u64) as usize;
        let rows: Vec<String> = (0..1 + self.random.below(12)).map(|_| self.row(at)).collect();
        format!(
            "insert into {} (at, kind, \"Step\", flag, shop, lang, doc, v_int, \"V num\", v_dbl) values {}",
            self.shape.sources[at].table,
            rows.join(", ")
        )
    }

    fn row(&mut self, at: usize) -> String {
        let random = &mut self.random;
        let instant = random.time();
        let time = self.shape.sources[at].time.store(&instant);
        let maybe = |sql: String, random: &mut Random| if random.chance(15) { "null".to_owned() } else { sql };
        let values = [
            format!("'{}'", random.pick(&["a", "b", "cc", "", "it''s"])),
            random.below(4).to_string(),
            (if random.chance(50) { "true" } else { "false" }).to_owned(),
            random.below(10).to_string(),
            format!("'{}'", random.pick(&["en", "fr", "xx"])),
            format!(
                "'{{\"k\": \"{}\", \"n\": {}}}'",
                random.pick(&["x", "y"]),
                random.below(1_000)
            ),
            random.below(100).to_string(),
            format!("{}.{:03}", random.below(120), random.below(1_000)),
            format!("{}.5", random.below(900)),
        ];
        let values: Vec<String> = values.into_iter().map(|value| maybe(value, random)).collect();
        format!("({time}, {})", values.join(", "))
    }

    /// Something happens.
    async fn step(&mut self) {
        let source = self.random.below(self.shape.sources.len() as u64) as usize;
        let (table, time) = (self.shape.sources[source].table, self.shape.sources[source].time);
        let (n, k) = (2 + self.random.below(6), self.random.below(5));
        let sql = match self.random.below(20) {
            0..4 => self.insert(),
            4 => format!(
                "update {table} set at = {} where id % {n} = 0",
                time.store(&self.random.time())
            ),
            5 => format!(
                "update {table} set kind = {}, flag = not flag where id % {n} = 1",
                self.random.pick(&["null", "'b'", "'new'"])
            ),
            6 => format!("update {table} set v_int = v_int + 1, \"V num\" = null, shop = shop + 1 where id % {n} = 0"),
            7 => format!("delete from {table} where id % {n} = 0"),
            8 => format!(
                "update shop set label = {} where id = {}",
                self.random.pick(&["null", "'s2'", "'other'"]),
                1 + k
            ),
            9 => format!(
                "update shop set region_id = {} where id % 3 = {}",
                self.random.pick(&["null", "1", "3"]),
                k % 3
            ),
            10 => format!(
                "update region set name = 'r' || {} where id = {}",
                self.random.below(5),
                1 + k % 4
            ),
            11 => format!(
                "delete from shop where id = {0}; insert into shop values ({0}, 'back', {1}) on conflict do nothing",
                1 + k,
                1 + n % 4
            ),
            12 => format!(
                "update \"Price List\" set title = title || '!', lang = 'xx' where \"No\" = {} and lang = 'fr'",
                k
            ),
            13 => (*self.random.pick(&[
                "delete from \"Price List\" where lang = 'xx'",
                "insert into \"Price List\" values ('fr', 3, 'anew') on conflict do nothing",
                "truncate region",
            ]))
            .to_owned(),
            14 if self.random.chance(20) => format!("truncate {table}"),
            14 => "delete from region where id = 2".to_owned(),
            15 | 16 => "select tidemark.tick('generated', 'property', interval '0')".to_owned(),
            17 => {
                let request = RecomputeRequest {
                    rollup: "generated".to_owned(),
                    from: None,
                    to: Some(Utc::now()),
                    scope: None,
                    reason: None,
                    pace: 100,
                };
                self.test
                    .db
                    .recompute(&request)
                    .await
                    .map_or_else(|error| assert_eq!(error.info().code, "no_data", "{error}"), drop);
                self.log.push("recompute".to_owned());
                return;
            }
            18 => {
                let audit = self.test.db.audit("generated", None, false).await.unwrap();
                assert_eq!(
                    audit.difference_count,
                    0,
                    "{audit:?}\n{}\n{}",
                    self.shape.toml,
                    self.log.join("\n")
                );
                return;
            }
            _ => {
                self.test.drain_of("generated").await;
                self.log.push("drained".to_owned());
                return;
            }
        };
        // A key that is there already is refused, and nothing has happened.
        let done = sqlx::raw_sql(AssertSqlSafe(sql.clone()))
            .execute(self.test.pool())
            .await;
        match &done {
            Err(sqlx::Error::Database(refusal)) if refusal.is_unique_violation() => {}
            done => assert!(done.is_ok(), "{done:?}: {sql}"),
        }
        self.log.push(sql);
    }

    fn request(&mut self, mode: ReadMode) -> QueryRequest {
        let now = Utc::now().duration_trunc(TimeDelta::minutes(1)).unwrap();
        let random = &mut self.random;
        let cut = |at: DateTime<Utc>, grain: Grain| match grain.fixed() {
            Some(width) => at.duration_trunc(width).unwrap(),
            None => at.duration_trunc(TimeDelta::days(7)).unwrap(),
        };
        let recent = random.chance(25) && self.shape.base < Grain::Hour;
        let (from, to, finest) = if recent {
            (
                now - TimeDelta::minutes(60),
                now + TimeDelta::minutes(60),
                self.shape.base,
            )
        } else {
            let back = TimeDelta::minutes(random.below(60 * 1_440) as i64);
            (
                now - back - TimeDelta::days(1),
                now + TimeDelta::days(4),
                self.shape.kept,
            )
        };
        let coarser: Vec<Grain> = [
            Grain::Minute,
            Grain::FiveMinutes,
            Grain::QuarterHour,
            Grain::Hour,
            Grain::Day,
            Grain::Week,
            Grain::Month,
            Grain::Year,
            Grain::Total,
        ]
        .into_iter()
        .filter(|grain| *grain >= finest)
        .collect();
        // A day of quarter hours is enough of them.
        let grain = *random.pick(&coarser);
        let from = if grain < Grain::Hour {
            from.max(now - TimeDelta::days(3))
        } else {
            from
        };
        let zones = [chrono_tz::UTC, chrono_tz::Europe::Berlin, chrono_tz::Asia::Kolkata];
        let tz = if finest <= Grain::QuarterHour {
            *random.pick(&zones)
        } else {
            chrono_tz::UTC
        };
        let mut request = question("generated", cut(from, finest), cut(to, finest), grain, tz);
        request.mode = mode;
        for (name, sql_type) in &self.shape.dimensions {
            if random.chance(50) {
                request.by.push(name.clone());
            }
            if random.chance(20) {
                let value = match *sql_type {
                    "text" => random.pick(&["a", "b", "s2", "r1", "t1", "en", "x", ""]),
                    "integer" => random.pick(&["0", "1", "2"]),
                    _ => random.pick(&["true", "false"]),
                };
                let mut values = vec![Some((*value).to_owned())];
                if random.chance(40) {
                    values.push(None);
                }
                request.filters.push(DimensionFilter {
                    dimension: name.clone(),
                    values,
                });
            }
        }
        request
    }

    async fn check(&mut self, mode: ReadMode, context: &str) {
        let request = self.request(mode);
        let context = format!("{context}\n{request:?}\n{}\n{}\n", self.shape.toml, self.log.join("\n"));
        let truth = self.truth(&request).await;
        let answer = self
            .test
            .db
            .query(&request)
            .await
            .unwrap_or_else(|error| panic!("{error}: {context}"));
        assert_eq!(answer.state, State::Exact, "{context}");
        assert_eq!(answer.rows.len(), truth.len(), "rows: {context}");
        for row in &answer.rows {
            let key: Vec<Option<String>> = request.by.iter().map(|name| text(&row.values[name])).collect();
            let start = row.bucket_start.with_timezone(&Utc);
            let expected = truth
                .get(&(start, key.clone()))
                .unwrap_or_else(|| panic!("no raw row is in {start} {key:?}: {context}"));
            for (measure, expected) in self
                .shape
                .measures
                .iter()
                .filter(|measure| measure.how != How::Part)
                .zip(expected)
            {
                let told = row.values[&measure.name].as_f64();
                let same = match (told, expected) {
                    (None, None) => true,
                    (Some(told), Some(expected)) if measure.how == How::Percentile => {
                        within_one_percent(told, *expected)
                    }
                    (Some(told), Some(expected)) => (told - expected).abs() <= 1e-9 * expected.abs(),
                    _ => false,
                };
                assert!(
                    same,
                    "{start} {key:?} {}: {told:?} for {expected:?} = {}: {context}",
                    measure.name, measure.truth
                );
            }
        }
    }

    async fn truth(&self, request: &QueryRequest) -> BTreeMap<(DateTime<Utc>, Vec<Option<String>>), Vec<Option<f64>>> {
        let (from, to) = (request.from.to_rfc3339(), request.to.to_rfc3339());
        let cut = match request.grain {
            Grain::Total => format!("'{from}'::timestamptz"),
            Grain::Minute => "date_bin('1 minute', t, '2001-01-01 00:00+00')".to_owned(),
            Grain::FiveMinutes => "date_bin('5 minutes', t, '2001-01-01 00:00+00')".to_owned(),
            Grain::QuarterHour => "date_bin('15 minutes', t, '2001-01-01 00:00+00')".to_owned(),
            grain => format!("date_trunc('{grain}', t, '{}')", request.tz),
        };
        let keys: Vec<String> = request.by.iter().map(|name| format!("{name}::text")).collect();
        let numbers = self.shape.measures.iter().filter(|measure| measure.how != How::Part);
        let numbers: Vec<String> = numbers.map(|measure| format!("({})::float8", measure.truth)).collect();
        let filters: String = request
            .filters
            .iter()
            .map(|filter| {
                let any = filter.values.iter().map(|value| match value {
                    Some(value) => format!("{}::text = '{value}'", filter.dimension),
                    None => format!("{} is null", filter.dimension),
                });
                format!(" and ({})", any.collect::<Vec<_>>().join(" or "))
            })
            .collect();
        let sql = format!(
            "select {cut}, array[{}]::text[], array[{}]::float8[] from ({}) facts where t >= '{from}' and t < '{to}'{filters} group by 1, 2",
            keys.join(", "),
            numbers.join(", "),
            self.shape.facts(),
        );
        type Row = (DateTime<Utc>, Vec<Option<String>>, Vec<Option<f64>>);
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql.clone()))
            .fetch_all(self.test.pool())
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
        rows.into_iter()
            .map(|(start, key, values)| ((start, key), values))
            .collect()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
