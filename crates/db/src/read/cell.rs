//! A cell: the mergeable statistics of one group in one bucket, and the measures they give.

use std::collections::HashMap;
use std::str::FromStr;

use bigdecimal::{BigDecimal, ToPrimitive, Zero};
use sqlx::Row;
use sqlx::postgres::PgRow;
use tidemark_core::exact::{self, Pairs};
use tidemark_core::kmv::Kmv;
use tidemark_core::model::{Column, MeasureForm, MeasureModel, Merge, Model, Stat, StatKind};
use tidemark_core::sketch::{Merger, Sketch};
use tidemark_core::spec::expr::{Expr, Op};

use crate::{Error, Result};

/// A merged column.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    None,
    Exact(BigDecimal),
    Float(f64),
    Sketch(Box<Merger>),
    Kmv(Kmv),
}

/// Which columns a question needs, and how they merge.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub columns: Vec<Column>,
}

impl Shape {
    /// The columns that some measures need.
    pub fn of(model: &Model, measures: &[&MeasureModel]) -> Shape {
        let mut stats = Vec::new();
        let mut sketches = Vec::new();
        let mut todo: Vec<&MeasureModel> = measures.to_vec();
        let named = |name: &str| model.measures.iter().find(|measure| measure.name == name);
        while let Some(measure) = todo.pop() {
            match &measure.form {
                MeasureForm::Stat(at)
                | MeasureForm::Mean(at)
                | MeasureForm::Sd(at)
                | MeasureForm::Slope(at)
                | MeasureForm::R2(at) => stats.push(*at),
                MeasureForm::Quantile(at, _) => {
                    stats.push(*at);
                    sketches.push(*at);
                }
                MeasureForm::Expr(expr) => todo.extend(expr.measures().into_iter().filter_map(named)),
                MeasureForm::Ratio(a, b) => todo.extend([a, b].into_iter().filter_map(|name| named(name))),
            }
        }
        let columns = model
            .columns()
            .into_iter()
            .filter(|column| {
                stats.contains(&column.stat) && (column.merge != Merge::Sketch || sketches.contains(&column.stat))
            })
            .collect();
        Shape { columns }
    }

    /// SQL of the columns, merged over rows of alias `t`: numbers as text or float, sketches gathered.
    pub fn select(&self) -> String {
        self.columns
            .iter()
            .map(|column| match (column.merge, column.sql_type) {
                (Merge::Sketch | Merge::Kmv, _) => format!(
                    ", array_agg(t.\"{0}\") filter (where t.\"{0}\" is not null)",
                    column.name
                ),
                (_, "double precision") => format!(", {}", tidemark_core::sql::merged_sql(column)),
                _ => format!(", ({})::text", tidemark_core::sql::merged_sql(column)),
            })
            .collect()
    }

    pub fn read(&self, row: &PgRow, first: usize) -> Result<Cell> {
        let mut values = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            let at = first + at;
            values.push(match (column.merge, column.sql_type) {
                (Merge::Sketch, _) => match row.try_get::<Option<Vec<Vec<u8>>>, _>(at)? {
                    Some(parts) => {
                        let mut merger = Merger::new();
                        for part in parts {
                            merger.add_bytes(&part).map_err(unreadable)?;
                        }
                        Value::Sketch(Box::new(merger))
                    }
                    None => Value::None,
                },
                (Merge::Kmv, _) => {
                    let mut all = Kmv::default();
                    for part in row.try_get::<Option<Vec<Vec<u8>>>, _>(at)?.into_iter().flatten() {
                        all.merge(&Kmv::decode(&part).map_err(unreadable)?);
                    }
                    Value::Kmv(all)
                }
                (_, "double precision") => row.try_get::<Option<f64>, _>(at)?.map_or(Value::None, Value::Float),
                _ => match row.try_get::<Option<&str>, _>(at)? {
                    Some(text) => match BigDecimal::from_str(text) {
                        Ok(number) => Value::Exact(number),
                        // numeric knows NaN and infinities.
                        Err(_) => Value::Float(text.parse().unwrap_or(f64::NAN)),
                    },
                    None => Value::None,
                },
            });
        }
        Ok(Cell { values })
    }
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Server {
        message: format!("What is stored can't be read: {error}."),
        sqlstate: None,
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    values: Vec<Value>,
}

