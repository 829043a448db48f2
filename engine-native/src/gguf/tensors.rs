//! The tensor-info section of a GGUF header.

use std::collections::BTreeSet;

use super::{
    GgufError, Metadata, TensorInfo, caps,
    cursor::Cursor,
    placement::{self, DataSection},
    tensor_info::RawInfo,
};

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
    let section = DataSection {
        start: (cursor.position() as u64).next_multiple_of(alignment),
        alignment,
        file_len,
    };
    placement::place(&raw, section)
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
