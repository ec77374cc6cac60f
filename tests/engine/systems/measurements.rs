//! `measurements`: a health app's samples.

use tidemark_core::api::Grain;

use super::{System, measure};
use crate::property::random::Random;

pub const MEASUREMENTS: System = System {
    name: "measurements",
    tables: include_str!("../../../crates/local/src/demo/measurements.sql"),
    // A double is its shortest decimal, and x the seconds since 1970.
    facts: "
  select m.measured_at at time zone 'UTC' as t, extract(epoch from m.measured_at) as x, m.user_id, m.type, m.value as f, m.value::text::numeric as v
  from measurements m where m.deleted_at is null",
    base: Grain::QuarterHour,
    dimensions: &["user_id", "type"],
    measures: &[
        measure("count", "count(*)", 0.0),
        measure("mean", "avg(v)", 1e-9),
        measure("min_value", "min(f)", 0.0),
        measure("max_value", "max(f)", 0.0),
        measure("sd", "stddev_samp(v)", 1e-9),
        measure("slope", "86400 * (count(*) * sum(x * v) - sum(x) * sum(v)) / nullif(count(*) * sum(x * x) - sum(x) * sum(x), 0)", 1e-9),
        measure(
            "r2",
            "case when count(*) * sum(x * x) = sum(x) * sum(x) then null when count(*) * sum(v * v) = sum(v) * sum(v) then 1
             else (count(*) * sum(x * v) - sum(x) * sum(v)) * (count(*) * sum(x * v) - sum(x) * sum(v)) / ((count(*) * sum(x * x) - sum(x) * sum(x)) * (count(*) * sum(v * v) - sum(v) * sum(v))) end",
            1e-9,
        ),
    ],
    stored: &[
        ("count", "count(*)"),
        ("readings__n", "count(*)"),
        ("readings__odd", "0::bigint"),
        ("readings__sum", "sum(v)"),
        ("readings__sum2", "sum(v * v)"),
        ("readings__t", "sum((x - 978307200) * 1000000)"),
        ("readings__t2", "sum(((x - 978307200) * 1000000) * ((x - 978307200) * 1000000))"),
        ("readings__tv", "sum((x - 978307200) * 1000000 * v)"),
        ("min_value", "min(f)"),
        ("max_value", "max(f)"),
    ],
    statement: Random::sample_statement,
    sweeping: Random::sample_sweeping,
};

impl Random {
    /// A wall clock in UTC. Never NULL: the column forbids it.
    fn wall_clock(&mut self) -> String {
        format!(
            "(({})::timestamptz at time zone 'UTC')",
            self.time().replace("null", "now()")
        )
    }

    fn sample(&mut self) -> String {
        format!(
            "('u{}', '{}', {}, {}, {})",
            self.below(4),
            self.pick(&["PULSE", "WEIGHT", "o''dd"]),
            self.pick(&[
                "1e9 + random() * 1e-3",
                "random() * 200 - 100",
                "0",
                "72.5",
                "'-0'",
                "1e-9",
                "-3"
            ]),
            self.wall_clock(),
            self.pick(&["null", "null", "null", "now()"]),
        )
    }

    fn sample_statement(&mut self) -> String {
        const INSERT: &str = "insert into measurements (user_id, type, value, measured_at, deleted_at) values";
        match self.below(100) {
            0..40 => {
                let rows: Vec<String> = (0..=self.below(4)).map(|_| self.sample()).collect();
                format!("{INSERT} {}", rows.join(", "))
            }
            40..55 => format!(
                "update measurements set value = value + {} where {}",
                self.below(9),
                self.some::<5>("measurements")
            ),
            55..63 => format!(
                "update measurements set measured_at = {} where {}",
                self.wall_clock(),
                self.some::<4>("measurements")
            ),
            63..70 => format!(
                "update measurements set user_id = 'u{}', type = 'PULSE' where {}",
                self.below(4),
                self.some::<3>("measurements")
            ),
            70..80 => format!(
                "update measurements set deleted_at = {} where {}",
                self.pick(&["now()", "null"]),
                self.some::<6>("measurements")
            ),
            80..86 => format!("delete from measurements where {}", self.some::<5>("measurements")),
            86..96 => format!(
                "insert into measurements (user_id, type, value, measured_at) select 'u{}', 'PULSE', i % 7, (now() at time zone 'UTC') - i * interval '{} seconds' from generate_series(1, {}) i",
                self.below(4),
                1 + self.below(2_000),
                1 + self.below(60)
            ),
            _ => format!(
                "update measurements set updated_at = now() where {}",
                self.some::<9>("measurements")
            ),
        }
    }

    fn sample_sweeping(&mut self) -> String {
        let end = if self.chance(70) { "commit" } else { "rollback" };
        format!(
            "begin; truncate measurements; insert into measurements (user_id, type, value, measured_at) select 'u' || i % 3, 'WEIGHT', 70 + i % 5, (now() at time zone 'UTC') - i * interval '{} minutes' from generate_series(1, 40) i; {end}",
            1 + self.below(900)
        )
    }
}
