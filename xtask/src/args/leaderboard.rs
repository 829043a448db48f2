//! Arguments of `leaderboard`.

use std::{num::NonZeroUsize, path::PathBuf};

use clap::Args as ClapArgs;

use super::{
    examples::examples,
    numbers::{jobs, whole},
    output::LongOutputArgs,
};

/// Arguments of `leaderboard`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&[
    "leaderboard receipts",
    "leaderboard receipts --output board.html",
    "leaderboard --verdicts verdicts.jsonl --output board.md",
]))]
#[group(id = "receipts", required = true, multiple = false, args = ["folder", "verdicts"])]
pub struct LeaderboardArgs {
    /// The folder: each receipt in it is verified, and other JSON is skipped with a note. Folders in it
    /// are not visited
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Verify nothing: take the verdicts that `verify-receipt --format json` printed elsewhere, one a
    /// line. The board is then as good as whoever made them
    #[arg(long, value_name = "FILE")]
    pub verdicts: Option<PathBuf>,
    /// Where the board goes: a .md, .html or .parquet file [default: Markdown on standard output]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// A folder in which models are looked for, besides models/, DIR and the cache
    #[arg(long, value_name = "DIR", conflicts_with = "verdicts")]
    pub models: Option<PathBuf>,
    /// A TOML file with further demands, as for verify-receipt
    #[arg(long, value_name = "FILE", conflicts_with = "verdicts")]
    pub policy: Option<PathBuf>,
    /// Replay nothing: no receipt has a rank then
    #[arg(long, conflicts_with = "verdicts")]
    pub no_replay: bool,
    /// Guests that replay at once; changes only the time [default: the physical cores]
    #[arg(long, value_name = "N", value_parser = jobs, conflicts_with = "verdicts")]
    pub jobs: Option<NonZeroUsize>,
    /// Do not replay receipts of more positions
    #[arg(long, value_name = "N", value_parser = whole::<u64>, conflicts_with = "verdicts")]
    pub max_positions: Option<u64>,
    /// Do not replay receipts of larger model files
    #[arg(long, value_name = "N", value_parser = whole::<u64>, conflicts_with = "verdicts")]
    pub max_bytes: Option<u64>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
