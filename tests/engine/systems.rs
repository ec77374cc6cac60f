//! The systems that ship with Tidemark, as the tests see them: raw tables, what their rows say by SQL that shares nothing
//! with the engine, and what their programs might write.

mod forecast_accuracy;
mod measurements;
mod ops_metrics;
mod task_usage;

pub use forecast_accuracy::FORECAST_ACCURACY;
pub use measurements::MEASUREMENTS;
pub use ops_metrics::OPS_METRICS;
pub use task_usage::TASK_USAGE;

use tidemark_core::api::Grain;

use crate::harness::TestDb;
use crate::property::random::Random;

/// Every declaration that ships.
pub const ALL: [&System; 4] = [&OPS_METRICS, &TASK_USAGE, &MEASUREMENTS, &FORECAST_ACCURACY];

/// One system.
pub struct System {
    /// The declaration that ships under this name.
    pub name: &'static str,
    /// Its raw tables, and rows of the lookups.
    pub tables: &'static str,
    /// One row per fact: `t`, the dimensions by name, and what `measures` and `stored` refer to.
    pub facts: &'static str,
    /// The base grain: the finest that can be asked for.
    pub base: Grain,
    pub dimensions: &'static [&'static str],
    /// What answers are compared in.
    pub measures: &'static [Measure],
    /// Columns of the rollup tables, as aggregates over the facts.
    pub stored: &'static [(&'static str, &'static str)],
    /// One statement on the raw tables or the lookups.
    pub statement: fn(&mut Random) -> String,
    /// Statements that take a whole table: never left open, or everybody would wait.
    pub sweeping: fn(&mut Random) -> String,
}

/// A measure, and the same as an aggregate over the facts.
pub struct Measure {
    pub name: &'static str,
    pub sql: &'static str,
    /// Relative; 0 where the two must be equal.
    pub tolerance: f64,
}

const fn measure(name: &'static str, sql: &'static str, tolerance: f64) -> Measure {
    Measure { name, sql, tolerance }
}

impl TestDb {
    /// A database with the raw tables of a system, empty.
    pub async fn raw_of(system: &'static System) -> TestDb {
        let mut test = TestDb::empty().await;
        test.rollup = system.name;
        test.sql(system.tables).await;
        test
    }

    /// What its raw tables are.
    pub fn system(&self) -> &'static System {
        ALL.into_iter().find(|system| system.name == self.rollup).unwrap()
    }
}

#[test]
fn every_shipped_declaration_has_fewer_than_80_lines_that_count() {
    for name in tidemark_db::Declaration::shipped() {
        let text = tidemark_db::Declaration::load(name).unwrap().text;
        let counting = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .count();
        assert!(counting < 80, "{name} has {counting}");
    }
}

#[test]
fn every_declaration_that_ships_is_tested_against_its_raw_rows() {
    let mut shipped = tidemark_db::Declaration::shipped();
    shipped.sort_unstable();
    let mut tested = ALL.map(|system| system.name);
    tested.sort_unstable();
    assert_eq!(shipped, tested);
}
