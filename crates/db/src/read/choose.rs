//! Which declaration of a rollup answers a question: the one that is read, or a changed one that is being built.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::Row;
use tidemark_core::model::Model;

use crate::schema::newest;
use crate::{Db, Error, Result};

/// A declaration, as it was when the question was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub id: i32,
    /// With another one of these it is another declaration, under the same id.
    pub applied_at: DateTime<Utc>,
    pub model: Arc<Model>,
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
    /// The declaration that answers a question by what was known of it last, without asking the server. A snapshot sees
    /// when it is outdated and says `applied_meanwhile`; who is told so forgets it and chooses anew.
    pub(super) async fn choose_known(
        &self,
        rollup: &str,
        measures: &[String],
        dimensions: &[&String],
    ) -> Result<Chosen> {
        let known = self
            .known()
            .get(rollup)
            .filter(|one| one.knows(measures, dimensions))
            .cloned();
        match known {
            Some(known) => Ok(known),
            None => self.choose(rollup, measures, dimensions).await,
        }
    }

    pub(super) fn forget(&self, rollup: &str) {
        self.known().remove(rollup);
    }

    /// The declaration that is read, unless only the one that is being built beside it knows what is asked for: that one
    /// answers live, or says `pending`.
    pub(crate) async fn choose(&self, rollup: &str, measures: &[String], dimensions: &[&String]) -> Result<Chosen> {
        let rows = sqlx::query(
            "select id, applied_at, model, (select max(version) from tidemark._migration) as version from tidemark.rollup
             where name = $1 and (stage = 'serving' or (stage = 'next' and active)) order by stage = 'next'",
        )
        .bind(rollup)
        .fetch_all(&self.pool)
        .await;
        let rows = match rows {
            Ok(rows)
                if rows
                    .first()
                    .is_some_and(|row| row.get::<Option<i64>, _>("version") == Some(newest())) =>
            {
                rows
            }
            // Not installed, of another version, or no such rollup: this says which.
            unusable => {
                self.rollup_id(rollup).await?;
                unusable?
            }
        };
        let mut found = rows.into_iter().map(|row| Chosen {
            id: row.get("id"),
            applied_at: row.get("applied_at"),
            model: Arc::new(row.get::<sqlx::types::Json<Model>, _>("model").0),
        });
        let serving = found.next().ok_or_else(Error::applied_meanwhile)?;
        self.known().insert(rollup.to_owned(), serving.clone());
        if serving.knows(measures, dimensions) {
            return Ok(serving);
        }
        Ok(found.find(|next| next.knows(measures, dimensions)).unwrap_or(serving))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Chosen>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
