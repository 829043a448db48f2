//! Values that arguments take.

use std::{ops::Range, str::FromStr};

use clap::{ValueEnum, builder::RangedU64ValueParser};
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
    /// As the kernels are fastest with: densest if the weights exceed caches, else two-bit
    Auto,
    /// The file's own rows, or what other types were packed to: no memory beside the model
    Off,
    /// Two bits a weight, in the order that the kernels read
    TwoBit,
    /// With the fewest bits a weight: three weights in five bits, where the kernels can read them
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
    /// With SIMD kernels, and output matrices above 16 MB
    Auto,
    /// Every logit is computed
    Off,
    /// Whatever the kernels and the size
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
pub(super) fn count() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::from(1..=1 << 24)
}

/// A count from 0 on.
pub(super) fn count_or_none() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::from(0..=1 << 24)
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
        .ok_or_else(|| format!("found {text:?}, allowed numbers from 0 on"))
}

/// A range of layers.
pub(super) fn layers(text: &str) -> Result<Range<usize>, String> {
    let ends = text.split_once("..");
    let ends = ends.and_then(|(a, b)| Some(a.parse().ok()?..b.parse().ok()?));
    ends.filter(|layers| !layers.is_empty())
        .ok_or_else(|| format!("found {text:?}, allowed A..B with A < B"))
}

/// A nonce.
pub(super) fn digest(text: &str) -> Result<Digest, String> {
    Digest::parse(text).ok_or_else(|| format!("found {text:?}, allowed 64 lower-case hex digits"))
}
