//! Arguments of every command.

mod values;
mod verification;

pub use values::{Format, I2s, Kernel, Kv, ParityMode, Screen, Side, WeightPacking};
pub use verification::{KeygenArgs, ReplayArgs, SelftestArgs, ShowArgs, VerifyReceiptArgs};

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, builder::RangedU64ValueParser};
use host::task::Challenge;

use crate::make_model::{DenseType, OutputMatrix, WeightType};
use values::{count, count_or_none};

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
    /// Check a receipt: replay its run and derive every figure again
    VerifyReceipt(VerifyReceiptArgs),
    /// Print what receipts say, without judging them
    Show(ShowArgs),
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

/// How the native engine computes.
#[derive(Debug, ClapArgs)]
pub struct EngineArgs {
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
    /// How the native engine computes
    #[command(flatten)]
    pub engine: EngineArgs,
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
    /// How the native engine computes
    #[command(flatten)]
    pub engine: EngineArgs,
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
