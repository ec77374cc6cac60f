//! What can be checked of `scope = "DIM"` without a database.

use super::check::{Complaint, suggestion};
use super::{Spec, on};

/// A mark takes its scope from the changed row alone, so in every source the dimension must be a column of the source's
/// own table: nothing computed, nothing of a lookup.
pub(super) fn check(spec: &Spec) -> Result<(), Complaint> {
    let Some(scope) = &spec.scope else { return Ok(()) };
    let dimension = scope.get_ref();
    if !spec.dimensions.contains_key(dimension) {
        return Err((
            scope.span(),
            format!(
                "scope: there is no dimension \"{dimension}\"{}",
                suggestion(dimension, spec.dimensions.keys())
            ),
        ));
    }
    for source in &spec.source {
        let Some(expression) = source.dimensions.get(dimension) else {
            continue;
        };
        let alias = on::table_ref(source.table.get_ref()).map_or_else(String::new, |table| table.alias);
        if on::column_ref(expression.get_ref()).is_none_or(|(owner, _)| owner != alias) {
            return Err((
                expression.span(),
                format!(
                    "scope \"{dimension}\" must be a plain column of the source's own table, {alias}.COLUMN, since a mark takes it from the changed row; here it is {:?}. Write the column, or leave scope out",
                    expression.get_ref()
                ),
            ));
        }
    }
    Ok(())
}
