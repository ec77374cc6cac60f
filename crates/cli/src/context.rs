//! What every command is given: where the database is, and how to answer.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tidemark_db::{ConnectOptions, Db};
use tidemark_local::{
    Settings, keychain,
    settings::{PasswordFrom, Profile, settings_file},
};

use crate::args::Global;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::progress;

pub struct Context {
    url: Option<String>,
    profile: Option<String>,
    /// What the person typed, for a worker that connects again.
    asked: OnceLock<String>,
    /// Questions are answered with yes.
    pub yes: bool,
    pub out: Output,
}

/// What of the environment says where the database is.
const WHERE: [&str; 6] = ["PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE"];

impl Context {
    pub fn new(global: &Global) -> Context {
        Context {
            url: global.database_url.clone(),
            profile: global.profile.clone(),
            asked: OnceLock::new(),
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
        let (mut options, note) = self.connection().await?;
        options.ticker = ticker.to_owned();
        let connected = progress::spin("connecting", Db::connect(&options)).await;
        Ok(connected.map_err(|error| error.explain_log_in(note.as_deref()))?)
    }

    /// What was typed, else `DATABASE_URL`, else `PG*`, else the default profile. With it comes what to say where the
    /// server wants a password and none is known.
    async fn connection(&self) -> Result<(ConnectOptions, Option<String>)> {
        let url = |url| {
            let options = ConnectOptions {
                url,
                ..ConnectOptions::default()
            };
            Ok((options, None))
        };
        if let Some(name) = &self.profile {
            if self.url.is_some() {
                return Err(Failure::Usage(
                    "--profile and --database-url both say where the database is; leave one out".to_owned(),
                ));
            }
            let settings = Settings::load(&settings_file()?)?;
            return self.log_in(name, settings.profile(name)?).await;
        }
        // An empty variable is one that somebody unset in a hurry.
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(typed) = self.url.clone().or_else(|| set("DATABASE_URL")) {
            return url(Some(typed));
        }
        if WHERE.iter().any(|name| set(name).is_some()) {
            return url(None);
        }
        // Without a home there are no settings; one that is broken is an error.
        let settings = settings_file().map_or_else(|_| Ok(Settings::default()), |file| Settings::load(&file))?;
        match &settings.default_connection {
            Some(name) => self.log_in(name, settings.profile(name)?).await,
            None => url(None),
        }
    }

    /// What a profile says, with its password where it can be had.
    async fn log_in(&self, name: &str, profile: &Profile) -> Result<(ConnectOptions, Option<String>)> {
        let (mut password, mut note) = keychain::password_of(name, profile).await;
        let elsewhere = std::env::var_os("PGPASSWORD").is_some();
        if profile.password == PasswordFrom::Ask && !elsewhere {
            if let Some(typed) = self.asked.get() {
                password = Some(typed.clone());
            } else if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
                let typed = rpassword::prompt_password(format!("Password for {name}: "))
                    .map_err(|error| Failure::Usage(format!("The password can't be read: {error}")))?;
                password = Some(self.asked.get_or_init(|| typed).clone());
            } else {
                note = Some(format!(
                    "Connection {name} asks for its password, and there is no terminal to ask on: set PGPASSWORD, or write it into ~/.pgpass."
                ));
            }
        }
        let options = ConnectOptions {
            url: Some(profile.url()),
            password,
            read_only: profile.read_only,
            ..ConnectOptions::default()
        };
        Ok((options, note))
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
