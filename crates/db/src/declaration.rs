//! Declarations: where their text comes from.

use crate::{Error, Result};

/// A declaration as it was given: a file's text, and the name to use in messages.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub origin: String,
    pub text: String,
}

/// The declarations that ship with Tidemark.
const SHIPPED: [(&str, &str); 1] = [("ops_metrics", include_str!("../../../rollups/ops_metrics.toml"))];

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
