//! Arguments of `report`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args as ClapArgs;

use super::{
    examples::examples,
    numbers::{jobs, per_mille},
    output::LongOutputArgs,
    values::address,
    verification::AllowanceArgs,
};

/// Arguments of `report`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "report inference.json",
    "report old.json new.json --output report.html",
    "report inference.json --no-replay --output - > report.html",
]))]
pub struct ReportArgs {
    /// The receipts, or what `benchmark --profile --format json` printed; - is standard input
    #[arg(value_name = "RECEIPT", required = true)]
    pub receipts: Vec<PathBuf>,
    /// Where the page goes; - is standard output
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub output: PathBuf,
    /// The address of a page made by `xtask web`, to which the report links: readers check the receipt there
    #[arg(long, value_name = "URL", value_parser = address)]
    pub check_at: Option<String>,
    /// Replay nothing: the page then says that no tokens were proved
    #[arg(long, help_heading = "Verification")]
    pub no_replay: bool,
    /// Replay only this share of each run, drawn at random, such as 5%
    #[arg(long, help_heading = "Verification", value_name = "PERCENT", conflicts_with = "no_replay", value_parser = per_mille)]
    pub sample: Option<u32>,
    /// Guests that replay at once; changes only the time [default: the physical cores]
    #[arg(long, help_heading = "Verification", value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// A TOML file with further demands on models, kernels, speed or the signer
    #[arg(long, help_heading = "Verification", value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// The signer's public key: check the bundle beside each receipt
    #[arg(long, help_heading = "Verification", value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// The model file [default: found by its digest in models/, beside the receipt or in the cache]
    #[arg(short, long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// What it may cost
    #[command(flatten)]
    pub allowance: AllowanceArgs,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
