//! Ctrl-C.

use std::io::{self, IsTerminal};

use host::watch::Watch;

use crate::exit::{Exit, Failure, say};

/// The first Ctrl-C asks the command to end in order, and says so; the second ends it at once.
///
/// # Errors
/// The system gives no handler.
pub fn stop_on_ctrl_c() -> Result<Watch, Failure> {
    let watch = Watch::default();
    let requested = watch.clone();
    let handler = move || {
        if requested.is_stopped() {
            std::process::exit(Exit::Interrupted as i32);
        }
        requested.stop();
        // On a terminal, in place of the line that shows progress.
        let start = match io::stderr().is_terminal() {
            true => "\r\x1b[K",
            false => "",
        };
        say(format_args!("{start}stopping …"));
    };
    ctrlc::set_handler(handler).map_err(|e| {
        let failure = match e {
            ctrlc::Error::System(e) => Failure::of_io(&e),
            e => Failure::new(Exit::Io, e),
        };
        failure.about("signal handler")
    })?;
    Ok(watch)
}
