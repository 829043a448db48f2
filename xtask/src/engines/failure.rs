//! Why an engine gave no answer.

use std::{fmt, io, path::PathBuf};

/// Why an engine gave no answer, in one line: its name, the cause, the end of its log.
#[derive(Debug, thiserror::Error)]
pub struct EngineFailure {
    /// The engine.
    pub engine: String,
    /// What went wrong.
    #[source]
    pub cause: Cause,
    /// The last words of its log.
    pub log_tail: String,
    /// Where the whole log is kept, unless it is empty.
    pub log: Option<PathBuf>,
}

impl fmt::Display for EngineFailure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.engine, self.cause)?;
        if let Some(log) = &self.log {
            write!(f, "; its log ends with {:?}", self.log_tail)?;
            write!(f, " and is kept as {}", log.display())?;
        }
        Ok(())
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The command, the address, or the adapter cannot be used. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The engine ended, hung, cannot be reached, or refused the model or the request. Exit code 3.
    #[error("{0}")]
    NoAnswer(String),
    /// The answer is not what the protocol says. Exit code 4.
    #[error("{0}")]
    BadAnswer(String),
    /// Reading or writing on our side. Exit code 5.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Ctrl-C. Exit code 130.
    #[error("interrupted")]
    Interrupted,
}
