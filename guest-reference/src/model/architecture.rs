//! The supported architectures, and how they differ.

use alloc::format;

use super::refusals;
use crate::error::{Error, Result};
use crate::gguf::Metadata;

/// What is computed between the gate and up projections and the down projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `relu(gate)^2 * up`.
    SquaredRelu,
    /// `gate / (1 + exp(-gate)) * up`.
    Silu,
}

/// Which two elements of a head turn together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotaryPairs {
    /// j and j + d/2.
    Halves,
    /// 2j and 2j + 1.
    Neighbours,
}

/// A value of `general.architecture`, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// The value, which is also the prefix of the model's keys.
    pub name: &'static str,
    /// Activation of the feed-forward network.
    pub activation: Activation,
    /// Whether the attention output and the activation are normalized before their projection.
    pub sub_norms: bool,
    /// Whether each query and key head is normalized before it is rotated.
    pub head_norms: bool,
    /// Pairing of rotary position embedding.
    pub pairs: RotaryPairs,
    /// Whether the file may hold `rope_freqs.weight`.
    pub frequency_factors: bool,
}

const fn bitnet(name: &'static str, activation: Activation) -> Architecture {
    Architecture {
        name,
        activation,
        sub_norms: true,
        head_norms: false,
        pairs: RotaryPairs::Halves,
        frequency_factors: false,
    }
}

/// All supported architectures.
pub const ARCHITECTURES: [Architecture; 5] = [
    bitnet("bitnet-b1.58", Activation::SquaredRelu),
    bitnet("bitnet-25", Activation::SquaredRelu),
    bitnet("bitnet", Activation::Silu),
    Architecture {
        name: "llama",
        activation: Activation::Silu,
        sub_norms: false,
        head_norms: false,
        pairs: RotaryPairs::Neighbours,
        frequency_factors: true,
    },
    Architecture {
        name: "qwen3",
        activation: Activation::Silu,
        sub_norms: false,
        head_norms: true,
        pairs: RotaryPairs::Halves,
        frequency_factors: false,
    },
];

impl Architecture {
    /// The architecture that the file names.
    pub fn read(metadata: &Metadata) -> Result<Self> {
        let found = metadata.text("general.architecture")?;
        let known = ARCHITECTURES.into_iter().find(|a| a.name == found);
        known.ok_or_else(|| {
            let [a, b, c, d, e] = ARCHITECTURES.map(|a| a.name);
            Error::Unsupported(format!(
                "key `general.architecture` is `{found}`{}; `{a}`, `{b}`, `{c}`, `{d}` and `{e}` \
                 are supported",
                refusals::architecture_note(found)
            ))
        })
    }
}
