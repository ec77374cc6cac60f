//! The settings file: read with the line in every error, written whole or not at all.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};
use toml_edit::{DocumentMut, Item, Table};

use super::{Settings, last_profile};
use crate::{LocalError, Result, server::user_folder, without_password};

/// The usual place: `tidemark/settings.toml` in the user's configuration folder.
pub fn settings_file() -> Result<PathBuf> {
    Ok(user_folder("XDG_CONFIG_HOME", ".config")?.join("tidemark/settings.toml"))
}

impl Settings {
    /// Reads a settings file; the defaults where there is none.
    pub fn load(path: &Path) -> Result<Self> {
        match read(path)? {
            Some(text) => parse(path, &text),
            None => Ok(Self::default()),
        }
    }

    /// Writes the file, atomically, and readable by its owner only.
    ///
    /// Comments and the order of lines stay. A password is taken out of the connection. A file that can't be understood
    /// is an error and stays as it is: it may hold what a person typed a minute ago.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut settings = self.clone();
        settings.last_connection = settings
            .last_connection
            .map(|last| {
                if last_profile(&last).is_some() {
                    last
                } else {
                    without_password(&last)
                }
            })
            .filter(|last| !last.is_empty());
        settings.check()?;
        // A link into a folder of dotfiles stays a link.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut document = match read(path)? {
            None => DocumentMut::new(),
            Some(text) => {
                parse(path, &text)?;
                text.parse()
                    .map_err(|problem: toml_edit::TomlError| broken(path, &text, problem.span(), problem.message()))?
            }
        };
        let fresh = toml_edit::ser::to_document(&settings)
            .map_err(|problem| LocalError::file("write", path)(io::Error::other(problem.to_string())))?;
        merge(document.as_table_mut(), fresh.as_table());
        replace(path, &document.to_string())
    }

    /// Changes some settings and leaves the others as the file has them.
    pub fn update(path: &Path, change: impl FnOnce(&mut Self)) -> Result<Self> {
        Self::try_update(path, |settings| {
            change(settings);
            Ok(())
        })
    }

    /// The same, for a change that may be refused; then the file stays as it was.
    pub fn try_update(path: &Path, change: impl FnOnce(&mut Self) -> Result<()>) -> Result<Self> {
        let _alone = alone(path)?;
        let mut settings = Self::load(path)?;
        change(&mut settings)?;
        settings.save(path)?;
        Ok(settings)
    }
}

/// Two changes at once would lose one of them: whoever reads to write holds this lock.
fn alone(path: &Path) -> Result<Flock<fs::File>> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(LocalError::file("make", folder))?;
    // The folder itself: a file of its own would be litter.
    let file = fs::File::open(folder).map_err(LocalError::file("open", folder))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| LocalError::file("lock", folder)(errno.into()))
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(problem) => Err(LocalError::file("read", path)(problem)),
    }
}

fn parse(path: &Path, text: &str) -> Result<Settings> {
    let settings: Settings =
        toml_edit::de::from_str(text).map_err(|problem| broken(path, text, problem.span(), problem.message()))?;
    settings.check().map_err(|problem| match problem {
        LocalError::BadSetting { key, value, problem } => {
            let is_key = |line: &str| line.split('=').next().is_some_and(|name| name.trim().ends_with(key));
            let line = text.lines().position(is_key).map_or(1, |before| before + 1);
            let problem = format!("{key} can't be {value}: {problem}");
            LocalError::BrokenSettings {
                path: path.to_owned(),
                line,
                problem,
            }
        }
        other => other,
    })?;
    Ok(settings)
}

fn broken(path: &Path, text: &str, span: Option<std::ops::Range<usize>>, message: &str) -> LocalError {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    LocalError::BrokenSettings {
        path: path.to_owned(),
        line,
        problem: message.trim().replace('\n', "; "),
    }
}

/// Puts the values of `fresh` into `old`, whose comments and order stay.
fn merge(old: &mut Table, fresh: &Table) {
    let gone: Vec<String> = old
        .iter()
        .map(|(key, _)| key.to_owned())
        .filter(|key| !fresh.contains_key(key))
        .collect();
    for key in gone {
        old.remove(&key);
    }
    for (key, item) in fresh {
        let fresh_table = item.as_inline_table().map(|table| table.clone().into_table());
        let table = item.as_table().or(fresh_table.as_ref());
        match (old.get_mut(key), table) {
            (Some(Item::Table(kept)), Some(table)) => merge(kept, table),
            (Some(Item::Value(kept)), None) => {
                if let Some(value) = item.as_value() {
                    let decor = kept.decor().clone();
                    *kept = value.clone();
                    *kept.decor_mut() = decor;
                }
            }
            (_, Some(table)) => {
                let mut whole = Table::new();
                merge(&mut whole, table);
                // `[connections]` above `[connections.prod]` says nothing.
                whole.set_implicit(!whole.is_empty() && whole.iter().all(|(_, item)| item.is_table()));
                drop(old.insert(key, Item::Table(whole)));
            }
            (_, None) => drop(old.insert(key, item.clone())),
        }
    }
}

/// Writes a file beside the old one and renames it: a reader sees the old text or the new one.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(LocalError::file("make", folder))?;
    let beside = path.with_extension(format!("toml.{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|problem| {
        fs::remove_file(&beside).ok();
        LocalError::file("write", path)(problem)
    })
}
