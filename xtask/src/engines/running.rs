//! An engine that this program has started: its processes and its log.

use std::{
    fs::File,
    path::PathBuf,
    process::{ChildStdin, ChildStdout, ExitStatus},
    time::{Duration, Instant},
};

use host::digest::Digest;

use super::{
    command::EngineCommand,
    engine::Facts,
    failure::{Cause, EngineFailure},
    log::Log,
    process::Process,
    spec::EngineSpec,
};

/// What has closed its end of a pipe or of a connection is about to end.
const LAST_BREATH: Duration = Duration::from_millis(500);

/// An engine's processes and their log.
#[derive(Debug)]
pub(super) struct Running {
    name: String,
    /// The file that was started.
    program: PathBuf,
    begun: Instant,
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
        let begun = Instant::now();
        let log = Log::new().map_err(|e| failed(e.into()))?;
        let process = Process::start(command, is_piped, &log).map_err(|e| {
            let program = command.program.display();
            failed(Cause::Usage(format!("{program} cannot be started: {e}")))
        })?;
        Ok(Self {
            name: name.to_owned(),
            program: command.program.clone(),
            begun,
            process: Some(process),
            log,
        })
    }

    /// What is known of it, now that it is ready. Before, the process might still be a wrapper such as env, and
    /// not the engine.
    pub(super) fn facts(&self, spec: &EngineSpec) -> Result<Facts, Cause> {
        let load = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let file = File::open(self.executable())?;
        Ok(Facts {
            sha256: Some(Digest::of_reader(file)?),
            load_ns: Some(load),
            ..spec.facts()
        })
    }

    /// The file that it runs by now; the one that was started, where the system does not say.
    pub(super) fn executable(&self) -> PathBuf {
        let process = self.process.as_ref();
        let known = process.and_then(Process::executable);
        known.unwrap_or_else(|| self.program.clone())
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
