//! Arguments of every command.

use std::{num::NonZeroUsize, ops::Range, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum, builder::RangedU64ValueParser};
use engine_native::{I2sLayout, Isa, KernelChoice, KvType, Packing, Screening};
use host::{challenge::Challenge, digest::Digest};

use crate::make_model::{DenseType, OutputMatrix, WeightType};

/// Benchmark receipts for 1.58-bit LLM inference that a stranger can replay.
///
/// Exit codes: 0 done or accepted, 1 rejected or parity failed, 2 usage, 3 unverifiable,
/// 4 bad input, 5 input or output failed, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "xtask", version)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Decode on the native engine, replay in the sandbox, write a receipt if both agree
    Benchmark(BenchmarkArgs),
    /// Check a receipt: derive everything derivable again
    VerifyReceipt(VerifyReceiptArgs),
    /// Judge tokens that another engine chose: would the reference have chosen them?
    Replay(ReplayArgs),
    /// Make a key that signs receipts
    Keygen(KeygenArgs),
    /// Continue a text, without timing and without a receipt
    Run(RunArgs),
    /// Write the logits of a run as a NumPy array
    Logits(LogitsArgs),
    /// Write a generated model
    MakeModel(MakeModelArgs),
    /// Show what is in a model file
    Inspect(InspectArgs),
    /// Forge a receipt in every published way: the verifier has to catch each
    Selftest(SelftestArgs),
    /// Known models
    Model(ModelArgs),
    /// Measure how fast this machine reads memory, the bound of every decode step
    Bandwidth(BandwidthArgs),
    /// Build the reference guest, or check the committed one
    Guest(GuestArgs),
}

/// `--kernel`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Kernel {
    Auto,
    Scalar,
    Avx2,
    AvxVnni,
    Avx512Vnni,
    Amx,
}

impl From<Kernel> for KernelChoice {
    fn from(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Auto => Self::Auto,
            Kernel::Scalar => Self::Only(Isa::Scalar),
            Kernel::Avx2 => Self::Only(Isa::Avx2),
            Kernel::AvxVnni => Self::Only(Isa::AvxVnni),
            Kernel::Avx512Vnni => Self::Only(Isa::Avx512Vnni),
            Kernel::Amx => Self::Only(Isa::Amx),
        }
    }
}

/// `--packing`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightPacking {
    /// As the kernels are fastest with: densest if the weights exceed caches, else two-bit
    Auto,
    /// The file's own rows, or what other types were packed to: no memory beside the model
    Off,
    /// Two bits a weight, in the order that the kernels read
    TwoBit,
    /// With the fewest bits a weight: three weights in five bits, where the kernels can read them
    Densest,
}

impl From<WeightPacking> for Packing {
    fn from(packing: WeightPacking) -> Self {
        match packing {
            WeightPacking::Auto => Self::Auto,
            WeightPacking::Off => Self::Off,
            WeightPacking::TwoBit => Self::TwoBit,
            WeightPacking::Densest => Self::Densest,
        }
    }
}

/// `--screen`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Screen {
    /// With SIMD kernels, and output matrices above 16 MB
    Auto,
    /// Every logit is computed
    Off,
    /// Whatever the kernels and the size
    Always,
}

impl From<Screen> for Screening {
    fn from(screen: Screen) -> Self {
        match screen {
            Screen::Auto => Self::Auto,
            Screen::Off => Self::Off,
            Screen::Always => Self::Always,
        }
    }
}

/// `--kv-type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Kv {
    F16,
    F32,
}

impl From<Kv> for KvType {
    fn from(kv: Kv) -> Self {
        match kv {
            Kv::F16 => Self::F16,
            Kv::F32 => Self::F32,
        }
    }
}

/// `--i2s-layout`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[allow(missing_docs)]
pub enum I2s {
    #[default]
    Block128,
    Row4,
    Block64,
}

