//! How a measure follows from merged columns, worked out once for all cells of a question.

use bigdecimal::{BigDecimal, Zero};
use tidemark_core::exact::{self, Pairs};
use tidemark_core::model::{Column, MeasureForm, MeasureModel, Model, StatKind};
use tidemark_core::spec::expr::{Expr, Op};

use super::cell::Value;
use super::num::Num;

/// A measure over columns, which are named by their place.
#[derive(Debug, Clone)]
pub(super) enum Formula {
    Column(usize),
    Distinct(usize),
    Constant(f64),
    Binary(Box<Formula>, Op, Box<Formula>),
    Ratio(Box<Formula>, Box<Formula>, f64),
    /// n and Σv.
    Mean([usize; 2]),
    /// n, Σv, Σv².
    Sd([usize; 3]),
    /// n, Σv, Σv², Σt, Σt², Σtv.
    Slope([usize; 6]),
    R2([usize; 6]),
    /// Sketch, least, greatest.
    Quantile([usize; 3], f64),
    /// A measure that the model does not know has no value.
    Unknown,
}

const PAIRS: [&str; 6] = ["__n", "__sum", "__sum2", "__t", "__t2", "__tv"];

impl Formula {
    /// The formula of a measure; the columns that it needs are added where they are not there yet.
    pub fn of(model: &Model, measure: &MeasureModel, columns: &mut Vec<Column>) -> Formula {
        match &measure.form {
            MeasureForm::Stat(at) if model.stats[*at].kind == StatKind::Distinct => {
                Formula::Distinct(places(model, *at, ["__kmv"], columns)[0])
            }
            MeasureForm::Stat(at) => Formula::Column(places(model, *at, [""], columns)[0]),
            MeasureForm::Expr(expr) => Formula::of_expr(model, expr, columns),
            MeasureForm::Ratio(part, whole) => {
                let scale = if measure.unit == "%" { 100.0 } else { 1.0 };
                let mut named = |name| Box::new(Formula::named(model, name, columns));
                Formula::Ratio(named(part), named(whole), scale)
            }
            MeasureForm::Mean(at) => Formula::Mean(places(model, *at, ["__n", "__sum"], columns)),
            MeasureForm::Sd(at) => Formula::Sd(places(model, *at, ["__n", "__sum", "__sum2"], columns)),
            MeasureForm::Slope(at) => Formula::Slope(places(model, *at, PAIRS, columns)),
            MeasureForm::R2(at) => Formula::R2(places(model, *at, PAIRS, columns)),
            MeasureForm::Quantile(at, q) => {
                Formula::Quantile(places(model, *at, ["__sketch", "__min", "__max"], columns), *q)
            }
        }
    }

    fn of_expr(model: &Model, expr: &Expr, columns: &mut Vec<Column>) -> Formula {
        match expr {
            Expr::Number(number) => Formula::Constant(*number),
            Expr::Measure(name) => Formula::named(model, name, columns),
            Expr::Binary(a, op, b) => Formula::Binary(
                Box::new(Formula::of_expr(model, a, columns)),
                *op,
                Box::new(Formula::of_expr(model, b, columns)),
            ),
        }
    }

    fn named(model: &Model, name: &str, columns: &mut Vec<Column>) -> Formula {
        match model.measures.iter().find(|measure| measure.name == name) {
            Some(measure) => Formula::of(model, measure, columns),
            None => Formula::Unknown,
        }
    }

    /// `None` where there is nothing to say: no samples, or a division by zero.
    pub fn value(&self, values: &[Value]) -> Option<Num> {
        let number = |at: usize| match &values[at] {
            Value::Number(number) => Some(number),
            _ => None,
        };
        // An exact sum of moments or a trend; 0 where there was nothing to add.
        let sum = |at: usize| number(at).and_then(Num::decimal).unwrap_or_else(BigDecimal::zero);
        let pairs = |at: &[usize; 6]| {
            let [n, v, v2, t, t2, tv] = at.map(sum);
            Pairs { n, v, v2, t, t2, tv }
        };
        match self {
            Formula::Column(at) => number(*at).cloned(),
            Formula::Distinct(at) => match &values[*at] {
                Value::Kmv(hashes) => Some(Num::Int(hashes.count().cast_signed())),
                _ => Some(Num::Int(0)),
            },
            Formula::Constant(number) => Some(Num::Float(*number)),
            Formula::Binary(a, op, b) => binary(&a.value(values)?, *op, &b.value(values)?),
            Formula::Ratio(part, whole, scale) => {
                let (part, whole) = (part.value(values)?.to_f64(), whole.value(values)?.to_f64());
                (whole != 0.0).then(|| Num::Float(scale * part / whole))
            }
            Formula::Mean([n, v]) => Num::mean(number(*n)?, number(*v)?).map(Num::Float),
            Formula::Sd([n, v, v2]) => exact::sd(&sum(*n), &sum(*v), &sum(*v2)).map(Num::Float),
            Formula::Slope(at) => pairs(at).slope().map(Num::Float),
            Formula::R2(at) => pairs(at).r2().map(Num::Float),
            Formula::Quantile([sketch, min, max], q) => {
                let Value::Sketch(sketch) = &values[*sketch] else {
                    return None;
                };
                let (min, max) = (number(*min)?.to_f64(), number(*max)?.to_f64());
                sketch.quantile(*q, min, max).map(Num::Float)
            }
            Formula::Unknown => None,
        }
    }
}

fn binary(a: &Num, op: Op, b: &Num) -> Option<Num> {
    Some(match op {
        Op::Add => a.plus(b),
        Op::Subtract => Num::exactly(a, b, |a, b| a - b, |a, b| a - b),
        Op::Multiply => Num::exactly(a, b, |a, b| a * b, |a, b| a * b),
        Op::Divide => {
            let whole = b.to_f64();
            return (whole != 0.0).then(|| Num::Float(a.to_f64() / whole));
        }
    })
}

/// Where a statistic's columns stand among those that are read.
fn places<const N: usize>(model: &Model, stat: usize, suffixes: [&str; N], columns: &mut Vec<Column>) -> [usize; N] {
    let own = model.columns();
    suffixes.map(|suffix| {
        let name = format!("{}{suffix}", model.stats[stat].name);
        if let Some(at) = columns.iter().position(|column| column.name == name) {
            return at;
        }
        columns.extend(own.iter().find(|column| column.name == name).cloned());
        columns.len() - 1
    })
}
