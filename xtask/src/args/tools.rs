//! Arguments of the commands for shells and for the developers of a checkout.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap_complete::Shell;

use super::{examples::examples, output::LongOutputArgs};
use crate::program;

/// Arguments of `completions`.
#[derive(Debug, ClapArgs)]
#[command(after_help = installing())]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Where the shells look for what they complete.
fn installing() -> String {
    let name = program::current().name();
    examples(&[
        // In two lines: one would be wider than a terminal.
        &format!("completions bash \\\n    > ~/.local/share/bash-completion/completions/{name}"),
        &format!("completions fish > ~/.config/fish/completions/{name}.fish"),
    ])
}

/// Arguments of `man`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["man | man -l -", "man --output man1"]))]
pub struct ManArgs {
    /// Write a page for each command to this folder [default: the main page, to standard output]
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Arguments of `selftest`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["selftest"]))]
pub struct SelftestArgs {
    /// The folder with the vectors
    #[arg(value_name = "VECTORS", default_value = "ci/vectors")]
    folder: PathBuf,
    /// The same, as a flag
    #[arg(long, value_name = "VECTORS", hide = true, conflicts_with = "folder")]
    vectors: Option<PathBuf>,
    /// The model whose receipt is forged: the vectors are made for the tiny one
    #[arg(short, long)]
    pub model: Option<PathBuf>,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}

impl SelftestArgs {
    /// The folder with the vectors.
    pub fn folder(&self) -> &std::path::Path {
        self.vectors.as_deref().unwrap_or(&self.folder)
    }
}

/// Arguments of `guest`.
#[derive(Debug, ClapArgs)]
#[command(after_help = examples(&["guest --check"]))]
pub struct GuestArgs {
    /// Build, compare with the committed guest byte for byte, change nothing
    #[arg(long)]
    pub check: bool,
    /// What it prints
    #[command(flatten)]
    pub print: LongOutputArgs,
}
