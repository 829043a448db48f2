//! Words that arguments take.

use clap::ValueEnum;
use engine_native::{I2sLayout, Isa, KernelChoice, Packing, Screening};

/// `--kernel`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
#[allow(missing_docs)]
pub enum Kernel {
    Auto,
    Scalar,
    Avx2,
    AvxVnni,
    #[value(alias = "avx512")]
    Avx512Vnni,
    Amx,
}

impl From<Kernel> for KernelChoice {
    fn from(kernel: Kernel) -> Self {
        match kernel {
            Kernel::Auto => Self::Auto,
            Kernel::Scalar => Self::Only(Isa::Scalar),
            Kernel::Avx2 => Self::Only(Isa::Avx2),
            Kernel::AvxVnni => Self::Only(Isa::AvxVnni),
            Kernel::Avx512Vnni => Self::Only(Isa::Avx512Vnni),
            Kernel::Amx => Self::Only(Isa::Amx),
        }
    }
}

/// `--packing`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightPacking {
    /// What the kernels read fastest: densest if the weights do not fit into the caches, otherwise
    /// two-bit
    Auto,
    /// As in the file (other types: as packed at load), which needs no second copy in memory
    Off,
    /// Two bits per weight, in the order in which the kernels read
    TwoBit,
    /// Five bits for three weights, where the kernels can read that
    Densest,
}

impl From<WeightPacking> for Packing {
    fn from(packing: WeightPacking) -> Self {
        match packing {
            WeightPacking::Auto => Self::Auto,
            WeightPacking::Off => Self::Off,
            WeightPacking::TwoBit => Self::TwoBit,
            WeightPacking::Densest => Self::Densest,
        }
    }
}

/// `--screen`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Screen {
    /// With SIMD kernels, if the output matrix exceeds 16 MB
    Auto,
    /// Compute every logit
    Off,
    /// With any kernels and any size
    Always,
}

impl From<Screen> for Screening {
    fn from(screen: Screen) -> Self {
        match screen {
            Screen::Auto => Self::Auto,
            Screen::Off => Self::Off,
            Screen::Always => Self::Always,
        }
    }
}

/// `--i2s-layout`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum I2s {
    Block128,
    Row4,
    Block64,
}

impl From<I2s> for I2sLayout {
    fn from(layout: I2s) -> Self {
        match layout {
            I2s::Block128 => Self::Block128,
            I2s::Row4 => Self::Row4,
            I2s::Block64 => Self::Block64,
        }
    }
}

/// `--precision`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Precision {
    Reduced,
    F32,
}

impl From<Precision> for host::judge::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Reduced => Self::Reduced,
            Precision::F32 => Self::F32,
        }
    }
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON object on standard output, also for an error
    Json,
}

/// `--format` of a command whose result has rows
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RowFormat {
    /// For people
    #[default]
    Human,
    /// JSON: of one run its receipt, of several an array of rows
    Json,
    /// The rows as a Markdown table
    #[value(alias = "markdown")]
    Md,
    /// The rows as comma-separated values
    Csv,
    /// The rows as JSON, an object a line
    Jsonl,
    /// The rows as SQL that makes the table bitreceipt and fills it
    Sql,
    /// The rates for github-action-benchmark: customBiggerIsBetter
    GithubActionBenchmark,
    /// The rates for Bencher: its metric format
    Bencher,
}

/// `--parity`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum ParityMode {
    Full,
    Off,
}

/// `--engine`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Side {
    Native,
    Guest,
}

/// The address of a page: `https://…` or `http://…`, which a browser can follow and nothing more.
pub(super) fn address(text: &str) -> Result<String, String> {
    let is_web = ["https://", "http://"].iter().any(|scheme| {
        let rest = text.strip_prefix(scheme);
        rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    let is_whole = text.chars().all(|c| c.is_ascii_graphic());
    match is_web && is_whole {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "found {text:?}, allowed an address such as https://example.org/check/"
        )),
    }
}
