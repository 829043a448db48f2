//! The element type of the KV cache.

use super::DenseType;

/// Element type of the KV cache. It affects the result, so it is part of the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KvType {
    /// Keys and values as computed.
    F32,
    /// Keys and values rounded to half precision.
    #[default]
    F16,
}

impl KvType {
    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        self.dense_type().row_bytes(1)
    }

    /// The same type for dense rows.
    pub fn dense_type(self) -> DenseType {
        match self {
            Self::F32 => DenseType::F32,
            Self::F16 => DenseType::F16,
        }
    }
}