impl Cell {
    pub fn merge(&mut self, shape: &Shape, other: &Cell) {
        for ((mine, theirs), column) in self.values.iter_mut().zip(&other.values).zip(&shape.columns) {
            merge_value(mine, theirs, column.merge);
        }
    }

    /// Finish sketches once, so that several quantiles cost one pass.
    pub fn measures<'a>(&self, model: &'a Model, shape: &Shape, wanted: &[&'a MeasureModel]) -> Vec<Option<Num>> {
        let mut reader = Reader {
            model,
            shape,
            cell: self,
            sketches: HashMap::new(),
        };
        wanted.iter().map(|measure| reader.measure(measure)).collect()
    }
}

fn merge_value(mine: &mut Value, theirs: &Value, merge: Merge) {
    let merged = match (&mut *mine, theirs) {
        (_, Value::None) => return,
        (Value::None, _) => theirs.clone(),
        (Value::Sketch(a), Value::Sketch(b)) => {
            a.add(&b.as_ref().clone().finish());
            return;
        }
        (Value::Kmv(a), Value::Kmv(b)) => {
            a.merge(b);
            return;
        }
        (Value::Exact(a), Value::Exact(b)) => Value::Exact(match merge {
            Merge::Min => (&*a).min(b).clone(),
            Merge::Max => (&*a).max(b).clone(),
            _ => &*a + b,
        }),
        (Value::Float(a), Value::Float(b)) => Value::Float(match merge {
            Merge::Min => a.min(*b),
            // As in PostgreSQL, NaN is greater than everything.
            Merge::Max if a.is_nan() || b.is_nan() => f64::NAN,
            Merge::Max => a.max(*b),
            _ => *a + *b,
        }),
        _ => return,
    };
    *mine = merged;
}

/// A measure's value: whole and decimal numbers stay exact until they are divided.
#[derive(Debug, Clone)]
pub(crate) enum Num {
    Exact(BigDecimal),
    Float(f64),
}

impl Num {
    pub fn to_f64(&self) -> f64 {
        match self {
            Num::Exact(number) => exact::double(number),
            Num::Float(number) => *number,
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Num::Exact(number) => {
                if number.is_integer()
                    && let Some(whole) = number.to_i64()
                {
                    return whole.into();
                }
                serde_json::Number::from_f64(exact::double(number)).map_or(serde_json::Value::Null, Into::into)
            }
            Num::Float(number) => serde_json::Number::from_f64(*number).map_or(serde_json::Value::Null, Into::into),
        }
    }
}

struct Reader<'a, 'b> {
    model: &'a Model,
    shape: &'b Shape,
    cell: &'b Cell,
    sketches: HashMap<usize, Sketch>,
}

impl Reader<'_, '_> {
    fn column(&self, stat: &Stat, suffix: &str) -> Option<&Value> {
        let name = format!("{}{suffix}", stat.name);
        self.shape
            .columns
            .iter()
            .position(|column| column.name == name)
            .map(|at| &self.cell.values[at])
    }

    fn number(&self, stat: &Stat, suffix: &str) -> Option<Num> {
        match self.column(stat, suffix)? {
            Value::Exact(number) => Some(Num::Exact(number.clone())),
            Value::Float(number) => Some(Num::Float(*number)),
            _ => None,
        }
    }

    /// An exact sum of moments or a trend; 0 where there was nothing to add.
    fn sum(&self, stat: &Stat, suffix: &str) -> BigDecimal {
        match self.column(stat, suffix) {
            Some(Value::Exact(number)) => number.clone(),
            _ => BigDecimal::zero(),
        }
    }

