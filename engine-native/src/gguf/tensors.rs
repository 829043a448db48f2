//! The tensor-info section of a GGUF header, resolved to byte ranges of the file.

use std::{collections::BTreeSet, ops::Range};

use super::{GgufError, Metadata, TensorType, caps, cursor::Cursor};

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

struct RawInfo {
    name: String,
    dims: Vec<u64>,
    type_id: u32,
    offset: u64,
}

pub(super) fn read(
    cursor: &mut Cursor,
    n_tensors: u64,
    metadata: &Metadata,
    file_len: u64,
) -> Result<Vec<TensorInfo>, GgufError> {
    let alignment = alignment(metadata)?;
    let raw = (0..n_tensors)
        .map(|index| read_info(cursor, index))
        .collect::<Result<Vec<_>, _>>()?;
    check_unique(&raw)?;
    let data_start = (cursor.position() as u64).next_multiple_of(alignment);
    let tensors = raw
        .into_iter()
        .map(|info| resolve(info, data_start, alignment, file_len))
        .collect::<Result<Vec<_>, _>>()?;
    check_disjoint(&tensors)?;
    Ok(tensors)
}

fn alignment(metadata: &Metadata) -> Result<u64, GgufError> {
    let key = "general.alignment";
    match metadata.unsigned(key)?.unwrap_or(32) {
        n if n.is_power_of_two() && (8..=caps::ALIGNMENT).contains(&n) => Ok(n),
        found => Err(GgufError::invalid(
            key,
            found,
            format_args!("a power of two from 8 to {}", caps::ALIGNMENT),
        )),
    }
}

fn read_info(cursor: &mut Cursor, index: u64) -> Result<RawInfo, GgufError> {
    let name = cursor
        .string(&format!("name of tensor {index}"), caps::NAME_BYTES)?
        .to_owned();
    let n_dims = cursor.u32(&name)?;
    if n_dims == 0 || n_dims > caps::DIMS {
        return Err(GgufError::invalid(
            format!("dimensions of tensor {name}"),
            n_dims,
            format_args!("1 to {}", caps::DIMS),
        ));
    }
    let dims = (0..n_dims)
        .map(|_| cursor.u64(&name))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RawInfo {
        type_id: cursor.u32(&name)?,
        offset: cursor.u64(&name)?,
        name,
        dims,
    })
}

fn check_unique(infos: &[RawInfo]) -> Result<(), GgufError> {
    let mut seen = BTreeSet::new();
    match infos.iter().find(|info| !seen.insert(&info.name)) {
        None => Ok(()),
        Some(info) => Err(GgufError::Duplicate {
            what: format!("tensor {}", info.name),
        }),
    }
}

fn resolve(
    info: RawInfo,
    data_start: u64,
    alignment: u64,
    file_len: u64,
) -> Result<TensorInfo, GgufError> {
    let RawInfo {
        name,
        dims,
        type_id,
        offset,
    } = info;
    let n_elements = dims
        .iter()
        .try_fold(1u64, |n, &dim| n.checked_mul(dim))
        .filter(|&n| n > 0 && n <= MAX_ELEMENTS)
        .ok_or_else(|| {
            GgufError::invalid(
                format!("shape of tensor {name}"),
                format_args!("{dims:?}"),
                "positive dimensions with a product of at most 2^61",
            )
        })?;
    if !offset.is_multiple_of(alignment) {
        return Err(GgufError::invalid(
            format!("offset of tensor {name}"),
            offset,
            format_args!("a multiple of {alignment}"),
        ));
    }
    let tensor_type = TensorType::from_id(type_id);
    let block_len = tensor_type.block_len();
    if !dims[0].is_multiple_of(block_len) {
        return Err(GgufError::invalid(
            format!("row length of tensor {name} ({tensor_type})"),
            dims[0],
            format_args!("a multiple of {block_len}"),
        ));
    }
    let n_bytes = tensor_type.n_bytes(n_elements);
    let bytes = byte_range(data_start, offset, n_bytes, file_len).ok_or_else(|| {
        GgufError::invalid(
            format!("tensor {name}"),
            format_args!("{n_bytes} bytes at offset {offset} of the data section"),
            format_args!("a range inside the {file_len} bytes of the file (is it truncated?)"),
        )
    })?;
    Ok(TensorInfo {
        name,
        dims,
        tensor_type,
        bytes,
    })
}

fn byte_range(data_start: u64, offset: u64, n_bytes: u64, file_len: u64) -> Option<Range<u64>> {
    let start = data_start.checked_add(offset)?;
    let end = start.checked_add(n_bytes)?;
    (end <= file_len).then_some(start..end)
}

fn check_disjoint(tensors: &[TensorInfo]) -> Result<(), GgufError> {
    let mut by_start: Vec<&TensorInfo> = tensors.iter().collect();
    by_start.sort_by_key(|t| (t.bytes.start, t.bytes.end));
    for pair in by_start.windows(2) {
        if pair[1].bytes.start < pair[0].bytes.end {
            return Err(GgufError::invalid(
                format!("tensor {}", pair[1].name),
                format_args!("bytes that overlap tensor {}", pair[0].name),
                "tensors that do not overlap",
            ));
        }
    }
    Ok(())
}
