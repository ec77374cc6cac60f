//! The measures of a declaration, as TOML.

use super::board::Failures;
use super::names::Names;
use super::roles::Outcome;
use super::text::{quoted, remark};
use super::write::Writer;
use crate::spec::on::literal;

impl Writer<'_> {
    pub(super) fn measure(&mut self, name: &str, form: String, unit: &str, label: &str) {
        let unit = if unit.is_empty() {
            String::new()
        } else {
            format!(", unit = {}", quoted(unit))
        };
        self.measures.push((
            name.to_owned(),
            format!("{form}{unit}, label = {}", quoted(&remark(label))),
        ));
    }

    /// How rows ended: disjoint counts that add up to all, and an error rate.
    pub(super) fn outcome(&mut self, outcome: &Outcome, source: &str, all: &str, names: &mut Names) {
        let count = |filter: &str| format!("count = {}, where = {}", quoted(source), quoted(filter));
        let word = |name: &str| self.facts.word(name);
        let mut fine = Vec::new();
        let mut failed = Vec::new();
        let mut measures: Vec<(String, String, String)> = Vec::new();
        match outcome {
            Outcome::Code { value, .. } => {
                let value = word(value);
                for (name, label, filter) in [
                    ("status_4xx_count", "4xx", format!("{value} >= 400 and {value} < 500")),
                    ("status_5xx_count", "5xx", format!("{value} >= 500")),
                ] {
                    let name = names.give(name);
                    measures.push((name.clone(), count(&filter), label.to_owned()));
                    failed.push(name);
                }
            }
            Outcome::Fails { value, .. } => {
                let name = names.give("failed_count");
                measures.push((name.clone(), count(&word(value)), "failed".to_owned()));
                failed.push(name);
            }
            Outcome::Words {
                name: column, values, ..
            } => {
                for (value, fails) in values {
                    let name = names.give(&format!("{}_count", super::names::plain(value, 30)));
                    let filter = format!("{} = {}", word(column), literal(value));
                    let label = crate::group::name(Some(value)).to_owned();
                    measures.push((name.clone(), count(&filter), label));
                    if *fails { failed.push(name) } else { fine.push(name) }
                }
            }
        }
        for (name, form, label) in measures {
            self.measure(&name, form, "", &label);
        }
        let counted: Vec<String> = fine.iter().chain(&failed).cloned().collect();
        let rest = names.give(if fine.is_empty() { "ok_count" } else { "other_count" });
        let label = if fine.is_empty() { "fine" } else { "all others" };
        self.measure(
            &rest,
            format!("expr = {}", quoted(&format!("{all} - {}", counted.join(" - ")))),
            "",
            label,
        );
        fine.push(rest);
        if !failed.is_empty() {
            let total = match failed.as_slice() {
                [only] => only.clone(),
                several => {
                    let total = names.give("error_count");
                    self.measure(&total, format!("expr = {}", quoted(&several.join(" + "))), "", "failed");
                    total
                }
            };
            let rate = names.give("error_rate");
            self.measure(
                &rate,
                format!("ratio = [{}, {}]", quoted(&total), quoted(all)),
                "%",
                "error rate",
            );
            self.board.failures = Some(Failures {
                count: total,
                rate,
                parts: failed.clone(),
            });
        }
        self.board.parts = fine.into_iter().chain(failed).collect();
    }

    pub(super) fn measures(&mut self) {
        self.line("[measures]");
        let width = self
            .measures
            .iter()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or_default();
        for (name, form) in std::mem::take(&mut self.measures) {
            self.line(&format!("{name:width$} = {{ {form} }}"));
        }
        self.line("");
    }
}
