//! Arguments of `compare`.

use std::{collections::BTreeSet, ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args as ClapArgs, ValueEnum};
use host::comparison::Aspect;

use super::{
    examples::{examples, usage},
    numbers::{per_mille, share, time, whole},
    output::ProgressMode,
};

/// Arguments of `compare`.
#[derive(Debug, ClapArgs)]
#[command(override_usage = usage(
    "compare [OPTIONS] <OLD> <NEW>\n       compare [OPTIONS] --bin A [--bin B] [--vary 'FLAG=X|Y'] [-- ARGS…]"
))]
#[command(after_help = examples(&[
    "compare old.json new.json",
    "compare receipts-of-monday/ receipts-of-tuesday/ --max-slowdown 25%",
    "compare --bin base/bitreceipt --bin head/bitreceipt --max-slowdown 5%",
    "compare --vary 'kernel=avx2|auto' --model model.gguf -- -n 64 -t 1",
]))]
pub struct CompareArgs {
    /// Receipt, or folder of receipts
    #[arg(value_name = "OLD", requires = "new", conflicts_with_all = ["bin", "vary"])]
    pub old: Option<PathBuf>,
    /// Receipt or folder that is compared with OLD
    #[arg(value_name = "NEW")]
    pub new: Option<PathBuf>,
    /// Compare what two kinds of receipts have in common, although they differ in this
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        value_delimiter = ',',
        help_heading = "Receipts"
    )]
    pub across: Vec<Across>,
    /// So much may the machine itself have changed between receipts that did not take turns
    #[arg(long, value_name = "PERCENT", default_value = "20%", value_parser = share, help_heading = "Receipts", conflicts_with_all = ["bin", "vary"])]
    pub drift: f64,
    /// Builds that run in turns
    #[command(flatten)]
    pub builds: BuildsArgs,
    /// Exit with 1 if NEW or the second build is slower by more than this, as far as the samples show
    #[arg(long, value_name = "PERCENT", value_parser = share, help_heading = "Verdict")]
    pub max_slowdown: Option<f64>,
    /// Confidence of the intervals
    #[arg(long, value_name = "PERCENT", default_value = "99.9%", value_parser = per_mille, help_heading = "Verdict")]
    pub confidence: u32,
    /// What it prints
    #[command(flatten)]
    pub print: CompareOutputArgs,
    /// Arguments of `benchmark`, for both sides
    #[arg(last = true, value_name = "ARGS", conflicts_with = "old")]
    pub args: Vec<OsString>,
}

impl CompareArgs {
    /// The aspects in which the sides may differ.
    pub fn across(&self) -> BTreeSet<Aspect> {
        let aspects = self.across.iter().flat_map(|across| across.aspects());
        aspects.copied().collect()
    }
}

/// Two builds, or one with two settings.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Builds")]
pub struct BuildsArgs {
    /// A build of bitreceipt; given twice, both are compared [default with --vary: this program]
    #[arg(long, value_name = "FILE")]
    pub bin: Vec<PathBuf>,
    /// A flag of benchmark and the value for each side, such as 'kernel=avx2|auto'
    #[arg(long, value_name = "FLAG=X|Y")]
    pub vary: Option<Vary>,
    /// Model file [default: that of benchmark]
    #[arg(short, long, value_name = "MODEL", conflicts_with = "old")]
    pub model: Option<PathBuf>,
    /// Run until the interval of the decode ratio is this narrow
    #[arg(long, value_name = "PERCENT", default_value = "3%", value_parser = share, conflicts_with = "old")]
    pub width: f64,
    /// Begin no pair of runs after this time, such as 90s or 5m
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = time, conflicts_with = "old")]
    pub time_budget: Duration,
    /// Seed of the order in each pair [default: drawn, and shown]
    #[arg(long, value_name = "N", value_parser = whole::<u64>, conflicts_with = "old")]
    pub order_seed: Option<u64>,
    /// Also count the instructions of a repetition, with valgrind's callgrind, one thread and the kernels of
    /// AVX2 at most
    #[arg(long, conflicts_with = "old")]
    pub callgrind: bool,
    /// Keep all receipts in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "old")]
    pub output_dir: Option<PathBuf>,
}

/// What `compare` prints.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
#[command(next_help_heading = "Output")]
pub struct CompareOutputArgs {
    /// For people, for programs, or for the summary of a CI job
    #[arg(short = 'o', long, value_enum, default_value = "human")]
    pub format: CompareFormat,
    /// Print no progress and no report; the exit code tells the result. JSON and Markdown are printed
    /// all the same
    #[arg(short, long)]
    pub quiet: bool,
    /// What to show on standard error meanwhile
    #[arg(long, value_enum, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressMode,
}

/// `--format` of `compare`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum CompareFormat {
    /// For people
    #[default]
    Human,
    /// Markdown, for the summary of a CI job
    #[value(alias = "markdown")]
    Md,
    /// One JSON object on standard output, also for an error
    Json,
}

/// `--across`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Across {
    /// Models; tokens are not compared then
    Model,
    /// Prompts, numbers of tokens or types of the KV cache; tokens are not compared then
    Task,
    /// Kernels that were asked for, or threads
    Settings,
    /// Machines
    Machine,
}

impl Across {
    /// What may differ then.
    pub fn aspects(self) -> &'static [Aspect] {
        match self {
            Self::Model => &[Aspect::Model],
            Self::Task => &[Aspect::Task],
            Self::Settings => &[Aspect::Kernels, Aspect::Threads],
            Self::Machine => &[Aspect::Machine],
        }
    }
}

/// A flag of `benchmark`, and its values on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vary {
    /// The flag, with its dashes.
    pub flag: String,
    /// The value of each side.
    pub values: [String; 2],
}

impl std::str::FromStr for Vary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("found {text:?}, allowed FLAG=X|Y, such as 'kernel=avx2|auto'");
        let (flag, values) = text.split_once('=').ok_or_else(wanted)?;
        let (one, other) = values.split_once('|').ok_or_else(wanted)?;
        let flag = flag.trim_start_matches('-');
        let is_word = |text: &str| !text.is_empty() && !text.contains(['|', '\0']);
        if flag.is_empty() || !is_word(one) || !is_word(other) {
            return Err(wanted());
        }
        let dashes = if flag.chars().count() == 1 { "-" } else { "--" };
        Ok(Self {
            flag: format!("{dashes}{flag}"),
            values: [one.to_owned(), other.to_owned()],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Vary;

    #[test]
    fn two_values_of_a_flag() {
        let found: Vary = "kernel=avx2|auto".parse().unwrap();
        assert_eq!(found.flag, "--kernel");
        assert_eq!(found.values, ["avx2", "auto"]);
        assert_eq!("--kernel=avx2|auto".parse(), Ok(found));
        assert_eq!("t=1|2".parse::<Vary>().unwrap().flag, "-t");
        for wrong in [
            "",
            "kernel",
            "kernel=",
            "kernel=avx2",
            "=a|b",
            "k=|b",
            "k=a|",
            "k=a|b|c",
        ] {
            assert!(
                wrong
                    .parse::<Vary>()
                    .unwrap_err()
                    .contains("'kernel=avx2|auto'"),
                "{wrong}"
            );
        }
    }
}
