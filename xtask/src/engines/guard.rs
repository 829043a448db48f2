//! A process that ends with its parent. The system only lets a process ask for that itself, so this program
//! is started in place of the engine, asks for it, and becomes the engine.

use std::{env, process::Command};

use super::command::EngineCommand;

/// The first word of such a process.
const WORD: &str = "engine-guard";

/// What starts `command`: this program, if it is one that can become the engine.
pub(super) fn start(command: &EngineCommand) -> Command {
    let Some(this) = this_program() else {
        let mut direct = Command::new(&command.program);
        direct.args(&command.words);
        return direct;
    };
    let mut guarded = Command::new(this);
    guarded
        .arg(WORD)
        .arg(std::process::id().to_string())
        .arg(&command.program)
        .args(&command.words);
    guarded
}

#[cfg(target_os = "linux")]
fn this_program() -> Option<std::path::PathBuf> {
    // A test that calls the library is no program that can become the engine.
    crate::program::is_set().then(env::current_exe)?.ok()
}

#[cfg(not(target_os = "linux"))]
fn this_program() -> Option<std::path::PathBuf> {
    None
}

/// Becomes an engine, if this process was started for that. Otherwise it returns.
pub fn become_engine_if_asked() {
    let mut words = env::args_os().skip(1);
    if words.next().is_none_or(|word| word != WORD) {
        return;
    }
    #[cfg(target_os = "linux")]
    linux::become_engine(words);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{ffi::OsString, os::unix::process::CommandExt, process::Command};

    use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

    /// As shells say that there is no such program.
    const NOT_STARTED: i32 = 127;

    /// Takes the parent's id, the program and its words.
    pub(super) fn become_engine(mut words: impl Iterator<Item = OsString>) {
        let parent = words.next().and_then(|word| word.to_str()?.parse().ok());
        let (Some(parent), Some(program)) = (parent.and_then(Pid::from_raw), words.next()) else {
            return;
        };
        let asked = set_parent_process_death_signal(Some(Signal::KILL));
        // It may have ended before.
        if asked.is_err() || getppid() != Some(parent) {
            std::process::exit(NOT_STARTED);
        }
        let error = Command::new(&program).args(words).exec();
        eprintln!("{}: {error}", program.display());
        std::process::exit(NOT_STARTED);
    }
}
