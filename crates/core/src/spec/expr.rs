//! Arithmetic over measures: `success_count + error_count`, `1000 * errors / nullif0(requests)` and the like.
//!
//! `+ - * /`, parentheses, numbers and measure names. Division by zero and a missing operand give no value.

use std::fmt;

/// An expression over measures.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Expr {
    Number(f64),
    Measure(String),
    Binary(Box<Expr>, Op, Box<Expr>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Op {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Expr {
    /// Read an expression; the error says where it stops making sense.
    pub fn parse(text: &str) -> Result<Expr, String> {
        let mut parser = Parser {
            rest: text.trim_start(),
        };
        let expr = parser.sum()?;
        if parser.rest.is_empty() {
            Ok(expr)
        } else {
            Err(format!("can't read \"{}\" in \"{text}\"", parser.rest))
        }
    }

    /// The measures it needs.
    pub fn measures(&self) -> Vec<&str> {
        match self {
            Expr::Number(_) => Vec::new(),
            Expr::Measure(name) => vec![name],
            Expr::Binary(a, _, b) => [a.measures(), b.measures()].concat(),
        }
    }

    /// Whether it only adds and subtracts measures, so that it is a count where they are.
    #[must_use]
    pub fn is_additive(&self) -> bool {
        match self {
            Expr::Number(_) => false,
            Expr::Measure(_) => true,
            Expr::Binary(a, op, b) => matches!(op, Op::Add | Op::Subtract) && a.is_additive() && b.is_additive(),
        }
    }

    /// Write it as SQL; `name` gives the SQL of a measure.
    pub fn sql(&self, name: &impl Fn(&str) -> String) -> String {
        match self {
            Expr::Number(number) => number.to_string(),
            Expr::Measure(measure) => name(measure),
            Expr::Binary(a, Op::Divide, b) => {
                format!("({}::double precision / nullif({}, 0))", a.sql(name), b.sql(name))
            }
            Expr::Binary(a, op, b) => format!("({} {op} {})", a.sql(name), b.sql(name)),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Op::Add => "+",
            Op::Subtract => "-",
            Op::Multiply => "*",
            Op::Divide => "/",
        })
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn sum(&mut self) -> Result<Expr, String> {
        let mut left = self.product()?;
        loop {
            let op = match self.rest.chars().next() {
                Some('+') => Op::Add,
                Some('-') => Op::Subtract,
                _ => return Ok(left),
            };
            self.skip(1);
            left = Expr::Binary(Box::new(left), op, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expr, String> {
        let mut left = self.atom()?;
        loop {
            let op = match self.rest.chars().next() {
                Some('*') => Op::Multiply,
                Some('/') => Op::Divide,
                _ => return Ok(left),
            };
            self.skip(1);
            left = Expr::Binary(Box::new(left), op, Box::new(self.atom()?));
        }
    }

    fn atom(&mut self) -> Result<Expr, String> {
        if self.rest.starts_with('(') {
            self.skip(1);
            let inner = self.sum()?;
            if !self.rest.starts_with(')') {
                return Err("a parenthesis is not closed".to_owned());
            }
            self.skip(1);
            return Ok(inner);
        }
        let length = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(self.rest.len());
        let word = &self.rest[..length];
        let expr = if word.is_empty() {
            return Err(format!("expected a measure or a number before \"{}\"", self.rest));
        } else if word.starts_with(|c: char| c.is_ascii_digit()) {
            Expr::Number(word.parse().map_err(|_| format!("\"{word}\" is not a number"))?)
        } else {
            Expr::Measure(word.to_owned())
        };
        self.skip(length);
        Ok(expr)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_bind_tighter_than_sums() {
        let expr = Expr::parse("a + 2 * (b - c)").unwrap();
        assert_eq!(
            expr.sql(&|name| format!("\"{name}\"")),
            "(\"a\" + (2 * (\"b\" - \"c\")))"
        );
        assert_eq!(expr.measures(), ["a", "b", "c"]);
        assert!(!expr.is_additive());
    }

    #[test]
    fn a_typo_is_named() {
        assert!(Expr::parse("a +").unwrap_err().contains("expected"));
        assert!(Expr::parse("(a").unwrap_err().contains("parenthesis"));
        assert!(Expr::parse("a b").unwrap_err().contains("\"b\""));
    }
}
