//! A cell: the mergeable statistics of one group in one bucket, read from rows of a rollup table or of `ROLLUP__raw`. It is a
//! slice of values, as many as its [`Shape`] has columns.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use sqlx::Row;
use sqlx::postgres::PgRow;
use tidemark_core::kmv::Kmv;
use tidemark_core::model::{Column, MeasureModel, Merge, Model};
use tidemark_core::sketch::Held;
use tidemark_core::spec::on::quote;

use super::measure::Formula;
use super::num::Num;
use crate::{Error, Result};

/// A merged column.
#[derive(Debug, Clone, Default)]
pub(crate) enum Value {
    /// No row had one.
    #[default]
    None,
    Number(Num),
    Sketch(Box<Held>),
    Kmv(Box<Kmv>),
}

/// Which columns a question needs, how they merge, and how its measures follow from them.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub columns: Vec<Column>,
    formulas: Vec<Formula>,
}

impl Shape {
    /// The columns that some measures need, and no others: a sketch weighs more than all numbers together.
    pub fn of(model: &Model, measures: &[&MeasureModel]) -> Shape {
        let mut columns = Vec::new();
        let formulas = measures
            .iter()
            .map(|measure| Formula::of(model, measure, &mut columns))
            .collect();
        Shape { columns, formulas }
    }

    /// How many measures it was made for.
    pub fn count(&self) -> usize {
        self.formulas.len()
    }

    /// Whether some columns can't be merged by the database.
    pub fn has_bytes(&self) -> bool {
        self.columns.iter().any(|column| column.merge.is_bytes())
    }

    /// SQL of the columns of alias `t`: as they are, or merged over rows, which bytes are not.
    pub fn select(&self, merged: bool) -> String {
        self.columns
            .iter()
            .map(|column| {
                let sql = if merged {
                    tidemark_core::sql::merged_sql(column)
                } else {
                    format!("t.{}", quote(&column.name))
                };
                // Decimals as text: the driver knows no NaN among them.
                let text = if column.sql_type == "numeric" { "::text" } else { "" };
                format!(", ({sql}){text}")
            })
            .collect()
    }

    /// Add a row whose columns stand from `first` on as [`Shape::select`] has them: their types are known.
    pub fn absorb(&self, cell: &mut [Value], row: &PgRow, first: usize) -> Result<()> {
        for (at, (mine, column)) in cell.iter_mut().zip(&self.columns).enumerate() {
            let at = first + at;
            match column.merge {
                Merge::Sketch => {
                    if let Some(bytes) = row.try_get_unchecked::<Option<&[u8]>, _>(at)? {
                        match mine {
                            Value::Sketch(held) => held.add_bytes(bytes).map_err(unreadable)?,
                            _ => *mine = Value::Sketch(Box::new(Held::of(bytes).map_err(unreadable)?)),
                        }
                    }
                }
                Merge::Kmv => {
                    if let Some(bytes) = row.try_get_unchecked::<Option<&[u8]>, _>(at)? {
                        merge(
                            mine,
                            &Value::Kmv(Box::new(Kmv::decode(bytes).map_err(unreadable)?)),
                            column.merge,
                        );
                    }
                }
                _ => {
                    if let Some(number) = number(row, at, column.sql_type)? {
                        merge(mine, &Value::Number(number), column.merge);
                    }
                }
            }
        }
        Ok(())
    }

    pub fn merge(&self, cell: &mut [Value], other: &[Value]) {
        for ((mine, theirs), column) in cell.iter_mut().zip(other).zip(&self.columns) {
            merge(mine, theirs, column.merge);
        }
    }

    /// The measures that it was made for, in their order.
    pub fn measures<'a>(&'a self, cell: &'a [Value]) -> impl Iterator<Item = Option<Num>> + 'a {
        self.formulas.iter().map(|formula| formula.value(cell))
    }
}

impl Value {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let own = match self {
            Value::Sketch(held) => size_of::<Held>() + held.bytes(),
            Value::Kmv(hashes) => size_of::<Kmv>() + hashes.bytes(),
            Value::None | Value::Number(_) => 0,
        };
        size_of::<Value>() + own
    }
}

fn number(row: &PgRow, at: usize, sql_type: &str) -> Result<Option<Num>> {
    Ok(match sql_type {
        "bigint" => row.try_get_unchecked::<Option<i64>, _>(at)?.map(Num::Int),
        "integer" => row.try_get_unchecked::<Option<i32>, _>(at)?.map(|n| Num::Int(n.into())),
        "double precision" => row.try_get_unchecked::<Option<f64>, _>(at)?.map(Num::Float),
        _ => row
            .try_get::<Option<&str>, _>(at)?
            .map(|text| match BigDecimal::from_str(text) {
                Ok(number) => Num::Exact(Box::new(number)),
                // numeric knows NaN and infinities.
                Err(_) => Num::Float(text.parse().unwrap_or(f64::NAN)),
            }),
    })
}

fn merge(mine: &mut Value, theirs: &Value, how: Merge) {
    match (&mut *mine, theirs) {
        (_, Value::None) => {}
        (Value::Sketch(a), Value::Sketch(b)) => a.add(b),
        (Value::Kmv(a), Value::Kmv(b)) => a.merge(b),
        (Value::Number(a), Value::Number(b)) => match how {
            Merge::Min => a.keep_least(b),
            Merge::Max => a.keep_greatest(b),
            _ => *a = a.plus(b),
        },
        _ => *mine = theirs.clone(),
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Server {
        message: format!("What is stored can't be read: {error}."),
        sqlstate: None,
    }
}
