//! What a board shows: the `[board]` table of a declaration, and the same thing as the app reads it.
//!
//! A board names measures and dimensions of its rollup and says how to draw them. It holds no colours, no sizes and no
//! numbers to compare with: those are the viewer's.

use std::collections::BTreeMap;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};
use ts_rs::TS;

use crate::api::{BoardRequest, DimensionFilter, Grain};

/// Only rows whose dimensions have one of these values; `None` is the NULL group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Where(pub BTreeMap<String, Vec<Option<String>>>);

impl Deref for Where {
    type Target = BTreeMap<String, Vec<Option<String>>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// A page of panels over one rollup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct Board {
    /// Name in the navigation and at the top of the page.
    pub title: String,
    /// The dimension that splits series and tables and that the toolbar filters by. `None`: nothing is split.
    #[serde(default)]
    pub by: Option<String>,
    /// What one value of `by` is called, for people: `Platform`. `None`: the dimension's name.
    #[serde(default)]
    pub by_label: Option<String>,
    /// The same for several: `Platforms`.
    #[serde(default)]
    pub by_plural: Option<String>,
    #[serde(default)]
    pub tiles: Vec<BoardTile>,
    #[serde(default)]
    pub panels: Vec<BoardPanel>,
    /// What the verdict bar watches.
    #[serde(default)]
    pub rules: Vec<BoardRule>,
}

/// One figure over the whole range, with its change and a small line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BoardTile {
    pub measure: String,
    /// `None`: the measure's own label.
    #[serde(default)]
    pub label: Option<String>,
    /// Which direction is good news; `None` where neither is.
    #[serde(default)]
    pub good: Option<Direction>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum Direction {
    Up,
    Down,
}

/// One chart, table or number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BoardPanel {
    pub title: String,
    pub kind: PanelKind,
    /// Said before the bucket width in the panel's head: `successes`.
    #[serde(default)]
    pub subtitle: Option<String>,
    /// Drawn in this order, the first at the bottom of a stack. Empty for a table, which has `columns`.
    #[serde(default)]
    pub measures: Vec<String>,
    /// Drawn again below, stacked on a scale of their own: what is too small to be seen above.
    #[serde(default)]
    pub lane: Vec<String>,
    /// What is said above that lane.
    #[serde(default)]
    pub lane_label: Option<String>,
    /// Split the first measure: one series a group of `by`, or of the board's dimension.
    #[serde(default)]
    pub split: bool,
    /// The dimension of this panel's groups, which splits it. `None`: the board's.
    #[serde(default)]
    pub by: Option<String>,
    /// Only these rows, whatever else the board is filtered by: `{ platform = "openai" }`. Text, a number or true and
    /// false, or a list of them; `{ null = true }` is the NULL group.
    #[serde(default, rename = "where")]
    #[ts(type = "Record<string, (string | null)[]>")]
    pub filter: Where,
    #[serde(default)]
    pub palette: Palette,
    /// The two counts behind a rate, part and whole, for the tooltip: `649 of 22 062 failed`.
    #[serde(default)]
    pub counts: Option<RateCounts>,
    /// Columns of a table after its first, which is the board's dimension.
    #[serde(default)]
    pub columns: Vec<BoardColumn>,
    #[serde(default)]
    pub width: PanelWidth,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum PanelKind {
    /// Bars stacked in a bucket: disjoint counts that add up.
    Stack,
    /// Bars of one measure; split, its groups are stacked.
    Bars,
    Lines,
    /// Stacked areas.
    Area,
    /// Hour of the day by day, always hourly, over the last seven days.
    Heatmap,
    /// One row a group, with a sum at its foot.
    Table,
    /// Large figures over the whole range.
    Number,
}

