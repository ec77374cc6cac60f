//! Rows of rollup tables and of `ROLLUP__raw`, streamed into the cells of each cut.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row};
use tidemark_core::api::DimensionFilter;
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;

use super::cell::Shape;
use super::cells::{Cells, Filling, Values};
use super::snapshot::{Cut, Part};
use crate::Result;

/// Where rows come from.
pub(super) struct Source<'a> {
    /// A FROM clause whose rows are `t`; it may use $1, the starts of the parts, and what is bound before the filters.
    pub from: String,
    /// What it takes its rows from, where that is to be worked out once for all cuts.
    pub with: Option<String>,
    /// Sorted and disjoint: each row belongs to the one that its bucket lies in.
    pub parts: &'a [&'a Part],
    /// The number of the first parameter that filters may take.
    pub free: usize,
}

/// The cells of some cuts, as they fill.
pub(super) struct Gathered<'a> {
    model: &'a Model,
    shape: &'a Shape,
    cuts: &'a [Cut],
    /// Every dimension that a cut groups by or filters, for rows that are read as they are stored.
    dimensions: Vec<&'a str>,
    /// What each cut groups by, by its place among them.
    by: Vec<Vec<usize>>,
    filled: Vec<Filling>,
}

impl<'a> Gathered<'a> {
    pub fn new(model: &'a Model, shape: &'a Shape, cuts: &'a [Cut]) -> Gathered<'a> {
        let named = |cut: &'a Cut| {
            let filtered = cut.filters.iter().map(|filter| filter.dimension.as_str());
            cut.by.iter().map(String::as_str).chain(filtered)
        };
        let mut dimensions: Vec<&str> = cuts.iter().flat_map(named).collect();
        dimensions.sort_unstable();
        dimensions.dedup();
        let place = |name: &String| {
            let at = dimensions.binary_search(&name.as_str());
            at.unwrap_or_else(|_| unreachable!("every dimension of a cut is among them"))
        };
        Gathered {
            model,
            shape,
            cuts,
            by: cuts.iter().map(|cut| cut.by.iter().map(place).collect()).collect(),
            dimensions,
            filled: cuts.iter().map(|_| Filling::default()).collect(),
        }
    }

    pub fn cells(self) -> Vec<Cells> {
        let width = self.shape.columns.len();
        self.filled.into_iter().map(|filled| filled.finish(width)).collect()
    }

    /// Throw away what was read.
    pub fn clear(&mut self) {
        self.filled = self.cuts.iter().map(|_| Filling::default()).collect();
    }

