//! The supported architectures and their differences.

use std::fmt;

/// The model family, from the key `general.architecture`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// `bitnet-b1.58`: BitNet b1.58 2B4T and its relatives.
    BitnetB158,
    /// `bitnet-25`: the same model under an older name.
    Bitnet25,
    /// `bitnet`: the first BitNet b1.58 models, with SiLU.
    Bitnet,
    /// `llama`: Llama-shaped models with ternary projections, such as Falcon3-1.58bit.
    Llama,
    /// `qwen3`: Qwen3, and Bonsai with ternary weights.
    Qwen3,
}

/// The activation function of the FFN gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Activation {
    SquaredRelu,
    Silu,
}

/// Which elements of a head RoPE rotates as a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopePairs {
    /// Elements j and j + rope_dim / 2.
    Halves,
    /// Elements 2j and 2j + 1.
    Neighbours,
}

impl Architecture {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::BitnetB158,
        Self::Bitnet25,
        Self::Bitnet,
        Self::Llama,
        Self::Qwen3,
    ];

    /// Its name in files, and the prefix of its keys.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BitnetB158 => "bitnet-b1.58",
            Self::Bitnet25 => "bitnet-25",
            Self::Bitnet => "bitnet",
            Self::Llama => "llama",
            Self::Qwen3 => "qwen3",
        }
    }

    /// The architecture called `name`, if it is supported.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.as_str() == name)
    }

    /// The activation function of the FFN gate.
    pub fn activation(self) -> Activation {
        match self {
            Self::BitnetB158 | Self::Bitnet25 => Activation::SquaredRelu,
            Self::Bitnet | Self::Llama | Self::Qwen3 => Activation::Silu,
        }
    }

    /// Whether attention and FFN have a sub-norm before their last projection.
    pub fn has_sub_norms(self) -> bool {
        !matches!(self, Self::Llama | Self::Qwen3)
    }

    /// Whether each head of queries and keys is normalized before RoPE.
    pub fn has_head_norms(self) -> bool {
        self == Self::Qwen3
    }

    /// Which elements RoPE rotates as a pair. Converters of the Llama family reorder the rows of
    /// the query and key projections so that pairs are neighbours.
    pub fn rope_pairs(self) -> RopePairs {
        match self {
            Self::Llama => RopePairs::Neighbours,
            _ => RopePairs::Halves,
        }
    }

    /// Whether a file may have the tensor `rope_freqs.weight`.
    pub fn allows_rope_factors(self) -> bool {
        self == Self::Llama
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
