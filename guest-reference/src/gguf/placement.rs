//! Tensors follow one another without gaps, as ggml's own reader requires.
//!
//! A type whose size is misjudged then cannot pass for another one: its tensors would leave gaps or
//! bytes behind the last of them. So the file itself says which of two layouts the number 42 means.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::TensorInfo;
use super::tensor_type::{Q2_0_ID, TensorType};
use crate::error::{Error, Result};

/// Where the tensors' bytes are.
#[derive(Clone, Copy)]
pub struct DataSection {
    /// First byte, from the start of the file.
    pub offset: u64,
    /// Alignment of every tensor.
    pub alignment: u64,
    /// Bytes of the whole file.
    pub file_len: u64,
}

/// Decides what type 42 means in this file: exactly one reading makes its tensors contiguous.
pub fn settle_q2_0(
    tensors: &mut BTreeMap<String, TensorInfo>,
    section: &DataSection,
) -> Result<()> {
    let is_q2_0 = |info: &TensorInfo| info.tensor_type.id() == Q2_0_ID;
    // A type of unknown size hides where the next tensor starts. The model refuses it by name.
    if !tensors.values().any(is_q2_0) || has_unknown_size(tensors) {
        return Ok(());
    }
    let mut read_as = |tensor_type: TensorType| {
        for info in tensors.values_mut().filter(|info| is_q2_0(info)) {
            info.tensor_type = tensor_type;
        }
        check(tensors, section)
    };
    let of_64 = read_as(TensorType::Q2_0);
    let of_128 = read_as(TensorType::Q2_0Of128);
    match (of_64, of_128) {
        (Err(_), Ok(())) => Ok(()),
        (Ok(()), Err(_)) => read_as(TensorType::Q2_0),
        (Ok(()), Ok(())) => Err(Error::Unsupported(
            "type 42 (Q2_0): both blocks of 64 weights in 18 bytes and blocks of 128 in 34 fit this \
             file, so it does not show which one it has"
                .into(),
        )),
        (Err(of_64), Err(of_128)) => Err(Error::Malformed(format!(
            "type 42 (Q2_0): neither reading fits this file. Blocks of 64 weights in 18 bytes: \
             {of_64}. Blocks of 128 in 34: {of_128}"
        ))),
    }
}

/// Checks that each tensor starts where the one before it ends, padding to the alignment apart, and
/// that the file ends with the last of them.
pub fn check(tensors: &BTreeMap<String, TensorInfo>, section: &DataSection) -> Result<()> {
    if has_unknown_size(tensors) {
        return Ok(());
    }
    let mut places = Vec::new();
    for (name, info) in tensors {
        places.push((info.offset, end_of(name, info, section)?, name));
    }
    places.sort();
    let (mut next, mut previous) = (0, "the header");
    for (offset, end, name) in places {
        if offset != next {
            return Err(misplaced(name, offset, next, previous));
        }
        next = end
            .checked_next_multiple_of(section.alignment)
            .unwrap_or(end);
        previous = name;
    }
    let data_len = section.file_len.saturating_sub(section.offset);
    if data_len > next {
        return Err(Error::Malformed(format!(
            "file: {} bytes after {previous} belong to no tensor; a file ends with its last tensor",
            data_len - next
        )));
    }
    Ok(())
}

/// Where the tensor ends in the data section, inside the file.
fn end_of(name: &str, info: &TensorInfo, section: &DataSection) -> Result<u64> {
    let len = info.bytes(name)?;
    let end = info.offset.checked_add(len);
    let inside = |&end: &u64| {
        let end = section.offset.checked_add(end);
        end.is_some_and(|end| end <= section.file_len)
    };
    end.filter(inside).ok_or_else(|| {
        Error::Malformed(format!(
            "tensor `{name}`: {len} bytes at byte {} of the data section pass the end of the file at \
             {}",
            info.offset, section.file_len
        ))
    })
}

fn has_unknown_size(tensors: &BTreeMap<String, TensorInfo>) -> bool {
    let mut types = tensors.values().map(|info| info.tensor_type);
    types.any(|tensor_type| tensor_type.block_weights().is_none())
}

fn misplaced(name: &str, offset: u64, next: u64, previous: &str) -> Error {
    let how = match offset < next {
        true => "shares bytes with",
        false => "leaves bytes that belong to no tensor after",
    };
    Error::Malformed(format!(
        "tensor `{name}` starts at byte {offset} of the data section and {how} {previous}; byte \
         {next} is required"
    ))
}
