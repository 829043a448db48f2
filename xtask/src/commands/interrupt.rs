//! Ctrl-C.

use std::io::{self, IsTerminal};

use host::watch::Watch;

use crate::{
    engines::end_all,
    exit::{Exit, Failure, say},
    hints,
};

/// The first Ctrl-C asks the command to end in order, and says so; the second ends it at once.
///
/// # Errors
/// The system gives no handler.
pub fn stop_on_ctrl_c() -> Result<Watch, Failure> {
    let watch = Watch::default();
    let requested = watch.clone();
    let handler = move || {
        if requested.is_stopped() {
            // Exiting here runs no destructor, so the engines would run on.
            end_all();
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
    ctrlc::set_handler(handler).map_err(refused)?;
    Ok(watch)
}

/// The handler needs a thread. Without one, Ctrl-C would do nothing, so the command does not begin.
fn refused(error: ctrlc::Error) -> Failure {
    match error {
        ctrlc::Error::System(e) => {
            let what = format_args!("threads: the system does not start one for Ctrl-C: {e}");
            Failure::new(Exit::Usage, what).with_hint(hints::no_more_threads())
        }
        other => Failure::new(Exit::Io, format_args!("signal handler: {other}")),
    }
}
