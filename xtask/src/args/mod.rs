//! Arguments of every command.

mod benchmark;
mod challenge;
mod compare;
mod conformance;
mod engines;
mod examples;
mod files;
mod leaderboard;
mod models;
mod numbers;
mod output;
mod ranges;
mod replay;
mod report;
mod tools;
mod values;
mod verdict;
mod verification;
mod web;

pub use benchmark::{
    BandwidthArgs, BenchmarkArgs, EngineArgs, KeygenArgs, LogitsArgs, MeasurementArgs, PromptArgs,
    RunArgs, SweptEngineArgs,
};
pub use challenge::{ChallengeArgs, ChallengeCommand, ChallengeServeArgs};
pub use compare::{BuildsArgs, CompareArgs, CompareFormat, CompareOutputArgs, Vary};
pub use conformance::{ConformanceArgs, CorpusArgs, SubjectArgs};
pub use engines::{EngineFile, OURS, OtherEnginesArgs};
pub use files::{KeyFile, RequiredModel, SweptModels, TranscriptAndModel};
pub use leaderboard::LeaderboardArgs;
pub use models::{
    CacheArgs, CacheClearArgs, CacheCommand, CacheListArgs, InspectArgs, MakeModelArgs, ModelArgs,
    ModelCommand, ModelListArgs, ModelPlace, ModelSameArgs, ModelVerifyArgs, PresetArg,
};
pub use output::{
    ExportArgs, LongOutputArgs, LongRowOutputArgs, OutputArgs, ProgressMode, RowOutputArgs,
};
pub use ranges::{NumberList, numbers};
pub use replay::ReplayArgs;
pub use report::ReportArgs;
pub use tools::{CompletionsArgs, GuestArgs, ManArgs, SelftestArgs};
pub use values::{Format, I2s, Kernel, ParityMode, RowFormat, Screen, Side, WeightPacking};
pub use verdict::{VerdictArgs, VerdictCommand, VerdictMergeArgs};
pub use verification::{AllowanceArgs, ShowArgs, VerifyReceiptArgs};
pub use web::WebArgs;

use clap::{Parser, Subcommand};

use crate::program;

/// The end of the help of a program.
fn after_help() -> String {
    let call = program::current().call();
    format!(
        "\
Start with:
  {call} benchmark
  {call} verify-receipt

With --format json, an error is an object on standard output too:
  {{\"error\": {{\"code\": 5, \"what\": \"…\", \"where\": \"…\", \"hint\": \"…\"}}}}

Exit codes: 0 done or accepted, 1 rejected or parity failed, 2 usage,
3 unverifiable, 4 bad input, 5 input or output failed, 130 interrupted."
    )
}

/// Benchmark receipts for 1.58-bit LLM inference that a stranger can replay.
#[derive(Debug, Parser)]
#[command(name = "bitreceipt", bin_name = "bitreceipt", version, after_help = after_help())]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Benchmark receipts for 1.58-bit LLM inference that a stranger can replay.
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "xtask", version, after_help = after_help())]
pub struct XtaskArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: XtaskCommand,
}

/// The commands of users.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Decode on the native engine, replay in the sandbox, write a receipt if both agree
    Benchmark(Box<BenchmarkArgs>),
    /// Be the clock of somebody else's benchmark: give nonces, take the time until the answers
    Challenge(ChallengeArgs),
    /// Check a receipt: replay its run and derive every figure again
    VerifyReceipt(Box<VerifyReceiptArgs>),
    /// Put together verdicts that several verifiers made on parts of one run
    Verdict(VerdictArgs),
    /// Verify many receipts and rank those that were replayed
    Leaderboard(LeaderboardArgs),
    /// Print what receipts say, without judging them
    Show(ShowArgs),
    /// Write a page with the verdict on receipts, and charts of what they measured
    Report(ReportArgs),
    /// Compare receipts, or two builds that run in turns: tokens, work, then speed
    Compare(Box<CompareArgs>),
    /// Judge tokens that another engine chose: would the reference have chosen them?
    Replay(ReplayArgs),
    /// Judge an engine by a corpus of small models: does it read and compute what it must?
    Conformance(Box<ConformanceArgs>),
    /// Make a key that signs receipts
    Keygen(KeygenArgs),
    /// Continue a text, without timing and without a receipt
    Run(RunArgs),
    /// Write the logits of a run as a NumPy array
    Logits(LogitsArgs),
    /// Write a model with random weights, the same bytes on every machine
    MakeModel(MakeModelArgs),
    /// Show what is in a model file, and what a run of it takes
    Inspect(InspectArgs),
    /// Show the known models, or compare a file with them
    Model(ModelArgs),
    /// Show or clear the folder in which models are kept
    Cache(CacheArgs),
    /// Measure how fast this machine reads memory, the bound of every decode step
    Bandwidth(BandwidthArgs),
    /// Print what a shell needs to complete commands
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}

/// The commands of `xtask`: those of users, and those of the developers of a checkout.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum XtaskCommand {
    #[command(flatten)]
    User(Command),
    /// Forge a receipt in every published way: the verifier has to catch each
    Selftest(SelftestArgs),
    /// Build the reference guest, or check the committed one
    Guest(GuestArgs),
    /// Make the files of the conformance corpus, or check the committed ones
    Corpus(CorpusArgs),
    /// Build the page that verifies receipts in a browser
    Web(WebArgs),
}
