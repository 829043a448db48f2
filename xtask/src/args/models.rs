//! Arguments of the commands for model files.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, builder::PossibleValuesParser};

use super::{
    examples::{examples, usage},
    files::RequiredModel,
    numbers::whole,
    output::{LongOutputArgs, OutputArgs},
    values::I2s,
};
use crate::make_model::{DenseType, MAX_CONTEXT, OutputMatrix, PRESETS, WeightType, Yarn};

/// Arguments of `make-model`.
#[derive(Debug, ClapArgs)]
#[command(override_usage = usage("make-model [OPTIONS] <PRESET> <--output FILE|--cache>"))]
#[command(after_help = examples(&[
    "make-model 2b4t --cache",
    "make-model tiny --weights tq2_0 --output tiny-tq2_0.gguf",
]))]
pub struct MakeModelArgs {
    /// Which model
    #[command(flatten)]
    pub preset: PresetArg,
    /// Type of the projections. q2_0 has blocks of 64 weights, two of which share a scale as in
    /// published files; q2_0_uneven has a scale for each block; q2_0_g128, pq2_0 and ptq1_0 have
    /// blocks of 128 [default: q2_0 for qwen3-tiny and bonsai-*, otherwise i2_s]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub weights: Option<WeightType>,
    /// Type of the token embedding [default: for qwen3-tiny and bonsai-*, the type of the
    /// projections if that is one of q2_0 to ptq1_0, or q2_0; otherwise f16]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub embedding: Option<DenseType>,
    /// Type of the output matrix, or tied for the token embedding itself [default: the preset's]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub output_matrix: Option<OutputMatrix>,
    /// Scaling of RoPE by YaRN: factor and original context length, such as 4:16384 [default: the
    /// preset's]
    #[arg(long, value_name = "FACTOR:LENGTH", value_parser = yarn)]
    pub yarn: Option<Yarn>,
    /// Make a model on which engines that round differently choose mostly the same tokens: with half the
    /// queries and keys, and the same weights in every type. Use it to judge other engines
    #[arg(long)]
    pub comparable: bool,
    /// Seed [default: the preset's]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub seed: Option<u64>,
    /// Where the model goes
    #[command(flatten)]
    pub place: ModelPlace,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// The name of a preset.
#[derive(Debug, ClapArgs)]
#[group(id = "preset_name", required = true, multiple = false)]
pub struct PresetArg {
    /// Which model. With the default types: tiny (1.5 MB), bitnet-large (270 MB), 2b4t (1.2 GB),
    /// llama3-8b (3.9 GB), qwen3-tiny (0.6 MB), bonsai-1.7b (0.5 GB), bonsai-4b (1.1 GB), bonsai-8b
    /// (2.3 GB); with --weights f16, bf16 or f32 only: bitnet-3b (6.6 GB in f16)
    #[arg(value_name = "PRESET", value_parser = presets())]
    name: Option<String>,
    /// The same, as a flag
    #[arg(long, value_name = "PRESET", value_parser = presets(), hide_possible_values = true)]
    preset: Option<String>,
}

impl PresetArg {
    /// The name; the argument parser demands one.
    pub fn name(&self) -> &str {
        let given = self.name.as_deref().or(self.preset.as_deref());
        given.unwrap_or_default()
    }
}

fn yarn(text: &str) -> Result<Yarn, String> {
    let parsed = text.split_once(':').and_then(|(factor, length)| {
        Some(Yarn {
            factor: factor.parse().ok()?,
            original_context_length: length.parse().ok()?,
        })
    });
    let allowed = parsed.filter(|yarn| yarn.validate().is_ok());
    allowed.ok_or_else(|| {
        format!(
            "allowed is a factor above 0, a colon and a context length from 1 to {MAX_CONTEXT}, \
             such as 4:16384"
        )
    })
}

fn presets() -> PossibleValuesParser {
    PossibleValuesParser::new(PRESETS.map(|preset| preset.name))
}

/// Where a generated model goes.
#[derive(Debug, ClapArgs)]
#[group(id = "model_place", required = true, multiple = false)]
pub struct ModelPlace {
    /// The file to write; - is standard output
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write to the cache folder, where every command that looks for a model finds it
    #[arg(long)]
    pub cache: bool,
}

/// Arguments of `inspect`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["inspect model.gguf"]))]
pub struct InspectArgs {
    /// Model file
    #[command(flatten)]
    pub model: RequiredModel,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// Read the whole file, hash it and check its weights, even if it has more than 16 GiB
    #[arg(long)]
    pub sha256: bool,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// Arguments of `model`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "model list",
    "model verify model.gguf",
    "model same model-i2_s.gguf model-iq2_bn.gguf",
]))]
pub struct ModelArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ModelCommand,
}

/// What can be done with known models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Show the known models, how to get each, and which are here
    List(ModelListArgs),
    /// Compare a file with the digests of the known models
    Verify(ModelVerifyArgs),
    /// Compare the weights of two files, whatever their types: do they hold the same network?
    Same(ModelSameArgs),
}

/// Arguments of `model list`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["model list", "model list --format json"]))]
pub struct ModelListArgs {
    /// What it prints
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `model verify`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["model verify model.gguf"]))]
pub struct ModelVerifyArgs {
    /// Model file
    #[command(flatten)]
    pub model: RequiredModel,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// Arguments of `model same`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "model same model-i2_s.gguf model-iq2_bn.gguf",
    "model same x86.gguf arm.gguf --other-i2s-layout block64",
]))]
pub struct ModelSameArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    pub model: PathBuf,
    /// The other one; it may have types that this program does not run, such as IQ2_BN
    #[arg(value_name = "OTHER")]
    pub other: PathBuf,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// The same for the other file [default: as in the first]
    #[arg(long, value_enum, value_name = "LAYOUT")]
    pub other_i2s_layout: Option<I2s>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// Arguments of `cache`.
#[derive(Debug, ClapArgs)]
#[command(after_help = about_cache(&["cache list", "cache clear --yes"]))]
pub struct CacheArgs {
    /// What to do
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// What can be done with the cache folder.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Show the folder and the models in it
    List(CacheListArgs),
    /// Remove the models in it
    Clear(CacheClearArgs),
}

/// Arguments of `cache list`.
#[derive(Debug, ClapArgs)]
#[command(after_help = about_cache(&["cache list"]))]
pub struct CacheListArgs {
    /// What it prints
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `cache clear`.
#[derive(Debug, ClapArgs)]
#[command(after_help = about_cache(&["cache clear", "cache clear --yes"]))]
pub struct CacheClearArgs {
    /// Remove them; without it, they are only shown
    #[arg(short, long)]
    pub yes: bool,
    /// What it prints
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where the folder is, and what to type.
fn about_cache(commands: &[&str]) -> String {
    format!(
        "The folder is your system's cache folder for bitreceipt, or BITRECEIPT_CACHE if that \
         is set. \"cache list\" shows where it is.\n\n{}",
        examples(commands)
    )
}
