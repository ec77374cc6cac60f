//! Which scopes a question is about: what waits for others does not touch it, and it reads no raw rows of theirs.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_core::model::Model;

use super::snapshot::Cut;

/// What each dimension is filtered to, where every cut filters it, and never to the NULL group too.
pub(super) fn filtered(cuts: &[Cut]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all: Option<BTreeMap<&str, BTreeSet<&str>>> = None;
    for cut in cuts {
        let mut own: BTreeMap<&str, BTreeSet<&str>> = cut
            .filters
            .iter()
            .filter_map(|filter| {
                let values: Option<BTreeSet<&str>> = filter.values.iter().map(Option::as_deref).collect();
                Some((filter.dimension.as_str(), values?))
            })
            .collect();
        all = Some(match all {
            None => own,
            Some(before) => before
                .into_iter()
                .filter_map(|(dimension, mut values)| {
                    values.append(&mut own.remove(dimension)?);
                    Some((dimension, values))
                })
                .collect(),
        });
    }
    all.unwrap_or_default()
}

/// The scopes that a question is about; `None`: any. A value that no scope can have is left out: no row has it.
pub(super) fn scopes(model: &Model, cuts: &[Cut]) -> Option<Vec<String>> {
    let scope = model.scope.as_ref()?;
    let values = filtered(cuts).remove(scope.dimension.as_str())?;
    Some(values.into_iter().filter_map(|value| scope.read(value)).collect())
}

#[cfg(test)]
mod tests {
    use tidemark_core::api::DimensionFilter;

    use super::*;

    #[test]
    fn a_dimension_counts_as_filtered_only_where_every_cut_filters_it_to_values() {
        let cut = |filters: &[(&str, &[Option<&str>])]| Cut {
            by: Vec::new(),
            filters: filters
                .iter()
                .map(|(dimension, values)| DimensionFilter {
                    dimension: (*dimension).to_owned(),
                    values: values.iter().map(|value| value.map(str::to_owned)).collect(),
                })
                .collect(),
        };
        let one = cut(&[("user", &[Some("1")]), ("kind", &[Some("a")])]);
        let two = cut(&[("user", &[Some("2")])]);
        let cuts = [one.clone(), two.clone()];
        assert_eq!(filtered(&cuts), BTreeMap::from([("user", BTreeSet::from(["1", "2"]))]));
        assert!(filtered(&[one.clone(), two, cut(&[])]).is_empty());
        assert!(filtered(&[one, cut(&[("user", &[None, Some("2")])])]).is_empty());
    }
}
