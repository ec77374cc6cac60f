//! A board's groupings: which cuts of the rollup are read, and what each of its panels is told of them.

use std::borrow::Cow;

use rayon::prelude::*;
use tidemark_core::api::{BoardRequest, BoardSeries, DimensionFilter};

use super::cell::{Shape, Value};
use super::snapshot::{Cut, Snapshot};

/// What is read, each cut once, and who is answered from which.
pub(super) struct Groupings {
    pub cuts: Vec<Cut>,
    /// The board's own way first, then the request's groupings in order.
    pub wanted: Vec<Wanted>,
}

pub(super) struct Wanted {
    /// Whose groups are shown; `None` where none are.
    groups: Option<usize>,
    /// Whose cells together are all rows of this filter. The same cut for all of one filter: sums of floating-point
    /// numbers depend on their order, and no two panels may differ even in the last digit.
    overall: usize,
}

impl Groupings {
    pub fn of(request: &BoardRequest) -> Groupings {
        let own = (request.by.clone(), request.filters.clone());
        let others = request.groupings.iter().map(|grouping| {
            let filters = request.filters.iter().cloned().chain(grouping.filters()).collect();
            (grouping.by.clone(), filters)
        });
        let asked: Vec<(Option<String>, Vec<DimensionFilter>)> = std::iter::once(own).chain(others).collect();
        let mut cuts: Vec<Cut> = Vec::new();
        // With groups before without: all rows together follow from any groups of the same filter.
        let (split, whole): (Vec<_>, Vec<_>) = asked.iter().partition(|(by, _)| by.is_some());
        for (by, filters) in split.into_iter().chain(whole) {
            let by: Vec<String> = by.iter().cloned().collect();
            if !cuts
                .iter()
                .any(|cut| cut.filters == *filters && (by.is_empty() || cut.by == by))
            {
                let filters = filters.clone();
                cuts.push(Cut { by, filters });
            }
        }
        let place = |fits: &dyn Fn(&Cut) -> bool| cuts.iter().position(fits);
        let wanted = asked
            .iter()
            .map(|(by, filters)| Wanted {
                groups: by
                    .as_ref()
                    .and_then(|by| place(&|cut| cut.filters == *filters && cut.by.first() == Some(by))),
                overall: place(&|cut| cut.filters == *filters).unwrap_or_default(),
            })
            .collect();
        Groupings { cuts, wanted }
    }

    /// Every dimension that is named.
    pub fn dimensions(&self) -> impl Iterator<Item = &String> {
        let cuts = self.cuts.iter();
        cuts.flat_map(|cut| cut.by.iter().chain(cut.filters.iter().map(|filter| &filter.dimension)))
    }

    /// All groups together, and each, largest first; over time and as a total. Percentiles are merged, never averaged.
    pub fn series(&self, shape: &Shape, snapshot: &Snapshot) -> Vec<(BoardSeries, Vec<BoardSeries>)> {
        let size = |series: &BoardSeries| series.total.first().copied().flatten().unwrap_or(0.0);
        let sum = |key: Option<&str>, cells: &mut dyn Iterator<Item = (usize, &[Value])>| {
            let mut sum = Accumulated::over(snapshot.buckets.len());
            for (bucket, cell) in cells {
                sum.add(shape, bucket, cell);
            }
            sum.finish(key, shape)
        };
        let one = |wanted: &Wanted| {
            let split = wanted.groups.map(|at| &snapshot.cells[at]);
            let mut groups = vec![Vec::new(); split.map_or(0, |cells| cells.groups().len())];
            for (bucket, group, cell) in split.iter().flat_map(|cells| cells.iter()) {
                groups[group].push((bucket, cell));
            }
            let keys = split.iter().flat_map(|cells| cells.groups());
            let keyed: Vec<_> = (keys.map(|group| group.first().and_then(Option::as_deref)).zip(groups))
                .filter(|(_, cells)| !cells.is_empty())
                .collect();
            let all = snapshot.cells[wanted.overall].iter();
            rayon::join(
                || sum(None, &mut all.map(|(bucket, _, cell)| (bucket, cell))),
                || {
                    let groups = keyed.into_par_iter();
                    let mut list: Vec<BoardSeries> =
                        groups.map(|(key, cells)| sum(key, &mut cells.into_iter())).collect();
                    list.sort_by(|a, b| size(b).total_cmp(&size(a)));
                    list
                },
            )
        };
        self.wanted.par_iter().map(one).collect()
    }
}

/// Cells over time and as a total; those that stand alone are not copied.
struct Accumulated<'a> {
    buckets: Vec<Option<Cow<'a, [Value]>>>,
    total: Option<Cow<'a, [Value]>>,
}

impl<'a> Accumulated<'a> {
    fn over(buckets: usize) -> Accumulated<'a> {
        Accumulated {
            buckets: vec![None; buckets],
            total: None,
        }
    }

    fn add(&mut self, shape: &Shape, bucket: usize, cell: &'a [Value]) {
        for sum in [&mut self.buckets[bucket], &mut self.total] {
            match sum {
                Some(sum) => shape.merge(sum.to_mut(), cell),
                None => *sum = Some(Cow::Borrowed(cell)),
            }
        }
    }

    fn finish(&self, key: Option<&str>, shape: &Shape) -> BoardSeries {
        let mut columns = vec![vec![None; self.buckets.len()]; shape.count()];
        for (bucket, cell) in self.buckets.iter().enumerate() {
            for (measure, value) in cell.iter().flat_map(|cell| shape.measures(cell)).enumerate() {
                columns[measure][bucket] = value.map(|number| number.to_f64());
            }
        }
        let total = match &self.total {
            Some(cell) => shape
                .measures(cell)
                .map(|value| value.map(|number| number.to_f64()))
                .collect(),
            None => vec![None; shape.count()],
        };
        BoardSeries {
            key: key.map(str::to_owned),
            columns,
            total,
        }
    }
}
