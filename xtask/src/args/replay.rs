//! Arguments of `replay`.

use std::num::NonZeroUsize;

use clap::Args as ClapArgs;

use super::{
    examples::{examples, usage},
    files::TranscriptAndModel,
    numbers::{jobs, tolerance},
    output::LongOutputArgs,
    values::I2s,
};

/// Arguments of `replay`.
#[derive(Debug, ClapArgs)]
#[command(override_usage = usage("replay [OPTIONS] <TRANSCRIPT> <MODEL>"))]
#[command(after_help = examples(&[
    "replay transcript.json model.gguf",
    "replay - model.gguf --logit-tolerance 0.05 < transcript.json",
]))]
pub struct ReplayArgs {
    /// The files
    #[command(flatten)]
    pub files: TranscriptAndModel,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// Logits that differ by no more are a tie, which proves nothing [default: the transcript's, or 0]
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub logit_tolerance: Option<f64>,
    /// Number of guests that replay at once; the answer is the same for any [default: the physical
    /// cores]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
