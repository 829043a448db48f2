//! The version that a program prints.

use std::{path::Path, time::Duration};

use super::{command::EngineCommand, log::Log, process::Process};

/// How long it may take to print it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What stands behind `after` on a line that `program` prints when it is called with `argument`; nothing
/// if it prints no such line.
pub(super) fn version(program: &Path, argument: &str, after: &str) -> Option<String> {
    let log = Log::new().ok()?;
    let command = EngineCommand {
        program: program.to_owned(),
        words: vec![argument.into()],
    };
    Process::start(&command, false, &log).ok()?.wait(PATIENCE)?;
    let text = log.text().ok()?;
    let mut lines = text.lines();
    let version = lines.find_map(|line| line.trim().strip_prefix(after))?;
    Some(version.trim().to_owned())
}
