//! What was measured, as JSON and as Markdown.

use serde::Serialize;

use crate::sample::{Pairs, Spread, spread};

/// What a ratio should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// Theirs divided by ours.
    Faster(f64),
    /// Ours divided by theirs.
    AtMost(f64),
    /// Ours divided by theirs, or so many milliseconds more.
    AtMostOr(f64, f64),
    /// Ours divided by theirs, where more is better: a throughput.
    AtLeast(f64),
}

/// One line: a ratio with its spread, and both sides as they were measured.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    pub measure: String,
    pub ratio: f64,
    pub low: f64,
    pub high: f64,
    /// Such as `≥ 100 × faster`; null where the ratio is only stated.
    pub goal: Option<String>,
    pub met: Option<bool>,
    pub what: String,
    pub beside: String,
    pub unit: &'static str,
    pub ours: f64,
    pub theirs: f64,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A group of lines, what was run for them, and figures that are no ratio.
#[derive(Debug, Default)]
pub struct Section {
    pub title: &'static str,
    /// How it was measured, in a paragraph.
    pub how: String,
    pub lines: Vec<Line>,
    /// Label and statement.
    pub statements: Vec<(String, String)>,
    /// Tables of figures, as Markdown.
    pub figures: String,
}

impl Line {
    pub fn new(measure: &str, what: &str, beside: &str, goal: Goal, pairs: &Pairs) -> Line {
        let ratio = pairs.ratio(|ours, theirs| match goal {
            Goal::Faster(_) => theirs / ours,
            _ => ours / theirs,
        });
        let (ours, theirs) = (spread(pairs.ours.clone()).median, spread(pairs.theirs.clone()).median);
        let met = match goal {
            Goal::Faster(least) | Goal::AtLeast(least) => ratio.median >= least,
            Goal::AtMost(most) => ratio.median <= most,
            Goal::AtMostOr(most, more) => ratio.median <= most || ours <= theirs + more,
        };
        let goal = match goal {
            Goal::Faster(least) => format!("≥ {least} × faster"),
            Goal::AtMost(most) => format!("≤ {most} ×"),
            Goal::AtMostOr(most, more) => format!("≤ {most} ×, or {more} ms more"),
            Goal::AtLeast(least) => format!("≥ {least} ×"),
        };
        Line::of(measure, what, beside, ratio, "ms", ours, theirs).with_goal(goal, met)
    }

    /// A ratio without a goal.
    pub fn of(
        measure: &str,
        what: &str,
        beside: &str,
        ratio: Spread,
        unit: &'static str,
        ours: f64,
        theirs: f64,
    ) -> Line {
        Line {
            measure: measure.to_owned(),
            ratio: ratio.median,
            low: ratio.low,
            high: ratio.high,
            goal: None,
            met: None,
            what: what.to_owned(),
            beside: beside.to_owned(),
            unit,
            ours,
            theirs,
            note: None,
        }
    }

    pub fn with_goal(mut self, goal: String, met: bool) -> Line {
        self.goal = Some(goal);
        self.met = Some(met);
        self
    }

    pub fn unit(mut self, unit: &'static str) -> Line {
        self.unit = unit;
        self
    }

    pub fn note(mut self, note: String) -> Line {
        self.note = Some(note);
        self
    }
}

impl Section {
    pub fn new(title: &'static str, how: impl Into<String>) -> Section {
        Section {
            title,
            how: how.into(),
            ..Section::default()
        }
    }

    pub fn statement(&mut self, label: &str, sql: &str) {
        self.statements.push((label.to_owned(), sql.trim().to_owned()));
    }

    pub fn markdown(&self) -> String {
        let mut out = format!("## {}\n\n{}\n", self.title, self.how);
        if !self.lines.is_empty() {
            out.push_str("\n| measure | what | beside | ours | theirs | ratio (low–high) | goal | |\n|---|---|---|---|---|---|---|---|\n");
        }
        for line in &self.lines {
            out.push_str(&format!(
                "| `{}` | {} | {} | {} {} | {} {} | **{} ×** ({}–{}) | {} | {} |\n",
                line.measure,
                line.what,
                line.beside,
                figure(line.ours),
                line.unit,
                figure(line.theirs),
                line.unit,
                figure(line.ratio),
                figure(line.low),
                figure(line.high),
                line.goal.as_deref().unwrap_or("stated"),
                match line.met {
                    Some(true) => "met",
                    Some(false) => "**missed**",
                    None => "",
                }
            ));
        }
        let notes = self
            .lines
            .iter()
            .filter_map(|line| Some((&line.measure, line.note.as_ref()?)));
        for (measure, note) in notes {
            out.push_str(&format!("\n`{measure}`: {note}\n"));
        }
        if !self.figures.is_empty() {
            out.push_str(&format!("\n{}", self.figures));
        }
        if !self.statements.is_empty() {
            out.push_str("\n<details><summary>Statements</summary>\n");
            for (label, sql) in &self.statements {
                out.push_str(&format!("\n{label}:\n\n```sql\n{sql}\n```\n"));
            }
            out.push_str("\n</details>\n");
        }
        out
    }
}

/// Three figures.
pub fn figure(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_or_missed_by_the_median() {
        let pairs = Pairs {
            ours: vec![20.0, 20.0, 20.0],
            theirs: vec![10.0, 10.0, 10.0],
        };
        let line = |goal| Line::new("m", "a", "b", goal, &pairs);
        assert_eq!(line(Goal::AtMost(1.5)).met, Some(false));
        assert_eq!(line(Goal::AtMostOr(1.5, 10.0)).met, Some(true));
        assert_eq!(line(Goal::Faster(0.5)).met, Some(true));
        assert_eq!(line(Goal::Faster(0.6)).met, Some(false));
        assert_eq!(figure(123.4), "123");
    }
}
