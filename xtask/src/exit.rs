//! Exit codes, and the one place where an error becomes one.

use std::{
    fmt, io,
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
};

use engine_native::{ModelError, RunError};
use host::{
    attest::KeyError,
    failure::RunFailure,
    input::{OpenError, PromptError},
    machine::{EnvironmentError, MemoryError},
    sandbox::SandboxError,
    verify::{Conclusion, NotAReceipt},
};

/// How a command ended. The numbers are documented in the README and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or accepted.
    Done = 0,
    /// Rejected, or parity failed.
    Rejected = 1,
    /// The arguments do not fit together.
    Usage = 2,
    /// Neither accepted nor rejected: something needed is missing.
    Unverifiable = 3,
    /// A file that is not what it should be.
    BadInput = 4,
    /// Reading or writing failed.
    Io = 5,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// Of a verdict.
    pub fn of(conclusion: Conclusion) -> Self {
        match conclusion {
            Conclusion::Accepted => Self::Done,
            Conclusion::Rejected => Self::Rejected,
            Conclusion::Unverifiable => Self::Unverifiable,
        }
    }
}

/// Why a command did not get done: one line, and the exit code.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// The line.
    pub error: anyhow::Error,
}

impl Failure {
    /// A failure with its own line.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            error: anyhow::anyhow!("{message}"),
        }
    }

    /// The same failure, of the file at `path`.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        Self::new(
            self.exit,
            format_args!("{}: {}", path.display(), self.error),
        )
    }

    /// A failure to read or write `path`.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        Self::new(Exit::Io, format_args!("{}: {error}", path.display()))
    }

    /// A failure to use the model at `path`.
    pub fn model(path: &Path, error: &ModelError) -> Self {
        let line = format!("{}: {error}", path.display());
        Self::new(model_exit(error), line)
    }

    /// A failure to use the key at `path`.
    pub fn key(path: &Path, error: &KeyError) -> Self {
        let exit = match error {
            KeyError::Io(_) => Exit::Io,
            _ => Exit::BadInput,
        };
        Self::new(exit, format_args!("{}: {error}", path.display()))
    }

    /// Ctrl-C.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }
}

fn model_exit(error: &ModelError) -> Exit {
    match error {
        ModelError::Io(_) => Exit::Io,
        _ => Exit::BadInput,
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Io, error)
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        Self::new(Exit::Usage, error)
    }
}

impl From<NotAReceipt> for Failure {
    fn from(error: NotAReceipt) -> Self {
        Self::new(Exit::BadInput, error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        RunFailure::from(error).into()
    }
}

impl From<MemoryError> for Failure {
    fn from(error: MemoryError) -> Self {
        RunFailure::from(error).into()
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        RunFailure::from(error).into()
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        RunFailure::from(error).into()
    }
}

impl From<RunFailure> for Failure {
    fn from(failure: RunFailure) -> Self {
        let exit = match &failure {
            RunFailure::Model { source, .. } => model_exit(source),
            RunFailure::Prompt(PromptError::Encode(_)) => Exit::Usage,
            RunFailure::Prompt(_) => Exit::BadInput,
            RunFailure::Interrupted => Exit::Interrupted,
            wrong if wrong.is_wrong_result() => Exit::Rejected,
            // The reference could not answer.
            RunFailure::Sandbox(_) => Exit::Unverifiable,
            // Prompt, context, kernels, threads: what was asked for is not possible here.
            _ => Exit::Usage,
        };
        Self::new(exit, failure)
    }
}

/// Runs a command and turns its end into an exit code. A panic is a defect of this program; it
/// still ends with a documented code, the one that a gate refuses.
pub fn run(command: impl FnOnce() -> Result<Exit, Failure>) -> ExitCode {
    let exit = match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            // One line, whatever a hostile file put into it.
            let line = format!("{:#}", failure.error).replace(char::is_control, " ");
            eprintln!("error: {line}");
            failure.exit
        }
        Err(_) => {
            eprintln!("error: internal error, see above; please report it");
            Exit::Rejected
        }
    };
    ExitCode::from(exit as u8)
}