    fn pairs(&self, at: usize) -> Pairs {
        let sum = |suffix| self.sum(&self.model.stats[at], suffix);
        Pairs {
            n: sum("__n"),
            v: sum("__sum"),
            v2: sum("__sum2"),
            t: sum("__t"),
            t2: sum("__t2"),
            tv: sum("__tv"),
        }
    }

    fn measure(&mut self, measure: &MeasureModel) -> Option<Num> {
        match &measure.form {
            MeasureForm::Stat(at) if self.model.stats[*at].kind == StatKind::Distinct => {
                let count = match self.column(&self.model.stats[*at], "__kmv")? {
                    Value::Kmv(hashes) => hashes.count(),
                    _ => 0,
                };
                Some(Num::Exact(count.into()))
            }
            MeasureForm::Stat(at) => self.number(&self.model.stats[*at], ""),
            MeasureForm::Expr(expr) => self.expr(expr),
            MeasureForm::Ratio(part, whole) => {
                let scale = if measure.unit == "%" { 100.0 } else { 1.0 };
                let (part, whole) = (self.named(part)?.to_f64(), self.named(whole)?.to_f64());
                (whole != 0.0).then(|| Num::Float(scale * part / whole))
            }
            MeasureForm::Mean(at) => {
                let stat = &self.model.stats[*at];
                match (self.number(stat, "__n")?, self.number(stat, "__sum")?) {
                    (Num::Exact(n), Num::Exact(sum)) => exact::mean(&n, &sum).map(Num::Float),
                    (n, sum) => (n.to_f64() > 0.0).then(|| Num::Float(sum.to_f64() / n.to_f64())),
                }
            }
            MeasureForm::Sd(at) => {
                let stat = &self.model.stats[*at];
                let [n, v, v2] = ["__n", "__sum", "__sum2"].map(|suffix| self.sum(stat, suffix));
                exact::sd(&n, &v, &v2).map(Num::Float)
            }
            MeasureForm::Slope(at) => self.pairs(*at).slope().map(Num::Float),
            MeasureForm::R2(at) => self.pairs(*at).r2().map(Num::Float),
            MeasureForm::Quantile(at, q) => {
                let stat = &self.model.stats[*at];
                let (min, max) = (
                    self.number(stat, "__min")?.to_f64(),
                    self.number(stat, "__max")?.to_f64(),
                );
                if !self.sketches.contains_key(at) {
                    let Some(Value::Sketch(merger)) = self.column(stat, "__sketch") else {
                        return None;
                    };
                    let sketch = merger.as_ref().clone().finish();
                    self.sketches.insert(*at, sketch);
                }
                self.sketches.get(at)?.quantile(*q, min, max).map(Num::Float)
            }
        }
    }

    fn named(&mut self, name: &str) -> Option<Num> {
        let measure = self.model.measures.iter().find(|measure| measure.name == name)?;
        self.measure(measure)
    }

    fn expr(&mut self, expr: &Expr) -> Option<Num> {
        match expr {
            Expr::Number(number) => Some(Num::Float(*number)),
            Expr::Measure(name) => self.named(name),
            Expr::Binary(a, op, b) => {
                let (a, b) = (self.expr(a)?, self.expr(b)?);
                match (&a, &b, op) {
                    (Num::Exact(a), Num::Exact(b), Op::Add) => Some(Num::Exact(a + b)),
                    (Num::Exact(a), Num::Exact(b), Op::Subtract) => Some(Num::Exact(a - b)),
                    (Num::Exact(a), Num::Exact(b), Op::Multiply) => Some(Num::Exact(a * b)),
                    (_, _, op) => {
                        let (a, b) = (a.to_f64(), b.to_f64());
                        match op {
                            Op::Add => Some(Num::Float(a + b)),
                            Op::Subtract => Some(Num::Float(a - b)),
                            Op::Multiply => Some(Num::Float(a * b)),
                            Op::Divide => (b != 0.0).then_some(Num::Float(a / b)),
                        }
                    }
                }
            }
        }
    }
}
