//! The processes of an engine: begun in a group of their own, and always ended, whoever forked them.

use std::{
    io,
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{command::EngineCommand, family, guard, log::Log};

/// How long a process may take to end, in order or killed.
const GRACE: Duration = Duration::from_secs(2);

/// So often somebody who waits looks again.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The families of all engines that run.
static RUNNING: Mutex<Vec<family::Family>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<family::Family>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends all engines at once, for a process that is about to end without unwinding.
pub fn end_all() {
    for family in running().iter() {
        family.kill();
    }
}

/// An engine's first process, and all that come from it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    family: family::Family,
    /// Dropped, it ends the thread that is the parent.
    _parent: Sender<()>,
}

impl Process {
    /// Starts `command`. Standard error goes to `log`, and so does standard output, unless `is_piped`;
    /// then there is also a pipe to standard input.
    pub(super) fn start(command: &EngineCommand, is_piped: bool, log: &Log) -> io::Result<Self> {
        let mut start = guard::start(command);
        start.stderr(log.writer()?);
        match is_piped {
            true => start.stdin(Stdio::piped()).stdout(Stdio::piped()),
            false => start.stdin(Stdio::null()).stdout(log.writer()?),
        };
        let mark = family::mark(&mut start);
        let (child, parent) = spawn(start)?;
        let family = family::Family::of(&child, mark);
        running().push(family.clone());
        Ok(Self {
            child,
            family,
            _parent: parent,
        })
    }

    /// The file that it runs by now, whatever started it; known on Linux only.
    pub(super) fn executable(&self) -> Option<PathBuf> {
        let link = format!("/proc/{}/exe", self.child.id());
        std::fs::read_link(link).ok()
    }

    /// The pipes to and from it.
    pub(super) fn pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        self.child.stdin.take().zip(self.child.stdout.take())
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for it to end.
    pub(super) fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            match self.ended() {
                Some(status) => return Some(status),
                None if Instant::now() >= deadline => return None,
                None => thread::sleep(BETWEEN_LOOKS),
            }
        }
    }

    /// Asks it to end, and ends it and everything that comes from it.
    fn end(&mut self) {
        if self.ended().is_none() {
            self.family.ask_to_end();
            self.wait(GRACE);
        }
        self.family.kill();
        // Its own end has to be fetched, so that no zombie is left.
        let _ = self.child.kill();
        self.wait(GRACE);
        running().retain(|family| *family != self.family);
    }
}

/// Starts a process from a thread that lives until the sender is dropped: to the system, a parent that ends
/// is a thread.
fn spawn(mut start: Command) -> io::Result<(Child, Sender<()>)> {
    let (parent, until_dropped) = channel::<()>();
    let (started, to_us) = channel();
    thread::Builder::new().spawn(move || {
        let _ = started.send(start.spawn());
        // The pipes that are left in it stay open no longer than this.
        drop(start);
        let _ = until_dropped.recv();
    })?;
    let child = to_us.recv().map_err(io::Error::other)??;
    Ok((child, parent))
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
