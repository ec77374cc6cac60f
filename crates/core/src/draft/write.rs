//! The declaration's text.

use super::board::Board;
use super::names::title;
use super::roles::{Outcome, Roles};
use super::text::{grouped, quoted, remark};
use super::time::{Time, changes_later};
use super::{ColumnFacts, ColumnKind, Draft, DraftError, TableFacts};

pub(super) fn write(facts: &TableFacts, rollup: String, time: &Time<'_>, roles: Roles) -> Result<Draft, DraftError> {
    if facts.view && changed_at(facts, time).is_empty() {
        return Err(DraftError::NoTime(format!(
            "{} is a view, and a poll needs a column that says when a row came or changed: a timestamp that every insert and update sets. Add one to the view, such as updated_at, or take a table that it reads.",
            facts.sql
        )));
    }
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
    Ok(Draft {
        table: facts.sql.clone(),
        rollup: writer.rollup,
        declaration: writer.text,
        notes: writer.notes,
    })
}

/// Columns by which a poll finds what changed: those that updates set, and when a row was made.
fn changed_at<'a>(facts: &'a TableFacts, time: &Time<'a>) -> Vec<&'a ColumnFacts> {
    let tells = |column: &&ColumnFacts| matches!(column.kind, ColumnKind::Timestamptz | ColumnKind::Timestamp);
    let mut columns: Vec<&ColumnFacts> = facts
        .columns
        .iter()
        .filter(tells)
        .filter(|column| changes_later(column))
        .collect();
    if tells(&time.column) && !columns.iter().any(|column| column.name == time.column.name) {
        columns.push(time.column);
    }
    columns
}

pub(super) struct Writer<'a> {
    pub facts: &'a TableFacts,
    pub rollup: String,
    pub time: &'a Time<'a>,
    pub text: String,
    pub notes: Vec<String>,
    /// Name and what stands in braces.
    pub measures: Vec<(String, String)>,
    pub board: Board,
}

impl Writer<'_> {
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    pub(super) fn head(&mut self) {
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
        if facts.view {
            self.line("# Triggers can't go on a view. A poll sees rows that come or change, not those that go: audit now and then.");
            self.line("capture     = \"poll\"");
        }
        self.line("");
    }

    /// Fine where rows are dense, and never finer than the time column can tell.
    pub(super) fn grains(&mut self) {
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

    pub(super) fn source(&mut self, roles: &Roles) {
        let (facts, time) = (self.facts, self.time);
        let own = |column: &super::ColumnFacts| format!("{}.{}", roles.alias, column.sql);
        self.line("[[source]]");
        self.line(&format!("name  = {}", quoted(&roles.source)));
        self.line(&format!(
            "table = {}",
            quoted(&format!("{} {}", facts.sql, roles.alias))
        ));
        if facts.view {
            let columns: Vec<String> = changed_at(facts, time)
                .iter()
                .map(|column| quoted(&own(column)))
                .collect();
            self.line("# Set to the time of the change by every insert and update. What does not set it, only an audit finds.");
            self.line(&format!("change = [{}]", columns.join(", ")));
        }
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
        if !time.column.leads_index {
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

    pub(super) fn lookups(&mut self, roles: &Roles) {
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

    pub(super) fn expressions(&mut self, roles: &Roles) {
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

    pub(super) fn relations(&mut self) {
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
}
