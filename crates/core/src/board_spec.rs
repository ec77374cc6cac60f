//! What a board shows: the `[board]` table of a declaration, and the same thing as the app reads it.
//!
//! A board names measures and dimensions of its rollup and says how to draw them. It holds no colours, no sizes and no
//! numbers to compare with: those are the viewer's.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// Split the first measure by the board's dimension: one series a group.
    #[serde(default)]
    pub split: bool,
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

impl Board {
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
