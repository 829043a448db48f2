//! Why an engine gave no answer.

use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

use super::log::Log;

/// Why an engine gave no answer, in one line: its name, the cause, the end of its log.
#[derive(Debug, thiserror::Error)]
pub struct EngineFailure {
    /// The engine.
    pub engine: String,
    /// What went wrong.
    #[source]
    pub cause: Cause,
    /// The last words of its log; empty if it has none.
    pub log_tail: String,
    /// Where the whole log is kept.
    pub log: Option<PathBuf>,
}

impl EngineFailure {
    /// A failure of something that has no log.
    pub(super) fn new(engine: &str, cause: Cause) -> Self {
        Self {
            engine: engine.to_owned(),
            cause,
            log_tail: String::new(),
            log: None,
        }
    }

    /// A failure whose log is kept.
    pub(super) fn with_log(engine: &str, cause: Cause, log: &mut Log) -> Self {
        let mut failure = Self::new(engine, cause);
        if !matches!(failure.cause, Cause::Interrupted) {
            failure.log_tail = log.tail();
            failure.log = log.keep();
        }
        failure
    }
}

impl fmt::Display for EngineFailure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.engine, self.cause)?;
        if let Some(log) = &self.log {
            let tail = &self.log_tail;
            write!(f, "; its log, {}, ends: {tail}", log.display())?;
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
    /// Its process ended by itself. Exit code 3.
    #[error("it ended with {} {when}", describe(*.status))]
    Ended {
        /// With what.
        status: ExitStatus,
        /// Such as "before it was ready".
        when: String,
    },
    /// Nothing came from it for so long. Exit code 3.
    #[error("nothing came from it for {} s {when}", .patience.as_secs_f64())]
    Silent {
        /// How long.
        patience: Duration,
        /// Such as "before it was ready".
        when: String,
    },
    /// It says that it cannot, or there is no connection to it. Exit code 3.
    #[error("{0}")]
    Refused(String),
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

impl Cause {
    /// Whether a signal ended it, which no engine does to itself on purpose.
    pub fn is_crash(&self) -> bool {
        matches!(self, Self::Ended { status, .. } if status.code().is_none())
    }
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}
