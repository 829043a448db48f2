//! Lines to type, for the end of a help text.

use crate::program;

/// These commands, as the program is called that was called.
pub(super) fn examples(commands: &[&str]) -> String {
    let call = program::current().call();
    let lines = commands
        .iter()
        .map(|command| format!("\n  {call} {command}"));
    format!("Examples:{}", lines.collect::<String>())
}
