//! `xtask`: Bitreceipt as it is run from a checkout, with the commands of its developers.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::entry::main(xtask::program::Program::Xtask)
}
