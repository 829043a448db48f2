//! `benchmark`: the whole path from a model file to a receipt, or from several to a table.

mod cell;
mod challenged;
mod no_number;
mod other;
mod settings;
mod single;
mod sweep;

use host::watch::Watch;

pub use single::MakeRunner;

use crate::{
    args::BenchmarkArgs,
    exit::{Exit, Failure},
    hints::is_receipt,
    models::TINY,
};

/// Runs the command.
///
/// # Errors
/// The failure, with its exit code. No receipt is written then.
pub fn run(args: &BenchmarkArgs, watch: &Watch) -> Result<Exit, Failure> {
    run_with(args, watch, None)
}

/// As [`run`], with another engine: tests show that a wrong one gets no receipt.
///
/// # Errors
/// As for [`run`].
pub fn run_with(
    args: &BenchmarkArgs,
    watch: &Watch,
    runner: Option<MakeRunner>,
) -> Result<Exit, Failure> {
    let named = args.models.named();
    // Before the output is: a receipt may lie where this one would go.
    if let Some(path) = named.iter().find(|path| is_receipt(path)) {
        return Err(
            Failure::new(Exit::BadInput, "this is a receipt, not a model")
                .at(path)
                .with_hint("name a .gguf file"),
        );
    }
    let models = match named {
        [] => vec![TINY.path()?],
        named => named.to_vec(),
    };
    let cells = cell::cells(args, &models, other::chosen(args)?)?;
    let planned = settings::plan(args, cells)?;
    if let Some(server) = &args.challenge_from {
        challenged::run(args, &planned, server, watch, runner)?;
        return Ok(Exit::Done);
    }
    match (&planned[..], &args.output_dir) {
        ([one], None) => single::run(args, one, watch, runner).map(|()| Exit::Done),
        _ => sweep::run(args, &planned, watch, runner),
    }
}
