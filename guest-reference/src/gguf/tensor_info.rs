//! Tensor infos: name, dimensions, type and place of every tensor in the data section.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::TensorType;
use super::cursor::{Cursor, Stop, malformed};
use crate::error::{Error, Result};

/// Longest tensor name in bytes.
const MAX_NAME_BYTES: u64 = 64;

/// Most dimensions of a tensor.
const MAX_DIMS: u32 = 4;

/// One entry of the tensor table, as the file states it.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    /// Dimensions, the fastest varying first: a matrix of `[rows, cols]` reads `[cols, rows]`.
    pub dims: Vec<u64>,
    /// Element type.
    pub tensor_type: TensorType,
    /// Byte offset from the start of the data section.
    pub offset: u64,
}

impl TensorInfo {
    /// Number of elements.
    pub fn elements(&self, name: &str) -> Result<u64> {
        let product = self.dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        product.ok_or_else(|| {
            Error::Malformed(format!(
                "tensor `{name}`: dimensions {:?} multiply past 2^64",
                self.dims
            ))
        })
    }

    /// Bytes of the tensor: whole blocks, and what its type puts after them.
    pub fn bytes(&self, name: &str) -> Result<u64> {
        let weights = self.tensor_type.block_weights().unwrap_or(1);
        if !self.dims[0].is_multiple_of(weights) {
            return Err(Error::Malformed(format!(
                "tensor `{name}`: {} columns of {}; a multiple of {weights} is required",
                self.dims[0], self.tensor_type
            )));
        }
        let bytes = self.tensor_type.bytes(self.elements(name)?);
        bytes.ok_or_else(|| {
            Error::Malformed(format!(
                "tensor `{name}`: dimensions {:?} take more than 2^64 bytes",
                self.dims
            ))
        })
    }
}

/// Reads `count` tensor infos, no name twice.
pub fn read_all(
    cursor: &mut Cursor<'_>,
    count: u64,
    alignment: u64,
) -> Result<BTreeMap<String, TensorInfo>, Stop> {
    let mut tensors = BTreeMap::new();
    for _ in 0..count {
        let name = cursor.string("tensor name", MAX_NAME_BYTES)?;
        let info = read_info(cursor, &name, alignment)?;
        if tensors.contains_key(&name) {
            return Err(malformed(format!("tensor `{name}` occurs twice")));
        }
        tensors.insert(name, info);
    }
    Ok(tensors)
}

fn read_info(cursor: &mut Cursor<'_>, name: &str, alignment: u64) -> Result<TensorInfo, Stop> {
    let dims = read_dims(cursor, name)?;
    let tensor_type = TensorType::from_id(cursor.u32("tensor type")?);
    let offset = cursor.u64("tensor offset")?;
    if !offset.is_multiple_of(alignment) {
        return Err(malformed(format!(
            "tensor `{name}`: offset {offset} is not a multiple of the alignment {alignment}"
        )));
    }
    Ok(TensorInfo {
        dims,
        tensor_type,
        offset,
    })
}

fn read_dims(cursor: &mut Cursor<'_>, name: &str) -> Result<Vec<u64>, Stop> {
    let n_dims = cursor.u32("number of dimensions")?;
    if !(1..=MAX_DIMS).contains(&n_dims) {
        return Err(malformed(format!(
            "tensor `{name}`: {n_dims} dimensions; 1 to {MAX_DIMS} are allowed"
        )));
    }
    let mut dims = Vec::new();
    for i in 0..n_dims {
        let dim = cursor.u64("dimension")?;
        if dim == 0 {
            return Err(malformed(format!(
                "tensor `{name}`: dimension {i} is 0; at least 1 is required"
            )));
        }
        dims.push(dim);
    }
    Ok(dims)
}
