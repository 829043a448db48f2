//! One file per command.

mod adapters;
mod allowance;
mod badge;
mod bandwidth;
pub mod benchmark;
mod cache;
mod challenge;
mod compare;
mod conformance;
mod figures;
mod guest;
mod inspect;
mod interrupt;
mod keygen;
mod leaderboard;
mod logits;
mod make_model;
mod model;
mod model_file;
mod ours;
mod profile_table;
mod replay;
mod report;
mod rows;
mod run;
mod same;
mod selftest;
mod shell;
mod show;
mod sign;
mod table;
mod threads;
mod verdict;
pub mod verify_receipt;
mod web;

use crate::{
    args::{Args, CacheCommand, Command, ModelCommand, XtaskArgs, XtaskCommand},
    exit::{Exit, Failure},
};

/// Runs a command of `xtask`.
///
/// # Errors
/// The command's failure, with its exit code.
pub fn dispatch_xtask(args: XtaskArgs) -> Result<Exit, Failure> {
    match args.command {
        XtaskCommand::User(Command::Completions(args)) => shell::completions::<XtaskArgs>(&args),
        XtaskCommand::User(Command::Man(args)) => shell::man::<XtaskArgs>(&args),
        XtaskCommand::User(command) => dispatch_user(command),
        XtaskCommand::Selftest(args) => selftest::run(&args, &interrupt::stop_on_ctrl_c()?),
        XtaskCommand::Guest(args) => guest::run(&args),
        XtaskCommand::Corpus(args) => conformance::regenerate(&args, &interrupt::stop_on_ctrl_c()?),
        XtaskCommand::Web(args) => web::run(&args),
    }
}

/// Runs a command of `bitreceipt`.
///
/// # Errors
/// The command's failure, with its exit code.
pub fn dispatch(args: Args) -> Result<Exit, Failure> {
    dispatch_user(args.command)
}

fn dispatch_user(command: Command) -> Result<Exit, Failure> {
    let watch = &interrupt::stop_on_ctrl_c()?;
    match command {
        Command::Benchmark(args) => benchmark::run(&args, watch),
        Command::Challenge(args) => challenge::run(&args, watch),
        Command::VerifyReceipt(args) => verify_receipt::run(&args, watch),
        Command::Verdict(args) => verdict::run(&args),
        Command::Leaderboard(args) => leaderboard::run(&args, watch),
        Command::Show(args) => show::run(&args),
        Command::Report(args) => report::run(&args, watch),
        Command::Compare(args) => compare::run(&args, watch),
        Command::Replay(args) => replay::run(&args, watch),
        Command::Conformance(args) => conformance::run(&args, watch),
        Command::Keygen(args) => keygen::run(&args),
        Command::Run(args) => run::run(&args, watch),
        Command::Logits(args) => logits::run(&args, watch),
        Command::MakeModel(args) => make_model::run(&args, watch),
        Command::Model(args) => match args.command {
            ModelCommand::List(args) => model::list(&args),
            ModelCommand::Verify(args) => model::verify(&args, watch),
            ModelCommand::Same(args) => same::run(&args, watch),
        },
        Command::Cache(args) => match args.command {
            CacheCommand::List(args) => cache::list(&args),
            CacheCommand::Clear(args) => cache::clear(&args),
        },
        Command::Inspect(args) => inspect::run(&args, watch),
        Command::Bandwidth(args) => bandwidth::run(&args, watch),
        Command::Completions(args) => shell::completions::<Args>(&args),
        Command::Man(args) => shell::man::<Args>(&args),
    }
}
