//! Arguments of the commands that run the native engine.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use host::task::Challenge;

use super::{
    engines::OtherEnginesArgs,
    examples::{examples, usage},
    files::{OptionalModel, RequiredModel, SweptModels},
    numbers::{count, count_or_none, milliseconds, read_bytes, whole},
    output::{LongOutputArgs, LongRowOutputArgs, OutputArgs},
    ranges::{NumberList, counts, counts_or_none, whole_numbers},
    values::{I2s, Kernel, ParityMode, Screen, Side, WeightPacking},
};
use crate::{http::ServerAddress, kv_name::KvName, program};

/// How the native engine computes.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Engine")]
pub struct EngineArgs {
    /// Kernels: those of one instruction set, or the fastest that this machine has
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// Number of threads [default: the physical cores]
    #[arg(short, long, value_name = "N", value_parser = whole::<usize>)]
    pub threads: Option<usize>,
    /// Element type of the KV cache
    #[arg(long, value_enum, value_name = "TYPE", default_value = "f16")]
    pub kv_type: KvName,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// How ternary weights are arranged in memory when they are loaded; never changes a result. No effect
    /// on weights with a scale for each group, which have one arrangement
    #[arg(long, value_enum, default_value = "auto")]
    pub packing: WeightPacking,
    /// Use a low-bit copy of the output matrix to find which logits must be computed exactly; never
    /// changes a result
    #[arg(long, value_enum, default_value = "auto")]
    pub screen: Screen,
}

/// How the native engine computes: several kernels, numbers of threads and so on make cells of a
/// sweep.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Engine")]
pub struct SweptEngineArgs {
    /// Kernels: those of one instruction set, or the fastest that this machine has
    #[arg(
        long,
        value_enum,
        value_name = "KERNEL,…",
        value_delimiter = ',',
        default_value = "auto"
    )]
    pub kernel: Vec<Kernel>,
    /// Number of threads [default: RAYON_NUM_THREADS, or the physical cores]
    #[arg(short, long, value_name = "N,…", value_parser = whole_numbers)]
    pub threads: Vec<NumberList>,
    /// Element type of the KV cache
    #[arg(
        long,
        value_enum,
        value_name = "TYPE,…",
        value_delimiter = ',',
        default_value = "f16"
    )]
    pub kv_type: Vec<KvName>,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// How ternary weights are arranged in memory when they are loaded; never changes a result. No effect
    /// on weights with a scale for each group, which have one arrangement
    #[arg(
        long,
        value_enum,
        value_name = "PACKING,…",
        value_delimiter = ',',
        default_value = "auto"
    )]
    pub packing: Vec<WeightPacking>,
    /// Use a low-bit copy of the output matrix to find which logits must be computed exactly; never
    /// changes a result
    #[arg(long, value_enum, default_value = "auto")]
    pub screen: Screen,
}

/// Arguments of `benchmark`. Only this command reads the variable of the threads.
#[derive(Debug, ClapArgs)]
#[command(after_help = about_benchmark())]
pub struct BenchmarkArgs {
    /// Model files
    #[command(flatten)]
    pub models: SweptModels,
    /// What is decoded
    #[command(flatten)]
    pub prompt: PromptArgs,
    /// Run with one thread, so that two runs differ only in times, date and machine.
    /// BITNET_DETERMINISTIC=1 in the environment does the same
    #[arg(long, help_heading = "Engine")]
    pub deterministic: bool,
    /// How the native engine computes
    #[command(flatten)]
    pub engine: SweptEngineArgs,
    /// Engines that are measured beside ours, or in its place
    #[command(flatten)]
    pub others: OtherEnginesArgs,
    /// How it is measured
    #[command(flatten)]
    pub measurement: MeasurementArgs,
    /// Where the receipt goes; - is standard output
    #[arg(long, value_name = "FILE", help_heading = "Receipt", help = about_output())]
    pub output: Option<PathBuf>,
    /// Where the receipts of several cells go, each under a name that says which cell it is
    /// [default: receipts]
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Receipt",
        conflicts_with = "output"
    )]
    pub output_dir: Option<PathBuf>,
    /// Take nonces from this challenger, http://HOST:PORT, for as many timed runs as it has rounds: each has
    /// a receipt, and the challenger signs how long each took by its own clock. The receipt of the fastest
    /// goes to --output, the statement beside it; --output-dir keeps all
    #[arg(long, value_name = "URL", help_heading = "Receipt", conflicts_with_all = ["prompt_ids", "prompt", "challenge", "repetitions"])]
    pub challenge_from: Option<ServerAddress>,
    /// Sign the receipt with this ed25519 private key; the bundle is FILE.dsse.json
    #[arg(long, value_name = "KEY", help_heading = "Receipt")]
    pub sign: Option<PathBuf>,
    /// Whether to replay the run here. With off, the receipt says that it was not replayed: a
    /// verifier's own replay can still prove its tokens, but a policy may reject it
    #[arg(long, value_enum, help_heading = "Receipt", default_value = "full")]
    pub parity: ParityMode,
    /// What it prints
    #[command(flatten)]
    pub print: LongRowOutputArgs,
}

