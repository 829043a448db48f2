//! Arguments of `verdict`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::{examples::examples, output::OutputArgs};

/// Arguments of `verdict`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["verdict merge layers.json heads.json"]))]
pub struct VerdictArgs {
    /// What to do
    #[command(subcommand)]
    pub command: VerdictCommand,
}

/// What there is to do with verdicts.
#[derive(Debug, Subcommand)]
pub enum VerdictCommand {
    /// Put together the verdicts of several verifiers, each of which replayed a part of one run
    Merge(VerdictMergeArgs),
}

/// Arguments of `verdict merge`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "verify-receipt inference.json --layers 0..3 --format json > a.json",
    "verify-receipt inference.json --layers 3..6 --format json > b.json",
    "verify-receipt inference.json --heads --format json > c.json",
    "verdict merge a.json b.json c.json",
]))]
pub struct VerdictMergeArgs {
    /// What `verify-receipt --format json` printed with --layers or --heads. Together they must have
    /// every layer and every choice of one receipt
    #[arg(value_name = "VERDICT", required = true)]
    pub verdicts: Vec<PathBuf>,
    /// What it prints
    #[command(flatten)]
    pub print: OutputArgs,
}
