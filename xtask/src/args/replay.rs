//! Arguments of `replay`.

use std::num::NonZeroUsize;

use clap::Args as ClapArgs;

use super::{
    examples::examples,
    files::TranscriptAndModel,
    output::LongOutputArgs,
    values::{I2s, tolerance},
};

/// Arguments of `replay`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "replay transcript.json model.gguf",
    "replay - model.gguf --logit-tolerance 0.05 < transcript.json",
]))]
pub struct ReplayArgs {
    /// The files
    #[command(flatten)]
    pub files: TranscriptAndModel,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// Logits that differ by no more are a tie, which proves nothing [default: the transcript's, or 0]
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub logit_tolerance: Option<f64>,
    /// Number of guests that replay at once; the answer is the same for any [default: the physical
    /// cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
