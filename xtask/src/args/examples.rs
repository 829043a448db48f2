//! Lines to type, for help texts.

use crate::program;

/// A usage line that is shorter than the one made from the arguments.
pub(super) fn usage(words: &str) -> String {
    format!("{} {words}", program::current().name())
}

/// These commands, as the program is called that was called.
pub(super) fn examples(commands: &[&str]) -> String {
    let call = program::current().call();
    let lines = commands
        .iter()
        .map(|command| format!("\n  {call} {command}"));
    format!("Examples:{}", lines.collect::<String>())
}
