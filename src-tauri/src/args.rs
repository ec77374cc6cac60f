//! What the program is started with, and which database that opens.

use clap::Parser;

use crate::connection::ConnectionKind;

/// A window on exact ops metrics, kept in your own PostgreSQL.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "tidemark-app", version, about, long_about = None)]
#[command(
    after_help = "Without arguments the window opens on the database of DATABASE_URL, else on the settings' default connection, \
                        else on the one it showed last.\n\
                        Before anything is created in your database, the window says what and asks."
)]
pub struct Args {
    /// Open this database: postgres://user@host:5432/name
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Open a connection of the settings, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "database_url")]
    pub profile: Option<String>,
    /// Open the demo: an embedded PostgreSQL with demo data and live traffic
    #[arg(long, conflicts_with_all = ["database_url", "profile"])]
    pub demo: bool,
    /// Set the database up without asking in the window
    #[arg(long)]
    pub yes: bool,
}

/// A database that the window can show.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    Demo,
    /// A connection of the settings.
    Profile(String),
    Url(String),
}

impl Target {
    #[must_use]
    pub fn kind(&self) -> ConnectionKind {
        match self {
            Target::Demo => ConnectionKind::Demo,
            Target::Profile(_) | Target::Url(_) => ConnectionKind::Url,
        }
    }
}

/// Hides the URL: it may hold a password, and this text ends up in logs.
impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Demo => f.write_str("Demo"),
            Target::Profile(name) => write!(f, "Profile({name:?})"),
            Target::Url(_) => f.write_str("Url(…)"),
        }
    }
}

impl Args {
    /// Choose what to open: an argument, else `DATABASE_URL`, else what is kept: the default connection, or the last.
    #[must_use]
    pub fn target(&self, environment: Option<String>, kept: Option<Target>) -> Option<Target> {
        if self.demo {
            return Some(Target::Demo);
        }
        if let Some(name) = &self.profile {
            return Some(Target::Profile(name.clone()));
        }
        let url = self.database_url.clone().or(environment);
        url.filter(|url| !url.trim().is_empty()).map(Target::Url).or(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(args: &[&str], environment: Option<&str>, last: Option<Target>) -> Option<Target> {
        let line = std::iter::once(&"tidemark-app").chain(args);
        Args::parse_from(line).target(environment.map(str::to_owned), last)
    }

    #[test]
    fn an_argument_wins_over_the_environment_and_the_environment_over_the_last_connection() {
        let url = |text: &str| Some(Target::Url(text.to_owned()));
        assert_eq!(
            target(&["--database-url", "a"], Some("b"), Some(Target::Demo)),
            url("a")
        );
        assert_eq!(
            target(&["--profile", "p"], Some("b"), Some(Target::Demo)),
            Some(Target::Profile("p".into()))
        );
        assert_eq!(target(&["--demo"], Some("b"), url("c")), Some(Target::Demo));
        assert_eq!(target(&[], Some("b"), Some(Target::Demo)), url("b"));
        assert_eq!(target(&[], Some(" "), Some(Target::Demo)), Some(Target::Demo));
        assert_eq!(target(&[], None, None), None);
    }

    #[test]
    fn a_target_never_prints_its_url() {
        assert_eq!(format!("{:?}", Target::Url("postgres://u:secret@h/d".into())), "Url(…)");
    }
}
