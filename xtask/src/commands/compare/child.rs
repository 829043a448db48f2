//! One run of a build: a process of its own, which writes a receipt.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use host::receipt::Receipt;

use super::receipts;
use crate::exit::{Exit, Failure};

/// A program, and the arguments that it always gets.
#[derive(Debug)]
pub(super) struct Build {
    /// How the report calls it.
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
}

/// Flags that this command sets itself.
const TAKEN: [&str; 8] = [
    "--output", "--parity", "--sign", "--format", "--quiet", "--model", "-o", "-q",
];

/// Flags of other engines, whose runs cannot go without a replay of their own.
const OTHERS: [&str; 2] = ["--engine", "--engine-command"];

/// Checks that nothing in `args` stands in the way of this command's own flags.
///
/// # Errors
/// Something does.
pub(super) fn check(args: &[OsString]) -> Result<(), Failure> {
    for arg in args {
        let word = arg.to_string_lossy();
        let flag = word.split('=').next().unwrap_or_default();
        if TAKEN.contains(&flag) {
            let what = format!("found {flag} after --, which this command sets itself");
            let hint = "leave it out; --model and --output-dir stand before --";
            return Err(Failure::new(Exit::Usage, what).with_hint(hint));
        }
        if OTHERS.contains(&flag) {
            let what =
                format!("found {flag} after --, and only builds of bitreceipt take turns here");
            let hint = "measure all engines with benchmark --engine, and compare their receipts";
            return Err(Failure::new(Exit::Usage, what).with_hint(hint));
        }
    }
    Ok(())
}

impl Build {
    /// Runs it once, and returns its receipt, which stays at `output`.
    ///
    /// # Errors
    /// It did not start, failed, or its receipt breaks a rule.
    pub(super) fn run(&self, more: &[&str], output: &Path) -> Result<Receipt, Failure> {
        let mut command = Command::new(&self.program);
        command.arg("benchmark").args(&self.args).args(more);
        command.args(["--quiet", "--output"]).arg(output);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let done = command
            .output()
            .map_err(|e| Failure::io(&self.program, &e))?;
        match done.status.code() {
            Some(0) => receipts::read(output),
            Some(130) => Err(Failure::interrupted()),
            code => Err(self.failed(code, &String::from_utf8_lossy(&done.stderr))),
        }
    }

    /// A failure of the build, with its own code if it is one of ours.
    pub(super) fn failed(&self, code: Option<i32>, said: &str) -> Failure {
        let exit = match code {
            Some(1) => Exit::Rejected,
            Some(2) => Exit::Usage,
            Some(3) => Exit::Unverifiable,
            Some(5) => Exit::Io,
            _ => Exit::BadInput,
        };
        let mut lines = said.lines();
        let line = lines
            .find_map(|line| line.strip_prefix("error: "))
            .map_or_else(
                || format!("it ended with {code:?} and no word of bitreceipt"),
                str::to_owned,
            );
        Failure::new(exit, line).about(&self.name)
    }
}
