//! What can be wrong with a board, and where.
//!
//! A board comes from a declaration or from a board file. Both are checked here, against what the rollup has.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::api::{Grain, RollupSummary};
use crate::board_spec::{Board, BoardPanel, PanelKind};
use crate::suggest::closest;

/// What a board may name. Each says what is wrong with a name, and what was probably meant.
pub struct Names<'a> {
    /// Measures that are numbers.
    pub measure: &'a dyn Fn(&str) -> Result<(), String>,
    pub dimension: &'a dyn Fn(&str) -> Result<(), String>,
    /// The rollup's finest grain.
    pub base: Grain,
}

/// What is wrong with a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    path: Vec<Step>,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    At(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Step {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(at: usize) -> Step {
        Step::At(at)
    }
}

/// Check a board against what its rollup has.
pub fn check(board: &Board, names: &Names<'_>) -> Result<(), Complaint> {
    let complain = |path: &[Step]| {
        let path = path.to_vec();
        move |message: String| Complaint { path, message }
    };
    let measure = |name: &str, path: &[Step]| (names.measure)(name).map_err(complain(path));
    let dimension = |name: &str, path: &[Step]| (names.dimension)(name).map_err(complain(path));
    if let Some(by) = &board.by {
        dimension(by, &["by".into()])?;
    }
    for (at, tile) in board.tiles.iter().enumerate() {
        measure(&tile.measure, &["tiles".into(), at.into(), "measure".into()])?;
    }
    for (at, panel) in board.panels.iter().enumerate() {
        let at_key = |key: &str| vec![Step::from("panels"), at.into(), key.into()];
        let named = |message: String| format!("panel \"{}\": {message}", panel.title);
        for (key, list) in [("measures", &panel.measures), ("lane", &panel.lane)] {
            for (place, name) in list.iter().enumerate() {
                let path = [at_key(key), vec![place.into()]].concat();
                measure(name, &path)?;
            }
        }
        for (place, column) in panel.columns.iter().enumerate() {
            let path = [at_key("columns"), vec![place.into(), "measure".into()]].concat();
            measure(&column.measure, &path)?;
        }
        for rate in panel.counts.iter() {
            measure(&rate.part, &[at_key("counts"), vec!["part".into()]].concat())?;
            measure(&rate.whole, &[at_key("counts"), vec!["whole".into()]].concat())?;
        }
        if let Some(by) = &panel.by {
            dimension(by, &at_key("by"))?;
        }
        for (name, values) in panel.filter.iter() {
            let path = [at_key("where"), vec![name.as_str().into()]].concat();
            dimension(name, &path)?;
            if values.is_empty() {
                return Err(complain(&path)(named(format!(
                    "where names no value of \"{name}\"; leave \"{name}\" out to show all"
                ))));
            }
        }
        shape(board, panel, names.base).map_err(|(key, message)| complain(&at_key(key))(named(message)))?;
    }
    for (at, rule) in board.rules.iter().enumerate() {
        let at_key = |key: &str| vec![Step::from("rules"), at.into(), key.into()];
        measure(&rule.measure, &at_key("measure"))?;
        measure(&rule.samples, &at_key("samples"))?;
        for (place, name) in rule.parts.iter().enumerate() {
            measure(name, &[at_key("parts"), vec![place.into()]].concat())?;
        }
        for rate in rule.counts.iter() {
            measure(&rate.part, &[at_key("counts"), vec!["part".into()]].concat())?;
            measure(&rate.whole, &[at_key("counts"), vec!["whole".into()]].concat())?;
        }
    }
    Ok(())
}

/// What a kind of panel can't do: the key, and why.
fn shape(board: &Board, panel: &BoardPanel, base: Grain) -> Result<(), (&'static str, String)> {
    match panel.kind {
        PanelKind::Heatmap if base > Grain::Hour => Err((
            "kind",
            format!(
                "a heatmap shows hours of the day, and the finest buckets here are of a {}; use bars or lines",
                base.label()
            ),
        )),
        PanelKind::Heatmap | PanelKind::Number if panel.by.is_some() => Err((
            "by",
            "a heatmap or number shows all groups together; remove by, or use where for one group".to_owned(),
        )),
        PanelKind::Table => Ok(()),
        _ if panel.split && panel.by.is_none() && board.by.is_none() => Err((
            "split",
            "split needs a dimension; write by = \"…\" here or for the whole board".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Check a board against an installed rollup.
pub fn check_installed(board: &Board, rollup: &RollupSummary) -> Result<(), Complaint> {
    let find = |kind: &str, name: &str, known: &[&str]| {
        if known.contains(&name) {
            return Ok(());
        }
        let hint = closest(name, known.iter().copied()).map_or_else(
            || format!("; it has: {}", known.join(", ")),
            |near| format!("; did you mean \"{near}\"?"),
        );
        Err(format!("{} has no {kind} \"{name}\"{hint}", rollup.rollup))
    };
    let measures: Vec<&str> = rollup.measures.iter().map(|measure| measure.name.as_str()).collect();
    let dimensions: Vec<&str> = rollup.dimensions.iter().map(String::as_str).collect();
    let names = Names {
        measure: &|name| find("measure", name, &measures),
        dimension: &|name| find("dimension", name, &dimensions),
        base: rollup.grains.first().copied().unwrap_or(Grain::Hour),
    };
    check(board, &names)
}

impl Complaint {
    /// Where in a text the board's fault lies, as far in as the text goes. `within` leads to the board.
    #[must_use]
    pub fn span(&self, text: &str, within: &[&str]) -> Option<Range<usize>> {
        let whole = DeTable::parse(text).ok()?;
        let steps = within
            .iter()
            .map(|key| Step::from(*key))
            .chain(self.path.iter().cloned());
        let mut found = None;
        let mut at: Option<&DeValue<'_>> = None;
        for (depth, step) in steps.enumerate() {
            let next: Option<&Spanned<DeValue<'_>>> = match (at, &step) {
                (None, Step::Key(key)) if depth == 0 => entry(whole.get_ref(), key),
                (Some(DeValue::Table(table)), Step::Key(key)) => entry(table, key),
                (Some(DeValue::Array(array)), Step::At(place)) => array.get(*place),
                _ => None,
            };
            let Some(next) = next else { break };
            found = Some(next.span());
            at = Some(next.get_ref());
        }
        found
    }
}

fn entry<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    table
        .iter()
        .find(|(name, _)| name.get_ref() == key)
        .map(|(_, value)| value)
}
