//! Element types of GGUF tensors and their sizes.
//!
//! Layouts: `guest-reference/NUMERICS.md`, section 4, after ggml's definitions.

use std::fmt;

/// An element type that this engine knows, or the id of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum TensorType {
    F32,
    F16,
    /// The upper half of an F32.
    Bf16,
    Q8_0,
    Q4K,
    Q6K,
    /// Ternary, 5 trits a byte, blocks of 256 with an F16 scale.
    Tq1_0,
    /// Ternary, 4 codes a byte, blocks of 256 with an F16 scale.
    Tq2_0,
    /// Ternary, 4 codes a byte, one F32 scale per tensor.
    I2S,
    /// Ternary, 4 codes a byte, blocks of 64 with an F16 scale.
    Q2_0,
    /// The same in blocks of 128, under the id of Q2_0: files from before it was standardized.
    Q2_0G128,
    /// The same in blocks of 128, under an id of its own.
    Pq2_0,
    /// Ternary, 5 trits a byte, blocks of 128 with an F16 scale.
    Ptq1_0,
    Other(u32),
}

/// Id, name, elements and bytes of a block.
type Row = (TensorType, u32, &'static str, u64, u64);

const TYPES: [Row; 13] = [
    (TensorType::F32, 0, "F32", 1, 4),
    (TensorType::F16, 1, "F16", 1, 2),
    (TensorType::Bf16, 30, "BF16", 1, 2),
    (TensorType::Q8_0, 8, "Q8_0", 32, 34),
    (TensorType::Q4K, 12, "Q4_K", 256, 144),
    (TensorType::Q6K, 14, "Q6_K", 256, 210),
    (TensorType::Tq1_0, 34, "TQ1_0", 256, 54),
    (TensorType::Tq2_0, 35, "TQ2_0", 256, 66),
    (TensorType::I2S, 36, "I2_S", 4, 1),
    (TensorType::Q2_0, 42, "Q2_0", 64, 18),
    (TensorType::Q2_0G128, 42, "Q2_0_g128", 128, 34),
    (TensorType::Pq2_0, 142, "PQ2_0", 128, 34),
    (TensorType::Ptq1_0, 143, "PTQ1_0", 128, 28),
];

/// Names of types that are not supported, for messages. Where two programs use one id, both are named.
/// Sources: `ggml.h` of llama.cpp, bitnet.cpp and ik_llama.cpp.
const FOREIGN: [(u32, &str); 38] = [
    (2, "Q4_0"),
    (3, "Q4_1"),
    (6, "Q5_0"),
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (13, "Q5_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (37, "I8_S of bitnet.cpp, IQ4_NL_4_8 of old llama.cpp"),
    (38, "TL1 of bitnet.cpp, IQ4_NL_8_8 of old llama.cpp"),
    (39, "TL2 of bitnet.cpp, MXFP4 of llama.cpp"),
    (40, "NVFP4"),
    (41, "Q1_0"),
    (133, "Q6_0"),
    (134, "IQ1_BN"),
    (135, "IQ2_BN"),
    (136, "Q8_K64"),
    (137, "IQ2_K"),
    (138, "IQ3_K"),
    (139, "IQ4_K"),
];

impl TensorType {
    /// Bytes after the codes of an I2_S tensor: an f32 scale and 28 unused bytes.
    pub const I2S_TRAILER_BYTES: usize = 32;

    /// The type with this id. 42 is Q2_0 until the placement of the tensors shows which layout it means.
    pub(super) fn from_id(id: u32) -> Self {
        let row = TYPES.iter().find(|row| row.1 == id);
        row.map_or(Self::Other(id), |row| row.0)
    }

    /// What to do with a file of this type, behind the types that are supported.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Other(38 | 39) => {
                "; TL1 and TL2 depend on the build that packed them: convert the original model to I2_S"
            }
            Self::Other(134 | 135) => "; convert the original model to I2_S, TQ1_0 or TQ2_0",
            Self::Other(41) => "; Q1_0 has no zeros, so its models are binary, not ternary",
            _ => "",
        }
    }

    fn row(self) -> Option<&'static Row> {
        TYPES.iter().find(|row| row.0 == self)
    }

    /// Row lengths are a multiple of this.
    pub(super) fn block_len(self) -> u64 {
        self.row().map_or(1, |row| row.3)
    }

    /// Bytes of a tensor of whole blocks; at most 2⁶¹ elements, so that nothing overflows. 0 for an
    /// unknown type, which is rejected by name when the model binds the tensor.
    pub(super) fn n_bytes(self, n_elements: u64) -> u64 {
        let trailer = match self {
            Self::I2S => Self::I2S_TRAILER_BYTES as u64,
            _ => 0,
        };
        let blocks = |row: &Row| n_elements / row.3 * row.4;
        self.row().map_or(0, blocks) + trailer
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if let Some(row) = self.row() {
            return f.write_str(row.2);
        }
        let Self::Other(id) = self else { return Ok(()) };
        match FOREIGN.iter().find(|foreign| foreign.0 == *id) {
            Some((_, name)) => write!(f, "{name} (type {id})"),
            None => write!(f, "type {id}"),
        }
    }
}
