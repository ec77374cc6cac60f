//! `forecast_accuracy`: how far forecasts were off.

use tidemark_core::api::Grain;

use super::{System, measure};
use crate::property::random::Random;

pub const FORECAST_ACCURACY: System = System {
    name: "forecast_accuracy",
    tables: include_str!("../../../crates/local/src/demo/forecast_accuracy.sql"),
    facts: r#"select d."timestamp" as t, d.site_id, d.model_id, d.parameter_id, d.horizon, d.deviation as f, d.deviation::text::numeric as v from deviations d"#,
    base: Grain::QuarterHour,
    dimensions: &["site_id", "model_id", "parameter_id", "horizon"],
    measures: &[
        measure("mae", "avg(abs(v))", 1e-9),
        measure("bias", "avg(v)", 1e-9),
        measure("std_dev", "stddev_samp(v)", 1e-9),
        measure("sample_size", "count(*)", 0.0),
        measure("min_deviation", "min(f)", 0.0),
        measure("max_deviation", "max(f)", 0.0),
    ],
    stored: &[
        ("deviations__n", "count(*)"),
        ("deviations__sum", "sum(v)"),
        ("deviations__sum2", "sum(v * v)"),
        ("offs__sum", "sum(abs(v))"),
        ("offs__sum2", "sum(v * v)"),
        ("sample_size", "count(*)"),
        ("min_deviation", "min(f)"),
        ("max_deviation", "max(f)"),
    ],
    statement: Random::forecast_statement,
    sweeping: Random::forecast_sweeping,
};

impl Random {
    fn forecast_statement(&mut self) -> String {
        const INSERT: &str = r#"insert into deviations ("timestamp", site_id, model_id, parameter_id, horizon, forecast_value, observed_value, deviation)"#;
        match self.below(100) {
            0..45 => format!(
                "{INSERT} select {}, 1 + i % 2, 1 + i % 3, 1, {}, f, 10, f - 10 from generate_series(1, {}) i, lateral (select {} as f) x",
                // Never NULL: the column forbids it.
                self.time().replace("null", "now()"),
                self.pick(&[6, 24]),
                1 + self.below(12),
                self.pick(&["10 + random()", "10", "10 - i * 0.1", "1e9 + i * 1e-3", "-i"]),
            ),
            45..60 => format!(
                "update deviations set deviation = -deviation where {}",
                self.some::<5>("deviations")
            ),
            60..70 => format!(
                "update deviations set deviation = deviation + 0.001 where {}",
                self.some::<5>("deviations")
            ),
            70..80 => format!(
                r#"update deviations set "timestamp" = {} where {}"#,
                self.time().replace("null", "now()"),
                self.some::<3>("deviations")
            ),
            80..88 => format!(
                "update deviations set horizon = {}, model_id = 2 where {}",
                self.pick(&[6, 24, 48]),
                self.some::<3>("deviations")
            ),
            _ => format!("delete from deviations where {}", self.some::<6>("deviations")),
        }
    }

    fn forecast_sweeping(&mut self) -> String {
        let end = if self.chance(70) { "commit" } else { "rollback" };
        let statement = self.forecast_statement();
        format!("begin; truncate deviations; {statement}; {end}")
    }
}
