//! Where the tensors of a file lie. They follow one another without gaps, as ggml's own reader requires, so
//! a layout that is taken for another one shows: it leaves bytes that belong to no tensor.

use std::ops::Range;

use super::{
    GgufError, TensorType,
    tensor_info::{RawInfo, TensorInfo},
};

/// The part of a file behind its header.
#[derive(Clone, Copy)]
pub(super) struct DataSection {
    /// Its offset in the file.
    pub(super) start: u64,
    /// Of every tensor in it.
    pub(super) alignment: u64,
    /// Bytes of the file.
    pub(super) file_len: u64,
}

/// The two layouts of type 42.
const Q2_0_READINGS: [TensorType; 2] = [TensorType::Q2_0, TensorType::Q2_0G128];

/// Resolves tensors to byte ranges of the file.
///
/// # Errors
/// They are not contiguous, or do not end with the file. Type 42: not with exactly one of its layouts.
pub(super) fn place(infos: &[RawInfo], section: DataSection) -> Result<Vec<TensorInfo>, GgufError> {
    for info in infos {
        info.n_elements()?;
        info.check_offset(section.alignment)?;
    }
    let types = || infos.iter().map(|info| TensorType::from_id(info.type_id));
    // The size of an unknown type is not known. Binding the model refuses it by name.
    if types().any(|t| matches!(t, TensorType::Other(_))) {
        return resolve(infos, TensorType::Q2_0, section);
    }
    let contiguous = |q2_0| {
        let tensors = resolve(infos, q2_0, section)?;
        check_contiguous(&tensors, section)?;
        Ok::<_, GgufError>(tensors)
    };
    if !types().any(|t| t == TensorType::Q2_0) {
        return contiguous(TensorType::Q2_0);
    }
    let what = "tensors of type 42 (Q2_0)";
    let layouts = "blocks of 64 weights in 18 bytes, or blocks of 128 in 34";
    match Q2_0_READINGS.map(contiguous) {
        [Ok(tensors), Err(_)] | [Err(_), Ok(tensors)] => Ok(tensors),
        [Ok(_), Ok(_)] => Err(GgufError::invalid(
            what,
            "a file that both layouts fit",
            format_args!("a file that only one fits: {layouts}"),
        )),
        [Err(g64), Err(g128)] => Err(GgufError::invalid(
            what,
            format_args!("a file that neither layout fits ({g64}; {g128})"),
            layouts,
        )),
    }
}

fn resolve(
    infos: &[RawInfo],
    q2_0: TensorType,
    section: DataSection,
) -> Result<Vec<TensorInfo>, GgufError> {
    let resolved = infos.iter().map(|info| {
        let tensor_type = match TensorType::from_id(info.type_id) {
            TensorType::Q2_0 => q2_0,
            other => other,
        };
        resolve_one(info, tensor_type, section)
    });
    resolved.collect()
}

fn resolve_one(
    info: &RawInfo,
    tensor_type: TensorType,
    section: DataSection,
) -> Result<TensorInfo, GgufError> {
    let RawInfo { name, dims, .. } = info;
    let block_len = tensor_type.block_len();
    if !dims[0].is_multiple_of(block_len) {
        return Err(GgufError::invalid(
            format!("row length of tensor {name} ({tensor_type})"),
            dims[0],
            format_args!("a multiple of {block_len}"),
        ));
    }
    let n_bytes = tensor_type.n_bytes(info.n_elements()?);
    let bytes = byte_range(section, info.offset, n_bytes).ok_or_else(|| {
        GgufError::invalid(
            format!("tensor {name}"),
            format_args!(
                "{n_bytes} bytes at offset {} of the data section",
                info.offset
            ),
            format_args!(
                "a range inside the {} bytes of the file (is it truncated?)",
                section.file_len
            ),
        )
    })?;
    Ok(TensorInfo {
        name: name.clone(),
        dims: dims.clone(),
        tensor_type,
        bytes,
    })
}

fn byte_range(section: DataSection, offset: u64, n_bytes: u64) -> Option<Range<u64>> {
    let start = section.start.checked_add(offset)?;
    let end = start.checked_add(n_bytes)?;
    (end <= section.file_len).then_some(start..end)
}

/// Checks that every tensor starts where the one before it ends, and the file ends with the last, padding
/// to the alignment apart.
fn check_contiguous(tensors: &[TensorInfo], section: DataSection) -> Result<(), GgufError> {
    let mut by_start: Vec<&TensorInfo> = tensors.iter().collect();
    by_start.sort_by_key(|t| (t.bytes.start, t.bytes.end));
    let mut expected = section.start;
    let mut before = "the header";
    for tensor in by_start {
        if tensor.bytes.start != expected {
            let found = match tensor.bytes.start < expected {
                true => format!("bytes that overlap {before}"),
                false => format!("a gap after {before}, bytes that belong to no tensor"),
            };
            return Err(GgufError::invalid(
                format!("tensor {}", tensor.name),
                format_args!(
                    "{found}: it starts at offset {} of the data section",
                    tensor.bytes.start - section.start
                ),
                format_args!("offset {}", expected - section.start),
            ));
        }
        // Offsets are multiples of the alignment, and so is the start of the section.
        expected = tensor
            .bytes
            .end
            .checked_next_multiple_of(section.alignment)
            .unwrap_or(tensor.bytes.end);
        before = &tensor.name;
    }
    match section.file_len.checked_sub(expected) {
        None | Some(0) => Ok(()),
        Some(rest) => Err(GgufError::invalid(
            "end of the file",
            format_args!("{rest} bytes after {before} that belong to no tensor"),
            "none: a file ends with its last tensor",
        )),
    }
}
