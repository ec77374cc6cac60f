//! The declaration's text.

use std::fmt::Write as _;

use super::names::{Names, title};
use super::roles::{Outcome, Roles};
use super::time::{Time, changes_later};
use super::{ColumnKind, Draft, TableFacts, TableKind};
use crate::spec::on::literal;

pub(super) fn write(facts: &TableFacts, rollup: String, time: &Time<'_>, roles: Roles) -> Draft {
    let mut writer = Writer {
        facts,
        rollup,
        time,
        text: String::new(),
        notes: Vec::new(),
        measures: Vec::new(),
        board: Board::default(),
    };
    writer.head();
    writer.grains();
    writer.source(&roles);
    let Roles {
        rows,
        outcome,
        flags,
        sums,
        spreads,
        dimensions,
        source,
        mut names,
        ..
    } = roles;
    writer.board.by = dimensions
        .first()
        .map(|dimension| (dimension.name.clone(), dimension.label.clone()));
    writer.board.rows = (rows.name.clone(), title(&rows.label));
    writer.measure(&rows.name, format!("count = {}", quoted(&source)), "", &rows.label);
    if let Some(outcome) = &outcome {
        writer.outcome(outcome, &source, &rows.name, &mut names);
    }
    for flag in &flags {
        let name = names.give(&format!("{}_count", flag.name));
        let filter = facts.word(&flag.name);
        writer.measure(
            &name,
            format!("count = {}, where = {}", quoted(&source), quoted(&filter)),
            "",
            &flag.label,
        );
        writer.board.counts.push((name, title(&flag.label)));
    }
    for sum in &sums {
        let name = names.give(&format!("{}_sum", sum.name));
        writer.measure(
            &name,
            format!("sum = {}", quoted(&format!("{source}.{}", sum.name))),
            sum.unit,
            &sum.label,
        );
        writer.board.sums.push((name, title(&sum.label)));
    }
    for spread in &spreads {
        let all = names.give(&format!("{}_distribution", spread.name));
        writer.measure(
            &all,
            format!("distribution = {}", quoted(&format!("{source}.{}", spread.name))),
            spread.unit,
            &spread.label,
        );
        let mean = names.give(&format!("avg_{}", spread.name));
        writer.measure(
            &mean,
            format!("mean = {}", quoted(&all)),
            spread.unit,
            &format!("mean {}", spread.label),
        );
        let mut steps = Vec::new();
        for (word, q) in [("p50", "0.5"), ("p95", "0.95"), ("p99", "0.99")] {
            let name = names.give(&format!("{word}_{}", spread.name));
            writer.measure(
                &name,
                format!("quantile = {q}, of = {}", quoted(&all)),
                spread.unit,
                word,
            );
            steps.push(name);
        }
        writer.board.spreads.push((title(&spread.label), spread.unit, steps));
    }
    writer.measures();
    writer.relations();
    writer.board();
    Draft {
        table: facts.sql.clone(),
        rollup: writer.rollup,
        declaration: writer.text,
        notes: writer.notes,
    }
}

struct Writer<'a> {
    facts: &'a TableFacts,
    rollup: String,
    time: &'a Time<'a>,
    text: String,
    notes: Vec<String>,
    /// Name and what stands in braces.
    measures: Vec<(String, String)>,
    board: Board,
}

/// What there is to draw: measures with their labels.
#[derive(Default)]
struct Board {
    by: Option<(String, String)>,
    rows: (String, String),
    /// Parts that add up to all rows, what is fine first.
    parts: Vec<String>,
    failures: Option<Failures>,
    counts: Vec<(String, String)>,
    sums: Vec<(String, String)>,
    spreads: Vec<(String, &'static str, Vec<String>)>,
}

struct Failures {
    count: String,
    rate: String,
    parts: Vec<String>,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn head(&mut self) {
        let (facts, rollup) = (self.facts, self.rollup.clone());
        let looked = match facts.sampled {
            0 => "no rows: what each column holds was guessed from names and types".to_owned(),
            sampled if facts.seen_whole() => format!("all {sampled} rows"),
            sampled => format!("{sampled} of about {} rows", grouped(facts.rows)),
        };
        self.line(&format!(
            "# A first declaration for {}, from {} columns and {looked}.",
            remark(&facts.sql),
            facts.columns.len()
        ));
        self.line("# It applies as it stands; lines that begin with # are what could be taken instead. docs/ROLLUPS.md has every key.");
        self.line(&format!(
            "#   tidemark rollup plan {rollup}.toml      what would be made; changes nothing"
        ));
        self.line(&format!(
            "#   tidemark rollup apply {rollup}.toml     make it, and mark all raw rows as to be built"
        ));
        self.line("");
        self.line(&format!("name        = {}", quoted(&rollup)));
        self.line(&format!("title       = {}", quoted(&title(&facts.name))));
        if let Some(comment) = &facts.comment {
            self.line(&format!("description = {}", quoted(&remark(comment))));
        }
        self.line("");
    }

