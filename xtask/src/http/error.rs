//! What goes wrong with a connection.

use std::io;

/// The largest head.
pub(super) const MOST_HEAD_BYTES: usize = 16 << 10;

/// Why a message did not arrive, or is refused.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// Between two messages, which is how connections end.
    #[error("the connection was closed")]
    Closed,
    /// Within a message.
    #[error("the connection was closed within a message")]
    CutShort,
    /// Too slow.
    #[error("nothing more came within the time allowed")]
    TooSlow,
    /// Ctrl-C.
    #[error("stopped")]
    Stopped,
    /// The head.
    #[error("found a head of more than {MOST_HEAD_BYTES} bytes")]
    Head,
    /// The body.
    #[error("found a body of {found} bytes, allowed at most {allowed}")]
    #[allow(missing_docs)]
    Body { found: u64, allowed: u64 },
    /// Without a plain length.
    #[error("allowed are bodies with one Content-Length")]
    NoLength,
    /// What should say how long a chunk is.
    #[error("found a chunk without a length in hexadecimal digits")]
    Chunk,
    /// Something else.
    #[error("is not HTTP/1.1: {0}")]
    NotHttp(#[from] httparse::Error),
    /// The system.
    #[error("{0}")]
    Io(#[from] io::Error),
}
