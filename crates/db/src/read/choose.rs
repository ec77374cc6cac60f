//! Which declaration of a rollup answers a question: the one that is read, or a changed one that is being built.

use sqlx::Row;
use tidemark_core::model::Model;

use crate::{Db, Error, Result};

/// A declaration, as it was when the question was looked at.
pub(crate) struct Chosen {
    pub id: i32,
    pub model: Model,
}

impl Chosen {
    fn knows(&self, measures: &[String], dimensions: &[&String]) -> bool {
        measures
            .iter()
            .all(|name| self.model.numbers().any(|measure| measure.name == *name))
            && dimensions
                .iter()
                .all(|name| self.model.dimensions.iter().any(|dimension| dimension.name == **name))
    }
}

impl Db {
    /// The declaration that is read, unless only the one that is being built beside it knows what is asked for: that one
    /// answers live, or says `pending`.
    pub(crate) async fn choose(&self, rollup: &str, measures: &[String], dimensions: &[&String]) -> Result<Chosen> {
        self.rollup_id(rollup).await?;
        let rows = sqlx::query(
            "select id, model from tidemark.rollup
             where name = $1 and (stage = 'serving' or (stage = 'next' and active)) order by stage = 'next'",
        )
        .bind(rollup)
        .fetch_all(&self.pool)
        .await?;
        let mut found = rows.into_iter().map(|row| Chosen {
            id: row.get("id"),
            model: row.get::<sqlx::types::Json<Model>, _>("model").0,
        });
        let serving = found.next().ok_or_else(Error::applied_meanwhile)?;
        if serving.knows(measures, dimensions) {
            return Ok(serving);
        }
        Ok(found.find(|next| next.knows(measures, dimensions)).unwrap_or(serving))
    }
}