    /// Read a source. `bind` adds what it needs besides the starts of the parts and, after it, the filters.
    pub async fn read(
        &mut self,
        connection: &mut PgConnection,
        source: &Source<'_>,
        bind: impl for<'q> FnOnce(Query<'q, Postgres, PgArguments>) -> Query<'q, Postgres, PgArguments>,
    ) -> Result<()> {
        // Bytes must leave the database all the same, and a cut by all dimensions has as many rows as are stored.
        let as_stored =
            self.shape.has_bytes() || self.cuts.iter().any(|cut| cut.by.len() == self.model.dimensions.len());
        let sql = if as_stored {
            self.stored_sql(source)
        } else {
            self.merged_sql(source)
        };
        let sql = match &source.with {
            Some(with) => format!("with {with} {sql}"),
            None => sql,
        };
        let starts: Vec<DateTime<Utc>> = source.parts.iter().map(|part| part.lo).collect();
        let mut query = bind(sqlx::query(AssertSqlSafe(sql)).bind(starts));
        if !as_stored || self.cuts.iter().all(|cut| !cut.filters.is_empty()) {
            for filter in self.cuts.iter().flat_map(|cut| &cut.filters) {
                query = query.bind(&filter.values);
            }
        }
        let mut rows = query.fetch(connection);
        let parts = Parts::of_all(source.parts);
        while let Some(row) = rows.try_next().await? {
            if as_stored {
                self.take_stored(&row, &parts)?;
            } else {
                self.take_merged(&row, source.parts)?;
            }
        }
        Ok(())
    }

    /// Rows as they are stored, once for all cuts: bucket, dimensions, columns.
    fn stored_sql(&self, source: &Source<'_>) -> String {
        let dimensions: String = self
            .dimensions
            .iter()
            .map(|name| format!(", t.{}::text", quote(name)))
            .collect();
        let mut free = source.free;
        let filters: Vec<String> = self.cuts.iter().map(|cut| filter_sql(cut, &mut free)).collect();
        let filter = if self.cuts.iter().any(|cut| cut.filters.is_empty()) {
            String::new()
        } else {
            format!(" where {}", filters.join(" or "))
        };
        format!(
            "select t.bucket{dimensions}{} from {}{filter}",
            self.shape.select(false),
            source.from
        )
    }

    fn take_stored(&mut self, row: &PgRow, parts: &Parts<'_>) -> Result<()> {
        let Some(part) = parts.of(instant(row)?) else {
            return Ok(());
        };
        let values = (1..=self.dimensions.len())
            .map(|at| row.try_get_unchecked::<Option<&str>, _>(at))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let wanted = |filter: &DimensionFilter| {
            let at = self.dimensions.iter().position(|own| *own == filter.dimension);
            let own = at.and_then(|at| values[at]);
            filter.values.iter().any(|value| value.as_deref() == own)
        };
        for ((cut, by), filled) in self.cuts.iter().zip(&self.by).zip(&mut self.filled) {
            if cut.filters.iter().all(wanted) {
                let group = Values { all: &values, by };
                let cell = filled.cell(part.bucket, &group, self.shape.columns.len());
                self.shape.absorb(cell, row, 1 + self.dimensions.len())?;
            }
        }
        Ok(())
    }

    /// Merged by the database, cut by cut: number of the cut, part, group as an array, columns.
    fn merged_sql(&self, source: &Source<'_>) -> String {
        let mut free = source.free;
        let arms = self.cuts.iter().enumerate().map(|(at, cut)| {
            let by: Vec<String> = cut.by.iter().map(|name| format!("t.{}::text", quote(name))).collect();
            let group: String = by.iter().map(|name| format!(", {name}")).collect();
            let filter = filter_sql(cut, &mut free);
            format!(
                "select {at}, width_bucket(t.bucket, $1) - 1, array[{}]::text[]{} from {} where {filter} group by 2{group}",
                by.join(", "),
                self.shape.select(true),
                source.from,
            )
        });
        arms.collect::<Vec<_>>().join("\nunion all ")
    }

    fn take_merged(&mut self, row: &PgRow, parts: &[&Part]) -> Result<()> {
        let number = |at: usize| Ok::<_, sqlx::Error>(usize::try_from(row.try_get::<i32, _>(at)?).unwrap_or_default());
        let group: Vec<Option<String>> = row.try_get(2)?;
        let (all, by): (Vec<_>, Vec<_>) = group.iter().map(Option::as_deref).zip(0..).unzip();
        let group = Values { all: &all, by: &by };
        let bucket = parts[number(1)?].bucket;
        let cell = self.filled[number(0)?].cell(bucket, &group, self.shape.columns.len());
        self.shape.absorb(cell, row, 3)
    }
}

/// Parts, found by the instants where they end.
struct Parts<'a> {
    parts: &'a [&'a Part],
    /// In microseconds.
    ends: Vec<i64>,
}

impl<'a> Parts<'a> {
    fn of_all(parts: &'a [&'a Part]) -> Parts<'a> {
        let ends = parts.iter().map(|part| part.hi.timestamp_micros()).collect();
        Parts { parts, ends }
    }

    /// The part that an instant lies in.
    fn of(&self, at: i64) -> Option<&'a Part> {
        let next = self.ends.partition_point(|end| *end <= at);
        self.parts
            .get(next)
            .copied()
            .filter(|part| part.lo.timestamp_micros() <= at)
    }
}

/// A row's bucket in microseconds, without a calendar in between: PostgreSQL counts them from 2000 on.
fn instant(row: &PgRow) -> Result<i64> {
    const Y2000: i64 = 946_684_800_000_000;
    Ok(row.try_get_unchecked::<i64, _>(0)? + Y2000)
}

/// A cut's filters, bound from `free` on, each as a text array in which NULL stands for the NULL group.
fn filter_sql(cut: &Cut, free: &mut usize) -> String {
    let filters: Vec<String> = cut
        .filters
        .iter()
        .map(|filter| {
            let (name, bound) = (quote(&filter.dimension), *free);
            *free += 1;
            format!("(t.{name}::text = any (${bound}::text[]) or (t.{name} is null and array_position(${bound}::text[], null) is not null))")
        })
        .collect();
    if filters.is_empty() {
        "true".to_owned()
    } else {
        format!("({})", filters.join(" and "))
    }
}
