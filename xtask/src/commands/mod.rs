//! One file per command.

mod bandwidth;
pub mod benchmark;
mod guest;
mod inspect;
mod keygen;
mod logits;
mod make_model;
mod model;
mod profile_table;
mod replay;
mod run;
mod selftest;
mod show;
mod sign;
mod table;
pub mod verify_receipt;

use host::cancel::Cancel;

use crate::{
    args::{Args, Command, ModelCommand},
    exit::{Exit, Failure},
};

/// Runs the command that was asked for.
///
/// # Errors
/// The command's failure, with its exit code.
pub fn dispatch(args: Args) -> Result<Exit, Failure> {
    let cancel = cancel_on_ctrl_c()?;
    match args.command {
        Command::Benchmark(args) => benchmark::run(&args, &cancel),
        Command::VerifyReceipt(args) => verify_receipt::run(&args, &cancel),
        Command::Show(args) => show::run(&args),
        Command::Replay(args) => replay::run(&args, &cancel),
        Command::Keygen(args) => keygen::run(&args),
        Command::Run(args) => run::run(&args, &cancel),
        Command::Selftest(args) => selftest::run(&args, &cancel),
        Command::Logits(args) => logits::run(&args, &cancel),
        Command::MakeModel(args) => make_model::run(&args, &cancel),
        Command::Model(args) => match args.command {
            ModelCommand::Verify(args) => model::run(&args, &cancel),
        },
        Command::Inspect(args) => inspect::run(&args, &cancel),
        Command::Bandwidth(args) => bandwidth::run(&args, &cancel),
        Command::Guest(args) => guest::run(&args),
    }
}

/// The first Ctrl-C asks the command to end in order, the second ends it at once.
fn cancel_on_ctrl_c() -> Result<Cancel, Failure> {
    let cancel = Cancel::default();
    let requested = cancel.clone();
    let handler = move || {
        if requested.is_requested() {
            std::process::exit(Exit::Interrupted as i32);
        }
        requested.request();
    };
    ctrlc::set_handler(handler)
        .map_err(|e| Failure::new(Exit::Io, format_args!("signal handler: {e}")))?;
    Ok(cancel)
}
