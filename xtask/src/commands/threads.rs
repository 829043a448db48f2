//! How many threads a command may have.

use std::thread::available_parallelism;

use host::machine::{Environment, Flags, default_threads};

use crate::exit::{Exit, Failure};

/// The threads that `--threads` asks for, or as many as there are physical cores.
///
/// # Errors
/// There cannot be so many.
pub fn asked(threads: Option<usize>) -> Result<usize, Failure> {
    let flags = Flags {
        threads,
        ..Flags::default()
    };
    let threads = Environment::resolve(flags, |_| None, default_threads())?.threads;
    check(threads, "--threads")?;
    Ok(threads)
}

/// Refuses more threads than this process has logical processors: they would wait for each other, and
/// verifiers refuse such receipts. `asked_by` is the flag or the variable that asks for them.
///
/// # Errors
/// There are more.
pub fn check(threads: usize, asked_by: &str) -> Result<(), Failure> {
    // Where the system does not say, nothing is refused.
    let logical = available_parallelism().map_or(usize::MAX, |n| n.get());
    if threads > logical {
        let what = format!(
            "found {threads}, allowed at most {logical}, the logical processors of this machine"
        );
        let hint = format!("leave {asked_by} out for the default");
        return Err(Failure::new(Exit::Usage, what)
            .about(asked_by)
            .with_hint(hint));
    }
    Ok(())
}
