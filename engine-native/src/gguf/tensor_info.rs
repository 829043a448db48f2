//! One tensor: as its info describes it, and as a byte range of the file.

use std::ops::Range;

use super::{GgufError, TensorType};

/// One tensor of the file.
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// Name, unique in the file.
    pub name: String,
    /// Dimensions, fastest-varying first: a weight of shape `[rows, cols]` has `[cols, rows]`.
    pub dims: Vec<u64>,
    /// Element type.
    pub tensor_type: TensorType,
    /// Byte range in the file; empty for unknown types.
    pub bytes: Range<u64>,
}

impl TensorInfo {
    /// Its number of bytes.
    pub fn n_bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }

    /// Its byte range in a file that is in memory.
    #[cfg(feature = "run")]
    pub fn in_memory(&self) -> Range<usize> {
        self.bytes.start as usize..self.bytes.end as usize
    }

    /// Number of elements.
    pub fn n_elements(&self) -> u64 {
        self.dims.iter().product()
    }

    /// Elements of one row.
    pub fn n_cols(&self) -> u64 {
        self.dims[0]
    }

    /// Number of rows.
    pub fn n_rows(&self) -> u64 {
        self.dims[1..].iter().product()
    }
}

const MAX_ELEMENTS: u64 = 1 << 61;

/// A tensor as the file describes it.
pub(super) struct RawInfo {
    pub(super) name: String,
    pub(super) dims: Vec<u64>,
    pub(super) type_id: u32,
    /// In the data section.
    pub(super) offset: u64,
}

impl RawInfo {
    /// The number of elements, at most 2⁶¹.
    pub(super) fn n_elements(&self) -> Result<u64, GgufError> {
        let n = self
            .dims
            .iter()
            .try_fold(1u64, |n, &dim| n.checked_mul(dim));
        n.filter(|&n| n > 0 && n <= MAX_ELEMENTS).ok_or_else(|| {
            GgufError::invalid(
                format!("shape of tensor {}", self.name),
                format_args!("{:?}", self.dims),
                "positive dimensions with a product of at most 2^61",
            )
        })
    }

    pub(super) fn check_offset(&self, alignment: u64) -> Result<(), GgufError> {
        match self.offset.is_multiple_of(alignment) {
            true => Ok(()),
            false => Err(GgufError::invalid(
                format!("offset of tensor {}", self.name),
                self.offset,
                format_args!("a multiple of {alignment}"),
            )),
        }
    }
}
