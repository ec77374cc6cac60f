//! Why nothing was measured.

/// What ends a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A statement of the benchmark's own.
    #[error("{0}")]
    Sql(#[from] sqlx::Error),
    /// Tidemark's.
    #[error("{0}")]
    Tidemark(#[from] tidemark_db::Error),
    /// Another program could not be run or read.
    #[error("{what}: {cause}")]
    Io { what: String, cause: std::io::Error },
    /// Figures that can't be right, or an option that makes no sense.
    #[error("{0}")]
    Wrong(String),
}

pub type Result<T> = std::result::Result<T, Error>;
