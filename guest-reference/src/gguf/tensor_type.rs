//! Element types: their numbers in files, their names, and the bytes that they take.

use core::fmt;

/// The number that two layouts of Q2_0 share.
pub const Q2_0_ID: u32 = 42;

/// An element type whose size is known, or the number of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TensorType {
    F32,
    F16,
    Bf16,
    Q8_0,
    Q4K,
    Q6K,
    Tq1_0,
    Tq2_0,
    I2s,
    /// Blocks of 64 weights.
    Q2_0,
    /// Blocks of 128 weights under the number of Q2_0, as written before it was standardized.
    Q2_0Of128,
    Pq2_0,
    Ptq1_0,
    Other(u32),
}

/// Type, number, name, weights of a block and bytes of a block.
type Row = (TensorType, u32, &'static str, u64, u64);

const SIZED: [Row; 13] = [
    (TensorType::F32, 0, "F32", 1, 4),
    (TensorType::F16, 1, "F16", 1, 2),
    (TensorType::Q8_0, 8, "Q8_0", 32, 34),
    (TensorType::Q4K, 12, "Q4_K", 256, 144),
    (TensorType::Q6K, 14, "Q6_K", 256, 210),
    (TensorType::Bf16, 30, "BF16", 1, 2),
    (TensorType::Tq1_0, 34, "TQ1_0", 256, 54),
    (TensorType::Tq2_0, 35, "TQ2_0", 256, 66),
    (TensorType::I2s, 36, "I2_S", 4, 1),
    (TensorType::Q2_0, Q2_0_ID, "Q2_0", 64, 18),
    (
        TensorType::Q2_0Of128,
        Q2_0_ID,
        "Q2_0 in blocks of 128",
        128,
        34,
    ),
    (TensorType::Pq2_0, 142, "PQ2_0", 128, 34),
    (TensorType::Ptq1_0, 143, "PTQ1_0", 128, 28),
];

/// Names of types that are refused wherever they occur; both, where two programs use one number.
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

/// Bytes after the codes of an I2_S tensor.
const I2S_TRAILER: u64 = 32;

impl TensorType {
    /// The type with this number. 42 is taken for blocks of 64 until the file has been looked at.
    pub fn from_id(id: u32) -> Self {
        let row = SIZED.iter().find(|row| row.1 == id);
        row.map_or(Self::Other(id), |row| row.0)
    }

    fn row(self) -> Option<&'static Row> {
        SIZED.iter().find(|row| row.0 == self)
    }

    /// The number in the file.
    pub fn id(self) -> u32 {
        match self {
            Self::Other(id) => id,
            known => known.row().map_or(0, |row| row.1),
        }
    }

    /// Weights of a block; none is known for a type that is always refused.
    pub fn block_weights(self) -> Option<u64> {
        self.row().map(|row| row.3)
    }

    /// Bytes of a tensor of whole blocks. `None`: the size is unknown or passes 2^64.
    pub fn bytes(self, elements: u64) -> Option<u64> {
        let (.., weights, bytes) = self.row()?;
        let blocks = (elements / weights).checked_mul(*bytes)?;
        match self {
            Self::I2s => blocks.checked_add(I2S_TRAILER),
            _ => Some(blocks),
        }
    }
}

impl fmt::Display for TensorType {
    /// Number and name, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let foreign = FOREIGN.iter().find(|(id, _)| *id == self.id());
        let known = self.row().map(|row| row.2);
        let name = known.or(foreign.map(|(_, name)| *name));
        write!(f, "type {} ({})", self.id(), name.unwrap_or("unknown"))
    }
}