    /// Fine where rows are dense, and never finer than the time column can tell.
    fn grains(&mut self) {
        let a_day = self.time.days.map(|days| self.facts.rows / days.max(1.0 / 24.0));
        let told = a_day.map_or_else(
            || "How many rows a day there are is not known yet.".to_owned(),
            |n| format!("About {} rows a day.", grouped(n)),
        );
        if self.time.column.kind == ColumnKind::Date {
            self.line(&format!(
                "# {told} A date has no hours: days are the finest that there are."
            ));
            self.line("grains = [\"day\", \"week\", \"month\"]");
        } else if a_day.is_some_and(|n| n > 500_000.0) {
            self.line(&format!(
                "# {told} Minutes for two days keep ticks cheap; quarter hours, kept for ever, serve every time zone."
            ));
            self.line("grains = [\"1m\", \"15m\", \"hour\", \"day\", \"month\"]");
            self.line("keep   = { \"1m\" = \"2 days\" }");
        } else {
            self.line(&format!(
                "# {told} Quarter hours, kept for ever, serve every time zone."
            ));
            self.line("grains = [\"15m\", \"hour\", \"day\", \"month\"]");
            self.line("# For tables that grow by more than a few rows a second: minutes, kept for two days.");
            self.line("# grains = [\"1m\", \"15m\", \"hour\", \"day\", \"month\"]");
            self.line("# keep   = { \"1m\" = \"2 days\" }");
        }
        self.line("");
    }

    fn source(&mut self, roles: &Roles) {
        let (facts, time) = (self.facts, self.time);
        let own = |column: &super::ColumnFacts| format!("{}.{}", roles.alias, column.sql);
        self.line("[[source]]");
        self.line(&format!("name  = {}", quoted(&roles.source)));
        self.line(&format!(
            "table = {}",
            quoted(&format!("{} {}", facts.sql, roles.alias))
        ));
        let mut about = vec![remark(&time.column.type_name)];
        if time.column.leads_index {
            about.push("indexed".to_owned());
        }
        if time.column.not_null {
            about.push("NOT NULL".to_owned());
        }
        if let Some(default) = &time.column.default {
            about.push(format!("default {}", remark(default)));
        }
        if !time.column.not_null && time.column.null_share() > 0.0 {
            about.push(format!(
                "{:.0} % NULL: those rows count nowhere",
                100.0 * time.column.null_share()
            ));
        }
        self.line(&format!("# {}", about.join(", ")));
        self.line(&format!("time  = {}", quoted(&own(time.column))));
        if let Some(unit) = time.unit {
            self.line(&format!("time_unit = {}", quoted(unit)));
        }
        if let Some(zone) = &time.zone {
            self.line("# The zone of this wall clock.");
            self.line(&format!("time_zone = {}", quoted(zone)));
        }
        for (other, unit) in &time.others {
            let unit = unit.map_or(String::new(), |unit| format!(" and time_unit = {}", quoted(unit)));
            let why = if changes_later(other) {
                "; changes later, and moves the row then"
            } else {
                ""
            };
            self.line(&format!(
                "# time = {}    # {}{unit}{why}",
                quoted(&own(other)),
                remark(&other.type_name)
            ));
        }
        if facts.kind == TableKind::Table && !time.column.leads_index {
            let statement = format!("create index concurrently on {} ({});", facts.sql, time.column.sql);
            self.line(&format!(
                "# No index begins with {}: each tick would read the whole table. Make one first:",
                remark(&time.column.name)
            ));
            self.line(&format!("#   {}", remark(&statement)));
            self.notes.push(format!(
                "No index begins with {}: each tick would read the whole table. Make one: {statement}",
                time.column.name
            ));
        }
        if changes_later(time.column) {
            self.notes.push(format!(
                "{} changes when a row is updated: a row then moves to the bucket of its last update.",
                time.column.name
            ));
        }
        if let Some((sql, column)) = &roles.not_counted {
            self.line(&format!(
                "# Every row counts, whatever {} says. To leave those out:",
                remark(column)
            ));
            self.line(&format!("# where = {}", quoted(sql)));
        }
        self.lookups(roles);
        self.line("");
        self.expressions(roles);
    }

