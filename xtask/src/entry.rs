//! What both programs do: parse, run the command, exit with a documented code.

use std::{ffi::OsString, process::ExitCode};

use clap::{
    CommandFactory, FromArgMatches,
    error::{ContextKind, ContextValue},
};

use crate::{
    args::{Args, XtaskArgs},
    commands,
    engines::become_engine_if_asked,
    exit::{self, Exit, Failure},
    process,
    program::{self, Program},
};

/// Runs `program` with the words of this process.
pub fn main(program: Program) -> ExitCode {
    become_engine_if_asked();
    process::save_addresses();
    process::with_stack(|| begin(program))
}

fn begin(program: Program) -> ExitCode {
    program::set(program);
    let words = with_long_flags(std::env::args_os().collect());
    let as_json = asks_for_json(&words);
    // Before anything takes memory: the parser does, too.
    if let Err(failure) = prepare(&words) {
        return exit::run(as_json, || Err(failure));
    }
    let parsed = match program {
        Program::Xtask => parse(words).map(Parsed::Xtask),
        Program::Bitreceipt => parse(words).map(Parsed::Bitreceipt),
    };
    match parsed {
        Ok(Parsed::Xtask(args)) => exit::run(as_json, || commands::dispatch_xtask(args)),
        Ok(Parsed::Bitreceipt(args)) => exit::run(as_json, || commands::dispatch(args)),
        Err(mut error) => {
            if program == Program::Bitreceipt {
                point_to_a_checkout(&mut error);
            }
            refuse(&error, as_json)
        }
    }
}

/// What has to be found out before any command.
fn prepare(words: &[OsString]) -> Result<(), Failure> {
    process::answer_signals().map_err(|e| Failure::from(e).about("signal handler"))?;
    match words.get(1).is_none_or(|word| word == "--version") {
        true => Ok(()),
        false => process::check_room(),
    }
}

enum Parsed {
    Xtask(XtaskArgs),
    Bitreceipt(Args),
}

fn parse<A: CommandFactory + FromArgMatches>(words: Vec<OsString>) -> Result<A, clap::Error> {
    let mut command = A::command();
    let matches = command.try_get_matches_from_mut(words)?;
    A::from_arg_matches(&matches).map_err(|e| e.format(&mut command))
}

/// Says where the commands of developers are, if one of them was asked for.
fn point_to_a_checkout(error: &mut clap::Error) {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let of_users = Args::command();
    let of_all = XtaskArgs::command();
    if of_users.find_subcommand(name).is_none() && of_all.find_subcommand(name).is_some() {
        let call = Program::Xtask.call();
        let hint = format!("{name} needs a checkout: {call} {name}");
        let hints = ContextValue::StyledStrs(vec![hint.into()]);
        error.insert(ContextKind::Suggested, hints);
    }
}

/// Prints what the argument parser says: help and version, or why the words were refused.
fn refuse(error: &clap::Error, as_json: bool) -> ExitCode {
    // A reader that has gone away is no error.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::from(Exit::Done as u8);
    }
    if as_json {
        exit::print_as_json(&usage_failure(&error.render().to_string()));
    }
    ExitCode::from(Exit::Usage as u8)
}

/// What the argument parser says, in two parts: its first line, and what it suggests.
fn usage_failure(text: &str) -> Failure {
    let mut lines = text.lines().map(str::trim);
    let what = lines.next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let is_hint = |line: &&str| line.starts_with("tip:") || line.starts_with("[possible values");
    let mut hints: Vec<&str> = lines.filter(is_hint).collect();
    hints.push("--help shows the arguments");
    Failure::new(Exit::Usage, what).with_hint(hints.join("; "))
}

/// Whether the words ask for JSON. The parser cannot tell of words that it refuses.
fn asks_for_json(words: &[OsString]) -> bool {
    let is_pair =
        |pair: &[OsString]| (pair[0] == "--format" || pair[0] == "-o") && pair[1] == "json";
    let is_one = |word: &OsString| {
        ["--format=json", "-ojson", "-o=json"]
            .iter()
            .any(|w| word == w)
    };
    words.windows(2).any(is_pair) || words.iter().any(is_one)
}

/// The words with `-oe` as the parser knows it, which has no short flags of two letters. llama-bench
/// has this one.
fn with_long_flags(words: Vec<OsString>) -> Vec<OsString> {
    let end = words.iter().position(|word| word == "--");
    let end = end.unwrap_or(words.len());
    let long = |(i, word): (usize, OsString)| match i < end && word == "-oe" {
        true => "--format-err".into(),
        false => word,
    };
    words.into_iter().enumerate().map(long).collect()
}