impl From<I2s> for I2sLayout {
    fn from(layout: I2s) -> Self {
        match layout {
            I2s::Block128 => Self::Block128,
            I2s::Row4 => Self::Row4,
            I2s::Block64 => Self::Block64,
        }
    }
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Format {
    Human,
    Json,
}

/// `--parity`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ParityMode {
    Full,
    Off,
}

/// `--engine`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Side {
    Native,
    Guest,
}

/// A count from 1 on, small enough for any transcript.
fn count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::from(1..=1 << 24)
}

/// A count from 0 on.
fn count_or_none() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::from(0..=1 << 24)
}

/// A percentage, with one decimal at most, in thousandths.
fn per_mille(text: &str) -> Result<u32, String> {
    let wanted = || format!("found {text:?}, allowed 0.1% to 100%, with one decimal at most");
    let number = text.strip_suffix('%').unwrap_or(text);
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if tenth.len() != 1 || whole.len() > 3 || !digits(whole) || !digits(tenth) {
        return Err(wanted());
    }
    let per_mille = format!("{whole}{tenth}").parse().map_err(|_| wanted())?;
    match per_mille {
        1..=1000 => Ok(per_mille),
        _ => Err(wanted()),
    }
}

/// A difference of logits.
fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|x: &f64| x.is_finite() && *x >= 0.0)
        .ok_or_else(|| format!("found {text:?}, allowed numbers from 0 on"))
}

/// A range of layers.
fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let ends = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.filter(|layers| !layers.is_empty())
        .ok_or_else(|| format!("found {text:?}, allowed A..B with A < B"))
}

/// A nonce.
fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| format!("found {text:?}, allowed 64 lower-case hex digits"))
}

/// Arguments of `benchmark`.
#[derive(Debug, ClapArgs)]
pub struct BenchmarkArgs {
    /// Tokens to generate
    #[arg(long, default_value = "128", value_parser = count())]
    pub tokens: usize,
    /// One thread, with BITNET_DETERMINISTIC=1, BITNET_SEED and RAYON_NUM_THREADS=1 in effect
    #[arg(long)]
    pub deterministic: bool,
    /// Model file
    #[arg(long, default_value = "models/tiny.gguf")]
    pub model: PathBuf,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, default_value = "block128")]
    pub i2s_layout: I2s,
    /// Prompt tokens, derived from the seed
    #[arg(long, default_value = "16", value_parser = count())]
    pub prompt_tokens: usize,
    /// Prompt ids instead, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "prompt_tokens")]
    pub prompt_ids: Option<Vec<u32>>,
    /// A text instead, encoded by the tokenizer in the file; the receipt has its ids and SHA-256
    #[arg(long, conflicts_with_all = ["prompt_tokens", "prompt_ids"])]
    pub prompt: Option<String>,
    /// Seed of the prompt [default: BITNET_SEED, or 42]
    #[arg(long)]
    pub seed: Option<u64>,
    /// A nonce that the verifier chose, mixed into the seed: 2 to 128 lower-case hex digits
    #[arg(long, value_name = "HEX", conflicts_with_all = ["prompt_ids", "prompt"])]
    pub challenge: Option<Challenge>,
    /// Threads [default: RAYON_NUM_THREADS, or the physical cores]
    #[arg(long)]
    pub threads: Option<usize>,
    /// Kernels
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// How ternary weights are arranged in memory at load; no setting changes a result
    #[arg(long, value_enum, default_value = "auto")]
    pub packing: WeightPacking,
    /// Whether a low-bit copy of the output matrix shows which logits a greedy choice needs; no
    /// setting changes a result
    #[arg(long, value_enum, default_value = "auto")]
    pub screen: Screen,
    /// Untimed runs first
    #[arg(long, default_value = "1", value_parser = count_or_none())]
    pub warmup: usize,
    /// Timed runs [default: 3, or 1 for files above 64 MB]
    #[arg(long, value_parser = count())]
    pub repetitions: Option<usize>,
    /// Element type of the KV cache
    #[arg(long, value_enum, default_value = "f16")]
    pub kv_type: Kv,
    /// Where the receipt goes
    #[arg(long, default_value = "ci/inference.json")]
    pub output: PathBuf,
    /// Whether to replay; without it the receipt says so, and the gate refuses it
    #[arg(long, value_enum, default_value = "full")]
    pub parity: ParityMode,
    /// Sign the receipt with this ed25519 private key: <output>.dsse.json beside it
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// One more run, after the timed ones: its time by operation
    #[arg(long)]
    pub profile: bool,
    /// A table for people, or the receipt for programs; with --profile, receipt and profile
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// No progress and no table; JSON that is asked for is printed all the same
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `verify-receipt`.
#[derive(Debug, ClapArgs)]
pub struct VerifyReceiptArgs {
    /// The receipt
    #[arg(long, default_value = "ci/inference.json")]
    pub path: PathBuf,
    /// Replay the run in the sandbox
    #[arg(long)]
    pub check_parity: bool,
    /// Replay some units alone, drawn by fresh randomness: so many of a hundred, such as 5%
    #[arg(long, value_name = "PERCENT", requires = "check_parity", value_parser = per_mille)]
    pub sample: Option<u32>,
    /// Replay these layers alone, such as 0..6; the end is not among them
    #[arg(long, value_name = "A..B", requires = "check_parity", conflicts_with = "sample", value_parser = layers)]
    pub layers: Option<Range<usize>>,
    /// Repeat the audit that was drawn by this; says nothing new
    #[arg(long, value_name = "HEX", requires = "sample", value_parser = digest)]
    pub nonce: Option<Digest>,
    /// Guests that replay at once; the verdict is the same for any number [default: the physical
    /// cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// What else is demanded: a TOML file such as ci/policy.toml [default: no more than the ceilings
    /// of that file]
    #[arg(long)]
    pub policy: Option<PathBuf>,
    /// Run the native engine here too, and show both speeds
    #[arg(long)]
    pub retime: bool,
    /// The receipt's bundle: who signed it, by --public-key
    #[arg(long, requires = "public_key")]
    pub bundle: Option<PathBuf>,
    /// The signer's ed25519 public key, as PEM or a line `ssh-ed25519 …`; from the signer, not from
    /// whoever brought the bundle
    #[arg(long, requires = "bundle")]
    pub public_key: Option<PathBuf>,
    /// The nonce that you chose: a receipt without it may have been made before
    #[arg(long, value_name = "HEX")]
    pub challenge: Option<Challenge>,
    /// Model file [default: models/<file name>, or beside the receipt]
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// A list for people, or the verdict for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
}

