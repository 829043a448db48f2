//! Exit codes, and the one place where an error becomes one.

use std::{
    fmt,
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
};

use engine_native::{ModelError, RunError};
use host::{
    attest::KeyError,
    failure::RunFailure,
    input::{OpenError, PromptError},
    machine::{EnvironmentError, MemoryError, is_file_size_limit, limit_behind},
    plain::plain,
    sandbox::SandboxError,
    verify::{Conclusion, NotAReceipt},
    weights::WeightsError,
};
use serde::Serialize;

use crate::{
    engines::{Cause, EngineFailure},
    hints::{self, Kind},
};

/// How a command ended. The numbers are documented in the README and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, accepted or consistent.
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

/// Why a command did not get done: what is wrong, where, and what to do about it.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What is wrong.
    pub error: anyhow::Error,
    place: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// A failure with its own line.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            error: anyhow::anyhow!("{message}"),
            place: None,
            hint: None,
        }
    }

    /// The same failure, of the file at `path`.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        self.about(path.display())
    }

    /// The same failure, of an argument or of something else that has a name.
    #[must_use]
    pub fn about(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Says what else has happened.
    #[must_use]
    pub fn and(mut self, what: impl fmt::Display) -> Self {
        self.error = anyhow::anyhow!("{:#}{what}", self.error);
        self
    }

    /// A failure to read or write `path`.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        Self::of_io(error).at(path)
    }

    /// A failure to read or write. Where a limit of the machine is behind it, it is named.
    pub fn of_io(error: &io::Error) -> Self {
        if let Some(limit) = limit_behind(error) {
            let hint = format!("this machine limits {limit}; raise that limit");
            return Self::new(Exit::Usage, error).with_hint(hint);
        }
        let failure = Self::new(Exit::Io, error);
        match is_file_size_limit(error) {
            true => failure.with_hint("the size of files is limited (ulimit -f); raise that limit"),
            false => failure,
        }
    }

    /// A failure to read the file at `path`, which should be of this kind.
    pub fn read(path: &Path, kind: Kind, error: &io::Error) -> Self {
        if path.is_dir() {
            let hint = hints::instead_of_a_folder(path, kind);
            return Self::new(Exit::Io, "it is a folder")
                .at(path)
                .with_hint(hint);
        }
        let mut failure = Self::io(path, error);
        if error.kind() == io::ErrorKind::NotFound {
            failure.hint = hints::instead_of_what_is_missing(path, kind);
        }
        failure
    }

    /// A failure to use the model at `path`.
    pub fn model(path: &Path, error: &ModelError) -> Self {
        match error {
            ModelError::Io(error) => Self::read(path, Kind::Model, error),
            ModelError::Cancelled => Self::interrupted(),
            ModelError::NoMemory { .. } => Self::new(Exit::Usage, error).at(path),
            _ => {
                let mut failure = Self::new(Exit::BadInput, error).at(path);
                failure.hint = hints::instead_of_a_model(path);
                failure
            }
        }
    }

    /// A failure to use the key at `path`.
    pub fn key(path: &Path, error: &KeyError) -> Self {
        match error {
            KeyError::Io(error) => Self::io(path, error),
            _ => Self::new(Exit::BadInput, error).at(path),
        }
    }

    /// The same failure, for another one of those that it stops.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            exit: self.exit,
            error: anyhow::anyhow!("{:#}", self.error),
            place: self.place.clone(),
            hint: self.hint.clone(),
        }
    }

    /// Ctrl-C.
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }
}

/// One line, whatever a hostile file put into it.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut line = format!("{:#}", self.error);
        if let Some(place) = &self.place {
            line = format!("{place}: {line}");
        }
        if let Some(hint) = &self.hint {
            line = format!("{line}; {hint}");
        }
        f.write_str(&plain(&line, usize::MAX))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::of_io(&error)
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

