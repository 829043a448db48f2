//! An engine that this program has started: its processes and its log.

use std::{
    fs::File,
    path::PathBuf,
    process::{ChildStdin, ChildStdout, ExitStatus},
    time::Duration,
};

use host::digest::Digest;

use super::{
    command::EngineCommand,
    failure::{Cause, EngineFailure},
    log::Log,
    process::Process,
};

/// What has closed its end of a pipe or of a connection is about to end.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// An engine's processes and their log.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    /// Nothing once it has failed.
    process: Option<Process>,
    log: Log,
}

impl Running {
    /// Starts `command`, with pipes to and from it or without.
    pub(super) fn start(
        name: &str,
        command: &EngineCommand,
        is_piped: bool,
    ) -> Result<Self, EngineFailure> {
        let failed = |cause| EngineFailure::new(name, cause);
        let log = Log::new().map_err(|e| failed(e.into()))?;
        let process = Process::start(command, is_piped, &log).map_err(|e| {
            let program = command.program.display();
            failed(Cause::Usage(format!("{program} cannot be started: {e}")))
        })?;
        Ok(Self {
            name: name.to_owned(),
            process: Some(process),
            log,
        })
    }

    /// The digest of the file that it runs by now; of `command`, where the system does not say.
    pub(super) fn digest(&self, command: &EngineCommand) -> Result<Digest, Cause> {
        let file = File::open(self.executable(command))?;
        Ok(Digest::of_reader(file)?)
    }

    /// The file that it runs by now; that of `command`, where the system does not say.
    pub(super) fn executable(&self, command: &EngineCommand) -> PathBuf {
        let process = self.process.as_ref();
        let known = process.and_then(Process::executable);
        known.unwrap_or_else(|| command.program.clone())
    }

    /// The pipes to and from it.
    pub(super) fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.process.as_mut()?.pipes()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.as_mut()?.ended()
    }

    /// How it ended, if it does within `patience`.
    pub(super) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        self.process.as_mut()?.wait(patience)
    }

    /// That it ended, if it is about to; `otherwise`, if it is not.
    pub(super) fn ended_or(&mut self, when: &str, otherwise: Cause) -> Cause {
        match self.wait(LAST_BREATH) {
            Some(status) => Cause::Ended {
                status,
                when: when.to_owned(),
            },
            None => otherwise,
        }
    }

    /// Ends it, and keeps its log.
    pub(super) fn failed(&mut self, cause: Cause) -> EngineFailure {
        // Before the log is read: what it says at its end belongs to it.
        self.process = None;
        EngineFailure::with_log(&self.name, cause, &mut self.log)
    }
}
