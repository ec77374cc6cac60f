//! What every command is given: where the database is, and how to answer.

use tidemark_db::{ConnectOptions, Db};

use crate::args::Global;
use crate::failure::Result;
use crate::output::Output;
use crate::progress;

pub struct Context {
    url: Option<String>,
    /// Questions are answered with yes.
    pub yes: bool,
    pub out: Output,
}

impl Context {
    pub fn new(global: &Global) -> Context {
        // An empty variable is one that somebody unset in a hurry.
        let from_environment = || std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
        Context {
            url: global.database_url.clone().or_else(from_environment),
            yes: global.yes,
            out: Output { json: global.json },
        }
    }

    /// Connect as `cli`.
    pub async fn db(&self) -> Result<Db> {
        self.db_as("cli").await
    }

    /// Connect under the name that `tidemark.status` shows for what ticks.
    pub async fn db_as(&self, ticker: &str) -> Result<Db> {
        let options = ConnectOptions {
            url: self.url.clone(),
            read_only: false,
            ticker: ticker.to_owned(),
        };
        Ok(progress::spin("connecting", Db::connect(&options)).await?)
    }
}

/// The named rollup, or all that are installed.
pub async fn rollups(context: &Context, db: &Db, name: Option<&str>) -> Result<Vec<String>> {
    if let Some(name) = name {
        return Ok(vec![name.to_owned()]);
    }
    let names: Vec<String> = db.list().await?.into_iter().map(|rollup| rollup.rollup).collect();
    if names.is_empty() {
        context
            .out
            .note("No rollup is installed here yet. Install one: tidemark rollup apply ops_metrics");
    }
    Ok(names)
}