/// Arguments of `replay`.
#[derive(Debug, ClapArgs)]
pub struct ReplayArgs {
    /// The tokens, as ci/TRANSCRIPT.md describes the file
    #[arg(long)]
    pub transcript: PathBuf,
    /// Model file
    #[arg(long)]
    pub model: PathBuf,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, default_value = "block128")]
    pub i2s_layout: I2s,
    /// Logits that differ by no more are a tie, which proves nothing [default: the transcript's, or 0]
    #[arg(long, value_parser = tolerance)]
    pub logit_tolerance: Option<f64>,
    /// Guests that replay at once; the answer is the same for any number [default: the physical cores]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Lines for people, or every token's margin for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// No progress
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `selftest`.
#[derive(Debug, ClapArgs)]
pub struct SelftestArgs {
    /// The folder with the vectors
    #[arg(long, default_value = "ci/vectors")]
    pub vectors: PathBuf,
    /// The model whose receipt is forged: the vectors are made for this one
    #[arg(long, default_value = "models/tiny.gguf")]
    pub model: PathBuf,
}

/// Arguments of `keygen`.
#[derive(Debug, ClapArgs)]
pub struct KeygenArgs {
    /// Where the private key goes; the public key is <output>.pub. Neither replaces a file
    #[arg(long)]
    pub output: PathBuf,
}

