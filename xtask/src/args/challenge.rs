//! Arguments of `challenge`.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, Subcommand};

use super::{
    examples::examples,
    numbers::{jobs, rounds, time, whole},
    output::LongOutputArgs,
};

/// Arguments of `challenge`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["challenge serve --key challenger.key"]))]
pub struct ChallengeArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ChallengeCommand,
}

/// What there is to do with challenges.
#[derive(Debug, Subcommand)]
pub enum ChallengeCommand {
    /// Give nonces to `benchmark --challenge-from`, take the time until its answers, and sign what it was
    Serve(ChallengeServeArgs),
}

/// Arguments of `challenge serve`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "challenge serve --key challenger.key",
    "challenge serve --key challenger.key --rounds 5 --sessions 1",
]))]
pub struct ChallengeServeArgs {
    /// Address and port to listen on; port 0 is any free one. There is no TLS: put a proxy or an SSH
    /// tunnel in front of it
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7420")]
    pub listen: SocketAddr,
    /// Sign with this ed25519 private key
    #[arg(long, value_name = "KEY")]
    pub key: PathBuf,
    /// Rounds of each session: nonces, each for one timed run
    #[arg(long, value_name = "N", default_value = "3", value_parser = rounds)]
    pub rounds: usize,
    /// End after so many sessions [default: serve until Ctrl-C]
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub sessions: Option<u64>,
    /// The longest that an answer may take, such as 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    pub answer_within: Duration,
    /// The most positions of a run, prompt and tokens: what a replay here costs
    #[arg(long, value_name = "N", default_value = "4096", value_parser = whole::<u64>)]
    pub max_positions: u64,
    /// The model file [default: found by its digest in models/ or in the cache]
    #[arg(short, long, value_name = "FILE")]
    pub model: Option<PathBuf>,
    /// Replay nothing: the statement is then about the time alone, and says so
    #[arg(long)]
    pub no_replay: bool,
    /// Guests that replay at once; changes only the time [default: the physical cores]
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// What it prints; as JSON, an object a line
    #[command(flatten)]
    pub print: LongOutputArgs,
}