impl BenchmarkArgs {
    /// Where the receipt of a single cell goes, unless a folder was named.
    pub fn output(&self) -> PathBuf {
        let named = self.output.clone();
        named.unwrap_or_else(|| program::current().receipt())
    }
}

fn about_output() -> String {
    let default = program::current().receipt();
    format!(
        "Where the receipt goes; - is standard output [default: {}]",
        default.display()
    )
}

fn about_benchmark() -> String {
    format!(
        "Arguments with … take lists such as 1,2,8, and those of numbers take ranges: 1-4, 1-16*2, \
         128-512+128. Each combination is a cell. Cells of one model, prompt, number of tokens and \
         KV type are proved by one replay.\n\nThe tokens of another engine (--engine) are judged by the \
         reference, with a tolerance. An engine that chose a wrong one has no number.\n\n{}",
        examples(&[
            "benchmark",
            "benchmark model.gguf -p 512 -n 64 -t 4",
            "benchmark model.gguf --prompt 'Once upon a time' --kernel avx2",
            "benchmark --output - > receipt.json",
            "benchmark model.gguf -t 1-8*2 --kernel avx2,auto --output-dir receipts",
            "benchmark -m a.gguf -m b.gguf -p 16,512 -o csv --export-md table.md",
            "benchmark model.gguf --engine ours --engine llama-server -t 1,2",
            "benchmark model.gguf --engine-command 'llama-server -m {model} -t {threads} --port {port}'",
        ])
    )
}

/// What is decoded.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Prompt and tokens")]
pub struct PromptArgs {
    /// Number of tokens to generate
    #[arg(short = 'n', long, value_name = "N,…", default_value = "128", value_parser = counts)]
    pub tokens: Vec<NumberList>,
    /// Number of prompt tokens, which follow from the seed
    #[arg(short, long, value_name = "N,…", default_value = "16", value_parser = counts)]
    pub prompt_tokens: Vec<NumberList>,
    /// Number of prompt tokens that are fed before the clock starts, in front of the others; 0 is none
    #[arg(short, long, value_name = "N,…", default_value = "0", value_parser = counts_or_none)]
    pub depth: Vec<NumberList>,
    /// Token ids as the prompt, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',', value_parser = whole::<u32>, conflicts_with = "prompt_tokens")]
    pub prompt_ids: Option<Vec<u32>>,
    /// A text as the prompt; the receipt has its ids and its SHA-256
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["prompt_tokens", "prompt_ids"])]
    pub prompt: Option<String>,
    /// Seed of the prompt [default: BITNET_SEED, or 42]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub seed: Option<u64>,
    /// A nonce that the verifier chose, mixed into the seed: 2 to 128 lower-case hex digits
    #[arg(long, value_name = "HEX", conflicts_with_all = ["prompt_ids", "prompt"])]
    pub challenge: Option<Challenge>,
}