/// How series get their colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum Palette {
    /// Names that have no order: one colour each, and the same for ever.
    #[default]
    Names,
    /// Steps of one thing, least first: p50, p95, p99.
    Ordered,
    /// What is fine first, then failures, worse later.
    Outcomes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum PanelWidth {
    #[default]
    Half,
    Full,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct RateCounts {
    pub part: String,
    pub whole: String,
    /// What the part did: `failed`.
    pub word: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BoardColumn {
    pub measure: String,
    /// `None`: the measure's own label.
    #[serde(default)]
    pub label: Option<String>,
    #[serde(default)]
    pub show: ColumnShow,
    /// Columns leave as the window narrows: 1 first. `None` stays.
    #[serde(default)]
    #[ts(type = "number | null")]
    pub leaves: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum ColumnShow {
    /// Over the whole range.
    #[default]
    Total,
    /// The last complete bucket. A table is sorted by the first such column, largest first.
    Latest,
    /// Share of all groups, with a small bar.
    Share,
    /// Against the compared range.
    Change,
    /// A small line over the range.
    Spark,
}

/// Something to be woken for. The limit itself is the viewer's setting, shown with every verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
#[ts(export)]
pub struct BoardRule {
    pub measure: String,
    pub watch: Watch,
    /// The measure that counts samples: below the viewer's minimum nothing is said.
    pub samples: String,
    /// The counts behind a rate.
    #[serde(default)]
    pub counts: Option<RateCounts>,
    /// Disjoint parts of what failed; the largest is named: `91 % of them 5xx`.
    #[serde(default)]
    pub parts: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Watch {
    /// Above the viewer's limit for error rates, in any group.
    ErrorRate,
    /// Above the viewer's limit, or more than twice the same time a week earlier; all groups together.
    Latency,
}

/// How a panel cuts the numbers: which groups, of which rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Grouping {
    /// The dimension whose values are groups; `None`: all rows together.
    pub by: Option<String>,
    #[serde(default, rename = "where")]
    #[ts(type = "Record<string, (string | null)[]>")]
    pub filter: Where,
}

impl Grouping {
    /// The filter as a question asks it.
    #[must_use]
    pub fn filters(&self) -> Vec<DimensionFilter> {
        let filter = |(dimension, values): (&String, &Vec<Option<String>>)| DimensionFilter {
            dimension: dimension.clone(),
            values: values.clone(),
        };
        self.filter.iter().map(filter).collect()
    }
}

impl BoardPanel {
    /// Is this drawn group by group?
    #[must_use]
    pub fn splits(&self) -> bool {
        match self.kind {
            PanelKind::Table => true,
            PanelKind::Number | PanelKind::Heatmap => false,
            _ => self.split || self.by.is_some(),
        }
    }
}

impl Board {
    /// How a panel cuts the numbers; `None` where that is the board's own way, `by` and no filter.
    #[must_use]
    pub fn grouping(&self, panel: &BoardPanel) -> Option<Grouping> {
        let by = if panel.splits() {
            panel.by.clone().or_else(|| self.by.clone())
        } else {
            None
        };
        let own = panel.filter.is_empty() && (!panel.splits() || by == self.by);
        (!own).then(|| Grouping {
            by,
            filter: panel.filter.clone(),
        })
    }

    /// Every way in which panels cut the numbers beside the board's own, once.
    #[must_use]
    pub fn groupings(&self) -> Vec<Grouping> {
        let mut list = Vec::new();
        for grouping in self.panels.iter().filter_map(|panel| self.grouping(panel)) {
            if !list.contains(&grouping) {
                list.push(grouping);
            }
        }
        list
    }

    /// What its heatmaps ask beside the board's own question: the last seven days by hour. `None` where it has none.
    #[must_use]
    pub fn week(&self, request: &BoardRequest) -> Option<BoardRequest> {
        let mut heatmaps = self.clone();
        heatmaps.panels.retain(|panel| panel.kind == PanelKind::Heatmap);
        (!heatmaps.panels.is_empty()).then(|| BoardRequest {
            range: "today-6d..now".to_owned(),
            grain: Some(Grain::Hour),
            groupings: heatmaps.groupings(),
            compare: None,
            ..request.clone()
        })
    }

    /// Name every measure that the board shows.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        let panels = self.panels.iter().flat_map(|panel| {
            let columns = panel.columns.iter().map(|column| &column.measure);
            panel.measures.iter().chain(&panel.lane).chain(columns)
        });
        let rules = self
            .rules
            .iter()
            .flat_map(|rule| [&rule.measure, &rule.samples].into_iter().chain(&rule.parts));
        let rates = self.panels.iter().filter_map(|panel| panel.counts.as_ref());
        let rates = rates.chain(self.rules.iter().filter_map(|rule| rule.counts.as_ref()));
        let tiles = self.tiles.iter().map(|tile| &tile.measure);
        let rates = rates.flat_map(|rate| [&rate.part, &rate.whole]);
        tiles.chain(panels).chain(rules).chain(rates).map(String::as_str)
    }
}

