//! The names of kernels and instruction sets in ledgers and receipts.

use crate::model::{DenseType, MatrixType};

macro_rules! named {
    ($(#[$enum_doc:meta])* $enum:ident { $($(#[$doc:meta])* $variant:ident $name:literal,)* }) => {
        $(#[$enum_doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $enum {
            $($(#[$doc])* $variant,)*
        }

        impl $enum {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its part of a kernel id.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

named! {
    /// The instruction set that a kernel is written for: the second half of a kernel id.
    Isa {
        /// Portable Rust.
        Scalar "scalar",
        /// x86-64 AVX2 with F16C, without FMA.
        Avx2 "avx2",
        /// x86-64 AVX2 with AVX-VNNI.
        AvxVnni "avx_vnni",
        /// x86-64 AVX-512 F, BW, DQ and VL with AVX-512 VNNI.
        Avx512Vnni "avx512_vnni",
        /// x86-64 AMX-INT8 tiles, with AVX-512 VNNI.
        Amx "amx",
    }
}

named! {
    /// What a kernel computes: the first half of a kernel id.
    KernelName {
        /// F32 embedding row.
        EmbeddingRowF32 "embedding_row_f32",
        /// F16 embedding row.
        EmbeddingRowF16 "embedding_row_f16",
        /// BF16 embedding row.
        EmbeddingRowBf16 "embedding_row_bf16",
        /// Q8_0 embedding row.
        EmbeddingRowQ8_0 "embedding_row_q8_0",
        /// Q6_K embedding row.
        EmbeddingRowQ6K "embedding_row_q6_k",
        /// Q4_K embedding row.
        EmbeddingRowQ4K "embedding_row_q4_k",
        /// Grouped ternary embedding row.
        EmbeddingRowGrouped "embedding_row_grouped",
        /// RMSNorm.
        RmsNorm "rms_norm",
        /// Activation quantization.
        ActivationQuantize "activation_quantize",
        /// Activation quantization in blocks.
        BlockQuantize "block_quantize",
        /// Packed ternary matrix times one position.
        I2sGemv "i2s_gemv",
        /// Packed ternary matrix times several positions.
        I2sGemm "i2s_gemm",
        /// Grouped ternary matrix times one position.
        GroupedGemv "grouped_gemv",
        /// Grouped ternary matrix times several positions.
        GroupedGemm "grouped_gemm",
        /// RoPE.
        RopeApply "rope_apply",
        /// KV cache store, F32.
        KvStoreF32 "kv_store_f32",
        /// KV cache store, F16.
        KvStoreF16 "kv_store_f16",
        /// Attention scores over F32 keys.
        AttentionScoresF32 "attention_scores_f32",
        /// Attention scores over F16 keys.
        AttentionScoresF16 "attention_scores_f16",
        /// Softmax.
        SoftmaxInplace "softmax_inplace",
        /// Weighted sum of F32 values.
        AttentionValuesF32 "attention_values_f32",
        /// Weighted sum of F16 values.
        AttentionValuesF16 "attention_values_f16",
        /// Squared ReLU times up.
        SquaredReluMul "squared_relu_mul",
        /// SiLU times up.
        SiluMul "silu_mul",
        /// Residual addition.
        ResidualAdd "residual_add",
        /// Low-bit copy of an output matrix times one position.
        OutputScreen "output_screen",
        /// Two more bits of some rows of that copy times one position.
        OutputRefine "output_refine",
        /// F32 output matrix times one position.
        OutputGemvF32 "output_gemv_f32",
        /// F16 output matrix times one position.
        OutputGemvF16 "output_gemv_f16",
        /// BF16 output matrix times one position.
        OutputGemvBf16 "output_gemv_bf16",
        /// Q8_0 output matrix times one position.
        OutputGemvQ8_0 "output_gemv_q8_0",
        /// Q6_K output matrix times one position.
        OutputGemvQ6K "output_gemv_q6_k",
        /// Q4_K output matrix times one position.
        OutputGemvQ4K "output_gemv_q4_k",
        /// Greedy choice.
        Argmax "argmax",
    }
}

impl Isa {
    /// The ISA whose kernels are used where this one has none; `None` for the scalar kernels.
    pub fn base(self) -> Option<Self> {
        match self {
            Self::Scalar => None,
            Self::Avx2 => Some(Self::Scalar),
            Self::AvxVnni | Self::Avx512Vnni => Some(Self::Avx2),
            Self::Amx => Some(Self::Avx512Vnni),
        }
    }

    /// Whether kernels of `other` may run when this ISA was chosen. The SIMD ISAs never need scalar
    /// kernels.
    pub fn runs(self, other: Self) -> bool {
        let bases = std::iter::successors(Some(self), |isa| isa.base());
        bases
            .take_while(|&isa| isa == self || isa != Self::Scalar)
            .any(|isa| isa == other)
    }

    /// Its name as a setting, on the command line and in receipts.
    pub fn option_name(self) -> &'static str {
        match self {
            Self::AvxVnni => "avx-vnni",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Scalar | Self::Avx2 | Self::Amx => self.as_str(),
        }
    }

    /// The CPU features it needs, for messages.
    pub fn needs(self) -> &'static str {
        match self {
            Self::Scalar => "nothing",
            Self::Avx2 => "AVX2 and F16C",
            Self::AvxVnni => "AVX-VNNI, AVX2 and F16C",
            Self::Avx512Vnni => "AVX-512 F, BW, DQ, VL and VNNI",
            Self::Amx => "AMX-INT8, permitted by the system, and AVX-512 VNNI",
        }
    }
}

/// The choice of kernels, as a user makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KernelChoice {
    /// The fastest ISA of this CPU.
    #[default]
    Auto,
    /// This ISA; an error if the CPU does not have it.
    Only(Isa),
}

impl KernelName {
    /// Splits a kernel id into its two halves; `None` if there is no such kernel.
    pub fn parse_id(id: &str) -> Option<(Self, Isa)> {
        Isa::ALL.iter().find_map(|&isa| {
            let name = id.strip_suffix(isa.as_str())?.strip_suffix('_')?;
            let name = Self::ALL.iter().find(|n| n.as_str() == name)?;
            Some((*name, isa))
        })
    }

    /// The kernel for embedding rows of a type.
    pub fn embedding_row(dense_type: DenseType) -> Self {
        match dense_type {
            DenseType::F32 => Self::EmbeddingRowF32,
            DenseType::F16 => Self::EmbeddingRowF16,
            DenseType::Bf16 => Self::EmbeddingRowBf16,
            DenseType::Q8_0 => Self::EmbeddingRowQ8_0,
            DenseType::Q6K => Self::EmbeddingRowQ6K,
            DenseType::Q4K => Self::EmbeddingRowQ4K,
        }
    }

    /// The kernel for output matrices of a type.
    pub fn output_gemv(dense_type: DenseType) -> Self {
        match dense_type {
            DenseType::F32 => Self::OutputGemvF32,
            DenseType::F16 => Self::OutputGemvF16,
            DenseType::Bf16 => Self::OutputGemvBf16,
            DenseType::Q8_0 => Self::OutputGemvQ8_0,
            DenseType::Q6K => Self::OutputGemvQ6K,
            DenseType::Q4K => Self::OutputGemvQ4K,
        }
    }

    /// The kernel for rows of an embedding of a type.
    pub fn embedding(matrix_type: MatrixType) -> Self {
        match matrix_type {
            MatrixType::Dense(dense_type) => Self::embedding_row(dense_type),
            MatrixType::Grouped(_) => Self::EmbeddingRowGrouped,
        }
    }

    /// The kernel for an output matrix of a type.
    pub fn output(matrix_type: MatrixType) -> Self {
        match matrix_type {
            MatrixType::Dense(dense_type) => Self::output_gemv(dense_type),
            MatrixType::Grouped(_) => Self::GroupedGemv,
        }
    }

    /// The kernel that stores in a KV cache of a type.
    pub fn kv_store(cache_type: DenseType) -> Self {
        match cache_type {
            DenseType::F32 => Self::KvStoreF32,
            DenseType::F16 => Self::KvStoreF16,
            _ => panic!("{OTHER_CACHE}"),
        }
    }

    /// The kernel for attention scores over keys of a type.
    pub fn attention_scores(cache_type: DenseType) -> Self {
        match cache_type {
            DenseType::F32 => Self::AttentionScoresF32,
            DenseType::F16 => Self::AttentionScoresF16,
            _ => panic!("{OTHER_CACHE}"),
        }
    }

    /// The kernel for weighted sums of values of a type.
    pub fn attention_values(cache_type: DenseType) -> Self {
        match cache_type {
            DenseType::F32 => Self::AttentionValuesF32,
            DenseType::F16 => Self::AttentionValuesF16,
            _ => panic!("{OTHER_CACHE}"),
        }
    }
}

const OTHER_CACHE: &str = "the KV cache holds F32 or F16";
