//! The platform table as texts: the picture and the page show the same.

use tidemark_core::api::BoardSeries;
use tidemark_core::board_spec::{BoardColumn, BoardPanel, ColumnShow};
use tidemark_core::group;

use crate::figures;
use crate::view::View;

/// One column's head.
pub struct Column {
    pub label: String,
    pub show: ColumnShow,
    /// Sorted by, largest first.
    pub sorted: bool,
    leaves: Option<u8>,
}

/// One field.
#[derive(Default)]
pub struct Cell {
    pub text: String,
    /// Part of all groups, 0 to 1.
    pub share: Option<f64>,
    /// The measure to draw a small line of.
    pub spark: Option<usize>,
}

pub struct Row {
    pub name: String,
    /// Which group; `None` is the sum.
    pub place: Option<usize>,
    pub cells: Vec<Cell>,
}

/// A table that can be drawn.
pub struct TableData {
    /// Head of the first column.
    pub first: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    pub sum: Row,
}

impl TableData {
    pub fn new(view: View, panel: &BoardPanel) -> TableData {
        let wanted: Vec<(&BoardColumn, usize)> = panel
            .columns
            .iter()
            .filter(|column| column.show != ColumnShow::Change || view.cut.compare.is_some())
            .filter_map(|column| Some((column, view.measure(&column.measure)?)))
            .collect();
        let sorted = wanted.iter().position(|(column, _)| column.show == ColumnShow::Latest);
        let columns = wanted
            .iter()
            .enumerate()
            .map(|(at, (column, measure))| Column {
                label: column.label.clone().unwrap_or_else(|| match column.show {
                    ColumnShow::Change => figures::compared(view),
                    _ => view.info(*measure).label.clone(),
                }),
                show: column.show,
                sorted: sorted == Some(at),
                leaves: column.leaves,
            })
            .collect();
        let mut order: Vec<usize> = (0..view.cut.groups.len()).collect();
        if let Some((_, measure)) = sorted.map(|at| wanted[at]) {
            let key = |group: &usize| latest(view, &view.cut.groups[*group], measure).unwrap_or(f64::MIN);
            order.sort_by(|a, b| key(b).total_cmp(&key(a)));
        }
        let row = |series: &BoardSeries, place: Option<usize>, name: String| Row {
            name,
            place,
            cells: wanted
                .iter()
                .map(|(column, measure)| cell(view, series, place, column, *measure))
                .collect(),
        };
        let own = view.cut.by == view.board.by.as_deref();
        let plural = view
            .board
            .by_plural
            .as_deref()
            .filter(|_| own)
            .unwrap_or("groups")
            .to_lowercase();
        TableData {
            first: view
                .board
                .by_label
                .clone()
                .filter(|_| own)
                .or_else(|| view.cut.by.map(str::to_owned))
                .unwrap_or_default(),
            rows: order
                .into_iter()
                .map(|place| {
                    let group = &view.cut.groups[place];
                    row(group, Some(place), group::name(group.key.as_deref()).to_owned())
                })
                .collect(),
            sum: row(view.cut.overall, None, format!("All {plural}")),
            columns,
        }
    }

    /// Take away the column that leaves first; `false` when all that are left stay.
    pub fn narrow(&mut self) -> bool {
        let Some(at) = (0..self.columns.len())
            .filter(|at| self.columns[*at].leaves.is_some())
            .min_by_key(|at| self.columns[*at].leaves)
        else {
            return false;
        };
        self.columns.remove(at);
        for row in self.rows.iter_mut().chain([&mut self.sum]) {
            row.cells.remove(at);
        }
        true
    }
}

fn latest(view: View, series: &BoardSeries, measure: usize) -> Option<f64> {
    view.latest()
        .and_then(|at| series.columns.get(measure)?.get(at).copied().flatten())
}

fn cell(view: View, series: &BoardSeries, place: Option<usize>, column: &BoardColumn, measure: usize) -> Cell {
    let unit = &view.info(measure).unit;
    let total = |series: &BoardSeries| series.total.get(measure).copied().flatten();
    match column.show {
        ColumnShow::Total => Cell {
            text: figures::value(total(series), unit),
            ..Cell::default()
        },
        ColumnShow::Latest => Cell {
            text: figures::value(latest(view, series, measure), unit),
            ..Cell::default()
        },
        ColumnShow::Share => {
            let share = match (total(series), total(view.cut.overall)) {
                (Some(part), Some(whole)) if whole > 0.0 => Some(part / whole),
                _ => None,
            };
            Cell {
                text: figures::share(share),
                share,
                spark: None,
            }
        }
        ColumnShow::Change => {
            let before = view.cut.compare.and_then(|compare| match place {
                None => total(&compare.overall),
                Some(_) => compare
                    .groups
                    .iter()
                    .find(|group| group.key == series.key)
                    .and_then(total),
            });
            Cell {
                text: figures::change(total(series), before),
                ..Cell::default()
            }
        }
        ColumnShow::Spark => Cell {
            spark: Some(measure),
            ..Cell::default()
        },
    }
}
