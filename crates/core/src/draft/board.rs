//! The board of a declaration, as TOML.

use std::fmt::Write as _;

use super::ColumnKind;
use super::names::title;
use super::text::quoted;
use super::write::Writer;

/// What there is to draw: measures with their labels.
#[derive(Default)]
pub(super) struct Board {
    pub by: Option<(String, String)>,
    pub rows: (String, String),
    /// Parts that add up to all rows, what is fine first.
    pub parts: Vec<String>,
    pub failures: Option<Failures>,
    pub counts: Vec<(String, String)>,
    pub sums: Vec<(String, String)>,
    pub spreads: Vec<(String, &'static str, Vec<String>)>,
}

pub(super) struct Failures {
    pub count: String,
    pub rate: String,
    pub parts: Vec<String>,
}

impl Writer<'_> {
    pub(super) fn board(&mut self) {
        let board = std::mem::take(&mut self.board);
        let (rows, rows_label) = board.rows.clone();
        self.line("[board]");
        self.line(&format!("title = {}", quoted(&title(&self.facts.name))));
        if let Some((by, label)) = &board.by {
            self.line(&format!("by    = {}", quoted(by)));
            self.line(&format!("by_label = {}", quoted(label)));
        }
        self.line("tiles = [");
        self.line(&format!(
            "  {{ measure = {}, label = {} }},",
            quoted(&rows),
            quoted(&rows_label)
        ));
        if let Some(failures) = &board.failures {
            self.line(&format!(
                "  {{ measure = {}, label = \"Error rate\", good = \"down\" }},",
                quoted(&failures.rate)
            ));
        }
        for (name, label) in board.sums.iter().take(2) {
            self.line(&format!(
                "  {{ measure = {}, label = {} }},",
                quoted(name),
                quoted(label)
            ));
        }
        if let Some((label, _, steps)) = board.spreads.first() {
            for (word, step) in [("p50", &steps[0]), ("p95", &steps[1])] {
                self.line(&format!(
                    "  {{ measure = {}, label = {} }},",
                    quoted(step),
                    quoted(&format!("{label}, {word}"))
                ));
            }
        }
        self.line("]");
        self.rules(&board, &rows);
        self.line("");
        self.panels(&board, &rows, &rows_label);
    }

    pub(super) fn rules(&mut self, board: &Board, rows: &str) {
        let mut rules = String::new();
        if let Some(failures) = &board.failures {
            let parts: Vec<String> = failures.parts.iter().map(|part| quoted(part)).collect();
            writeln!(
                rules,
                "  {{ measure = {}, watch = \"error_rate\", samples = {rows}, counts = {{ part = {}, whole = {rows}, word = \"failed\" }}, parts = [{}] }},",
                quoted(&failures.rate),
                quoted(&failures.count),
                parts.join(", "),
                rows = quoted(rows),
            )
            .ok();
        }
        // The viewer's limit is in milliseconds.
        if let Some((_, _, steps)) = board.spreads.iter().find(|(_, unit, _)| *unit == "ms") {
            writeln!(
                rules,
                "  {{ measure = {}, watch = \"latency\", samples = {} }},",
                quoted(&steps[2]),
                quoted(rows)
            )
            .ok();
        }
        if !rules.is_empty() {
            self.line("rules = [");
            self.text.push_str(&rules);
            self.line("]");
        }
    }

    pub(super) fn panels(&mut self, board: &Board, rows: &str, rows_label: &str) {
        let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
        if board.parts.is_empty() {
            let split = if board.by.is_some() { "split    = true\n" } else { "" };
            self.panel(rows_label, "bars", &format!("{split}measures = [{}]", quoted(rows)));
        } else {
            self.panel(
                rows_label,
                "stack",
                &format!("palette  = \"outcomes\"\nmeasures = [{}]", list(&board.parts)),
            );
        }
        if let Some(failures) = &board.failures {
            let (by, split) = board.by.as_ref().map_or((String::new(), ""), |(_, label)| {
                (format!(" by {}", label.to_lowercase()), "split    = true\n")
            });
            self.panel(
                &format!("Error rate{by}"),
                "lines",
                &format!(
                    "{split}measures = [{}]\ncounts   = {{ part = {}, whole = {}, word = \"failed\" }}",
                    quoted(&failures.rate),
                    quoted(&failures.count),
                    quoted(rows)
                ),
            );
        }
        for (label, _, steps) in &board.spreads {
            self.panel(
                label,
                "lines",
                &format!("palette  = \"ordered\"\nmeasures = [{}]", list(steps)),
            );
        }
        for (name, label) in board.sums.iter().take(3) {
            self.panel(label, "bars", &format!("measures = [{}]", quoted(name)));
        }
        if !board.counts.is_empty() {
            let names: Vec<String> = board.counts.iter().map(|(name, _)| name.clone()).collect();
            self.panel("Flags", "lines", &format!("measures = [{}]", list(&names)));
        }
        if self.time.column.kind != ColumnKind::Date {
            self.panel("Hour × weekday", "heatmap", &format!("measures = [{}]", quoted(rows)));
        }
        if let Some((_, label)) = &board.by {
            let mut columns = format!(
                "width = \"full\"\ncolumns = [\n  {{ measure = {0}, label = {1} }},\n  {{ measure = {0}, label = \"Share\", show = \"share\", leaves = 1 }},\n  {{ measure = {0}, show = \"change\" }},\n",
                quoted(rows),
                quoted(rows_label)
            );
            let rate = board
                .failures
                .iter()
                .map(|failures| (&failures.rate, "Error rate".to_owned()));
            let sums = board.sums.iter().take(2).map(|(name, label)| (name, label.clone()));
            let middle = board
                .spreads
                .iter()
                .take(1)
                .map(|(label, _, steps)| (&steps[1], format!("{label}, p95")));
            for (name, label) in rate.chain(sums).chain(middle) {
                writeln!(
                    columns,
                    "  {{ measure = {}, label = {} }},",
                    quoted(name),
                    quoted(&label)
                )
                .ok();
            }
            write!(
                columns,
                "  {{ measure = {}, show = \"spark\", leaves = 2 }},\n]",
                quoted(rows)
            )
            .ok();
            self.panel(label, "table", &columns);
        }
    }

    pub(super) fn panel(&mut self, title: &str, kind: &str, rest: &str) {
        self.line("[[board.panels]]");
        self.line(&format!("title    = {}", quoted(title)));
        self.line(&format!("kind     = {}", quoted(kind)));
        self.line(rest);
        self.line("");
    }
}