/// How it is measured.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Measurement")]
pub struct MeasurementArgs {
    /// Number of untimed runs before the timed ones
    #[arg(long, value_name = "N", default_value = "1", value_parser = count_or_none)]
    pub warmup: usize,
    /// Number of timed runs [default: enough for about a second, 3 to 64, within the time budget]
    #[arg(short, long, value_name = "N", value_parser = count)]
    pub repetitions: Option<usize>,
    /// Seconds that the default number of timed runs may take. It is estimated from the work of a run, so
    /// that it is the same on every machine
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = whole::<u64>)]
    pub time_budget: u64,
    /// Bind the threads to as many CPUs, of different cores as long as there are any
    #[arg(long)]
    pub pin: bool,
    /// Run once more after the timed runs, and show the time of each operation
    #[arg(long)]
    pub profile: bool,
    /// Wait so many milliseconds before each cell of a sweep but the first
    #[arg(long, value_name = "MS", default_value = "0", value_parser = milliseconds)]
    pub delay: u64,
    /// Order of the cells of a sweep, which is random [default: another one each time, which is shown]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub order_seed: Option<u64>,
}

/// Arguments of `run`. What it prints is the text, so nothing keeps it quiet.
#[derive(Debug, ClapArgs)]
#[command(mut_arg("quiet", |quiet| quiet.help(
    "Print no progress; the text, or the JSON, is printed all the same"
)))]
#[command(after_help = examples(&[
    "run -p 'A slice is' -n 60",
    "run model.gguf -p 'Once upon a time' -n 40",
]))]
pub struct RunArgs {
    /// Model file
    #[command(flatten)]
    pub model: OptionalModel,
    /// The text to continue
    #[arg(short, long, value_name = "TEXT")]
    pub prompt: String,
    /// Largest number of tokens to generate; the model may end before
    #[arg(short = 'n', long, value_name = "N", default_value = "128", value_parser = count)]
    pub tokens: usize,
    /// How the native engine computes
    #[command(flatten)]
    pub engine: EngineArgs,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// Arguments of `logits`.
#[derive(Debug, ClapArgs)]
#[command(override_usage = usage("logits [OPTIONS] --prompt-ids IDS --output FILE <MODEL>"))]
#[command(after_help = examples(&["logits model.gguf --prompt-ids 1,2,3 --output out.npy"]))]
pub struct LogitsArgs {
    /// Model file
    #[command(flatten)]
    pub model: RequiredModel,
    /// Token ids of the prompt, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',', value_parser = whole::<u32>, required = true)]
    pub prompt_ids: Vec<u32>,
    /// Number of tokens to decode greedily; the array has a row for each position fed
    #[arg(short = 'n', long, value_name = "N", default_value = "1", value_parser = count)]
    pub tokens: usize,
    /// Where the array goes: float32, [prompt + tokens - 1, vocabulary]; - is standard output
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Layout of the I2_S tensors, which files do not record; published files have block128
    #[arg(long, value_enum, value_name = "LAYOUT", default_value = "block128")]
    pub i2s_layout: I2s,
    /// Element type of the KV cache
    #[arg(long, value_enum, value_name = "TYPE", default_value = "f16")]
    pub kv_type: KvName,
    /// Which side computes: the native engine, or the reference in the sandbox
    #[arg(long, value_enum, default_value = "native")]
    pub engine: Side,
    /// Kernels of the native engine
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// Arguments of `bandwidth`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["bandwidth -t 1,2"]))]
pub struct BandwidthArgs {
    /// Numbers of threads, separated by commas [default: 1, 2, 4, … and the physical cores]
    #[arg(short, long, value_name = "N,…", value_delimiter = ',', value_parser = whole::<usize>)]
    pub threads: Option<Vec<usize>>,
    /// Number of bytes to read. Choose several times the size of the last-level cache; with fewer,
    /// you measure the cache
    #[arg(long, value_name = "N", default_value = "1073741824", value_parser = read_bytes)]
    pub bytes: usize,
    /// Kernels
    #[arg(long, value_enum, default_value = "auto")]
    pub kernel: Kernel,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// Arguments of `keygen`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["keygen my.key", "benchmark --sign my.key"]))]
pub struct KeygenArgs {
    /// Where the key goes
    #[command(flatten)]
    pub key: super::files::KeyFile,
    /// What it prints
    #[command(flatten)]
    pub output: OutputArgs,
}
