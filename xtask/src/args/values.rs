//! Values that arguments take.

use std::{
    num::NonZeroUsize,
    ops::{Range, RangeInclusive},
    str::FromStr,
};

use clap::ValueEnum;
use engine_native::{I2sLayout, Isa, KernelChoice, KvType, Packing, Screening};
use host::digest::Digest;

/// `--kernel`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
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

/// `--kv-type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Kv {
    F16,
    F32,
}

impl From<Kv> for KvType {
    fn from(kv: Kv) -> Self {
        match kv {
            Kv::F16 => Self::F16,
            Kv::F32 => Self::F32,
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

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON object on standard output, also for an error
    Json,
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

/// A count from 1 on, small enough for any transcript.
pub(super) fn count(text: &str) -> Result<usize, String> {
    within(text, 1..=1 << 24)
}

/// A count from 0 on.
pub(super) fn count_or_none(text: &str) -> Result<usize, String> {
    within(text, 0..=1 << 24)
}

/// A number of bytes whose reading can be timed.
pub(super) fn read_bytes(text: &str) -> Result<usize, String> {
    within(text, 1 << 20..=1 << 40)
}

/// How many guests replay at once.
pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("found {}, allowed 1 or more", shown(text)))
}

fn within(text: &str, allowed: RangeInclusive<usize>) -> Result<usize, String> {
    let number = text.trim().parse().ok();
    let number = number.filter(|number| allowed.contains(number));
    number.ok_or_else(|| {
        let (first, last) = allowed.into_inner();
        let found = shown(text);
        format!("found {found}, allowed whole numbers from {first} to {last}")
    })
}

/// What was found: a number as it is, and anything else in quotes.
fn shown(text: &str) -> String {
    match text.bytes().all(|c| c.is_ascii_digit()) && !text.is_empty() {
        true => text.to_owned(),
        false => format!("{text:?}"),
    }
}

/// A whole number, with spaces around it.
pub(super) fn whole<N: FromStr>(text: &str) -> Result<N, String> {
    let number = text.trim().parse();
    number.map_err(|_| format!("found {text:?}, allowed whole numbers such as 3"))
}

/// A percentage, with one decimal at most, in thousandths.
pub(super) fn per_mille(text: &str) -> Result<u32, String> {
    let wanted = || format!("found {text:?}, allowed 0.1% to 100%, with one decimal at most");
    let number = text.strip_suffix('%').unwrap_or(text);
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| text.bytes().all(|c| c.is_ascii_digit());
    if tenth.len() != 1 || whole.len() > 3 || !digits(whole) || !digits(tenth) {
        return Err(wanted());
    }
    let per_mille = format!("{whole}{tenth}").parse().map_err(|_| wanted())?;
    match per_mille {
        1..=1000 => Ok(per_mille),
        _ => Err(wanted()),
    }
}

/// A difference of logits.
pub(super) fn tolerance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    number
        .filter(|x: &f64| x.is_finite() && *x >= 0.0)
        .ok_or_else(|| format!("found {text:?}, allowed numbers from 0 up"))
}

/// A range of layers.
pub(super) fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let ends = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.filter(|layers| !layers.is_empty()).ok_or_else(|| {
        format!("found {text:?}, allowed FIRST..END, such as 3..4 for layer 3 alone")
    })
}

/// A nonce.
pub(super) fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| format!("found {text:?}, allowed 64 lower-case hex digits"))
}
