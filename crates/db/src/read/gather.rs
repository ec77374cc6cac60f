//! Rows of rollup tables and of `ROLLUP__raw`, streamed into the cells of each cut.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row};
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;

use super::cell::{Cell, Shape};
use super::snapshot::{Cut, Part};
use crate::Result;

/// The values of the dimensions that a cut is grouped by, as text.
pub(crate) type Group = Arc<[Option<String>]>;

/// What was read of one cut: by viewer bucket and group, each once, in this order.
pub(crate) type Cells = Vec<(usize, Group, Cell)>;

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
    filled: Vec<Filled>,
}

/// The cells of one cut. A row finds its cell without a new group being made of its values.
#[derive(Default)]
struct Filled {
    hasher: RandomState,
    groups: Vec<Group>,
    /// Groups by the hash of their values.
    hashed: HashMap<u64, Vec<u32>>,
    /// By group and bucket: which cell, counted from 1.
    places: Vec<Vec<u32>>,
    /// Bucket, group, cell.
    cells: Vec<(u32, u32, Cell)>,
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
        Gathered {
            model,
            shape,
            cuts,
            dimensions,
            filled: cuts.iter().map(|_| Filled::default()).collect(),
        }
    }

    pub fn cells(self) -> Vec<Cells> {
        self.filled.into_iter().map(Filled::cells).collect()
    }

    /// Throw away what was read.
    pub fn clear(&mut self) {
        self.filled = self.cuts.iter().map(|_| Filled::default()).collect();
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
        while let Some(row) = rows.try_next().await? {
            if as_stored {
                self.take_stored(&row, source.parts)?;
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

    fn take_stored(&mut self, row: &PgRow, parts: &[&Part]) -> Result<()> {
        let at: DateTime<Utc> = row.try_get(0)?;
        let Some(part) = part_of(parts, at) else { return Ok(()) };
        let values = (1..=self.dimensions.len())
            .map(|at| row.try_get::<Option<&str>, _>(at))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        let value = |name: &str| {
            let at = self.dimensions.iter().position(|own| *own == name);
            at.and_then(|at| values[at])
        };
        for (cut, filled) in self.cuts.iter().zip(&mut self.filled) {
            let wanted = |filter: &tidemark_core::api::DimensionFilter| {
                let own = value(&filter.dimension);
                filter.values.iter().any(|value| value.as_deref() == own)
            };
            if cut.filters.iter().all(wanted) {
                let group = cut.by.iter().map(|name| value(name));
                let cell = filled.cell(part.bucket, group, self.shape);
                cell.absorb(self.shape, row, 1 + self.dimensions.len())?;
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
        let group = group.iter().map(Option::as_deref);
        let cell = self.filled[number(0)?].cell(parts[number(1)?].bucket, group, self.shape);
        cell.absorb(self.shape, row, 3)
    }
}

impl Filled {
    fn cell<'v>(
        &mut self,
        bucket: usize,
        group: impl Iterator<Item = Option<&'v str>> + Clone,
        shape: &Shape,
    ) -> &mut Cell {
        let number = self.number(group);
        let places = &mut self.places[number as usize];
        if places.len() <= bucket {
            places.resize(bucket + 1, 0);
        }
        if places[bucket] == 0 {
            self.cells.push((bucket as u32, number, Cell::empty(shape)));
            places[bucket] = self.cells.len() as u32;
        }
        &mut self.cells[places[bucket] as usize - 1].2
    }

    fn number<'v>(&mut self, group: impl Iterator<Item = Option<&'v str>> + Clone) -> u32 {
        let hash = group.clone().fold(0, |hash, value| self.hasher.hash_one((hash, value)));
        let alike = self.hashed.entry(hash).or_default();
        for number in alike.iter() {
            let known = self.groups[*number as usize].iter();
            if known.zip(group.clone()).all(|(own, value)| own.as_deref() == value) {
                return *number;
            }
        }
        let number = self.groups.len() as u32;
        alike.push(number);
        self.groups.push(group.map(|value| value.map(str::to_owned)).collect());
        self.places.push(Vec::new());
        number
    }

    fn cells(mut self) -> Cells {
        let mut order: Vec<u32> = (0..self.groups.len() as u32).collect();
        order.sort_by_key(|number| &self.groups[*number as usize]);
        let mut rank = vec![0; order.len()];
        for (at, number) in order.into_iter().enumerate() {
            rank[number as usize] = at;
        }
        self.cells
            .sort_unstable_by_key(|(bucket, number, _)| (*bucket, rank[*number as usize]));
        let cells = self.cells.into_iter();
        cells
            .map(|(bucket, number, cell)| (bucket as usize, self.groups[number as usize].clone(), cell))
            .collect()
    }
}

/// The part that an instant lies in.
fn part_of<'a>(parts: &[&'a Part], at: DateTime<Utc>) -> Option<&'a Part> {
    let next = parts.partition_point(|part| part.hi <= at);
    parts.get(next).copied().filter(|part| part.lo <= at)
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