/// A value as people write it. Dimensions are compared as text.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "write a text, a number, true or false, { null = true }, or a list of them"
)]
enum Written {
    Text(String),
    Whole(i64),
    Truth(bool),
    /// `{ null = true }`
    Null {
        #[serde(rename = "null")]
        _null: bool,
    },
    /// JSON's null.
    Missing(()),
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "write a text, a number, true or false, { null = true }, or a list of them"
)]
enum OneOrMore {
    More(Vec<Written>),
    One(Written),
}

impl<'de> Deserialize<'de> for Where {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Where, D::Error> {
        let text = |written| match written {
            Written::Text(text) => Some(text),
            Written::Whole(number) => Some(number.to_string()),
            Written::Truth(truth) => Some(truth.to_string()),
            Written::Null { .. } | Written::Missing(()) => None,
        };
        let values = |one_or_more| match one_or_more {
            OneOrMore::More(list) => list.into_iter().map(text).collect(),
            OneOrMore::One(one) => vec![text(one)],
        };
        let written = BTreeMap::<String, OneOrMore>::deserialize(deserializer)?;
        let listed = written.into_iter().map(|(dimension, list)| (dimension, values(list)));
        Ok(Where(listed.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(text: &str) -> Board {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_filter_is_a_text_a_number_a_truth_null_or_a_list_of_them() {
        let board = board(
            r#"
            title = "T"
            [[panels]]
            title = "P"
            kind = "lines"
            where = { platform = "openai", site = 4, express = true, project = [{ null = true }, "", "a"] }"#,
        );
        let filter = &board.panels[0].filter;
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(filter["platform"], [some("openai")]);
        assert_eq!(
            (&filter["site"], &filter["express"]),
            (&vec![some("4")], &vec![some("true")])
        );
        assert_eq!(filter["project"], [None, some(""), some("a")]);
        // The same through JSON, which is how a stored model and the window have it.
        let json = serde_json::to_string(&board).unwrap();
        assert_eq!(serde_json::from_str::<Board>(&json).unwrap(), board);
        let bad =
            toml::from_str::<Board>("title = \"T\"\n[[panels]]\ntitle = \"P\"\nkind = \"lines\"\nwhere = { a = 1.5 }");
        assert!(bad.unwrap_err().to_string().contains("{ null = true }"));
    }

    #[test]
    fn each_way_to_cut_the_numbers_is_asked_for_once() {
        let board = board(
            r#"
            title = "T"
            by = "a"
            panels = [
              { title = "own", kind = "lines", split = true },
              { title = "own, unsplit", kind = "lines" },
              { title = "own, by name", kind = "bars", by = "a" },
              { title = "b", kind = "area", by = "b" },
              { title = "b again", kind = "table", by = "b" },
              { title = "x only", kind = "number", where = { a = "x" } },
              { title = "x only, by b", kind = "lines", by = "b", where = { a = "x" } },
              { title = "x only again", kind = "lines", where = { a = ["x"] } },
            ]"#,
        );
        let cuts: Vec<(Option<&str>, usize)> = board
            .panels
            .iter()
            .map(|panel| board.grouping(panel))
            .map(|cut| {
                cut.map_or((Some("own"), 0), |cut| {
                    (if cut.by.is_some() { Some("b") } else { None }, cut.filter.len())
                })
            })
            .collect();
        assert_eq!(cuts[..3], [(Some("own"), 0); 3]);
        assert_eq!(
            cuts[3..],
            [(Some("b"), 0), (Some("b"), 0), (None, 1), (Some("b"), 1), (None, 1)]
        );
        assert_eq!(board.groupings().len(), 3);
    }
}
