//! The cells of one cut, by viewer bucket and group, in one piece of memory: a board has tens of thousands.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexSet};

use super::cell::Value;

/// The values of the dimensions that a cut is grouped by, as text.
pub(crate) type Group = Arc<[Option<String>]>;

/// What was read of one cut, in the order of buckets and, within one, of groups.
pub(crate) struct Cells {
    /// Ascending.
    groups: Vec<Group>,
    /// The bucket and the group of each cell.
    places: Vec<(u32, u32)>,
    /// As many as there are columns for each cell.
    values: Vec<Value>,
}

impl Cells {
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Bucket, number of the group, and the merged columns.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (usize, usize, &[Value])> {
        let width = self.width();
        let places = self.places.iter().enumerate();
        places.map(move |(at, (bucket, group))| {
            let cell = &self.values[at * width..(at + 1) * width];
            (*bucket as usize, *group as usize, cell)
        })
    }

    /// The same cells in other buckets: `to` says for each bucket which; those of a bucket without are left out.
    pub fn moved(&self, to: &[Option<usize>]) -> Cells {
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for (bucket, group, cell) in self.iter() {
            if let Some(bucket) = to[bucket] {
                places.push((bucket as u32, group as u32));
                values.extend_from_slice(cell);
            }
        }
        Cells {
            groups: self.groups.clone(),
            places,
            values,
        }
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> usize {
        let values: usize = self.values.iter().map(Value::bytes).sum();
        size_of_val(self.places.as_slice()) + values
    }

    fn width(&self) -> usize {
        self.values.len().checked_div(self.places.len()).unwrap_or_default()
    }
}

/// Cells as they fill, in the order in which their first rows come.
#[derive(Default)]
pub(super) struct Filling {
    groups: IndexSet<Group, foldhash::fast::RandomState>,
    /// By group and bucket: which cell, counted from 1.
    numbers: Vec<Vec<u32>>,
    places: Vec<(u32, u32)>,
    values: Vec<Value>,
}

impl Filling {
    /// The cell of a group in a bucket, of `width` columns. It is found without a new group being made of a row's values.
    pub fn cell(&mut self, bucket: usize, group: &Values<'_>, width: usize) -> &mut [Value] {
        let at = self.groups.get_index_of(group).unwrap_or_else(|| {
            self.numbers.push(Vec::new());
            let group = group.iter().map(|value| value.map(str::to_owned)).collect();
            self.groups.insert_full(group).0
        });
        let numbers = &mut self.numbers[at];
        if numbers.len() <= bucket {
            numbers.resize(bucket + 1, 0);
        }
        if numbers[bucket] == 0 {
            self.places.push((bucket as u32, at as u32));
            self.values.resize(self.places.len() * width, Value::None);
            numbers[bucket] = self.places.len() as u32;
        }
        let first = (numbers[bucket] as usize - 1) * width;
        &mut self.values[first..first + width]
    }

    pub fn finish(mut self, width: usize) -> Cells {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|at| &self.groups[*at]);
        let mut rank = vec![0; order.len()];
        for (at, number) in order.iter().enumerate() {
            rank[*number] = at as u32;
        }
        let mut places: Vec<(u32, u32, usize)> = (self.places.iter().enumerate())
            .map(|(at, (bucket, group))| (*bucket, rank[*group as usize], at))
            .collect();
        places.sort_unstable();
        let mut values = Vec::with_capacity(self.values.len());
        for (_, _, at) in &places {
            values.extend(self.values[at * width..(at + 1) * width].iter_mut().map(std::mem::take));
        }
        Cells {
            groups: order.into_iter().map(|at| self.groups[at].clone()).collect(),
            places: places.into_iter().map(|(bucket, group, _)| (bucket, group)).collect(),
            values,
        }
    }
}

/// The values of a row, and which of them make its group.
pub(super) struct Values<'v> {
    pub all: &'v [Option<&'v str>],
    pub by: &'v [usize],
}

impl<'v> Values<'v> {
    fn iter(&self) -> impl Iterator<Item = Option<&'v str>> {
        self.by.iter().map(|at| self.all[*at])
    }
}

impl Hash for Values<'_> {
    /// As a slice of them does, which a [`Group`] is.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.by.len());
        self.iter().for_each(|value| value.hash(state));
    }
}

impl Equivalent<Group> for Values<'_> {
    fn equivalent(&self, group: &Group) -> bool {
        group.iter().map(Option::as_deref).eq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::super::num::Num;
    use super::*;

    fn filled(rows: &[(usize, Option<&str>, i64)]) -> Cells {
        let mut filling = Filling::default();
        for (bucket, group, n) in rows {
            let group = Values {
                all: &[*group],
                by: &[0],
            };
            filling.cell(*bucket, &group, 1)[0] = Value::Number(Num::Int(*n));
        }
        filling.finish(1)
    }

    fn listed(cells: &Cells) -> Vec<(usize, Option<&str>, i64)> {
        let listed = cells.iter().map(|(bucket, group, cell)| match cell {
            [Value::Number(Num::Int(n))] => (bucket, cells.groups()[group][0].as_deref(), *n),
            other => panic!("not one whole number: {other:?}"),
        });
        listed.collect()
    }

    #[test]
    fn cells_come_by_bucket_and_group_in_whatever_order_rows_came() {
        let rows = [
            (2, Some("b"), 1),
            (0, Some("b"), 2),
            (2, None, 3),
            (0, Some("a"), 4),
            (2, Some("b"), 5),
        ];
        let cells = filled(&rows);
        assert_eq!(
            listed(&cells),
            [(0, Some("a"), 4), (0, Some("b"), 2), (2, None, 3), (2, Some("b"), 5)]
        );
        assert_eq!(
            listed(&cells.moved(&[None, None, Some(7)])),
            [(7, None, 3), (7, Some("b"), 5)]
        );
        assert_eq!(filled(&[]).iter().len(), 0);
    }
}
