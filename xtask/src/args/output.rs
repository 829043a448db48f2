//! How commands show what they do and what came of it.

use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, ValueEnum};

use super::values::{Format, RowFormat};

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
    #[arg(short = 'o', long, value_enum, default_value = "human")]
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

/// What a command prints whose result has rows.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub struct RowOutputArgs {
    /// What is printed to standard output
    #[arg(short = 'o', long, value_enum, default_value = "human")]
    pub format: RowFormat,
    /// The rows once more, to standard error; -oe for short
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format_err: Option<RowFormat>,
    /// Print no progress and no report; the exit code tells the result. What programs read is printed
    /// all the same
    #[arg(short, long)]
    pub quiet: bool,
    /// Write the rows to files, too
    #[command(flatten)]
    pub exports: ExportArgs,
}

impl RowOutputArgs {
    /// Whether people read it.
    pub fn is_text(&self) -> bool {
        self.format == RowFormat::Human && !self.quiet
    }
}

/// Files for the rows of a result.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub struct ExportArgs {
    /// Write the rows to this file, as a Markdown table
    #[arg(long, value_name = "FILE")]
    pub export_md: Option<PathBuf>,
    /// Write the rows to this file, as comma-separated values
    #[arg(long, value_name = "FILE")]
    pub export_csv: Option<PathBuf>,
    /// Write the rows to this file, as a JSON array
    #[arg(long, value_name = "FILE")]
    pub export_json: Option<PathBuf>,
    /// Write the rows to this file, as a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub export_jsonl: Option<PathBuf>,
    /// Write the rows to this file, as SQL that makes the table bitreceipt and fills it
    #[arg(long, value_name = "FILE")]
    pub export_sql: Option<PathBuf>,
}

impl ExportArgs {
    /// The files that were asked for.
    pub fn files(&self) -> impl Iterator<Item = (RowFormat, &Path)> {
        let all = [
            (RowFormat::Md, &self.export_md),
            (RowFormat::Csv, &self.export_csv),
            (RowFormat::Json, &self.export_json),
            (RowFormat::Jsonl, &self.export_jsonl),
            (RowFormat::Sql, &self.export_sql),
        ];
        let given = all.into_iter();
        given.filter_map(|(format, path)| Some((format, path.as_deref()?)))
    }
}

/// What a command prints that takes a while, and whose result has rows.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub struct LongRowOutputArgs {
    /// What it prints
    #[command(flatten)]
    pub output: RowOutputArgs,
    /// What to show on standard error meanwhile
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressMode,
}

impl LongRowOutputArgs {
    /// How progress is shown.
    pub fn progress(&self) -> LongOutputArgs {
        LongOutputArgs {
            output: OutputArgs {
                quiet: self.output.quiet,
                ..OutputArgs::default()
            },
            progress: self.progress,
        }
    }
}
