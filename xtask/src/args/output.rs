//! How commands show what they do and what came of it.

use clap::{Args as ClapArgs, ValueEnum};

use super::values::Format;

/// `--progress`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ProgressMode {
    /// A bar on a terminal; elsewhere a line for each phase that lasts
    #[default]
    Auto,
    /// A line for each phase
    Plain,
    /// Nothing
    None,
}

/// What a command prints.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// For people, or for programs
    #[arg(long, value_enum, default_value = "human")]
    pub format: Format,
    /// Print no progress and no report; the exit code tells the result. JSON is printed all the same
    #[arg(short, long)]
    pub quiet: bool,
}

impl OutputArgs {
    /// Whether people read it.
    pub fn is_text(self) -> bool {
        self.format == Format::Human && !self.quiet
    }
}

/// What a command prints that takes a while.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub struct LongOutputArgs {
    /// What it prints
    #[command(flatten)]
    pub output: OutputArgs,
    /// What to show on standard error meanwhile
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressMode,
}
