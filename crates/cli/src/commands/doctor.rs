//! `doctor`.

use serde_json::json;
use tidemark_core::api::{Finding as Found, Severity};

use crate::context::Context;
use crate::failure::{Finding, Result};
use crate::output::table::plain;
use crate::progress::spin;

pub async fn run(context: &Context) -> Result {
    let db = context.db().await?;
    let findings = spin("looking", db.doctor()).await?;
    let problems = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Problem)
        .count();
    context
        .out
        .answer(&json!({ "findings": findings }), || text(&findings))?;
    Ok(Finding::when(problems > 0))
}

fn text(findings: &[Found]) -> String {
    if findings.is_empty() {
        return "Nothing is wrong.".to_owned();
    }
    let mut text = String::new();
    for finding in findings {
        let word = match finding.severity {
            Severity::Problem => "problem",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let rollup = finding
            .rollup
            .as_ref()
            .map_or_else(String::new, |name| format!("{name}: "));
        text += &format!(
            "{word}  {}{}  [{}]\n",
            plain(&rollup),
            plain(&finding.message),
            finding.code
        );
        for line in finding.fix.iter().flat_map(|fix| fix.lines()) {
            text += &format!("    {}\n", plain(line));
        }
    }
    text
}
