//! Declarations: where their text comes from.

use crate::{Db, Error, Result};

/// A declaration as it was given: a file's text, and the name to use in messages.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub origin: String,
    pub text: String,
}

/// The declarations that ship with Tidemark.
const SHIPPED: [(&str, &str); 4] = [
    ("ops_metrics", include_str!("../../../rollups/ops_metrics.toml")),
    ("task_usage", include_str!("../../../rollups/task_usage.toml")),
    ("measurements", include_str!("../../../rollups/measurements.toml")),
    (
        "forecast_accuracy",
        include_str!("../../../rollups/forecast_accuracy.toml"),
    ),
];

impl Declaration {
    /// A file, or one of the declarations that ship with Tidemark.
    pub fn load(file_or_name: &str) -> Result<Declaration> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == file_or_name) {
            return Ok(Declaration {
                origin: format!("{name}.toml"),
                text: (*text).to_owned(),
            });
        }
        match std::fs::read_to_string(file_or_name) {
            Ok(text) => Ok(Declaration {
                origin: file_or_name.to_owned(),
                text,
            }),
            Err(error) => {
                let hint = tidemark_core::suggest::closest(file_or_name, SHIPPED.iter().map(|(name, _)| *name))
                    .map_or(String::new(), |near| format!("; did you mean {near}"));
                Err(Error::input(
                    "no_declaration",
                    format!(
                        "{file_or_name} can't be read ({error}), and no declaration of that name ships with Tidemark{hint}. Shipped: {}.",
                        Declaration::shipped().join(", ")
                    ),
                ))
            }
        }
    }

    /// Names that ship with Tidemark.
    #[must_use]
    pub fn shipped() -> Vec<&'static str> {
        SHIPPED.iter().map(|(name, _)| *name).collect()
    }
}

impl Db {
    /// The shipped declarations whose tables are here. None is an error: the first one's, which says what is missing.
    pub async fn fitting(&self) -> Result<Vec<Declaration>> {
        let mut fitting = Vec::new();
        let mut missing = None;
        for name in Declaration::shipped() {
            let declaration = Declaration::load(name)?;
            match self.plan(&declaration).await {
                Ok(_) => fitting.push(declaration),
                Err(error @ Error::Input { .. }) => drop(missing.get_or_insert(error)),
                Err(error) => return Err(error),
            }
        }
        match missing {
            Some(error) if fitting.is_empty() => Err(error),
            _ => Ok(fitting),
        }
    }

    /// A file, a declaration that ships with Tidemark, or what is installed here under that name.
    pub async fn declaration(&self, file_or_name: &str) -> Result<Declaration> {
        let loaded = Declaration::load(file_or_name);
        if loaded.is_ok() || !self.is_installed().await.unwrap_or(false) {
            return loaded;
        }
        let text: Option<String> =
            sqlx::query_scalar("select declaration from tidemark.rollup where name = $1 and stage = 'serving'")
                .bind(file_or_name)
                .fetch_optional(&self.pool)
                .await?;
        match text {
            Some(text) => Ok(Declaration {
                origin: format!("{file_or_name} (as installed)"),
                text,
            }),
            None => loaded,
        }
    }
}
