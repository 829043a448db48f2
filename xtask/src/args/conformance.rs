//! Arguments of `conformance`, and of the command that makes its committed files.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::{
    examples::{examples, usage},
    output::LongOutputArgs,
    values::Kernel,
};
use crate::kv_name::KvName;

/// Arguments of `conformance`.
#[derive(Debug, ClapArgs)]
#[command(override_usage = usage("conformance [OPTIONS] <--engine E|--answers FILE|--export DIR>"))]
#[command(after_help = examples(&[
    "conformance --engine ours",
    "conformance --engine llama-server",
    "conformance --export corpus",
    "conformance --answers answers.json",
]))]
pub struct ConformanceArgs {
    /// What is judged
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Threads of the engine
    #[arg(short, long, value_name = "N", default_value = "1")]
    pub threads: usize,
    /// Kernels of our own engine
    #[arg(long, value_enum, value_name = "ISA", default_value = "auto")]
    pub kernel: Kernel,
    /// Element type of the engine's KV cache: sets that of ours, and says that of another one, whose command
    /// has to set it [default: f16, or what the engine says]
    #[arg(long, value_enum, value_name = "TYPE")]
    pub kv_type: Option<KvName>,
    /// Engines of your own: a file as ci/engines/README.md describes
    #[arg(long, value_name = "FILE", requires = "engine")]
    pub engine_adapters: Option<PathBuf>,
    /// Write the engine's answers to this file, too
    #[arg(long, value_name = "FILE", requires = "engine")]
    pub save_answers: Option<PathBuf>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

/// What is judged.
#[derive(Debug, ClapArgs)]
#[group(id = "subject", required = true, multiple = false)]
pub struct SubjectArgs {
    /// Run this engine over the corpus: ours, an adapter such as llama-server, or a command such as
    /// './engine {model}'
    #[arg(short, long, value_name = "NAME|COMMAND")]
    pub engine: Option<String>,
    /// Judge the answers in this file, which somebody else's program wrote; - is standard input
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Judge nothing, but write the corpus to this folder: models, cases, files to be refused, and the
    /// script that judges answers
    #[arg(long, value_name = "DIR")]
    pub export: Option<PathBuf>,
}

/// Arguments of `corpus`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["corpus"]))]
pub struct CorpusArgs {
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
