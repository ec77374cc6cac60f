//! A board and its answer, seen as what is drawn: measures by name, groups with their names and colours, the tide.

use chrono::{DateTime, FixedOffset, Utc};
use chrono_tz::Tz;
use tidemark_core::api::{
    BoardAnswer, BoardBucket, BoardCompare, BoardSeries, Grain, Limits, MeasureInfo, ReportAnswer, State,
};
use tidemark_core::board_spec::{Board, BoardPanel, PanelKind};

use crate::error::{Error, Result};
use crate::figures;
use crate::theme::{Ink, Palette};

/// What goes on a report beside the answer.
#[derive(Debug, Clone, Default)]
pub struct Label {
    /// Which database, without a password: `prod-eu`. Left out when empty.
    pub connection: String,
    /// Says that the numbers are made up.
    pub demo: bool,
    /// The viewer's.
    pub limits: Limits,
}

/// Groups with a colour of their own; the rest share one.
pub const NAMED: usize = 7;

/// A board with its answer.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub report: &'a ReportAnswer,
    /// What of it is drawn: the board's, or the week of its heatmaps.
    pub answer: &'a BoardAnswer,
    pub board: &'a Board,
    pub label: &'a Label,
    /// How the numbers are cut: the board's own way, or a panel's.
    pub cut: Cut<'a>,
}

/// Groups and all rows together, of one grouping.
#[derive(Clone, Copy)]
pub struct Cut<'a> {
    pub by: Option<&'a str>,
    pub overall: &'a BoardSeries,
    pub groups: &'a [BoardSeries],
    pub compare: Option<&'a BoardCompare>,
}

impl<'a> Cut<'a> {
    /// The board's own.
    fn of(answer: &'a BoardAnswer) -> Cut<'a> {
        Cut {
            by: answer.by.as_deref(),
            overall: &answer.overall,
            groups: &answer.groups,
            compare: answer.compare.as_ref(),
        }
    }
}

impl<'a> View<'a> {
    pub fn new(report: &'a ReportAnswer, board: &'a Board, label: &'a Label) -> Result<View<'a>> {
        if report.board.buckets.is_empty() {
            Err(Error::Empty)
        } else {
            Ok(View {
                report,
                answer: &report.board,
                board,
                label,
                cut: Cut::of(&report.board),
            })
        }
    }

    /// What heatmaps are drawn from.
    pub fn week(self) -> Option<View<'a>> {
        self.report.week.as_ref().map(|answer| View {
            answer,
            cut: Cut::of(answer),
            ..self
        })
    }

    /// A panel's numbers, as it cuts them.
    pub fn of(self, panel: &BoardPanel) -> View<'a> {
        let view = match panel.kind {
            PanelKind::Heatmap => self.week().unwrap_or(self),
            _ => self,
        };
        let wanted = view.board.grouping(panel);
        let found = wanted.and_then(|wanted| view.answer.groupings.iter().find(|known| known.grouping == wanted));
        let cut = found.map_or(view.cut, |known| Cut {
            by: known.grouping.by.as_deref(),
            overall: &known.overall,
            groups: &known.groups,
            compare: known.compare.as_ref(),
        });
        View { cut, ..view }
    }

    pub fn tz(self) -> Tz {
        self.answer.tz.parse().unwrap_or(Tz::UTC)
    }

    pub fn local(self, ms: f64) -> DateTime<FixedOffset> {
        tidemark_core::zone::to_local(instant(ms), self.tz())
    }

    pub fn measure(self, name: &str) -> Option<usize> {
        self.answer.measures.iter().position(|measure| measure.name == name)
    }

    pub fn info(self, measure: usize) -> &'a MeasureInfo {
        &self.answer.measures[measure]
    }

    /// One series of values, `None` where there is no data.
    pub fn values(self, series: &'a BoardSeries, measure: usize) -> &'a [Option<f64>] {
        series.columns.get(measure).map_or(&[], Vec::as_slice)
    }

    /// The last complete bucket; never the partial one.
    pub fn latest(self) -> Option<usize> {
        self.answer
            .buckets
            .iter()
            .rposition(|b| !b.partial && b.end_ms <= self.answer.as_of_ms)
    }

    /// Where the numbers stop being complete, when that is inside the range.
    pub fn tide(self) -> Option<f64> {
        let end = self.answer.buckets.last()?.end_ms;
        let start = self.answer.buckets.first()?.start_ms;
        let complete = self.latest().map(|at| self.answer.buckets[at].end_ms)?;
        (complete < end && complete > start && self.answer.as_of_ms < end).then_some(complete)
    }

    /// `per 15 min`.
    pub fn width_word(self) -> String {
        match self.answer.grain {
            Grain::Minute => "per minute".to_owned(),
            grain => format!("per {}", grain.label().replace(' ', figures::THIN)),
        }
    }

    /// The colour of a group, by its size in the whole range; the group without a name has the eighth.
    pub fn group_ink(self, ink: &Palette, place: usize) -> Ink {
        match self.cut.groups.get(place).and_then(|group| group.key.as_deref()) {
            None | Some("") => ink.series_8,
            Some(_) => {
                let named = self.cut.groups[..place]
                    .iter()
                    .filter(|g| g.key.as_deref().is_some_and(|k| !k.is_empty()));
                ink.name(named.count())
            }
        }
    }

    /// Groups without a colour of their own: none up to eight, else all but the largest seven.
    pub fn rest(self) -> usize {
        match self.cut.groups.len() {
            few if few <= NAMED + 1 => 0,
            many => many - NAMED,
        }
    }
}

pub fn instant(ms: f64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms as i64).unwrap_or_default()
}

/// What a bucket looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Exact,
    Partial,
    Pending,
    Frozen,
}

impl Look {
    pub fn of(bucket: &BoardBucket) -> Look {
        match bucket.state {
            State::Pending => Look::Pending,
            State::Frozen => Look::Frozen,
            State::Exact if bucket.partial => Look::Partial,
            State::Exact => Look::Exact,
        }
    }
}
