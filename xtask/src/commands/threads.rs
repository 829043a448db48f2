//! How many threads a command may have.

use std::thread::available_parallelism;

use host::machine::{Environment, Flags, default_threads};

use crate::exit::{Exit, Failure};

/// The threads that were asked for, or as many as there are physical cores.
///
/// # Errors
/// There cannot be so many.
pub fn asked(threads: Option<usize>) -> Result<usize, Failure> {
    let flags = Flags {
        threads,
        ..Flags::default()
    };
    let threads = Environment::resolve(flags, |_| None, default_threads())?.threads;
    check(threads)?;
    Ok(threads)
}

/// Refuses more threads than this process has logical processors: they would wait for each other.
///
/// # Errors
/// There are more.
pub fn check(threads: usize) -> Result<(), Failure> {
    // Where the system does not say, nothing is refused.
    let logical = available_parallelism().map_or(usize::MAX, |n| n.get());
    if threads > logical {
        let what = format!("found {threads}, allowed at most {logical}");
        let why = "this machine has no more logical processors; \
                   only benchmark --parity off takes more";
        return Err(Failure::new(Exit::Usage, what)
            .about("threads")
            .with_hint(why));
    }
    Ok(())
}
