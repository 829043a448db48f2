//! The command line of Bitreceipt: parses, dispatches, exits with a documented code.

use std::process::ExitCode;

use clap::Parser;
use xtask::{args::Args, commands, exit};

fn main() -> ExitCode {
    exit::run(|| commands::dispatch(Args::parse()))
}
