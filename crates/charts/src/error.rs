//! What can go wrong while drawing.

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The embedded font could not be read: a broken build.
    #[error("the embedded font can't be read; this build of Tidemark is damaged, install it anew")]
    Font,
    /// The drawing library gave up.
    #[error("the picture can't be drawn: {0}")]
    Draw(String),
    /// The pixels could not be packed.
    #[error("the picture can't be written as PNG: {0}")]
    Png(#[from] png::EncodingError),
    /// The answer has no bucket.
    #[error("the range has no bucket to draw; choose a longer one")]
    Empty,
}