/// Arguments of `run`.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// Model file
    pub model: PathBuf,
    /// The text to continue
    #[arg(long)]
    pub prompt: String,
    /// Most tokens to generate; the model may end before
    #[arg(long, default_value = "128", value_parser = count())]
    pub tokens: usize,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, default_value = "block128")]
    pub i2s_layout: I2s,
    /// Threads [default: the physical cores]
    #[arg(long)]
    pub threads: Option<usize>,
    /// Kernels
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// How ternary weights are arranged in memory at load; no setting changes a result
    #[arg(long, value_enum, default_value = "auto")]
    pub packing: WeightPacking,
    /// Whether a low-bit copy of the output matrix shows which logits a greedy choice needs; no
    /// setting changes a result
    #[arg(long, value_enum, default_value = "auto")]
    pub screen: Screen,
    /// Element type of the KV cache
    #[arg(long, value_enum, default_value = "f16")]
    pub kv_type: Kv,
}

/// Arguments of `logits`.
#[derive(Debug, ClapArgs)]
pub struct LogitsArgs {
    /// Model file
    #[arg(long)]
    pub model: PathBuf,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, default_value = "block128")]
    pub i2s_layout: I2s,
    /// Prompt ids, separated by commas
    #[arg(long, value_delimiter = ',', required = true)]
    pub prompt_ids: Vec<u32>,
    /// Tokens to decode greedily; the array has a row per position fed
    #[arg(long, default_value = "1", value_parser = count())]
    pub tokens: usize,
    /// Where the array goes: float32, [prompt + tokens - 1, vocabulary]
    #[arg(long)]
    pub output: PathBuf,
    /// Element type of the KV cache
    #[arg(long, value_enum, default_value = "f16")]
    pub kv_type: Kv,
    /// Which side computes
    #[arg(long, value_enum, default_value = "native")]
    pub engine: Side,
    /// Kernels of the native engine
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// A line for people, or the tokens for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
}

/// Arguments of `make-model`.
#[derive(Debug, ClapArgs)]
pub struct MakeModelArgs {
    /// Which model: tiny, 2b4t, bitnet-large, bitnet-3b or llama3-8b
    #[arg(long)]
    pub preset: String,
    /// Type of the projections
    #[arg(long, value_enum, default_value = "i2_s")]
    pub weights: WeightType,
    /// Type of the token embedding
    #[arg(long, value_enum, default_value = "f16")]
    pub embedding: DenseType,
    /// Type of the output matrix, or tied: the token embedding [default: the preset's]
    #[arg(long, value_enum)]
    pub output_matrix: Option<OutputMatrix>,
    /// Where it goes
    #[arg(long)]
    pub output: PathBuf,
    /// Seed [default: the preset's]
    #[arg(long)]
    pub seed: Option<u64>,
}

/// Arguments of `inspect`.
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// Model file
    pub model: PathBuf,
    /// How the program that packed the file's I2_S tensors arranged them; no file says it
    #[arg(long, value_enum, default_value = "block128")]
    pub i2s_layout: I2s,
}

/// Arguments of `model`.
#[derive(Debug, ClapArgs)]
pub struct ModelArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ModelCommand,
}

/// What can be done with known models.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Compare a file with the digests of models/manifest.json
    Verify(ModelVerifyArgs),
}

/// Arguments of `model verify`.
#[derive(Debug, ClapArgs)]
pub struct ModelVerifyArgs {
    /// Model file
    pub path: PathBuf,
    /// Lines for people, or the verdict for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
}

/// Arguments of `bandwidth`.
#[derive(Debug, ClapArgs)]
pub struct BandwidthArgs {
    /// Numbers of threads, separated by commas [default: 1, 2, 4, … and the physical cores]
    #[arg(long, value_delimiter = ',')]
    pub threads: Option<Vec<usize>>,
    /// Bytes to read; several times the last-level cache, or the cache is measured
    #[arg(long, default_value = "1073741824", value_parser = RangedU64ValueParser::<usize>::from(1 << 20..=1 << 40))]
    pub bytes: usize,
    /// Kernels
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// A table for people, or the same for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
}

/// Arguments of `guest`.
#[derive(Debug, ClapArgs)]
pub struct GuestArgs {
    /// Build, compare with the committed guest byte for byte, change nothing
    #[arg(long)]
    pub check: bool,
}
