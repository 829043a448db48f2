//! Arguments of `replay`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args as ClapArgs;

use super::{
    examples::{examples, usage},
    files::TranscriptAndModel,
    numbers::{jobs, tolerance},
    output::LongOutputArgs,
    values::{I2s, Precision},
};

/// Arguments of `replay`.
#[derive(Debug, ClapArgs)]
#[command(override_usage = usage("replay [OPTIONS] <TRANSCRIPT> <MODEL>"))]
#[command(after_help = examples(&[
    "replay transcript.json model.gguf",
    "replay - model.gguf --tolerance 0.05 < transcript.json",
    "replay transcript.json model-i2_s.gguf --engine-model model-iq2_bn.gguf",
]))]
pub struct ReplayArgs {
    /// The files
    #[command(flatten)]
    pub files: TranscriptAndModel,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// The model file that the engine read, if it is another one: its weights must be the same
    #[arg(long, value_name = "MODEL")]
    pub engine_model: Option<PathBuf>,
    /// How far below the largest logit that of a right engine's token may be, in standard deviations of the
    /// logits [default: measured on the model, at most 0.5]
    #[arg(long, value_name = "X", value_parser = tolerance)]
    pub tolerance: Option<f64>,
    /// How precise a right engine is: reduced if it rounds to bf16 or f16 somewhere
    #[arg(long, value_enum, value_name = "WHICH", default_value = "reduced")]
    #[arg(conflicts_with = "tolerance")]
    pub precision: Precision,
    /// Number of guests that replay at once; the answer is the same for any [default: the physical
    /// cores]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
