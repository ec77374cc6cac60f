//! What can go wrong on this machine, in words for the person in front of it.

use std::{io, path::PathBuf};

/// Everything that this crate can fail with. Each message says what happened and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// Neither `XDG_DATA_HOME` nor `HOME` says where the user's files lie.
    #[error(
        "There is no home folder: neither {variable} nor HOME is set. Set {variable} to a folder for Tidemark's files."
    )]
    NoHome { variable: &'static str },

    /// No PostgreSQL 15 or later on this machine, and none brought by npm.
    #[error(
        "No PostgreSQL 15 or later was found on this machine ({searched}). Install one (Debian, Ubuntu: \
         `sudo apt-get install postgresql`), or name its folder in TIDEMARK_POSTGRES_DIR."
    )]
    NoPostgres { searched: String },

    /// The folder in `TIDEMARK_POSTGRES_DIR` holds no server.
    #[error("TIDEMARK_POSTGRES_DIR is {}, but there is no PostgreSQL 15 or later in it (`initdb` and `postgres`, with or without `bin`).", .0.display())]
    NotPostgres(PathBuf),

    /// The data folder was made by a major version that is no longer here.
    #[error(
        "The demo data in {} were made by PostgreSQL {wanted}, and this machine has only {found}. Install PostgreSQL \
         {wanted} again, or move that folder away: Tidemark then makes new demo data.", .folder.display()
    )]
    OtherVersion {
        folder: PathBuf,
        wanted: u32,
        found: String,
    },

    /// PostgreSQL can't run as root, and there is no user to run it as.
    #[error(
        "PostgreSQL can't run as root, and no system user could be made for it: {reason}. Run `useradd --system tidemark`, or start Tidemark as an ordinary user."
    )]
    NoServerUser { reason: String },

    /// The server's user can't enter a folder above the data.
    #[error(
        "The server runs as user {user}, who can't enter {}, so its data can't lie in {}. Set TIDEMARK_DATA_DIR to \
         another folder, such as /var/lib/tidemark.", .blocked.display(), .folder.display()
    )]
    HiddenFolder {
        user: String,
        folder: PathBuf,
        blocked: PathBuf,
    },

    /// The data folder belongs to somebody else.
    #[error("{} belongs to another user ({owner}), so the embedded server can't use it. Set TIDEMARK_DATA_DIR to a folder of your own.", .folder.display())]
    ForeignFolder { folder: PathBuf, owner: String },

    /// A file or folder could not be read or written.
    #[error("Could not {doing} {}: {source}", .path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    /// One of PostgreSQL's programs ended with an error.
    #[error("{program} failed: {output}")]
    Program { program: String, output: String },

    /// The server ended while it started.
    #[error("The embedded PostgreSQL did not start. Its last words: {last_words}\nThe whole log is in {}.", .log.display())]
    DidNotStart { last_words: String, log: PathBuf },

    /// The server did not get ready in time; it may be recovering after a crash.
    #[error("The embedded PostgreSQL was not ready after {seconds} s. It may still be recovering: look into {} and try again.", .log.display())]
    NotReady { seconds: u64, log: PathBuf },

    /// Another process holds the data folder and does not finish what it does.
    #[error("Another server (process {pid}) uses {} and has been \"{status}\" for {seconds} s. Wait until it has ended, or stop it, and start again.", .folder.display())]
    Busy {
        pid: i32,
        folder: PathBuf,
        status: String,
        seconds: u64,
    },

    /// Another start holds the lock of the data folder.
    #[error("Another Tidemark has been starting its server in {} for {seconds} s. Wait for it, or close it, and start again.", .folder.display())]
    Starting { folder: PathBuf, seconds: u64 },

    /// The tables of the demo exist, and Tidemark didn't make them.
    #[error(
        "This database already has a table {table} that isn't demo data. The demo is only loaded into a database of its own; nothing was changed."
    )]
    NotDemo { table: String },

    /// The server answered with an error.
    #[error("The database refused {doing}: {source}")]
    Database { doing: &'static str, source: sqlx::Error },

    /// The settings file can't be understood. It is left as it is.
    #[error("{}, line {line}: {problem}. Correct the line, or move the file away to start with fresh settings; Tidemark does not touch it.", .path.display())]
    BrokenSettings {
        path: PathBuf,
        line: usize,
        problem: String,
    },

    /// The system's keychain can't be used. Where passwords can come from instead is part of the message.
    #[error(
        "The system's keychain can't be used: {reason}. The password can be asked for each time instead, or come from \
         ~/.pgpass or PGPASSWORD."
    )]
    NoKeychain { reason: String },

    /// No connection profile has this name.
    #[error("There is no connection called {name:?}. {advice}")]
    NoProfile { name: String, advice: String },

    /// Pasted text that is no connection URL. Not quoted: it may hold a password.
    #[error(
        "This is no connection URL. It must look like postgres://user@host:5432/database; write special characters as %XX."
    )]
    BadUrl,
    /// A saved board that can't be understood. It is left as it is.
    #[error("{0}")]
    Board(tidemark_core::spec::SpecError),

    /// A value that the settings can't have.
    #[error("{key} can't be {value}: {problem}.")]
    BadSetting {
        key: &'static str,
        value: String,
        problem: String,
    },
}

impl LocalError {
    /// Wraps an I/O error: `file("read", &path)`.
    pub(crate) fn file(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { doing, path, source }
    }

    /// Wraps a database error: `database("the demo tables")`.
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
