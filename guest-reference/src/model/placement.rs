//! Tensors must lie inside the file and must not share bytes.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::tensors::FileRange;
use crate::error::{Error, Result};

/// A tensor's name and the bytes of the file that it takes.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Tensor name.
    pub name: String,
    /// Bytes of the file.
    pub range: FileRange,
}

/// Checks every tensor against the file's size and against the tensor before it.
pub fn check(mut placed: Vec<Placed>, data_offset: u64, file_len: u64) -> Result<()> {
    placed.sort_unstable_by_key(|tensor| tensor.range.offset);
    let mut end_so_far = data_offset;
    let mut previous = "the header";
    for Placed { name, range } in &placed {
        let end = range.offset.checked_add(range.len);
        let Some(end) = end.filter(|&end| end <= file_len) else {
            return Err(Error::Malformed(format!(
                "tensor `{name}`: {} bytes at byte {} pass the end of the file at {file_len}",
                range.len, range.offset
            )));
        };
        if range.offset < end_so_far {
            return Err(Error::Malformed(format!(
                "tensor `{name}` starts at byte {}, inside {previous}, which ends at {end_so_far}",
                range.offset
            )));
        }
        (end_so_far, previous) = (end, name);
    }
    Ok(())
}
