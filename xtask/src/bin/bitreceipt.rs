//! `bitreceipt`: the program that is installed. It needs no checkout.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::entry::main(xtask::program::Program::Bitreceipt)
}