    fn lookups(&mut self, roles: &Roles) {
        let entry = |lookup: &super::roles::Lookup| {
            format!("{{ table = {}, on = {} }},", quoted(&lookup.table), quoted(&lookup.on))
        };
        if roles.lookups.is_empty() && roles.other_lookups.is_empty() {
            return;
        }
        self.line("# Joined with LEFT JOIN; a change of what is used of them moves history.");
        self.line("lookups = [");
        for lookup in &roles.lookups {
            self.line(&format!("  {}", entry(lookup)));
        }
        for lookup in &roles.other_lookups {
            self.line(&format!(
                "  # {}    # {} = {}, about {} groups",
                entry(lookup),
                lookup.dimension.name,
                quoted(&lookup.dimension.sql),
                grouped(lookup.rows)
            ));
        }
        self.line("]");
    }

    fn expressions(&mut self, roles: &Roles) {
        self.line("# What rows are grouped by. Rows of a rollup are buckets × groups, so what has a new value on every row stays out.");
        self.line("[source.dimensions]");
        let width = roles
            .dimensions
            .iter()
            .map(|dimension| dimension.name.len())
            .max()
            .unwrap_or_default();
        for dimension in &roles.dimensions {
            let groups = dimension.groups.map_or(String::new(), |groups| {
                format!("    # about {} groups", grouped(groups))
            });
            self.line(&format!(
                "{:width$} = {}{groups}",
                dimension.name,
                quoted(&dimension.sql)
            ));
        }
        for dimension in &roles.other_dimensions {
            let groups = dimension
                .groups
                .map_or(String::new(), |groups| format!("about {} groups; ", grouped(groups)));
            self.line(&format!(
                "# {} = {}    # {groups}type = {}",
                dimension.name,
                quoted(&dimension.sql),
                quoted(dimension.sql_type)
            ));
        }
        self.line("");
        self.line("# What measures, and their where, refer to by name.");
        self.line("[source.values]");
        let told = match &roles.outcome {
            Some(Outcome::Code { value, sql } | Outcome::Fails { value, sql }) => Some((value, sql)),
            Some(Outcome::Words {
                name,
                own_value: Some(sql),
                ..
            }) => Some((name, sql)),
            _ => None,
        };
        let measured = roles.flags.iter().chain(&roles.sums).chain(&roles.spreads);
        let values: Vec<(&String, &String)> = told
            .into_iter()
            .chain(measured.map(|value| (&value.name, &value.sql)))
            .collect();
        let width = values.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, sql) in values {
            self.line(&format!("{name:width$} = {}", quoted(sql)));
        }
        for value in &roles.other_values {
            self.line(&format!("# {} = {}", value.name, quoted(&value.sql)));
        }
        self.line("");
        for dimension in &roles.dimensions {
            self.line(&format!("[dimensions.{}]", dimension.name));
            self.line(&format!("type  = {}", quoted(dimension.sql_type)));
            self.line(&format!("label = {}", quoted(&dimension.label)));
            self.line("");
        }
    }

    fn measure(&mut self, name: &str, form: String, unit: &str, label: &str) {
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
    fn outcome(&mut self, outcome: &Outcome, source: &str, all: &str, names: &mut Names) {
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
                    let label = if value.is_empty() {
                        "(empty)".to_owned()
                    } else {
                        value.clone()
                    };
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

    fn measures(&mut self) {
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

    fn relations(&mut self) {
        let rollup = self.rollup.clone();
        self.line("# Views for any SQL tool: tidemark.NAME.");
        if self.time.column.kind != ColumnKind::Date {
            self.line("[[relation]]");
            self.line(&format!("name  = {}", quoted(&format!("{rollup}_hourly"))));
            self.line("grain = \"hour\"");
            self.line("");
        }
        self.line("[[relation]]");
        self.line(&format!("name        = {}", quoted(&format!("{rollup}_daily"))));
        self.line("grain       = \"day\"");
        self.line("time_column = \"bucket_date\"");
        self.line("");
    }

    fn board(&mut self) {
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

    fn rules(&mut self, board: &Board, rows: &str) {
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

    fn panels(&mut self, board: &Board, rows: &str, rows_label: &str) {
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

    fn panel(&mut self, title: &str, kind: &str, rest: &str) {
        self.line("[[board.panels]]");
        self.line(&format!("title    = {}", quoted(title)));
        self.line(&format!("kind     = {}", quoted(kind)));
        self.line(rest);
        self.line("");
    }
}

/// A TOML string: as it reads best, and whatever is in it.
fn quoted(text: &str) -> String {
    let plain = !text.chars().any(|c| c.is_control() || c == '\\');
    if plain && !text.contains('"') {
        return format!("\"{text}\"");
    }
    if plain && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                write!(out, "\\u{:04X}", u32::from(c)).ok();
            }
            c => out.push(c),
        }
    }
    out + "\""
}

/// Text from the database inside a comment or a title: one line, and not for ever.
fn remark(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// A number for people: 1 234 567, and two digits of what is estimated would do.
fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}