impl From<EngineFailure> for Failure {
    fn from(error: EngineFailure) -> Self {
        let exit = match &error.cause {
            Cause::Usage(_) => Exit::Usage,
            Cause::Ended { .. } | Cause::Silent { .. } | Cause::Refused(_) => Exit::Unverifiable,
            Cause::BadAnswer(_) => Exit::BadInput,
            Cause::Io(source) => Self::of_io(source).exit,
            Cause::Interrupted => return Self::interrupted(),
        };
        Self::new(exit, error)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        RunFailure::from(error).into()
    }
}

impl From<WeightsError> for Failure {
    fn from(error: WeightsError) -> Self {
        match &error {
            WeightsError::Model { path, source } => Self::model(path, source),
            // The file may be right, but nobody here can tell.
            WeightsError::Type { .. } => Self::new(Exit::Unverifiable, error),
            WeightsError::Shape { .. } => Self::new(Exit::BadInput, error),
            WeightsError::Interrupted => Self::interrupted(),
        }
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
            RunFailure::Model { path, source } => return Self::model(path, source),
            RunFailure::Prompt(PromptError::Encode(_)) => Exit::Usage,
            RunFailure::Prompt(_) => Exit::BadInput,
            RunFailure::Interrupted => Exit::Interrupted,
            RunFailure::Disturbed(_) | RunFailure::Refused(_) => Exit::Rejected,
            wrong if wrong.is_wrong_result() => Exit::Rejected,
            RunFailure::Sandbox(SandboxError::Memory(_)) => Exit::Usage,
            // The reference could not answer.
            RunFailure::Sandbox(_) | RunFailure::Unclear { .. } => Exit::Unverifiable,
            // Prompt, context, kernels, threads: what was asked for is not possible here.
            _ => Exit::Usage,
        };
        let hint = match &failure {
            RunFailure::Native(RunError::Context { .. }) => {
                Some("ask for fewer, with -n or -p".to_owned())
            }
            RunFailure::Native(RunError::Threads { .. }) => Some(hints::no_more_threads()),
            _ => None,
        };
        let mut failure = Self::new(exit, failure);
        failure.hint = hint;
        failure
    }
}

/// Runs a command and turns its end into an exit code. A panic is a defect of this program; it
/// still ends with a documented code, the one that a gate refuses.
///
/// A failure is a line on standard error; where JSON was asked for, also an object on standard
/// output.
pub fn run(as_json: bool, command: impl FnOnce() -> Result<Exit, Failure>) -> ExitCode {
    let exit = match panic::catch_unwind(AssertUnwindSafe(command)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            say(format_args!("error: {failure}"));
            if as_json {
                print_as_json(&failure);
            }
            failure.exit
        }
        Err(_) => {
            let failure = Failure::new(Exit::Rejected, "internal error, see above")
                .with_hint("please report it");
            say(format_args!("error: {failure}"));
            if as_json {
                print_as_json(&failure);
            }
            failure.exit
        }
    };
    ExitCode::from(exit as u8)
}

/// Says a line on standard error. Where nobody can hear it, the exit code still tells.
pub fn say(line: fmt::Arguments) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a failure to standard output, as the one object there.
pub fn print_as_json(failure: &Failure) {
    let object = serde_json::to_string_pretty(&ErrorObject {
        error: ErrorFields {
            code: failure.exit as u8,
            what: format!("{:#}", failure.error),
            r#where: failure.place.as_deref(),
            hint: failure.hint.as_deref(),
        },
    });
    // A reader that has gone away is no error, and nothing can be said of another one.
    let _ = writeln!(io::stdout(), "{}", object.unwrap_or_default());
}

#[derive(Serialize)]
struct ErrorObject<'f> {
    error: ErrorFields<'f>,
}

#[derive(Serialize)]
struct ErrorFields<'f> {
    code: u8,
    what: String,
    r#where: Option<&'f str>,
    hint: Option<&'f str>,
}
